//! A host in a directory: its /etc as it is after "Setting up a host", and a directory server.

use crate::maker::{Pair, Request};
use openssl::ssl::SslVersion;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;
use test_directory::{
    Directory, Identity, Options, SERVICE_ACCOUNT, SERVICE_PASSWORD, TestDirectory,
};

pub const DC: &str = "dc1.corp.example";

pub const NSSWITCH: &str =
    "passwd:         files systemd ldaps\ngroup:          files systemd ldaps\nshadow: files\n";
pub const COMMON_AUTH: &str = include_str!("../../../etc/pam.d/common-auth");
pub const COMMON_ACCOUNT: &str = include_str!("../../../etc/pam.d/common-account");
pub const SSHD_CONFIG: &str =
    "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nKbdInteractiveAuthentication yes\n";

const SSHD: &str =
    "@include common-auth\naccount    required     pam_nologin.so\n@include common-account\n";
const LOGIN: &str = "auth optional pam_faildelay.so delay=3000000\nauth requisite pam_nologin.so\n\
                     @include common-auth\nauth optional pam_group.so\n@include common-account\n";
const SU: &str =
    "auth       sufficient pam_rootok.so\n@include common-auth\n@include common-account\n";

pub const MKHOMEDIR: &str = "session optional pam_mkhomedir.so\n";

const MODULES: [&str; 10] = [
    "pam_succeed_if",
    "pam_unix",
    "pam_deny",
    "pam_permit",
    "pam_localuser",
    "pam_ldaps",
    "pam_nologin",
    "pam_faildelay",
    "pam_group",
    "pam_rootok",
];

#[derive(Debug, Serialize, Deserialize, PartialEq)]
pub struct Finding {
    pub area: String,
    pub id: String,
    pub severity: String,
    pub what: String,
    pub why: String,
    pub remedy: String,
}

#[derive(Deserialize)]
struct Report {
    findings: Vec<Finding>,
}

pub struct Host {
    dir: tempfile::TempDir,
    pub server: TestDirectory,
    /// More servers of the same domain.
    others: RefCell<Vec<TestDirectory>>,
    pub ca: Pair,
}

impl Host {
    pub fn new() -> Self {
        let ca = Request::ca("Corp Root CA").self_signed();
        let own = Request::server(DC).signed_by(&ca);
        let options = Options { identity: Some(identity(&own, &[])), ..Options::default() };
        let server = TestDirectory::start(Directory::corp_example(), options).unwrap();
        // The population has some whose state is not shown, for other tests.
        for name in ["nouac", "ch-nouac"] {
            server.edit(|directory| directory.grant(name, "userAccountControl")).unwrap();
        }
        server.edit(|directory| directory.grant("nopwdlastset", "pwdLastSet")).unwrap();
        let (dir, others) = (tempfile::tempdir().unwrap(), RefCell::default());
        let host = Self { dir, server, others, ca };
        for module in MODULES {
            host.write(&format!("usr/lib/x86_64-linux-gnu/security/{module}.so"), "");
        }
        host.write("usr/lib/x86_64-linux-gnu/libnss_ldaps.so.2", "");
        for (name, content) in [
            ("etc/nsswitch.conf", NSSWITCH),
            ("etc/pam.d/common-auth", COMMON_AUTH),
            ("etc/pam.d/common-account", COMMON_ACCOUNT),
            ("etc/pam.d/common-session", MKHOMEDIR),
            ("etc/pam.d/sshd", SSHD),
            ("etc/pam.d/login", LOGIN),
            ("etc/pam.d/su", SU),
            ("etc/pam.d/sudo", "@include common-auth\n@include common-account\n"),
            ("etc/ssh/sshd_config", SSHD_CONFIG),
            ("secret", SERVICE_PASSWORD),
        ] {
            host.write(name, content);
        }
        host.trust(&[&host.ca]);
        host.configure("", "", "");
        host
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        if name.ends_with("secret") {
            self.keep_secret(name);
        }
    }

    /// As the package has it, on a machine where the package is: there the daemon's group is to read it.
    fn keep_secret(&self, name: &str) {
        let groups = fs::read_to_string("/etc/group").unwrap_or_default();
        let gid = groups
            .lines()
            .find_map(|line| line.strip_prefix("ldapsd:")?.split(':').nth(1)?.parse::<u32>().ok());
        let given = gid.is_some_and(|gid| chown(self.path(name), None, Some(gid)).is_ok());
        self.mode(name, if given { 0o640 } else { 0o600 });
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// Makes these the CAs that are trusted.
    pub fn trust(&self, cas: &[&Pair]) {
        let pem: Vec<u8> = cas.iter().flat_map(|ca| ca.pem()).collect();
        self.write("ca.pem", std::str::from_utf8(&pem).unwrap());
    }

    /// Writes the configuration; whole lines for `[directory]`, for `[tls]`, and sections. What a
    /// line there says is not said otherwise.
    pub fn configure(&self, directory: &str, tls: &str, sections: &str) {
        let usual = |lines: &str, key: &str, line: String| match lines
            .lines()
            .any(|it| it.starts_with(key))
        {
            true => String::new(),
            false => line + "\n",
        };
        let mut text = String::from("[directory]\n");
        text += &usual(directory, "uri", format!("uri = {:?}", self.server.url()));
        // Not the crowd of 3,000, whom to read takes its time.
        text += &usual(directory, "base", "base = \"OU=People,DC=corp,DC=example\"".to_owned());
        text += &usual(directory, "bind_dn", format!("bind_dn = {SERVICE_ACCOUNT:?}"));
        text += &format!(
            "bind_secret = {:?}\nconnect_timeout = \"2s\"\n{directory}\n",
            self.path("secret")
        );
        text += "[directory.address]\n";
        // An address that no URI names is a mistake.
        let alias = "alias.corp.example";
        let named = match () {
            () if !directory.contains("://") || directory.contains(DC) => Some(DC),
            () => directory.contains(alias).then_some(alias),
        };
        text += &named.map(|name| format!("{name:?} = \"127.0.0.1\"\n")).unwrap_or_default();
        text += "[tls]\n";
        text += &usual(tls, "ca ", format!("ca = {:?}", self.path("ca.pem")));
        text += &format!("{tls}\n[groups]\nbase = \"OU=Groups,DC=corp,DC=example\"\n[access]\n");
        text += &usual(sections, "allow ", "allow = [\"@linux-users\"]".to_owned());
        text += &format!("{sections}\n");
        self.write("ldaps.toml", &text);
    }

    /// The server presents this from now on.
    pub fn present(&self, own: &Pair, above: &[&Pair]) {
        self.server.present(&identity(own, above)).unwrap();
    }

    /// The URI of another server, which speaks no newer TLS.
    pub fn another(&self, max_tls: Option<SslVersion>) -> String {
        let own = identity(&Request::server(DC).signed_by(&self.ca), &[]);
        let options = Options { identity: Some(own), max_tls, ..Options::default() };
        let server = TestDirectory::start(Directory::corp_example(), options).unwrap();
        let uri = format!("ldaps://{DC}:{}", server.port());
        self.others.borrow_mut().push(server);
        uri
    }

    /// The URI of the server by another name.
    pub fn uri(&self, name: &str) -> String {
        format!("uri = \"ldaps://{name}:{}\"", self.server.port())
    }

    pub fn ran(&self, more: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
        command.arg("doctor").arg("--config").arg(self.path("ldaps.toml"));
        command.arg("--ldap-conf").arg(self.path("ldap.conf")).arg("--root").arg(self.dir.path());
        let output = command.arg("--run-dir").arg(self.path("none")).args(more).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// Faults and warnings; no daemon runs here, which is said always.
    pub fn findings(&self) -> Vec<Finding> {
        let (code, out) = self.ran(&["--json"]);
        assert_eq!(code, 1, "{out}");
        let report: Report = serde_json::from_str(&out).unwrap();
        let bad = |it: &Finding| it.severity == "fault" || it.severity == "warning";
        let mut findings = report.findings;
        assert!(findings.iter().any(|it| it.id == "not-running"), "{out}");
        findings.retain(|it| bad(it) && it.id != "not-running");
        assert!(findings.iter().all(|it| !it.what.contains(SERVICE_PASSWORD)), "{out}");
        findings
    }

    pub fn found(&self) -> Vec<(String, String)> {
        self.findings().into_iter().map(|it| (it.area, format!("{}: {}", it.id, it.what))).collect()
    }
}

fn identity(own: &Pair, above: &[&Pair]) -> Identity {
    let above = above.iter().map(|pair| pair.x509.clone()).collect();
    Identity::new(own.x509.clone(), own.key.clone(), above)
}

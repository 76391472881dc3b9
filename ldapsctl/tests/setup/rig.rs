//! A root with a trust store and nothing configured, and a directory server.

use crate::maker::{Pair, Request};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use test_directory::{
    Directory, Identity, Options, SERVICE_ACCOUNT, SERVICE_PASSWORD, TestDirectory,
};

pub const DC: &str = "dc1.corp.example";

pub struct Rig {
    dir: tempfile::TempDir,
    pub server: TestDirectory,
    pub ca: Pair,
    /// The server's own.
    pub own: Pair,
}

/// What a run came to.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Rig {
    pub fn new() -> Self {
        let ca = Request::ca("Corp Root CA").self_signed();
        let own = Request::server(DC).signed_by(&ca);
        let identity = Identity::new(own.x509.clone(), own.key.clone(), Vec::new());
        let options = Options { identity: Some(identity), ..Options::default() };
        let server = TestDirectory::start(Directory::corp_example(), options).unwrap();
        let rig = Self { dir: tempfile::tempdir().unwrap(), server, ca, own };
        let shipped = Request::ca("Shipped CA").self_signed();
        rig.write("root/usr/share/ca-certificates/mozilla/Shipped.crt", &shipped.pem());
        rig.write("root/etc/ca-certificates.conf", b"mozilla/Shipped.crt\n");
        for dir in [
            "etc/ssl/certs",
            "usr/local/share/ca-certificates",
            "etc/ca-certificates/update.d",
            "var/lib",
        ] {
            fs::create_dir_all(rig.root().join(dir)).unwrap();
        }
        rig.write("root/etc/nsswitch.conf", b"passwd: files # x\ngroup: files\nshadow: files\n");
        rig.write("secret", SERVICE_PASSWORD.as_bytes());
        rig.write("ca.cer", &rig.ca.der());
        rig.update_trust();
        rig
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn root(&self) -> PathBuf {
        self.path("root")
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn toml(&self) -> String {
        self.read("root/etc/ldaps/ldaps.toml")
    }

    /// The distribution's own program, on this root.
    pub fn update_trust(&self) {
        let at = |path: &str| self.root().join(path);
        let status = Command::new("update-ca-certificates")
            .args(["--certsconf".as_ref(), at("etc/ca-certificates.conf").as_os_str()])
            .args(["--certsdir".as_ref(), at("usr/share/ca-certificates").as_os_str()])
            .args(["--localcertsdir".as_ref(), at("usr/local/share/ca-certificates").as_os_str()])
            .args(["--etccertsdir".as_ref(), at("etc/ssl/certs").as_os_str()])
            .args(["--hooksdir".as_ref(), at("etc/ca-certificates/update.d").as_os_str()])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }

    /// Every file, link and directory below the root, with mode and content.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        walk(&self.root(), &mut all);
        all
    }

    /// The options of a run that goes through.
    pub fn usual(&self) -> Vec<String> {
        let words = [
            "--yes".to_owned(),
            format!("--uri=ldaps://{DC}:{}", self.server.port()),
            format!("--address={DC}=127.0.0.1"),
            format!("--ca={}", self.path("ca.cer").display()),
            format!("--bind-dn={SERVICE_ACCOUNT}"),
            format!("--bind-secret-file={}", self.path("secret").display()),
            "--allow=@linux-users".to_owned(),
        ];
        words.into()
    }

    /// The usual options with these instead of those of the same name; an option that ends with `=` is
    /// left out.
    pub fn with(&self, changed: &[&str]) -> Ran {
        let name = |word: &str| word.split('=').next().unwrap().to_owned();
        let mut words = self.usual();
        words.retain(|word| !changed.iter().any(|it| name(it) == name(word)));
        words.extend(changed.iter().filter(|it| !it.ends_with('=')).map(|&it| it.to_owned()));
        self.ran(&words)
    }

    pub fn ran<S: AsRef<std::ffi::OsStr>>(&self, words: &[S]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
        command.arg("setup").arg("--root").arg(self.root()).args(words).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let ran = Ran {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(
            !format!("{}{}", ran.out, ran.err).contains(SERVICE_PASSWORD),
            "the secret is shown"
        );
        ran
    }

    #[track_caller]
    pub fn set_up(&self, changed: &[&str]) -> Ran {
        let ran = self.with(changed);
        assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
        ran
    }

    #[track_caller]
    pub fn undo(&self) -> Ran {
        self.ran(&["--undo", "--yes"])
    }
}

fn walk(dir: &Path, all: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode();
        let content = match () {
            () if metadata.is_symlink() => {
                format!("to {}", fs::read_link(&path).unwrap().display())
            }
            () if metadata.is_dir() => {
                walk(&path, all);
                "a directory".to_owned()
            }
            () => String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
        };
        all.insert(path, format!("{mode:o} {content}"));
    }
}

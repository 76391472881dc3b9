//! The configuration as an administrator meets it: files on a disk, read by [`load`].

mod bad_files;
mod bad_toml;
mod good;
mod ldap_conf;
mod looks;
mod properties;
mod samples;

use super::{ConfigErrors, Loaded, Sources, load};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a certificate in PEM begins and ends with; nothing here looks inside.
const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const CRL: &str = "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n";

/// The least that makes a configuration; three lines.
const DIRECTORY: &str =
    "[directory]\nuri = \"ldaps://dc1.corp.example\"\nbind_dn = \"svc@corp.example\"\n";

/// A directory with a CA, a revocation list and a secret, in which `@` of a configuration stands
/// for its path.
struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn new() -> Host {
        let host = Host { dir: tempfile::tempdir().unwrap() };
        host.write("ca.pem", PEM, 0o644);
        host.write("ca.crl.pem", CRL, 0o644);
        host.write("secret", "Service.Pass.1\n", 0o600);
        host.write("credentials/ldaps-secret", "Service.Pass.1\n", 0o400);
        host.write("ca.d/5ed36f99.0", PEM, 0o644);
        fs::set_permissions(host.path("ca.d"), fs::Permissions::from_mode(0o755)).unwrap();
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Our file, ldap.conf, and a credential that makes a secret in the configuration needless.
    fn sources(&self) -> Sources {
        Sources {
            ldaps_toml: self.path("ldaps.toml"),
            ldap_conf: self.path("ldap.conf"),
            credentials: Some(self.path("credentials")),
        }
    }

    fn here(&self, text: &str) -> String {
        text.replace("@@", &self.dir.path().display().to_string())
    }

    fn load(&self, toml: &str, ldap_conf: &str) -> Result<Loaded, ConfigErrors> {
        self.write("ldaps.toml", self.here(toml), 0o644);
        self.write("ldap.conf", self.here(ldap_conf), 0o644);
        load(&self.sources())
    }
}

/// Loads what must be right.
fn loaded(toml: &str, ldap_conf: &str) -> Loaded {
    Host::new().load(toml, ldap_conf).unwrap_or_else(|errors| panic!("{toml}\n{errors}"))
}

/// `line:column: problem. Remedy: remedy.` of each error, the directory cut away.
fn errors(toml: &str, ldap_conf: &str) -> Vec<String> {
    let host = Host::new();
    let Err(errors) = host.load(toml, ldap_conf) else {
        panic!("this is no error:\n{toml}\n{ldap_conf}");
    };
    assert!(!errors.is_unconfigured());
    errors.errors().iter().map(|error| without_directory(error, host.dir.path())).collect()
}

fn without_directory(finding: &super::Finding, dir: &Path) -> String {
    finding.to_string().replace(&format!("{}/", dir.display()), "")
}

/// Exactly one finding, at `place`, with all `words`.
#[track_caller]
fn assert_one(findings: &[String], place: &str, words: &[&str], input: &str) {
    let [finding] = findings else {
        panic!("one finding wanted for\n{input}\nnot\n{}", findings.join("\n"));
    };
    assert!(
        finding.starts_with(&format!("{place}: ")),
        "{place} wanted for\n{input}\nnot\n{finding}"
    );
    assert!(finding.contains(". Remedy: "), "{finding}");
    for word in words {
        assert!(finding.contains(word), "{word:?} wanted for\n{input}\nnot\n{finding}");
    }
}

//! A test directory, and the crate set up for it the way a host is: by files that are read and
//! checked by `ldaps_core::config`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ldaps_core::config::{self, Config, Sources};
use ldaps_core::names::{GroupName, UserName};
use ldaps_core::secret::Password;
use ldaps_directory::{Directory, Settings, Tls};
use test_directory::{
    Directory as Data, Options, Pki, SERVICE_ACCOUNT, SERVICE_PASSWORD, TestDirectory,
};

/// The SID of corp.example, under which the population's RIDs are.
pub const DOMAIN: &str = "S-1-5-21-123-456-789";

/// What a test's configuration has besides what every one has: whole lines of TOML.
#[derive(Default, Clone, Copy)]
pub struct Extra<'a> {
    /// For `[directory]`.
    pub directory: &'a str,
    /// For `[tls]`; where it names a `ca`, the right one is left out.
    pub tls: &'a str,
    /// Sections of their own.
    pub sections: &'a str,
}

/// A server, and the files that make a host its client.
pub struct Rig {
    pub server: TestDirectory,
    files: tempfile::TempDir,
}

impl Rig {
    /// The standard population.
    pub fn new() -> Self {
        Self::of(Options::default())
    }

    /// The standard population on a server that is somehow special.
    pub fn of(options: Options) -> Self {
        Self::around(TestDirectory::start(Data::corp_example(), options).unwrap())
    }

    pub fn around(server: TestDirectory) -> Self {
        let rig = Self { server, files: tempfile::tempdir().unwrap() };
        rig.file("secret", SERVICE_PASSWORD.as_bytes());
        rig.trust(rig.server.pki());
        rig
    }

    /// Writes a file that nobody else can read.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Makes this the CA that is trusted.
    pub fn trust(&self, pki: &Pki) {
        self.file("ca.pem", &pki.ca_pem().unwrap());
    }

    /// The configuration, as text.
    pub fn toml(&self, extra: Extra<'_>) -> String {
        let (dir, Extra { directory, tls, sections }) = (self.files.path().display(), extra);
        let has = |key: &str| directory.lines().any(|line| line.starts_with(key));
        let mut text = String::from("[directory]\n");
        if !has("uri") {
            text += &format!("uri = [{:?}]\n", self.server.url());
        }
        if !has("bind_dn") {
            text += &format!("bind_dn = {SERVICE_ACCOUNT:?}\n");
        }
        text += &format!("bind_secret = \"{dir}/secret\"\n{directory}\n");
        if !has("address") && !has("uri") {
            text += "[directory.address]\n\"dc1.corp.example\" = \"127.0.0.1\"\n";
        }
        text += "[tls]\n";
        if !tls.lines().any(|line| line.starts_with("ca ") || line.starts_with("ca_dir ")) {
            text += &format!("ca = \"{dir}/ca.pem\"\n");
        }
        text + &format!("{tls}\n{sections}\n")
    }

    /// The configuration, read as a host reads it.
    pub fn config(&self, extra: Extra<'_>) -> Config {
        load(&self.file("ldaps.toml", self.toml(extra).as_bytes()), &self.path("none.conf"))
    }

    /// The directory as a client sees it, with everything at its default.
    pub fn directory(&self) -> Directory {
        self.with(Extra::default())
    }

    /// The directory as a client sees it that is configured so.
    pub fn with(&self, extra: Extra<'_>) -> Directory {
        directory_of(&self.config(extra))
    }
}

/// Reads configuration files that must be good.
pub fn load(ldaps_toml: &Path, ldap_conf: &Path) -> Config {
    let sources = Sources {
        ldaps_toml: ldaps_toml.to_owned(),
        ldap_conf: ldap_conf.to_owned(),
        credentials: None,
    };
    config::load(&sources).unwrap_or_else(|errors| panic!("{errors}")).config
}

/// What the daemon makes of a configuration.
pub fn directory_of(config: &Config) -> Directory {
    let secret = fs::read(&config.directory.bind_secret).unwrap();
    let settings = Settings {
        directory: config.directory.clone(),
        tls: Tls::new(&config.tls).unwrap(),
        secret: password(std::str::from_utf8(&secret).unwrap()),
    };
    Directory::new(settings, config.users.clone(), config.groups.clone())
}

pub fn user(name: &str) -> UserName {
    UserName::parse(name.as_bytes()).unwrap()
}

pub fn group(name: &str) -> GroupName {
    GroupName::parse(name.as_bytes()).unwrap()
}

pub fn password(text: &str) -> Password {
    Password::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

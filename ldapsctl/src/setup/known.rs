//! What is known before anything is asked: `ldaps.toml`, if there is one, over `ldap.conf`, read by the
//! daemon's own reader; and the trial of what is to be written.
#![forbid(unsafe_code)]

use super::draft::{self, Stated};
use super::files;
use super::host::Host;
use ldaps_core::config::{self, Config, Loaded, SECRET_CREDENTIAL, Sources};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Value};

/// Ours.
pub const LDAPS_TOML: &str = "/etc/ldaps/ldaps.toml";
/// Every LDAP client's.
pub const LDAP_CONF: &str = "/etc/ldap/ldap.conf";
/// Where the service account's password is, unless `bind_secret` says otherwise.
pub const SECRET: &str = "/etc/ldaps/secret";
/// Stands where a server has to be named and none is: a name that nobody can have (RFC 2606).
const NO_SERVER: &str = "ldaps://none.invalid";

/// What is known.
pub struct Known {
    /// `ldaps.toml`; empty where there is none.
    pub document: DocumentMut,
    /// What it says of what is asked here.
    pub stated: Stated,
    /// All of it with ldap.conf behind it. Without servers and service account, with stand-ins.
    pub config: Config,
    /// Whether servers are named, there or in ldap.conf.
    pub has_servers: bool,
}

impl Known {
    /// Reads it.
    ///
    /// # Errors
    /// All mistakes in it, each with its remedy.
    pub fn read(host: &Host, trial: &Trial) -> Result<Self, String> {
        let text = files::text(&host.path(LDAPS_TOML))?;
        let mend = |problem: String| {
            format!(
                "{problem}\nMend it (ldapsctl check-config), or move it away, and run this again."
            )
        };
        let document = draft::parse(&text)
            .map_err(|error| mend(format!("{LDAPS_TOML} is not TOML: {error}")))?;
        let stated = draft::stated(&document);
        let mut standing_in = document.clone();
        let directory = draft::section(&mut standing_in, "directory")?;
        if stated.bind_dn.is_none() {
            draft::set(directory, "bind_dn", Value::from("nobody@none.invalid"));
        }
        match trial.load(&standing_in.to_string()) {
            Ok(Loaded { config, .. }) => Ok(Self { document, stated, config, has_servers: true }),
            Err(problem) if stated.servers => Err(mend(problem)),
            Err(_) => {
                let directory = draft::section(&mut standing_in, "directory")?;
                draft::set(directory, "uri", Value::from(NO_SERVER));
                let loaded = trial.load(&standing_in.to_string()).map_err(mend)?;
                Ok(Self { document, stated, config: loaded.config, has_servers: false })
            }
        }
    }

    /// The secret's file.
    pub fn secret(&self, host: &Host) -> PathBuf {
        match &self.stated.bind_secret {
            Some(path) => path.clone(),
            None => host.path(SECRET),
        }
    }
}

/// A directory of ours alone, gone when this is dropped, to try things in. No secret ever lies in it.
pub struct Trial {
    dir: PathBuf,
    ldap_conf: PathBuf,
}

impl Trial {
    /// Makes it.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn make(host: &Host) -> Result<Self, String> {
        let parent = std::env::temp_dir();
        for number in 0..100 {
            let dir = parent.join(format!("ldapsctl-setup-{}-{number}", std::process::id()));
            // Somebody else's directory of that name is an error, and the next number is tried.
            match DirBuilder::new().mode(0o700).create(&dir) {
                Ok(()) => return Ok(Self { dir, ldap_conf: host.path(LDAP_CONF) }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("{} cannot be made: {error}.", dir.display())),
            }
        }
        Err(format!("There is no room for a directory of this program in {}.", parent.display()))
    }

    /// Reads this text as the daemon would as its `ldaps.toml`; the secret's file need not be there yet.
    ///
    /// # Errors
    /// All mistakes in it, each with its remedy.
    pub fn load(&self, toml: &str) -> Result<Loaded, String> {
        self.write(SECRET_CREDENTIAL, b"")?;
        let ldaps_toml = self.write("ldaps.toml", toml.as_bytes())?;
        let sources = Sources {
            ldaps_toml: ldaps_toml.clone(),
            ldap_conf: self.ldap_conf.clone(),
            credentials: Some(self.dir.clone()),
        };
        config::load(&sources).map_err(|errors| {
            errors.to_string().replace(&ldaps_toml.display().to_string(), LDAPS_TOML)
        })
    }

    /// A file of these certificates.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn ca_file(&self, pem: &[u8]) -> Result<PathBuf, String> {
        self.write("ca.pem", pem)
    }

    /// Where [`Trial::ca_file`] puts it.
    pub fn path_of_ca(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, String> {
        let path = self.dir.join(name);
        files::put(&path, content, 0o600, None)?;
        Ok(path)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.dir);
    }
}

/// Whether two paths name the same file.
pub fn is_same(one: &Path, other: &Path) -> bool {
    files::real(one.to_owned()) == files::real(other.to_owned())
}

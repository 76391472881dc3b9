//! The host that is set up: where its files are, whose they are to be, and which programs it has.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The daemon's group, which may read the secret.
const DAEMON: &str = "ldapsd";

/// One file system, with the programs that act on it.
pub struct Host {
    root: PathBuf,
}

/// Whose a file is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// root:root
    Root,
    /// root:ldapsd
    RootAndDaemon,
}

impl Host {
    /// The one under this root; `/` for this host.
    pub fn at(root: &Path) -> Self {
        Self { root: std::path::absolute(root).unwrap_or_else(|_| root.to_owned()) }
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the host, by its usual path.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Whether it is the running one: programs that know one root alone are run here and nowhere else.
    pub fn is_this_one(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Whether systemd runs its services.
    pub fn has_systemd(&self) -> bool {
        self.is_this_one() && Path::new("/run/systemd/system").is_dir()
    }

    /// Whether we may do all of it.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub fn check(&self) -> Result<(), String> {
        if !self.is_this_one() {
            return Ok(());
        }
        if !is_root() {
            return Err("This changes files of the system, so it has to be run as root: \
                        sudo ldapsctl setup"
                .to_owned());
        }
        match self.daemons_gid() {
            Some(_) => Ok(()),
            None => {
                Err("There is no group ldapsd on this host, so the package is not installed as a \
                         whole. Run: apt-get install --reinstall ldaps-login"
                    .to_owned())
            }
        }
    }

    /// uid and gid of an owner; None where they cannot be given, because we are not root.
    pub fn ids(&self, owner: Owner) -> Option<(u32, u32)> {
        if !is_root() {
            return None;
        }
        match owner {
            Owner::Root => Some((0, 0)),
            Owner::RootAndDaemon => Some((0, self.daemons_gid().unwrap_or(0))),
        }
    }

    /// Read as a file: a look-up by name would come back to the daemon through NSS.
    fn daemons_gid(&self) -> Option<u32> {
        let content = fs::read_to_string(self.path("/etc/group")).ok()?;
        let line = content
            .lines()
            .find(|line| line.strip_prefix(DAEMON).is_some_and(|rest| rest.starts_with(':')))?;
        line.split(':').nth(2)?.parse().ok()
    }
}

/// Whether this process is root's.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a program of the system with nobody to ask, and gives what it printed.
///
/// # Errors
/// A sentence with the program's own words.
pub fn run(words: &[&str]) -> Result<String, String> {
    let Some((program, arguments)) = words.split_first() else { return Ok(String::new()) };
    let shown = words.join(" ");
    let output = Command::new(program)
        .args(arguments)
        // A question of debconf's would be put to nobody.
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        // Ctrl-C is for us: half of what update-ca-certificates does is nothing to leave behind.
        .process_group(0)
        .output()
        .map_err(|error| format!("{shown} cannot be run: {error}."))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("{shown} failed ({}): {}", output.status, text(&output.stderr))),
    }
}

/// Whether a program ends with 0.
pub fn holds(words: &[&str]) -> bool {
    run(words).is_ok()
}

//! Whether there is a daemon to ask, as the modules see it before they ask: none was ever set up
//! (then they are inert), one was and is not there (then nobody knows), or here is its page.
#![forbid(unsafe_code)]

use std::fmt;
use std::path::Path;

use crate::ctl::{Ctl, CtlError};
use crate::run_dir::{RunDir, RunDirError};

/// The file that says that this host is configured. The modules look whether it exists and never
/// read it; a test build may name another.
pub const CONFIG_FILE: &str = match option_env!("LDAPS_CONFIG_FILE") {
    Some(file) => file,
    None => "/etc/ldaps/ldaps.toml",
};

/// What a module finds in the daemon's place.
#[derive(Debug)]
pub enum Presence {
    /// Nobody has configured this host and no daemon has run: NOTFOUND, PAM_IGNORE.
    Unconfigured,
    /// There should be a daemon: "unavailable", never "not found".
    Unavailable(Absence),
    /// The daemon's run directory, checked, and its page. Whether it still answers is
    /// [`Ctl::availability`]'s matter, and [`crate::protocol::client::ask_knowing`] sees to it.
    Page(RunDir, Ctl),
}

/// Why there is no page where there should be one.
#[derive(Debug)]
pub enum Absence {
    /// The run directory is not there or not to be trusted.
    RunDir(RunDirError),
    /// The page is not there or cannot be read.
    Page(CtlError),
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunDir(error) => write!(f, "{error}"),
            Self::Page(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Absence {}

/// Looks for the daemon's page; a module gives it [`RunDir::built_in`].
#[must_use]
pub fn daemon_page(run_dir: Result<RunDir, RunDirError>) -> Presence {
    daemon_page_beside(run_dir, Path::new(CONFIG_FILE))
}

/// [`daemon_page`] with another configuration file than the built-in one.
#[must_use]
pub fn daemon_page_beside(run_dir: Result<RunDir, RunDirError>, config: &Path) -> Presence {
    let absence = match run_dir {
        Ok(run_dir) => match Ctl::read(&run_dir) {
            Ok(ctl) => return Presence::Page(run_dir, ctl),
            Err(error) => Absence::Page(error),
        },
        Err(error) => Absence::RunDir(error),
    };
    let nothing_there = matches!(
        absence,
        Absence::RunDir(RunDirError::Absent(_)) | Absence::Page(CtlError::Absent(_))
    );
    // A file that cannot even be looked for counts as there: "not found" needs certainty.
    match nothing_there && matches!(config.try_exists(), Ok(false)) {
        true => Presence::Unconfigured,
        false => Presence::Unavailable(absence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::{CtlWriter, FILE, State};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_configured_host_without_its_daemon_says_not_found_or_an_unconfigured_one_unavailable() {
        let top = tempfile::tempdir().unwrap();
        let (dir, config) = (top.path().join("ldapsd"), top.path().join("ldaps.toml"));
        let look = || daemon_page_beside(RunDir::at(&dir), &config);

        assert!(matches!(look(), Presence::Unconfigured));
        fs::create_dir(&dir).unwrap();
        set_mode(&dir, 0o755);
        assert!(matches!(look(), Presence::Unconfigured), "a run directory without a page");

        fs::write(&config, "").unwrap();
        assert!(matches!(look(), Presence::Unavailable(Absence::Page(CtlError::Absent(_)))));
        fs::remove_dir(&dir).unwrap();
        assert!(matches!(look(), Presence::Unavailable(Absence::RunDir(RunDirError::Absent(_)))));
    }

    #[test]
    fn a_daemon_elsewhere_is_overlooked_because_this_host_has_no_configuration() {
        let top = tempfile::tempdir().unwrap();
        let (dir, config) = (top.path().join("ldapsd"), top.path().join("ldaps.toml"));
        let look = || daemon_page_beside(RunDir::at(&dir), &config);
        fs::create_dir(&dir).unwrap();
        set_mode(&dir, 0o755);

        let ctl = Ctl {
            state: State::Stopped,
            heartbeat: Duration::ZERO,
            ranges: vec![],
            exclusive: true,
        };
        CtlWriter::open(&dir).unwrap().write(&ctl).unwrap();
        assert!(matches!(look(), Presence::Page(_, page) if page == ctl));

        fs::write(dir.join(FILE), "not a page").unwrap();
        assert!(matches!(look(), Presence::Unavailable(Absence::Page(CtlError::Damaged(_)))));
        set_mode(&dir, 0o777);
        assert!(matches!(look(), Presence::Unavailable(Absence::RunDir(_))));
    }
}

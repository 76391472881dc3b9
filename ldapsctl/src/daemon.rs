//! Asking the daemon over its admin socket.
#![forbid(unsafe_code)]

use crate::terminal::Progress;
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::client::{AskError, NSS_DEADLINE, Socket, ask};
use ldaps_core::protocol::frame::FrameError;
use ldaps_core::run_dir::{BUILT_IN, RunDir, RunDirError};
use std::fmt;
use std::path::Path;

/// Why the daemon gave no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// Its run directory is absent or not to be trusted.
    RunDir(RunDirError),
    /// It could not be asked.
    Ask(AskError),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What an earlier or a later daemon makes of a question that it does not know.
        if let NoAnswer::Ask(AskError::Frame(FrameError::Malformed)) = self {
            return f.write_str(
                "The ldapsd that runs is of another version than this ldapsctl, and does not know \
                 this question. Remedy: `systemctl restart ldapsd`.",
            );
        }
        if is_unconfigured(self, Path::new(LDAPS_TOML)) {
            return write!(
                f,
                "This host is not configured: there is no {LDAPS_TOML}, so ldapsd does not run. \
                 Remedy: sudo ldapsctl setup."
            );
        }
        let problem = match self {
            NoAnswer::RunDir(error) => error.to_string(),
            NoAnswer::Ask(error) => error.to_string(),
        };
        let stop = if problem.ends_with('?') { "" } else { "." };
        write!(
            f,
            "{problem}{stop} Remedy: `ldapsctl check-config` tells whether it can start, `systemctl \
             status ldapsd` whether it did, `journalctl -u ldapsd` why not."
        )
    }
}

impl std::error::Error for NoAnswer {}

const LDAPS_TOML: &str = "/etc/ldaps/ldaps.toml";

/// Whether nobody answers because nobody has been told to.
fn is_unconfigured(answer: &NoAnswer, ldaps_toml: &Path) -> bool {
    let is_away = matches!(answer, NoAnswer::RunDir(RunDirError::Absent(path)) if path == Path::new(BUILT_IN));
    let found = std::fs::symlink_metadata(ldaps_toml).map_err(|error| error.kind());
    is_away && found.is_err_and(|kind| kind == std::io::ErrorKind::NotFound)
}

/// Asks the daemon one thing; `run_dir` is where an administrator says it is, if not in its place.
///
/// # Errors
/// [`NoAnswer`].
pub fn ask_daemon(run_dir: Option<&Path>, request: &AdminRequest) -> Result<AdminReply, NoAnswer> {
    let run_dir = self::run_dir(run_dir)?;
    ask(&run_dir, Socket::Admin, request, NSS_DEADLINE).map_err(NoAnswer::Ask)
}

/// The same of what the daemon asks the directory for in its turn: a terminal is shown that it is waited for.
///
/// # Errors
/// [`NoAnswer`].
pub fn ask_for_long(
    run_dir: Option<&Path>,
    request: &AdminRequest,
) -> Result<AdminReply, NoAnswer> {
    let _shown = Progress::begin("Waiting for ldapsd, which asks the directory");
    ask_daemon(run_dir, request)
}

/// The run directory: where an administrator says it is, or in its place.
///
/// # Errors
/// [`NoAnswer::RunDir`].
pub fn run_dir(run_dir: Option<&Path>) -> Result<RunDir, NoAnswer> {
    let run_dir = match run_dir {
        Some(path) => RunDir::at(path),
        None => RunDir::built_in(),
    };
    run_dir.map_err(NoAnswer::RunDir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_nobody_has_set_up_is_said_to_be_broken() {
        let dir = tempfile::tempdir().unwrap();
        let absent = |path: &str| NoAnswer::RunDir(RunDirError::Absent(path.into()));
        let file = dir.path().join("ldaps.toml");
        assert!(is_unconfigured(&absent(BUILT_IN), &file));
        assert!(!is_unconfigured(&absent("/run/another"), &file));
        std::fs::write(&file, "").unwrap();
        assert!(!is_unconfigured(&absent(BUILT_IN), &file));
    }

    #[test]
    fn a_daemon_of_another_version_leaves_the_administrator_at_a_loss() {
        let told = NoAnswer::Ask(AskError::Frame(FrameError::Malformed)).to_string();
        assert!(told.contains("of another version") && told.contains("restart ldapsd"), "{told}");
        let told = NoAnswer::Ask(AskError::NotRunning).to_string();
        assert!(told.contains("journalctl -u ldapsd"), "{told}");
    }
}

//! The daemon's run directory, and whether what stands there can be trusted with a password.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The uid that stands for every uid a user namespace does not map
/// (`/proc/sys/kernel/overflowuid`).
pub const OVERFLOW_UID: u32 = 65_534;

/// Where the modules look for the daemon: fixed when they are built, so that no environment and no
/// file can send a password elsewhere.
pub const BUILT_IN: &str = match option_env!("LDAPS_RUN_DIR") {
    Some(dir) => dir,
    None => "/run/ldapsd",
};

/// A run directory that has passed the checks: its parent is root's, and only its owner (the
/// daemon's user) can put anything there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
    owner: u32,
}

/// Why the run directory is not used.
#[derive(Debug)]
pub enum RunDirError {
    /// It is not there: the daemon has never run since the host started.
    Absent(PathBuf),
    /// It could not be looked at.
    Unreadable(PathBuf, io::Error),
    /// Somebody else than its owner could have put something there.
    Untrusted {
        /// The directory at fault.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Its owner has no uid in this user namespace, so nobody can tell who answers there.
    OverflowOwner(PathBuf),
}

impl fmt::Display for RunDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(path) => write!(f, "{} is not there: is ldapsd running?", path.display()),
            Self::Unreadable(path, error) => {
                write!(f, "{} cannot be looked at: {error}", path.display())
            }
            Self::Untrusted { path, problem } => {
                write!(f, "{} is not to be trusted: {problem}", path.display())
            }
            Self::OverflowOwner(path) => write!(
                f,
                "{} belongs to a user that does not exist in this user namespace; run ldapsd \
                 inside the container instead of sharing the host's",
                path.display()
            ),
        }
    }
}

impl std::error::Error for RunDirError {}

impl RunDir {
    /// The directory the modules were built for.
    ///
    /// # Errors
    /// [`RunDirError`], where it is absent or not to be trusted.
    pub fn built_in() -> Result<Self, RunDirError> {
        // A test build may live below a home directory, whose owner then stands for root.
        Self::checked(Path::new(BUILT_IN), option_env!("LDAPS_RUN_DIR").is_some())
    }

    /// A directory named by an administrator on a command line, or by a test.
    ///
    /// # Errors
    /// [`RunDirError`], where it is absent or not to be trusted.
    pub fn at(path: &Path) -> Result<Self, RunDirError> {
        Self::checked(path, true)
    }

    fn checked(path: &Path, owner_may_own_parent: bool) -> Result<Self, RunDirError> {
        let dir = look_at(path)?;
        let parent = look_at(path.parent().unwrap_or(Path::new("/")))?;
        let untrusted =
            |path: &Path, problem| Err(RunDirError::Untrusted { path: path.to_owned(), problem });
        if dir.uid() == OVERFLOW_UID {
            return Err(RunDirError::OverflowOwner(path.to_owned()));
        }
        if dir.mode() & 0o022 != 0 {
            return untrusted(path, "others than its owner may write there");
        }
        if parent.uid() != 0 && !(owner_may_own_parent && parent.uid() == dir.uid()) {
            return untrusted(path, "the directory above it is not root's");
        }
        if parent.mode() & 0o022 != 0 && !(owner_may_own_parent && parent.mode() & 0o1000 != 0) {
            return untrusted(path, "others than root may write in the directory above it");
        }
        Ok(Self { path: path.to_owned(), owner: dir.uid() })
    }

    /// A file or socket in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether a process with this uid may be the daemon: the directory's owner, or root.
    #[must_use]
    pub fn is_owned_by(&self, uid: u32) -> bool {
        uid == self.owner || uid == 0
    }
}

fn look_at(path: &Path) -> Result<std::fs::Metadata, RunDirError> {
    let found = std::fs::symlink_metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => RunDirError::Absent(path.to_owned()),
        _ => RunDirError::Unreadable(path.to_owned(), error),
    })?;
    if !found.is_dir() {
        let problem = "it is not a directory";
        return Err(RunDirError::Untrusted { path: path.to_owned(), problem });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_somebody_else_could_have_filled_is_trusted() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("ldapsd");
        assert!(matches!(RunDir::at(&path), Err(RunDirError::Absent(_))));

        fs::create_dir(&path).unwrap();
        set_mode(&path, 0o755);
        assert!(RunDir::at(&path).is_ok());

        for mode in [0o775, 0o757, 0o1777] {
            set_mode(&path, mode);
            assert!(matches!(RunDir::at(&path), Err(RunDirError::Untrusted { .. })), "{mode:o}");
        }
        set_mode(&path, 0o755);
        set_mode(top.path(), 0o777);
        assert!(matches!(RunDir::at(&path), Err(RunDirError::Untrusted { .. })));
        set_mode(top.path(), 0o755);

        let link = top.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(matches!(RunDir::at(&link), Err(RunDirError::Untrusted { .. })));
    }

    #[test]
    fn only_the_owner_or_root_may_answer() {
        let dir = RunDir { path: "/run/ldapsd".into(), owner: 990 };
        for (uid, trusted) in [(990, true), (0, true), (1000, false), (OVERFLOW_UID, false)] {
            assert_eq!(dir.is_owned_by(uid), trusted, "{uid}");
        }
    }
}

//! A directory of one's own for a moment.
#![forbid(unsafe_code)]

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Gone with all that is in it when this is.
pub struct Place(PathBuf);

impl Place {
    /// In memory where that is ours to write to, so that no secret comes to a disk.
    ///
    /// # Errors
    /// A sentence with the directory.
    pub fn new() -> Result<Self, String> {
        let token = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
        let name = format!("ldapsctl-migrate-{}", token.trim());
        let make = |parent: &Path| -> io::Result<PathBuf> {
            let path = parent.join(&name);
            // The daemon's user looks into it; the secret in it has a mode of its own.
            DirBuilder::new().mode(0o755).create(&path)?;
            Ok(path)
        };
        let made = make(Path::new("/run")).or_else(|_| make(&std::env::temp_dir()));
        made.map(Self).map_err(|error| format!("no directory for a moment could be made: {error}."))
    }

    /// A file in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.0);
    }
}

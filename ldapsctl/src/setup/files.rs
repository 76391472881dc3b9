//! Files as they are compared and put in place.
#![forbid(unsafe_code)]

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// All of a file that is compared: its content, its mode, its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    sum: String,
    /// The permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl Seen {
    /// What a file with this content will look like.
    pub fn of(content: &[u8], mode: u32, (uid, gid): (u32, u32)) -> Self {
        Self { sum: sum(content), mode, uid, gid }
    }

    /// Whether it has this content.
    pub fn has(&self, content: &[u8]) -> bool {
        self.sum == sum(content)
    }

    /// Its owner.
    pub fn ids(&self) -> (u32, u32) {
        (self.uid, self.gid)
    }
}

fn sum(content: &[u8]) -> String {
    Blake2b::<U16>::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file as it is now; None: there is none.
///
/// # Errors
/// A sentence with the file.
pub fn seen(path: &Path) -> Result<Option<Seen>, String> {
    let read = || -> io::Result<Seen> {
        let metadata = fs::metadata(path)?;
        let content = zeroize::Zeroizing::new(fs::read(path)?);
        Ok(Seen::of(&content, metadata.mode() & 0o7777, (metadata.uid(), metadata.gid())))
    };
    match read() {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} cannot be read: {error}.", path.display())),
    }
}

/// A text file; empty where there is none.
///
/// # Errors
/// A sentence with the file.
pub fn text(path: &Path) -> Result<String, String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("{} cannot be read: {error}.", path.display())),
    }
}

/// The file itself where the path is a symbolic link to it.
pub fn real(path: PathBuf) -> PathBuf {
    fs::canonicalize(&path).unwrap_or(path)
}

/// Puts a file in place whole: whoever reads it meanwhile reads the one before or this one. `ids` are
/// given to it where we may.
///
/// # Errors
/// A sentence with the file.
pub fn put(path: &Path, content: &[u8], mode: u32, ids: Option<(u32, u32)>) -> Result<(), String> {
    let beside = beside(path);
    let write = || -> io::Result<()> {
        let _stale = fs::remove_file(&beside);
        // Narrow until it has its owner: it may be a secret.
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
        if let Some((uid, gid)) = ids {
            chown(&beside, Some(uid), Some(gid))?;
        }
        // Whatever the umask.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()?;
        match fs::rename(&beside, path) {
            // A file that is a mount of its own (containers) cannot be replaced.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => fs::write(path, content),
            renamed => renamed,
        }
    };
    let written = write();
    let _gone = fs::remove_file(&beside);
    written.map_err(|error| format!("{} cannot be written: {error}.", path.display()))
}

/// What [`put`] writes first; left behind where it is killed.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".ldapsctl-new");
    path.with_file_name(name)
}

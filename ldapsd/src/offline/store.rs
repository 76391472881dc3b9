//! The files of the records: one each, replaced as a whole, so that whatever ends the daemon leaves
//! the old one or the new one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ldaps_core::sid::Sid;

use super::record::{FORMAT, Record};

/// Below the state directory.
const DIR: &str = "offline";
const KEPT: &str = "json";
/// A file that is being written.
const UNFINISHED: &str = "new";

/// Where the records are.
pub(super) struct Store {
    dir: PathBuf,
}

impl Store {
    /// Every record that can be read.
    pub(super) fn open(state_dir: &Path) -> (Self, Vec<Record>) {
        let store = Self { dir: state_dir.join(DIR) };
        let records = store.read().unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                let dir = store.dir.display();
                tracing::error!("nobody can log in offline: {dir} cannot be read: {error}");
            }
            Vec::new()
        });
        (store, records)
    }

    pub(super) fn file(&self, sid: Sid) -> PathBuf {
        self.dir.join(format!("{sid}.{KEPT}"))
    }

    fn read(&self) -> io::Result<Vec<Record>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(KEPT) => records.extend(self.read_one(&path)),
                // The daemon ended while it wrote; the file beside it is whole.
                Some(UNFINISHED) => drop(fs::remove_file(&path)),
                _ => {}
            }
        }
        Ok(records)
    }

    fn read_one(&self, path: &Path) -> Option<Record> {
        let read = || -> io::Result<Record> {
            let record: Record = serde_json::from_slice(&fs::read(path)?)?;
            if record.format != FORMAT || self.file(record.sid()) != path {
                return Err(io::Error::other("it is of another version, or of another account"));
            }
            record.user.entry.check().map_err(io::Error::other)?;
            Ok(record)
        };
        read()
            .inspect_err(|error| {
                tracing::error!(
                    "{} cannot be used, and whom it is about cannot log in offline before a domain \
                     controller has answered once: {error}",
                    path.display()
                );
            })
            .ok()
    }
}

/// Puts a record into its file; it is on the disk when this returns.
pub(super) fn write(file: &Path, record: &Record) -> io::Result<()> {
    replace(file, &serde_json::to_vec(record)?)
}

fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let dir = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let unfinished = file.with_extension(UNFINISHED);
    let mut options = OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    out.write_all(content)?;
    out.sync_all()?;
    fs::rename(&unfinished, file)?;
    sync_dir(file)
}

/// Removes a record's file; it is off the disk when this returns.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    sync_dir(file)
}

/// The name is the directory's to keep.
fn sync_dir(file: &Path) -> io::Result<()> {
    File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// The bytes that a file has for whoever opened it before are those it had then: only so is
    /// there no moment in which the power takes both.
    #[test]
    fn a_file_is_written_over_the_one_from_before() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("offline").join("one.json");
        replace(&file, b"the first one").unwrap();
        let mut before = File::open(&file).unwrap();
        replace(&file, b"the second").unwrap();
        let mut read = String::new();
        before.read_to_string(&mut read).unwrap();
        assert_eq!(read, "the first one");
        assert_eq!(fs::read(&file).unwrap(), b"the second");
    }
}

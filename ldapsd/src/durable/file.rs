//! The file that outlasts the daemon: read once at the start, then only written to.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::frames::{FileKey, Records};
use super::kept::Kept;

/// The file is made anew when as much has been added to it as was in it, and this much at least: so
/// it is never longer than twice what is known, and 1 MiB.
const GROWTH: u64 = 1 << 20;
/// So much is written at once.
const CHUNK: usize = 1 << 20;

/// A file that records are being added to.
#[derive(Debug)]
pub(super) struct KeptFile {
    path: PathBuf,
    file: File,
    key: FileKey,
    length: u64,
    /// How long it was when it was made.
    made: u64,
    /// Whether something is not on the disk yet.
    pub(super) unsynced: bool,
}

/// Hands over everything that can be read of a file, one record after the other: together they would
/// take as much as all that is known. Gives whether some of it could not be read; where there is no file
/// there is nothing.
///
/// # Errors
/// It is there, and cannot be read at all.
pub(super) fn read(path: &Path, mut take: impl FnMut(Kept)) -> io::Result<bool> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        read => read?,
    };
    let Some(key) = FileKey::of(&bytes) else { return Ok(!bytes.is_empty()) };
    let mut frames = Records::of(&bytes, key);
    let mut damaged = false;
    for record in frames.by_ref() {
        match postcard::from_bytes(record) {
            Ok(kept) => take(kept),
            Err(_) => damaged = true,
        }
    }
    Ok(damaged || frames.damaged)
}

impl KeptFile {
    /// A new file in the place of the one there, with these records; it is on the disk when this
    /// returns, and until then the old one is whole.
    ///
    /// # Errors
    /// Of the file system; the old one stays.
    pub(super) fn make(path: &Path, records: impl Iterator<Item = Kept>) -> io::Result<Self> {
        let dir = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let (beside, key) = (path.with_extension("new"), FileKey::random()?);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        let (path, unsynced) = (path.to_owned(), false);
        let mut made = Self { path, file, key, length: 0, made: 0, unsynced };
        made.write(&key.head())?;
        made.add(records)?;
        made.file.sync_all()?;
        fs::rename(&beside, &made.path)?;
        // The name is the directory's to keep.
        File::open(dir)?.sync_all()?;
        (made.made, made.unsynced) = (made.length, false);
        Ok(made)
    }

    /// Adds records.
    ///
    /// # Errors
    /// Of the file system; what was added before stays.
    pub(super) fn add(&mut self, records: impl Iterator<Item = Kept>) -> io::Result<()> {
        let mut chunk = Vec::new();
        for kept in records {
            let record = postcard::to_stdvec(&kept).map_err(io::Error::other)?;
            let at = self.length + chunk.len() as u64;
            // What is too long for a record is not kept.
            chunk.extend(self.key.frame(at, &record).unwrap_or_default());
            if chunk.len() > CHUNK {
                self.write(&std::mem::take(&mut chunk))?;
            }
        }
        self.write(&chunk)
    }

    /// Whether it is time to make it anew.
    pub(super) fn is_overgrown(&self) -> bool {
        self.length > self.made + self.made.max(GROWTH)
    }

    /// Puts everything on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.unsynced = false;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.unsynced = true;
        let written = self.file.write_all_at(bytes, self.length);
        match written {
            Ok(()) => self.length += bytes.len() as u64,
            // A part of a record would be in the way of the next.
            Err(_) => self.file.set_len(self.length)?,
        }
        written
    }
}

//! What was changed on this host and how it was before, in a directory of root's own:
//! `manifest.json`, and a copy of each file. It is on the disk before a change is made, so a setup
//! that is killed can be taken back as far as it came.
#![forbid(unsafe_code)]

use super::files::{self, Seen};
use super::host::Host;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where it is.
pub const PLACE: &str = "/var/lib/ldaps/setup";
const MANIFEST: &str = "manifest.json";
const VERSION: u32 = 1;

/// All that was changed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    /// A number for the next copy.
    next: u32,
    /// The files, in the order in which they were changed.
    pub files: Vec<Entry>,
    /// Directories that were made, in that order.
    pub dirs: Vec<PathBuf>,
    /// Whether the system's trust store was made anew.
    pub trust: bool,
    /// Whether sshd was told to read its configuration anew.
    pub sshd: bool,
    /// How the daemon was before; None as long as it was left alone.
    pub service: Option<Service>,
}

/// How the daemon was.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Service {
    /// It ran.
    pub was_active: bool,
    /// It was to be started at boot.
    pub was_enabled: bool,
    /// It had a directory in /var/lib.
    pub had_state: bool,
}

/// One file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub path: PathBuf,
    /// How it was; None: it was not there.
    pub before: Option<Before>,
    /// How we left it.
    pub after: After,
    /// Somebody else had changed it between two runs; `before` is how they left it.
    pub was_edited: bool,
    /// It holds a CA that somebody had pasted into the bundle, and is not to be lost.
    pub is_rescue: bool,
}

/// How a file was, and where the copy of it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Before {
    /// The copy's name in the directory.
    pub copy: String,
    /// How it was.
    pub seen: Seen,
}

/// How a file was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// A program was about to change it, and we were stopped before we could look.
    Unknown,
    /// So.
    Is(Seen),
}

/// The directory, held by this process alone.
pub struct Record {
    dir: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
    _held: File,
}

impl Record {
    /// Opens it, and makes it where there is none.
    ///
    /// # Errors
    /// A sentence about what stands in the way.
    pub fn open_or_make(host: &Host) -> Result<Self, String> {
        let dir = host.path(PLACE);
        let failed = |error: io::Error| format!("{} cannot be made: {error}.", dir.display());
        let parent = dir.parent().unwrap_or(&dir);
        DirBuilder::new().mode(0o755).recursive(true).create(parent).map_err(failed)?;
        match DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(error));
            }
            Ok(()) | Err(_) => {}
        }
        Self::hold(dir)
    }

    /// Opens the one there is; None: nothing was ever changed, or all of it was taken back.
    ///
    /// # Errors
    /// As [`Record::open_or_make`].
    pub fn open(host: &Host) -> Result<Option<Self>, String> {
        let dir = host.path(PLACE);
        match dir.is_dir() {
            true => Self::hold(dir).map(Some),
            false => Ok(None),
        }
    }

    fn hold(dir: PathBuf) -> Result<Self, String> {
        let shown = dir.display().to_string();
        let held =
            File::open(&dir).map_err(|error| format!("{shown} cannot be opened: {error}."))?;
        rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            format!("Another ldapsctl setup is at work ({shown} is locked). Wait for its end.")
        })?;
        let path = dir.join(MANIFEST);
        let manifest = match fs::read(&path) {
            Ok(content) => read(&path, &content)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Manifest::default(),
            Err(error) => return Err(format!("{} cannot be read: {error}.", path.display())),
        };
        Ok(Self { dir, manifest, _held: held })
    }

    /// Whether there is something to take back.
    pub fn is_empty(&self) -> bool {
        let Manifest { files, dirs, trust, sshd, service, .. } = &self.manifest;
        files.is_empty() && dirs.is_empty() && !trust && !sshd && service.is_none()
    }

    /// Keeps a copy of a file as it is now, unless there is one of before, and notes how it will be.
    /// On the disk when this returns.
    ///
    /// # Errors
    /// A sentence with the file.
    pub fn keep(&mut self, path: &Path, after: After, is_rescue: bool) -> Result<(), String> {
        let now = files::seen(path)?;
        let known = self.manifest.files.iter().position(|entry| entry.path == path);
        let Some(known) = known else {
            let before = self.copy(path, now)?;
            let path = path.to_owned();
            self.manifest.files.push(Entry { path, before, after, was_edited: false, is_rescue });
            return self.save();
        };
        let as_left = self.manifest.files.get(known).is_none_or(|entry| match &entry.after {
            After::Unknown => true,
            // Or it was never written: we were killed before.
            After::Is(left) => {
                let before = entry.before.as_ref().map(|before| &before.seen);
                now.as_ref() == Some(left) || now.as_ref() == before
            }
        });
        let copy = if as_left { None } else { Some(self.copy(path, now)?) };
        if let Some(entry) = self.manifest.files.get_mut(known) {
            entry.after = after;
            if let Some(before) = copy {
                entry.before = before;
                entry.was_edited = true;
            }
        }
        self.save()
    }

    /// Notes how a program has left these files; those that it left alone are forgotten.
    ///
    /// # Errors
    /// A sentence with the file.
    pub fn settle(&mut self, paths: &[PathBuf]) -> Result<(), String> {
        for path in paths {
            let now = files::seen(path)?;
            let Some(at) = self.manifest.files.iter().position(|entry| entry.path == *path) else {
                continue;
            };
            let Some(entry) = self.manifest.files.get_mut(at) else { continue };
            let before = entry.before.as_ref().map(|before| &before.seen);
            match now {
                Some(now) if before != Some(&now) => entry.after = After::Is(now),
                None if before.is_some() => entry.after = After::Unknown,
                Some(_) | None => {
                    let copy = entry.before.take().map(|before| self.dir.join(before.copy));
                    self.manifest.files.remove(at);
                    self.save()?;
                    copy.map(fs::remove_file);
                }
            }
        }
        self.save()
    }

    /// Notes a directory that is about to be made.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn will_make(&mut self, dir: &Path) -> Result<(), String> {
        if !self.manifest.dirs.iter().any(|known| known == dir) {
            self.manifest.dirs.push(dir.to_owned());
        }
        self.save()
    }

    /// What the file was, whole.
    ///
    /// # Errors
    /// When the copy is gone.
    pub fn content(&self, before: &Before) -> Result<Vec<u8>, String> {
        let path = self.dir.join(&before.copy);
        fs::read(&path).map_err(|error| format!("{} cannot be read: {error}.", path.display()))
    }

    /// Where the copy is.
    pub fn place_of(&self, before: &Before) -> PathBuf {
        self.dir.join(&before.copy)
    }

    /// Writes the manifest down, whole.
    ///
    /// # Errors
    /// A sentence with the file.
    pub fn save(&mut self) -> Result<(), String> {
        self.manifest.version = VERSION;
        let path = self.dir.join(MANIFEST);
        let failed = |error: io::Error| format!("{} cannot be written: {error}.", path.display());
        let text = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|error| failed(io::Error::other(error)))?;
        let beside = self.dir.join("manifest.json.new");
        write_down(&beside, &text).map_err(failed)?;
        fs::rename(&beside, &path).map_err(failed)?;
        // The name in the directory, too, before what it tells of is done.
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(failed)
    }

    /// Removes the directory, and the one above if nothing else is in it.
    ///
    /// # Errors
    /// A sentence with the directory.
    pub fn remove(self) -> Result<(), String> {
        fs::remove_dir_all(&self.dir)
            .map_err(|error| format!("{} cannot be removed: {error}.", self.dir.display()))?;
        // In use by something else: then it stays.
        let _in_use = self.dir.parent().map(fs::remove_dir);
        Ok(())
    }

    fn copy(&mut self, path: &Path, now: Option<Seen>) -> Result<Option<Before>, String> {
        let Some(seen) = now else { return Ok(None) };
        let copy = format!("copy-{}", self.manifest.next);
        self.manifest.next += 1;
        let failed =
            |error: io::Error| format!("no copy of {} could be kept: {error}.", path.display());
        let content = fs::read(path).map_err(failed)?;
        write_down(&self.dir.join(&copy), &content).map_err(failed)?;
        Ok(Some(Before { copy, seen }))
    }
}

fn read(path: &Path, content: &[u8]) -> Result<Manifest, String> {
    let shown = path.display();
    let manifest: Manifest = serde_json::from_slice(content)
        .map_err(|error| format!("{shown} is damaged ({error}). The copies lie beside it."))?;
    match manifest.version {
        VERSION => Ok(manifest),
        other => Err(format!(
            "{shown} is of another version of ldapsctl ({other}). Use that one, or put the copies that \
             lie beside it back by hand."
        )),
    }
}

/// For root's eyes alone: it may be a secret.
fn write_down(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

//! The map's one writer: the daemon.
#![forbid(unsafe_code)]

mod file;
mod keys;
mod rebuild;

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::file::{MapFile, NoRoom};
pub use self::keys::OwnedKey;
use self::rebuild::{limit, plan};
use super::entry::{
    Entry, encode_alias, encode_group, encode_groups_of, encode_nobody, encode_user,
};
use super::format::Key;
use super::view::MapView;
use crate::ctl::CtlWriter;
use crate::entries::{EntryError, GroupEntry, PasswdEntry};

/// Most negative entries that are kept; the oldest goes first.
pub const NOBODY_MAX: usize = 10_000;
/// A new file for one change; a second is needed only if the new seed is as bad as the old.
const ATTEMPTS: usize = 4;

/// Why something is not in the map. The daemon answers for it by its socket; nothing older stands
/// in its place.
#[derive(Debug)]
pub enum PutError {
    /// The budget, or the file system that the run directory is on, has no more room.
    Full,
    /// It is nothing that passwd(5) or group(5) could hold.
    Invalid(EntryError),
    /// Making a new file failed.
    Io(io::Error),
}

impl fmt::Display for PutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str(
                "the shared map has no more room; what is not in it is answered by the socket",
            ),
            Self::Invalid(error) => write!(f, "the entry is not one for the shared map: {error}"),
            Self::Io(error) => write!(f, "no new file for the shared map can be made: {error}"),
        }
    }
}

impl std::error::Error for PutError {}

/// What the map holds and takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// The N of `map-N`.
    pub number: u32,
    /// Bytes of memory that the file takes.
    pub memory: usize,
    /// Bytes of entries that are in force.
    pub live: usize,
    /// Bytes of entries that were replaced or withdrawn.
    pub dead: usize,
}

/// See the module.
#[derive(Debug)]
pub struct MapWriter {
    dir: PathBuf,
    ctl: Arc<CtlWriter>,
    /// The most memory that all files take at once.
    budget: usize,
    nobody_max: usize,
    file: MapFile,
    /// The negative entries, the oldest first; some may have been replaced since.
    nobodies: VecDeque<OwnedKey>,
}

impl MapWriter {
    /// Goes on with the file that the page ctl names, or makes one. While a new file takes the
    /// place of an old one both are there, so each gets half of the budget.
    ///
    /// # Errors
    /// The error of making a file.
    pub fn open(dir: &Path, ctl: Arc<CtlWriter>, budget: usize) -> io::Result<Self> {
        let limit = limit(budget);
        let file = match MapFile::open(dir, ctl.map(), limit) {
            Some(mut file) => {
                file.check();
                file
            }
            None => {
                let number = ctl.map().wrapping_add(1).max(1);
                let file = MapFile::create(dir, number, plan(0, 0), limit)?;
                ctl.set_map(number)?;
                file
            }
        };
        let dir = dir.to_owned();
        let nobodies = VecDeque::new();
        let mut writer = Self { dir, ctl, budget, nobody_max: NOBODY_MAX, file, nobodies };
        writer.remember_nobodies();
        writer.remove_other_files();
        Ok(writer)
    }

    /// Keeps at most so many negative entries instead of [`NOBODY_MAX`].
    #[must_use]
    pub fn with_nobody_max(mut self, most: usize) -> Self {
        self.nobody_max = most;
        self
    }

    /// What the map holds and takes.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (number, dead) = (self.file.header.number, self.file.dead);
        Stats { number, memory: self.file.memory(), live: self.file.live(), dead }
    }

    /// The map as readers have it.
    #[must_use]
    pub fn view(&self) -> MapView<'_> {
        self.file.view()
    }

    /// Publishes a user in the place of whoever had the name or the uid before. The groups of the
    /// same uid stay.
    ///
    /// # Errors
    /// [`PutError`]; then neither the name nor the uid leads anywhere.
    pub fn put_user(&mut self, user: &PasswdEntry) -> Result<(), PutError> {
        let checked = user.check().map_err(PutError::Invalid);
        let entry = checked.and_then(|()| encode_user(user).ok_or(PutError::Full));
        let keys = [Key::UserName(user.name.as_bytes()), Key::Uid(user.uid)];
        self.put(&keys, entry)
    }

    /// Publishes a group in the place of whatever had the name or the gid before.
    ///
    /// # Errors
    /// [`PutError`]; then neither the name nor the gid leads anywhere.
    pub fn put_group(&mut self, group: &GroupEntry) -> Result<(), PutError> {
        let checked = group.check().map_err(PutError::Invalid);
        let entry = checked.and_then(|()| encode_group(group).ok_or(PutError::Full));
        let keys = [Key::GroupName(group.name.as_bytes()), Key::Gid(group.gid)];
        self.put(&keys, entry)
    }

    /// Publishes the gids of a user's groups, the primary one too. They are found as soon as the
    /// user is.
    ///
    /// # Errors
    /// [`PutError`]; then nothing is known of the user's groups.
    pub fn put_groups_of(&mut self, uid: u32, gids: &[u32]) -> Result<(), PutError> {
        let mut ids = gids.iter();
        let checked =
            ids.try_for_each(|gid| crate::entries::check_id(*gid)).map_err(PutError::Invalid);
        let entry = checked.and_then(|()| encode_groups_of(uid, gids).ok_or(PutError::Full));
        self.put(&[Key::GroupsOf(uid)], entry)
    }

    /// Lets another form of a user's name lead to the user, for as long as the uid and the
    /// canonical name stay together.
    ///
    /// # Errors
    /// [`PutError`]; then the alias leads nowhere.
    pub fn put_alias(&mut self, alias: &str, user: &PasswdEntry) -> Result<(), PutError> {
        let entry = encode_alias(alias, user).ok_or(PutError::Full);
        self.put(&[Key::UserName(alias.as_bytes())], entry)
    }

    /// Publishes that nobody has this name or id, until a moment of CLOCK_MONOTONIC.
    ///
    /// # Errors
    /// [`PutError`]; then nothing is known of it.
    pub fn put_nobody(&mut self, key: Key<'_>, expires: Duration) -> Result<(), PutError> {
        let entry = encode_nobody(&key, expires).ok_or(PutError::Full);
        let was_one = matches!(self.view().find(&key), Some((_, Entry::Nobody(_))));
        self.put(&[key], entry)?;
        if !was_one {
            self.nobodies.push_back(OwnedKey::of(&key));
        }
        while self.nobodies.len() > self.nobody_max {
            let Some(oldest) = self.nobodies.pop_front() else { break };
            if matches!(self.view().find(&oldest.key()), Some((_, Entry::Nobody(_)))) {
                self.remove(oldest.key());
            }
        }
        Ok(())
    }

    /// Withdraws whatever a key leads to, under all its keys: a user and what groups the user is
    /// in, a group, the groups of a user, an alias, a negative entry.
    pub fn remove(&mut self, key: Key<'_>) {
        let Some((hit, entry)) = self.file.view().find(&key) else { return };
        let (first, second) = entry.keys();
        let uid = match entry {
            Entry::User(user) => Some(user.uid),
            Entry::Group(_) | Entry::GroupsOf(..) | Entry::Alias(_) | Entry::Nobody(_) => None,
        };
        let leads_here = |key| self.file.view().find(&key).filter(|(h, _)| h.offset == hit.offset);
        let slots = [Some(first), second].map(|key| Some(leads_here(key?)?.0.slot));
        for slot in slots.into_iter().flatten() {
            self.file.clear(slot);
        }
        self.file.count_live(hit.offset, false);
        if let Some(uid) = uid {
            self.remove(Key::GroupsOf(uid));
        }
    }

    /// By what each entry counts first: whoever goes on with a file of before looks whether
    /// everything in it still holds.
    #[must_use]
    pub fn keys(&self) -> Vec<OwnedKey> {
        let first = |slot, offset| {
            let (first, _) = Entry::read(self.view().entry(offset)?)?.keys();
            let (hit, _) = self.view().find(&first)?;
            (hit.slot == slot).then(|| OwnedKey::of(&first))
        };
        self.live_offsets().filter_map(|(slot, offset)| first(slot, offset)).collect()
    }

    /// Withdraws everything: the configuration changed under it.
    ///
    /// # Errors
    /// The error of making a file.
    pub fn clear(&mut self) -> io::Result<()> {
        let number = self.file.header.number.wrapping_add(1).max(1);
        let file = MapFile::create(&self.dir, number, plan(0, 0), limit(self.budget))?;
        self.nobodies.clear();
        self.make_current(file)
    }

    /// Publishes an entry under its keys, in the place of what each of them led to.
    /// Where there is none to publish, nothing older stays in its place.
    fn put(&mut self, keys: &[Key<'_>], entry: Result<Vec<u8>, PutError>) -> Result<(), PutError> {
        let outcome = entry.and_then(|entry| match self.is_there(keys, &entry) {
            true => Ok(()),
            false => self.put_anew(keys, &entry),
        });
        if outcome.is_err() {
            keys.iter().for_each(|key| self.remove(*key));
        }
        outcome
    }

    fn put_anew(&mut self, keys: &[Key<'_>], entry: &[u8]) -> Result<(), PutError> {
        let nobody = matches!(Entry::read(entry), Some(Entry::Nobody(_)));
        for _ in 0..ATTEMPTS {
            if self.is_table_full(keys.len()) {
                self.rebuild(entry.len())?;
            } else if self.is_mostly_dead() {
                // Where there is no memory for it there may still be some for this entry.
                let _ = self.rebuild(entry.len());
            }
            match self.try_put(keys, entry, nobody) {
                Ok(()) => return Ok(()),
                // A crowd of negative entries costs nobody a new file.
                Err(NoRoom::Crowded) if nobody => return Err(PutError::Full),
                Err(NoRoom::NoMemory) if self.file.dead < self.file.live() / 4 => {
                    return Err(PutError::Full);
                }
                Err(NoRoom::FileFull | NoRoom::Crowded | NoRoom::NoMemory) => {
                    self.rebuild(entry.len())?;
                }
            }
        }
        Err(PutError::Full)
    }

    fn try_put(&mut self, keys: &[Key<'_>], entry: &[u8], nobody: bool) -> Result<(), NoRoom> {
        // Before it costs memory: made-up names that find no place must not fill the file.
        if nobody && !keys.iter().all(|key| self.file.has_place_for_nobody(key)) {
            return Err(NoRoom::Crowded);
        }
        let offset = self.file.append(entry)?;
        for key in keys {
            self.remove_unless_same_keys(key, keys);
        }
        let replaced =
            keys.first().and_then(|key| self.view().find(key)).map(|(hit, _)| hit.offset);
        for key in keys {
            match nobody {
                true => self.file.set_nobody(key, offset)?,
                false => self.file.set(key, offset)?,
            }
        }
        self.file.count_live(offset, true);
        if let Some(replaced) = replaced {
            self.file.count_live(replaced, false);
        }
        Ok(())
    }

    /// Withdraws what a key leads to, unless it has just the keys of what takes its place: then
    /// each slot is replaced by one store, and no reader misses it in between.
    fn remove_unless_same_keys(&mut self, key: &Key<'_>, keys: &[Key<'_>]) {
        let Some((hit, entry)) = self.file.view().find(key) else { return };
        let (first, second) = entry.keys();
        let leads_here =
            |key: &Key<'_>| self.file.view().find(key).is_some_and(|(h, _)| h.offset == hit.offset);
        let same = keys.first() == Some(&first)
            && keys.get(1) == second.as_ref()
            && keys.iter().all(leads_here);
        if !same {
            self.remove(*key);
        }
    }

    /// Whether just this entry is what the keys lead to.
    fn is_there(&self, keys: &[Key<'_>], entry: &[u8]) -> bool {
        keys.iter().all(|key| {
            let found = self.view().find(key);
            found.and_then(|(hit, _)| self.view().entry(hit.offset)) == Some(entry)
        })
    }

    fn remember_nobodies(&mut self) {
        let mut found: Vec<(Duration, OwnedKey)> = self
            .live_offsets()
            .filter_map(|(_, offset)| match Entry::read(self.view().entry(offset)?)? {
                Entry::Nobody(nobody) => Some((nobody.expires, OwnedKey::of(&nobody.key))),
                Entry::User(_) | Entry::Group(_) | Entry::GroupsOf(..) | Entry::Alias(_) => None,
            })
            .collect();
        found.sort_by_key(|(expires, _)| *expires);
        self.nobodies = found.into_iter().map(|(_, key)| key).collect();
    }

    /// Files that are not the current one: of a writer that ended while it made another.
    fn remove_other_files(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        for entry in entries.flatten() {
            let number = entry.file_name().to_str().and_then(super::file_number);
            if number.is_some_and(|number| number != self.file.header.number) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// A moment at which a writer may end: before every store to a file, and between the steps of
/// making another one current. In tests it does end there.
#[cfg(not(test))]
#[inline]
pub(super) fn moment() {}

#[cfg(test)]
pub(super) use super::tests::killing::moment;

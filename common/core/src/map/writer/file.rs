//! One map file in its writer's hands: memory given out from front to back, slots set.
#![forbid(unsafe_code)]

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};

use crate::map::entry::Entry;
use crate::map::file_name;
use crate::map::format::{
    ALIGN, ALLOCATED_AT, EMPTY, Header, Key, PAGE, PAGES_MAX, PROBE_MAX, REMOVED, SLOTS_AT,
    USED_AT, allocated, allocated_word, slot_offset, slot_word,
};
use crate::map::sys::Writable;
use crate::map::view::{Hit, MapView, Shape};

/// How far from its home a negative entry may stand: whoever makes up names that collide fills
/// that much and no more.
const NOBODY_PROBE: usize = 32;
/// A file gets its memory in steps of an eighth of its length, or this.
const STEP_MIN: usize = 16 * PAGE;

/// What a new file is made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) slots_log2: u32,
    /// The length of the whole file in bytes; it takes memory only as it fills.
    pub(super) len: usize,
}

/// Why something did not get its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// The file ends here: another, longer one is needed.
    FileFull,
    /// There are too many keys near this one: another file with another seed is needed.
    Crowded,
    /// No more memory may be taken, or there is none.
    NoMemory,
}

/// See the module.
#[derive(Debug)]
pub(super) struct MapFile {
    file: File,
    pub(super) path: PathBuf,
    map: Writable,
    shape: Shape,
    pub(super) header: Header,
    /// Where the next entry goes.
    pub(super) used: usize,
    allocated: usize,
    /// Slots that are not empty, removed ones too.
    pub(super) filled: usize,
    /// Bytes of entries that no slot leads to any more.
    pub(super) dead: usize,
    /// The most memory this file may take.
    pub(super) limit: usize,
}

impl MapFile {
    /// Makes a file that nobody reads yet.
    pub(super) fn create(dir: &Path, number: u32, plan: Plan, limit: usize) -> io::Result<Self> {
        let mut seed = [0; 8];
        rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
        let pages = u32::try_from(plan.len.div_ceil(PAGE).min(PAGES_MAX)).unwrap_or(0);
        let seed = u64::from_ne_bytes(seed);
        let header = Header { number, slots_log2: plan.slots_log2, pages, seed };
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let len = header.file_len().ok_or_else(full)?;
        let arena_at = header.arena_at().filter(|at| *at <= limit && *at < len).ok_or_else(full)?;

        let path = dir.join(file_name(number));
        // What a writer that was ended here has left behind.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        super::moment();
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        super::moment();
        file.set_len(len as u64)?;
        // Memory is promised before it is touched: to touch what a full tmpfs cannot give is
        // SIGBUS, here and in every reader.
        fallocate(&file, FallocateFlags::empty(), 0, arena_at as u64)
            .inspect_err(|_| drop(std::fs::remove_file(&path)))?;
        let mut map = Writable::of(&file)?;
        map.write(0, &header.encode());
        map.store(ALLOCATED_AT, allocated_word(arena_at / PAGE).ok_or_else(full)?);
        map.store(USED_AT, units(arena_at));
        file.set_permissions(Permissions::from_mode(0o644))?;
        let shape = Shape::of(&header).ok_or_else(full)?;
        let (used, allocated) = (arena_at, arena_at);
        Ok(Self { file, path, map, shape, header, used, allocated, filled: 0, dead: 0, limit })
    }

    /// Opens a file that a writer before this one has left; none where it is not sound. Its slots
    /// are not looked at yet.
    pub(super) fn open(dir: &Path, number: u32, limit: usize) -> Option<Self> {
        let path = dir.join(file_name(number));
        let file = File::options().read(true).write(true).open(&path).ok()?;
        if file.metadata().ok()?.len() < PAGE as u64 {
            return None;
        }
        let map = Writable::of(&file).ok()?;
        let header = Header::decode(map.region()).filter(|header| header.number == number)?;
        let shape = Shape::of(&header)?;
        let allocated = allocated(map.region())?;
        let used = (map.region().word(USED_AT)? as usize).checked_mul(ALIGN)?;
        let sound = header.arena_at()? <= used && used <= allocated;
        let (filled, dead) = (0, 0);
        sound.then_some(Self {
            file,
            path,
            map,
            shape,
            header,
            used,
            allocated,
            filled,
            dead,
            limit,
        })
    }

    /// The file as a reader has it.
    pub(super) fn view(&self) -> MapView<'_> {
        MapView::known(self.map.region(), self.shape)
    }

    /// Bytes of memory that the file takes.
    pub(super) fn memory(&self) -> usize {
        self.allocated
    }

    /// Bytes of entries that slots lead to.
    pub(super) fn live(&self) -> usize {
        self.used.saturating_sub(self.arena_at()).saturating_sub(self.dead)
    }

    pub(super) fn arena_at(&self) -> usize {
        self.header.arena_at().unwrap_or(usize::MAX)
    }

    /// Writes an entry where nobody sees it yet, and says where.
    pub(super) fn append(&mut self, entry: &[u8]) -> Result<usize, NoRoom> {
        let at = self.used;
        let end = at.saturating_add(entry.len()).next_multiple_of(ALIGN);
        self.allocate(end)?;
        self.map.write(at, entry);
        // Before any slot leads there: a writer that goes on after this one must not write there.
        self.map.store(USED_AT, units(end));
        self.used = end;
        self.dead = self.dead.saturating_add(end - at);
        Ok(at)
    }

    /// The entry's bytes count as live from now on, or no longer.
    pub(super) fn count_live(&mut self, offset: usize, live: bool) {
        let length = self.view().entry(offset).map_or(0, <[u8]>::len).next_multiple_of(ALIGN);
        self.dead = match live {
            true => self.dead.saturating_sub(length),
            false => self.dead.saturating_add(length),
        };
    }

    /// Takes memory up to `end`.
    fn allocate(&mut self, end: usize) -> Result<(), NoRoom> {
        if end <= self.allocated {
            return Ok(());
        }
        let len = self.map.region().len();
        if end > len {
            return Err(NoRoom::FileFull);
        }
        let step = (len / 8).max(STEP_MIN);
        let wanted = end.max(self.allocated + step).next_multiple_of(PAGE).min(len);
        // The last step may be a short one.
        let wanted = wanted.min(self.limit.max(end).next_multiple_of(PAGE));
        if wanted > self.limit {
            return Err(NoRoom::NoMemory);
        }
        let (from, more) = (self.allocated as u64, (wanted - self.allocated) as u64);
        fallocate(&self.file, FallocateFlags::empty(), from, more).map_err(|_| NoRoom::NoMemory)?;
        let word = allocated_word(wanted / PAGE).ok_or(NoRoom::NoMemory)?;
        self.map.store(ALLOCATED_AT, word);
        self.allocated = wanted;
        Ok(())
    }

    /// Lets a key lead to an entry: the one store that makes it visible.
    pub(super) fn set(&mut self, key: &Key<'_>, offset: usize) -> Result<(), NoRoom> {
        self.set_within(key, offset, PROBE_MAX)
    }

    /// [`MapFile::set`] for a negative entry.
    pub(super) fn set_nobody(&mut self, key: &Key<'_>, offset: usize) -> Result<(), NoRoom> {
        self.set_within(key, offset, NOBODY_PROBE)
    }

    /// Whether [`MapFile::set_nobody`] would find a slot.
    pub(super) fn has_place_for_nobody(&self, key: &Key<'_>) -> bool {
        self.view().find(key).is_some() || self.empty_slot(key, NOBODY_PROBE).is_some()
    }

    fn set_within(&mut self, key: &Key<'_>, offset: usize, probe: usize) -> Result<(), NoRoom> {
        let word = slot_word(offset, self.view().place(key).tag).ok_or(NoRoom::FileFull)?;
        let slot = match self.view().find(key) {
            Some((hit, _)) => hit.slot,
            None => self.free_slot(key, probe).ok_or(NoRoom::Crowded)?,
        };
        self.store(slot, word);
        Ok(())
    }

    /// A slot near a key's home that is not taken.
    fn empty_slot(&self, key: &Key<'_>, probe: usize) -> Option<usize> {
        let view = self.view();
        let place = view.place(key);
        let mut near = (0..probe).map(|step| view.slot_at(place, step));
        near.find(|slot| matches!(view.slot(*slot), Some(EMPTY | REMOVED)))
    }

    /// A slot near a key's home that is not taken; else, where an entry may stand farther away
    /// than negative ones may, one of theirs.
    fn free_slot(&mut self, key: &Key<'_>, probe: usize) -> Option<usize> {
        if let Some(slot) = self.empty_slot(key, probe) {
            return Some(slot);
        }
        if probe <= NOBODY_PROBE {
            return None;
        }
        let view = self.view();
        let place = view.place(key);
        let mut near = (0..probe).map(|step| view.slot_at(place, step));
        let (slot, offset) = near.find_map(|slot| {
            let offset = slot_offset(view.slot(slot)?)?;
            let entry = Entry::read(view.entry(offset)?)?;
            matches!(entry, Entry::Nobody(_)).then_some((slot, offset))
        })?;
        self.count_live(offset, false);
        Some(slot)
    }

    /// Withdraws what a slot leads to.
    pub(super) fn clear(&mut self, slot: usize) {
        let mask = self.view().slots() - 1;
        // Where the search ends behind it anyway, the slot is as good as new.
        let ends_here = self.view().slot((slot + 1) & mask) == Some(EMPTY);
        self.store(slot, if ends_here { EMPTY } else { REMOVED });
    }

    fn store(&mut self, slot: usize, word: u32) {
        let was_empty = self.view().slot(slot) == Some(EMPTY);
        self.map.store(SLOTS_AT + 4 * slot, word);
        match (was_empty, word == EMPTY) {
            (true, false) => self.filled += 1,
            (false, true) => self.filled -= 1,
            (true, true) | (false, false) => {}
        }
    }

    /// Looks at every slot after another writer has ended at any moment, and withdraws what is
    /// damaged or half done; gives the number of slots that it withdrew.
    pub(super) fn check(&mut self) -> usize {
        let mut withdrawn = 0;
        self.filled = 0;
        let mut live = 0;
        for slot in 0..self.view().slots() {
            let Some(word) = self.view().slot(slot).filter(|word| *word != EMPTY) else { continue };
            self.filled += 1;
            if word == REMOVED {
                continue;
            }
            match self.whole_entry_at(slot, word) {
                Some(length) => live += length,
                None => {
                    self.clear(slot);
                    withdrawn += 1;
                }
            }
        }
        self.dead = self.used.saturating_sub(self.arena_at()).saturating_sub(live);
        withdrawn
    }

    /// The length of the entry to count for a slot, where each of the entry's keys leads to it.
    fn whole_entry_at(&self, slot: usize, word: u32) -> Option<usize> {
        let view = self.view();
        let offset = slot_offset(word)?;
        let bytes = view.entry(offset)?;
        if offset.checked_add(bytes.len())? > self.used {
            return None;
        }
        let (first, second) = Entry::read(bytes)?.keys();
        let at = |key: &Key<'_>| view.find(key).map(|(hit, _)| hit);
        let here = Hit { slot, offset };
        let by_first = at(&first)?;
        let by_second = second.map(|key| at(&key));
        let whole = by_first.offset == offset
            && by_second.is_none_or(|hit| hit.is_some_and(|hit| hit.offset == offset))
            && (by_first == here || by_second.flatten() == Some(here));
        // An entry with two keys is met twice and counted once.
        let length = if by_first == here { bytes.len().next_multiple_of(ALIGN) } else { 0 };
        whole.then_some(length)
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes / ALIGN).unwrap_or(u32::MAX)
}

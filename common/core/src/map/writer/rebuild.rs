//! A new file with all that is in force, in the place of one that is full or mostly dead.
#![forbid(unsafe_code)]

use std::fs;
use std::io;

use super::file::{MapFile, NoRoom, Plan};
use super::{ATTEMPTS, MapWriter, PutError, moment};
use crate::map::entry::Entry;
use crate::map::format::{ALIGN, EMPTY, Key, PAGE, REMOVED, SLOTS_AT, slot_offset};
use crate::map::view::coarse_now;

/// A file is not compacted for less than this.
const COMPACT_MIN: usize = 64 << 10;
/// The smallest table, and the smallest arena.
const SLOTS_LOG2_MIN: u32 = 10;
const ARENA_MIN: usize = 64 * PAGE;

impl MapWriter {
    /// Whether over half of the entries are dead.
    pub(super) fn is_mostly_dead(&self) -> bool {
        let used = self.file.used - self.file.arena_at();
        used >= COMPACT_MIN && self.file.dead > used / 2
    }

    pub(super) fn is_table_full(&self, more_keys: usize) -> bool {
        (self.file.filled + more_keys) * 2 > self.view().slots()
    }

    /// Makes a new file with all that is in force, and makes it the current one.
    pub(super) fn rebuild(&mut self, more: usize) -> Result<(), PutError> {
        let limit = limit(self.budget);
        let live_slots = self.live_offsets().count();
        let plan = plan(live_slots, self.file.live().saturating_add(more));
        // Not worth it where the new one would be full again at once.
        let needs = (SLOTS_AT + (4 << plan.slots_log2))
            .saturating_add(self.file.live())
            .saturating_add(more);
        if needs.saturating_add(needs / 8) > limit {
            return Err(PutError::Full);
        }
        let number = self.file.header.number.wrapping_add(1).max(1);
        for _ in 0..ATTEMPTS {
            let mut file = MapFile::create(&self.dir, number, plan, limit).map_err(|error| {
                match error.kind() {
                    io::ErrorKind::StorageFull => PutError::Full,
                    _ => PutError::Io(error),
                }
            })?;
            match self.copy_to(&mut file) {
                Ok(()) => return self.make_current(file).map_err(PutError::Io),
                Err(NoRoom::Crowded) => {}
                Err(NoRoom::FileFull | NoRoom::NoMemory) => {
                    let _ = fs::remove_file(&file.path);
                    return Err(PutError::Full);
                }
            }
        }
        Err(PutError::Full)
    }

    fn copy_to(&self, file: &mut MapFile) -> Result<(), NoRoom> {
        let now = coarse_now();
        for (slot, offset) in self.live_offsets() {
            let Some(bytes) = self.view().entry(offset) else { continue };
            let Some(entry) = Entry::read(bytes) else { continue };
            let (first, second) = entry.keys();
            let at = |key: &Key<'_>| self.view().find(key).map(|(hit, _)| hit);
            // Met by its first key, and whole.
            let whole = at(&first).is_some_and(|hit| hit.slot == slot)
                && second.is_none_or(|key| at(&key).is_some_and(|hit| hit.offset == offset));
            if !whole {
                continue;
            }
            match entry {
                Entry::Nobody(nobody) if nobody.expires <= now => continue,
                Entry::Nobody(_) => {
                    let at = file.append(bytes)?;
                    if file.set_nobody(&first, at).is_ok() {
                        file.count_live(at, true);
                    }
                }
                Entry::User(_) | Entry::Group(_) | Entry::GroupsOf(..) | Entry::Alias(_) => {
                    let at = file.append(bytes)?;
                    file.set(&first, at)?;
                    second.map_or(Ok(()), |key| file.set(&key, at))?;
                    file.count_live(at, true);
                }
            }
        }
        Ok(())
    }

    /// Every slot that leads somewhere, and where.
    pub(super) fn live_offsets(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.view().slots()).filter_map(|slot| {
            let word = self.view().slot(slot).filter(|word| ![EMPTY, REMOVED].contains(word))?;
            Some((slot, slot_offset(word)?))
        })
    }

    pub(super) fn make_current(&mut self, file: MapFile) -> io::Result<()> {
        moment();
        self.ctl.set_map(file.header.number)?;
        moment();
        let old = std::mem::replace(&mut self.file, file);
        // Whoever has it mapped keeps it.
        let _ = fs::remove_file(&old.path);
        Ok(())
    }
}

/// While a new file takes the place of an old one both are there: each gets half.
pub(super) fn limit(budget: usize) -> usize {
    budget / 2 / PAGE * PAGE
}

/// A table that is two fifths full at most, and an arena with as much again.
pub(super) fn plan(slots: usize, bytes: usize) -> Plan {
    let slots_log2 = slots.saturating_mul(5).div_ceil(2).max(1).next_power_of_two().ilog2();
    let slots_log2 = slots_log2.max(SLOTS_LOG2_MIN);
    let arena = bytes.saturating_mul(2).saturating_add(ALIGN).max(ARENA_MIN);
    let table = 4_usize.checked_shl(slots_log2).unwrap_or(usize::MAX);
    Plan { slots_log2, len: SLOTS_AT.saturating_add(table).saturating_add(arena) }
}

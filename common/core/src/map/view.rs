//! A map file as it is read: slots, then entries.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::entry::{ENTRY_MAX, Entry, GidsView, GroupView, HEAD, UserView};
use super::format::{
    ALIGN, EMPTY, Hasher, Header, Key, PROBE_MAX, Place, SLOTS_AT, allocated, slot_offset, u32_at,
};
use super::sys::Region;

/// What the map says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<T> {
    /// This is it.
    Found(T),
    /// The directory was asked lately, and has none.
    Nobody,
    /// The map does not know: ask the daemon.
    Unknown,
}

/// A map file whose header was found right.
#[derive(Debug, Clone, Copy)]
pub struct MapView<'m> {
    file: Region<'m>,
    shape: Shape,
    sound: Option<&'m Sound>,
}

/// Where entries are whose checksum this process has found right. An entry never changes, so it is not
/// computed again for who is asked for again: with 3,000 members it takes longer than all the rest.
#[derive(Debug)]
pub(super) struct Sound([AtomicU32; Self::PLACES]);

impl Default for Sound {
    fn default() -> Self {
        Self([const { AtomicU32::new(0) }; Self::PLACES])
    }
}

impl Sound {
    /// One entry for each place: who is asked for by turns may push each other out.
    const PLACES: usize = 256;

    #[inline]
    fn place(&self, offset: usize) -> Option<(&AtomicU32, u32)> {
        let unit = offset / ALIGN;
        Some((self.0.get(unit % Self::PLACES)?, u32::try_from(unit).ok()?))
    }

    #[inline]
    fn has(&self, offset: usize) -> bool {
        self.place(offset).is_some_and(|(place, unit)| place.load(Ordering::Relaxed) == unit)
    }

    fn note(&self, offset: usize) {
        if let Some((place, unit)) = self.place(offset) {
            place.store(unit, Ordering::Relaxed);
        }
    }
}

/// What a file's header says, in the form in which a search uses it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    hasher: Hasher,
    mask: usize,
    arena_at: usize,
}

/// Where a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// The slot's index.
    pub(super) slot: usize,
    /// Where the entry is.
    pub(super) offset: usize,
}

impl Shape {
    pub(super) fn of(header: &Header) -> Option<Self> {
        let mask = header.slots()?.checked_sub(1)?;
        Some(Self { hasher: Hasher::new(header.seed), mask, arena_at: header.arena_at()? })
    }
}

impl<'m> MapView<'m> {
    /// Looks at the header; none if this is no map.
    #[must_use]
    pub fn open(file: Region<'m>) -> Option<Self> {
        Some(Self::known(file, Shape::of(&Header::decode(file)?)?))
    }

    /// A file whose header was looked at before.
    #[inline]
    pub(super) fn known(file: Region<'m>, shape: Shape) -> Self {
        Self { file, shape, sound: None }
    }

    /// Notes what was found sound, and believes it.
    #[inline]
    pub(super) fn with(self, sound: &'m Sound) -> Self {
        Self { sound: Some(sound), ..self }
    }

    /// A user by the canonical name, or by another that was asked for before.
    #[must_use]
    #[inline]
    pub fn user_by_name(&self, name: &[u8]) -> Answer<UserView<'m>> {
        match self.find(&Key::UserName(name)) {
            Some((_, Entry::User(user))) => Answer::Found(user),
            // Who has the uid now must be who had the name then.
            Some((_, Entry::Alias(alias))) => match self.find(&Key::Uid(alias.uid)) {
                Some((_, Entry::User(user))) if user.name() == alias.name => Answer::Found(user),
                _ => Answer::Unknown,
            },
            other => nobody(other),
        }
    }

    /// A user by uid.
    #[must_use]
    #[inline]
    pub fn user_by_uid(&self, uid: u32) -> Answer<UserView<'m>> {
        match self.find(&Key::Uid(uid)) {
            Some((_, Entry::User(user))) => Answer::Found(user),
            other => nobody(other),
        }
    }

    /// A group by the canonical name.
    #[must_use]
    #[inline]
    pub fn group_by_name(&self, name: &[u8]) -> Answer<GroupView<'m>> {
        match self.find(&Key::GroupName(name)) {
            Some((_, Entry::Group(group))) => Answer::Found(group),
            other => nobody(other),
        }
    }

    /// A group by gid.
    #[must_use]
    #[inline]
    pub fn group_by_gid(&self, gid: u32) -> Answer<GroupView<'m>> {
        match self.find(&Key::Gid(gid)) {
            Some((_, Entry::Group(group))) => Answer::Found(group),
            other => nobody(other),
        }
    }

    /// The groups of a user, by any name that leads to the user here.
    #[must_use]
    #[inline]
    pub fn groups_of(&self, name: &[u8]) -> Answer<GidsView<'m>> {
        match self.user_by_name(name) {
            Answer::Found(user) => match self.find(&Key::GroupsOf(user.uid)) {
                Some((_, Entry::GroupsOf(_, gids))) => Answer::Found(gids),
                other => nobody(other),
            },
            Answer::Nobody => Answer::Nobody,
            Answer::Unknown => Answer::Unknown,
        }
    }

    /// Searches for a key. A damaged entry on the way is passed by.
    #[inline(always)]
    pub(super) fn find(&self, key: &Key<'_>) -> Option<(Hit, Entry<'m>)> {
        let place = self.place(key);
        for step in 0..PROBE_MAX {
            let slot = self.slot_at(place, step);
            let word = self.slot(slot)?;
            if word == EMPTY {
                return None;
            }
            if word & 0xf != place.tag {
                continue;
            }
            let Some(bytes) = slot_offset(word).and_then(|offset| self.entry(offset)) else {
                continue;
            };
            if Entry::may_answer(bytes, key) != Some(true) {
                continue;
            }
            if let Some(offset) = slot_offset(word)
                && let Some(entry) = self.read(offset, bytes)
            {
                let (first, second) = entry.keys();
                if first == *key || second == Some(*key) {
                    return Some((Hit { slot, offset }, entry));
                }
            }
        }
        None
    }

    /// The entry, if its checksum is right.
    #[inline(always)]
    fn read(&self, offset: usize, bytes: &'m [u8]) -> Option<Entry<'m>> {
        match self.sound {
            Some(sound) if sound.has(offset) => Entry::decode(bytes),
            Some(sound) => Entry::read(bytes).inspect(|_| sound.note(offset)),
            None => Entry::read(bytes),
        }
    }

    /// Where a key belongs.
    #[inline(always)]
    pub(super) fn place(&self, key: &Key<'_>) -> Place {
        self.shape.hasher.place(key)
    }

    /// The index of the slot at which a search arrives with its `step`.
    #[inline]
    pub(super) fn slot_at(&self, place: Place, step: usize) -> usize {
        place.home.wrapping_add(step) & self.shape.mask
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> usize {
        self.shape.mask.saturating_add(1)
    }

    /// The word in a slot.
    #[inline]
    pub(super) fn slot(&self, index: usize) -> Option<u32> {
        self.file.word(SLOTS_AT.checked_add(index.checked_mul(4)?)?)
    }

    /// The bytes of an entry; nothing in them has been looked at but their length.
    #[inline]
    pub(super) fn entry(&self, offset: usize) -> Option<&'m [u8]> {
        if offset < self.shape.arena_at {
            return None;
        }
        let end = allocated(self.file)?;
        let in_memory = |length: usize| offset.checked_add(length).is_some_and(|last| last <= end);
        let head = in_memory(HEAD).then(|| self.file.bytes(offset, HEAD))??;
        let length = usize::try_from(u32_at(head, 0)?).ok()?;
        let sound = (HEAD..=ENTRY_MAX).contains(&length) && in_memory(length);
        sound.then(|| self.file.bytes(offset, length))?
    }
}

#[inline]
fn nobody<T>(found: Option<(Hit, Entry<'_>)>) -> Answer<T> {
    match found {
        Some((_, Entry::Nobody(nobody))) if coarse_now() < nobody.expires => Answer::Nobody,
        _ => Answer::Unknown,
    }
}

/// CLOCK_MONOTONIC to a few milliseconds, which the vDSO tells without a system call.
pub(super) fn coarse_now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    Duration::try_from(now).unwrap_or_default()
}

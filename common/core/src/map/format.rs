//! The file's header, the words in its slots, and the two hashes.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use rapidhash::v3::{RapidSecrets, rapidhash_v3_inline};

use super::sys::Region;

/// The unit in which a file's memory is given out and told.
pub(super) const PAGE: usize = 4096;
/// Entries begin at multiples of this.
pub(super) const ALIGN: usize = 16;
/// Where the slots begin.
pub(super) const SLOTS_AT: usize = PAGE;
/// Where the writer notes how much of the arena is taken, in units of [`ALIGN`].
pub(super) const USED_AT: usize = 64;
/// Where it notes how much of the file has memory ([`allocated_word`]).
pub(super) const ALLOCATED_AT: usize = 68;
/// A slot that was never taken: a search ends here.
pub(super) const EMPTY: u32 = 0;
/// A slot whose entry was withdrawn: a search goes on.
pub(super) const REMOVED: u32 = 1;
/// How far from its home a key may stand. The writer makes a new file with another seed rather
/// than put one farther away, so a search is short whatever names somebody makes up.
pub(super) const PROBE_MAX: usize = 128;
/// Most slots, and most pages, that a file has.
const SLOTS_LOG2: std::ops::RangeInclusive<u32> = 8..=28;
pub(super) const PAGES_MAX: usize = (1 << 20) - 1;

const MAGIC: &[u8; 8] = b"LDPSmap1";
const HEADER_LEN: usize = 40;
const CHECKSUM_SEED: RapidSecrets = RapidSecrets::seed(0x4c44_5053_6d61_7031);

/// What a file says of itself once and for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The N of `map-N`.
    pub(super) number: u32,
    /// The logarithm of the number of slots.
    pub(super) slots_log2: u32,
    /// The length of the file in pages.
    pub(super) pages: u32,
    /// What makes this file's hashes its own.
    pub(super) seed: u64,
}

impl Header {
    /// The bytes at the file's beginning.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for word in [self.number, self.slots_log2, self.pages, 0] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(&self.seed.to_ne_bytes());
        let sum = checksum(0, &bytes);
        bytes.extend_from_slice(&sum.to_ne_bytes());
        bytes
    }

    /// Reads the header, if it is one and the file is as long as it says.
    pub(super) fn decode(file: Region<'_>) -> Option<Self> {
        let bytes = file.bytes(0, HEADER_LEN)?;
        let (said, sum) = bytes.split_at_checked(HEADER_LEN.checked_sub(8)?)?;
        let header = Self {
            number: u32_at(said, 8)?,
            slots_log2: u32_at(said, 12)?,
            pages: u32_at(said, 16)?,
            seed: u64_at(said, 24)?,
        };
        let sound = said.starts_with(MAGIC)
            && u64_at(sum, 0)? == checksum(0, said)
            && SLOTS_LOG2.contains(&header.slots_log2)
            && header.file_len()? == file.len()
            && header.arena_at()? <= file.len();
        sound.then_some(header)
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> Option<usize> {
        1_usize.checked_shl(self.slots_log2)
    }

    /// Where the slots end and the entries begin.
    pub(super) fn arena_at(&self) -> Option<usize> {
        SLOTS_AT.checked_add(self.slots()?.checked_mul(4)?)
    }

    /// The file's length in bytes.
    pub(super) fn file_len(&self) -> Option<usize> {
        usize::try_from(self.pages).ok()?.checked_mul(PAGE)
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key<'k> {
    /// A user by the canonical name, or by another form of name that was asked for.
    UserName(&'k [u8]),
    /// A user by uid.
    Uid(u32),
    /// A group by the canonical name.
    GroupName(&'k [u8]),
    /// A group by gid.
    Gid(u32),
    /// The groups of a user, by the user's uid.
    GroupsOf(u32),
}

impl Key<'_> {
    /// The number of the kind of key, which is part of its hash and of a negative entry.
    pub(super) fn kind(&self) -> u32 {
        match self {
            Self::UserName(_) => 1,
            Self::Uid(_) => 2,
            Self::GroupName(_) => 3,
            Self::Gid(_) => 4,
            Self::GroupsOf(_) => 5,
        }
    }
}

/// The hash of a file: keyed with a seed of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hasher(RapidSecrets);

impl Hasher {
    pub(super) fn new(seed: u64) -> Self {
        Self(RapidSecrets::seed(seed))
    }

    /// Where a key's search begins, and the tag that its slot bears.
    #[inline(always)]
    pub(super) fn place(&self, key: &Key<'_>) -> Place {
        let seed = self.0.seed ^ u64::from(key.kind()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let secrets = RapidSecrets { seed, secrets: self.0.secrets };
        let hash = match key {
            Key::UserName(name) | Key::GroupName(name) => hash(&secrets, name),
            Key::Uid(id) | Key::Gid(id) | Key::GroupsOf(id) => hash(&secrets, &id.to_ne_bytes()),
        };
        // The upper bits for the tag, so that it tells more than the slot's place does.
        let tag = u32::try_from(hash >> 60).unwrap_or(0);
        // The lower bits are the place; a usize of 32 bits still has more than any table.
        Place { home: hash as usize, tag }
    }
}

/// Where a key belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The slot to begin at, modulo their number.
    pub(super) home: usize,
    /// Four bits of the hash, so that most slots of other keys are passed without a look at the
    /// entry.
    pub(super) tag: u32,
}

/// The word for a slot that leads to the entry at `offset`.
pub(super) fn slot_word(offset: usize, tag: u32) -> Option<u32> {
    let units = u32::try_from(offset.checked_div(ALIGN)?).ok().filter(|units| *units < 1 << 28)?;
    Some(units << 4 | tag & 0xf)
}

/// Where the entry of a slot is, unless the slot is empty.
#[inline]
pub(super) fn slot_offset(word: u32) -> Option<usize> {
    usize::try_from(word >> 4).ok()?.checked_mul(ALIGN).filter(|offset| *offset != 0)
}

/// How many pages of the file have memory, with a check of its own: to read where a tmpfs has no
/// memory yet would take some, or end the process if there is none left.
pub(super) fn allocated_word(pages: usize) -> Option<u32> {
    let pages = u32::try_from(pages).ok().filter(|pages| (*pages as usize) <= PAGES_MAX)?;
    Some(pages << 12 | allocated_check(pages))
}

/// How many bytes of the file have memory.
#[inline]
pub(super) fn allocated(file: Region<'_>) -> Option<usize> {
    let word = file.word(ALLOCATED_AT)?;
    let pages = word >> 12;
    match word & 0xfff == allocated_check(pages) {
        true => usize::try_from(pages).ok()?.checked_mul(PAGE).map(|bytes| bytes.min(file.len())),
        false => None,
    }
}

#[inline]
fn allocated_check(pages: u32) -> u32 {
    // Not of zero: an empty word is not a right one.
    (pages ^ 0x5a5a5).wrapping_mul(0x9e37_79b1) >> 20
}

/// The checksum of an entry: over its first eight bytes and all behind the checksum itself. It
/// has to notice damage, not an attacker, who cannot write here.
#[inline]
pub(super) fn checksum(head: u64, body: &[u8]) -> u64 {
    let seed = CHECKSUM_SEED.seed ^ head.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash(&RapidSecrets { seed, secrets: CHECKSUM_SEED.secrets }, body)
}

/// rapidhash, whose third version is fixed for ever, so that an older module understands.
#[inline(always)]
fn hash(secrets: &RapidSecrets, bytes: &[u8]) -> u64 {
    rapidhash_v3_inline::<true, false, false>(bytes, secrets)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

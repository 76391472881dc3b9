//! SIDs to uids and gids, bit for bit as sssd does it, so that a host can move from sssd and keep
//! the owner of every file.
//!
//! Source of the algorithm: sssd's `src/lib/idmap/sss_idmap.c` and the man page text
//! `ldap_id_mapping.xml`; the hash is MurmurHash3 x86_32 (public domain, Austin Appleby).
#![forbid(unsafe_code)]

#[cfg(test)]
mod against_sssd;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use crate::sid::Sid;

/// How many secondary slices of a domain are known before anybody with such a RID was seen
/// (sssd's `ldap_idmap_helper_table_size`): what a uid needs to be turned back into a SID.
const HELPER_SLICES: u32 = 10;
/// sssd's seed of the hash.
const SEED: u32 = 0xdead_beef;

/// Where the slices lie: sssd's `ldap_idmap_range_min`, `_max` (exclusive) and `_size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdSpace {
    min: u32,
    size: u32,
    slices: u32,
}

impl IdSpace {
    /// The space between `min` and `max` (exclusive) in slices of `size` ids, or None where not
    /// even one slice fits.
    #[must_use]
    pub fn new(min: u32, max: u32, size: u32) -> Option<Self> {
        let slices = max.checked_sub(min)?.checked_div(size)?;
        (slices > 0).then_some(Self { min, size, slices })
    }
}

impl Default for IdSpace {
    /// sssd's defaults: 10,000 slices of 200,000 ids from 200,000.
    fn default() -> Self {
        Self { min: 200_000, size: 200_000, slices: 10_000 }
    }
}

/// What becomes of a range of RIDs whose slice another range has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnCollision {
    /// Its people have no ids here, and the journal says so.
    #[default]
    Refuse,
    /// It takes the next free slice, as sssd has it. Where a range that nobody was seen of before
    /// comes in the way of another, it depends on who is seen first.
    Shift,
}

/// Ids that belong to a range of one domain's RIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The first id.
    pub first_id: u32,
    /// How many there are.
    pub size: u32,
    /// The domain.
    pub domain: Sid,
    /// The RID that has the first id.
    pub first_rid: u32,
}

impl Slice {
    /// Whether some id is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let end = |slice: &Self| u64::from(slice.first_id) + u64::from(slice.size);
        u64::from(self.first_id) < end(other) && u64::from(other.first_id) < end(self)
    }
}

/// Why a SID has no id on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdMapError {
    /// A builtin or well-known SID, or one of another domain.
    NotOfThisDomain(Sid),
    /// Its slice is taken: by another range of the domain, or by people of a domain that this host
    /// was a client of before.
    Collision {
        /// The SID whose slice is taken.
        sid: Sid,
        /// The slice in question.
        slice: u32,
    },
    /// Nobody of this range of RIDs was seen before: the range has no slice yet
    /// ([`IdMap::place_of`]).
    NewRange {
        /// The SID.
        sid: Sid,
        /// The first RID of its range.
        first_rid: u32,
    },
}

impl fmt::Display for IdMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOfThisDomain(sid) => {
                write!(f, "{sid} belongs to no account or group of this domain")
            }
            Self::Collision { sid, slice } => write!(
                f,
                "the id slice {slice} that {sid} falls into is taken by another range of the domain, \
                 or by people of another domain that this host knew before; no id is given twice"
            ),
            Self::NewRange { sid, first_rid } => {
                write!(f, "no slice was taken for {sid} and its range, from RID {first_rid} on")
            }
        }
    }
}

impl std::error::Error for IdMapError {}

/// The ids of one domain.
#[derive(Debug, Clone)]
pub struct IdMap {
    space: IdSpace,
    domain: Sid,
    on_collision: OnCollision,
    /// Slice to the first RID in it, for the primary slice and the secondary ones known so far.
    slices: BTreeMap<u32, u32>,
}

impl IdMap {
    /// The map of one domain; None if `domain` is not a domain's SID.
    #[must_use]
    pub fn new(space: IdSpace, domain: Sid, on_collision: OnCollision) -> Option<Self> {
        if !domain.is_domain() {
            return None;
        }
        let slices = BTreeMap::from([(slice_of(space, domain, 0), 0)]);
        let mut map = Self { space, domain, on_collision, slices };
        // sssd places each of its helpers beside the primary slice alone, and refuses the second of
        // two that have come to lie on one another: whoever of them was seen first. Here it is the
        // earlier range.
        let primary = map.clone();
        for k in 1..=HELPER_SLICES {
            let Some(first_rid) = space.size.checked_mul(k) else { break };
            if let Ok(slice) = primary.place_of(first_rid) {
                map.slices.entry(slice).or_insert(first_rid);
            }
        }
        Some(map)
    }

    /// The domain whose ids these are.
    #[must_use]
    pub fn domain(&self) -> Sid {
        self.domain
    }

    /// The slice for a range of RIDs that has none yet.
    ///
    /// # Errors
    /// The slice that is taken, where that is refused or none is free.
    pub fn place_of(&self, first_rid: u32) -> Result<u32, u32> {
        let slice = slice_of(self.space, self.domain, first_rid);
        let mut places = (0..self.space.slices).map(|step| {
            // The space's end lies below 2^32, so the sum of two of its slices does not overflow.
            let place = slice.wrapping_add(step);
            if place >= self.space.slices { place.wrapping_sub(self.space.slices) } else { place }
        });
        let is_free = |place: &u32| !self.slices.contains_key(place);
        match self.on_collision {
            OnCollision::Refuse => Some(slice).filter(is_free),
            OnCollision::Shift => places.find(is_free),
        }
        .ok_or(slice)
    }

    /// Takes over that a range of RIDs was given a slice before. What is known already stays.
    pub fn learn(&mut self, slice: &Slice) {
        let Slice { first_id, size, domain, first_rid } = *slice;
        let at = first_id.checked_sub(self.space.min);
        let at = at.filter(|above| above % self.space.size == 0).map(|above| above / size.max(1));
        if let Some(at) = at
            && (size, domain) == (self.space.size, self.domain)
            && at < self.space.slices
            && !self.slices.values().any(|known| *known == first_rid)
        {
            self.slices.entry(at).or_insert(first_rid);
        }
    }

    /// Gives the ids of a slice to nobody: they were another's.
    pub fn refuse(&mut self, slice: &Slice) {
        let at = slice.first_id.checked_sub(self.space.min).map(|above| above / self.space.size);
        if let Some(at) = at {
            self.slices.remove(&at);
        }
    }

    /// The uid or gid of an account or group: users and groups share one space.
    ///
    /// # Errors
    /// [`IdMapError`], where the SID is not of this domain, or its range has no slice.
    pub fn id_of(&self, sid: Sid) -> Result<u32, IdMapError> {
        let (domain, rid) = sid.split_rid().ok_or(IdMapError::NotOfThisDomain(sid))?;
        if domain != self.domain {
            return Err(IdMapError::NotOfThisDomain(sid));
        }
        let offset = rid % self.space.size;
        let first_rid = rid - offset;
        match self.slices.iter().find(|(_, known)| **known == first_rid) {
            Some((slice, _)) => Ok(self.first_id(*slice) + offset),
            None if first_rid / self.space.size <= HELPER_SLICES => {
                let slice = slice_of(self.space, domain, first_rid);
                Err(IdMapError::Collision { sid, slice })
            }
            None => Err(IdMapError::NewRange { sid, first_rid }),
        }
    }

    /// The SID that a uid or gid stands for, if it lies in a slice of this domain.
    #[must_use]
    pub fn sid_of(&self, id: u32) -> Option<Sid> {
        let above = id.checked_sub(self.space.min)?;
        let first_rid = self.slices.get(&(above / self.space.size))?;
        self.domain.with_rid(first_rid.checked_add(above % self.space.size)?)
    }

    /// Where the ids of this domain lie; an id outside of all of these is nobody's of ours.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u32>> + '_ {
        self.slices.keys().map(|slice| {
            let first = self.first_id(*slice);
            first..=first + (self.space.size - 1)
        })
    }

    /// The slices that this domain's ranges have.
    pub fn slices(&self) -> impl Iterator<Item = Slice> + '_ {
        self.slices.iter().map(|(slice, first_rid)| self.slice_at(*slice, *first_rid))
    }

    /// This slice, for this range.
    #[must_use]
    pub fn slice_at(&self, slice: u32, first_rid: u32) -> Slice {
        let (first_id, size) = (self.first_id(slice), self.space.size);
        Slice { first_id, size, domain: self.domain, first_rid }
    }

    fn first_id(&self, slice: u32) -> u32 {
        self.space.min + slice * self.space.size
    }
}

/// The slice of a range of RIDs: the hash of the domain's printable SID, with `-<first RID>` behind
/// it for all but the first range.
fn slice_of(space: IdSpace, domain: Sid, first_rid: u32) -> u32 {
    let text = match first_rid {
        0 => domain.to_string(),
        _ => format!("{domain}-{first_rid}"),
    };
    murmur3_32(text.as_bytes(), SEED) % space.slices
}

/// MurmurHash3 x86_32.
fn murmur3_32(data: &[u8], seed: u32) -> u32 {
    let scramble =
        |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, tail) = data.as_chunks::<4>();
    let mut hash = blocks.iter().fold(seed, |hash, block| {
        (hash ^ scramble(u32::from_le_bytes(*block)))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64)
    });
    let last = tail.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte));
    hash ^= scramble(last);
    // The length enters as 32 bits, as in the original; a SID's text is far below that.
    hash ^= u32::try_from(data.len()).unwrap_or(u32::MAX);
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(domain: &str) -> IdMap {
        IdMap::new(IdSpace::default(), domain.parse().unwrap(), OnCollision::Refuse).unwrap()
    }

    /// The first constant is `TEST_2922_MIN_ID` of sssd's own tests; the others were computed
    /// from the published algorithm. Domain, RID, id.
    const GOLDEN: &[(&str, u32, u32)] = &[
        ("S-1-5-21-123-456-789", 0, 1_842_600_000),
        ("S-1-5-21-123-456-789", 1107, 1_842_601_107),
        ("S-1-5-21-987-654-321", 513, 616_600_513),
        ("S-1-5-21-2153326666-2176343378-3404031434", 1107, 770_801_107),
        ("S-1-5-21-2127521184-1604012920-1887927527", 72713, 882_672_713),
        ("S-1-5-21-1-2-3", 0, 686_200_000),
        ("S-1-5-21-123-456-789", 200_005, 1_543_600_005),
        ("S-1-5-21-123-456-789", 400_001, 785_600_001),
    ];

    #[test]
    fn an_id_differs_from_the_one_sssd_gives() {
        for (domain, rid, id) in GOLDEN {
            let map = map(domain);
            let sid = map.domain().with_rid(*rid).unwrap();
            assert_eq!(map.id_of(sid), Ok(*id), "{sid}");
            assert_eq!(map.sid_of(*id), Some(sid), "{id}");
            assert!(map.ranges().any(|range| range.contains(id)), "{id}");
        }
    }

    #[test]
    fn sids_of_nobody_here_get_no_id() {
        let map = map("S-1-5-21-123-456-789");
        for text in ["S-1-5-32-544", "S-1-5-21-987-654-321-513", "S-1-5-21-123-456-789"] {
            let sid = text.parse().unwrap();
            assert_eq!(map.id_of(sid), Err(IdMapError::NotOfThisDomain(sid)), "{text}");
        }
    }

    #[test]
    fn ids_outside_the_slices_stand_for_nobody() {
        let map = map("S-1-5-21-123-456-789");
        for id in [0, 1000, 199_999, 200_000, 1_842_599_999, 1_842_800_000, u32::MAX] {
            assert_eq!(map.sid_of(id), None, "{id}");
        }
    }

    #[test]
    fn a_collision_is_refused_and_shifts_nobody() {
        // Three slices for eleven ranges: some must fall on one place.
        let space = IdSpace::new(200_000, 200_030, 10).unwrap();
        let domain = "S-1-5-21-1-2-3".parse().unwrap();
        let map = IdMap::new(space, domain, OnCollision::Refuse).unwrap();
        let mut owner: BTreeMap<u32, u32> = BTreeMap::new();
        let mut refused = 0;
        for rid in 0..110 {
            match map.id_of(map.domain().with_rid(rid).unwrap()) {
                Ok(id) => assert_eq!(owner.insert(id, rid), None, "id {id} was given twice"),
                Err(IdMapError::Collision { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(refused > 0);
    }

    #[test]
    fn a_space_without_room_for_one_slice_is_no_space() {
        assert_eq!(IdSpace::new(200_000, 200_010, 11), None);
        assert_eq!(IdSpace::new(10, 5, 1), None);
        assert_eq!(IdSpace::new(10, 50, 0), None);
    }
}

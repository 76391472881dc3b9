//! Security identifiers, as AD stores them (MS-DTYP 2.4.2).
#![forbid(unsafe_code)]

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Most sub-authorities a SID may have (MS-DTYP 2.4.2.2).
const SUB_AUTHORITIES_MAX: usize = 15;

/// A security identifier: the name AD never changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sid {
    authority: u64,
    count: u8,
    subs: [u32; SUB_AUTHORITIES_MAX],
}

/// A byte string or a text is not a SID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotASid;

impl fmt::Display for NotASid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a security identifier")
    }
}

impl std::error::Error for NotASid {}

impl Sid {
    /// Reads the binary form of the attributes `objectSid` and `tokenGroups`: revision, count,
    /// a 48-bit big-endian authority, then little-endian sub-authorities.
    ///
    /// # Errors
    /// [`NotASid`], unless every byte fits.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotASid> {
        let (head, rest) = bytes.split_at_checked(8).ok_or(NotASid)?;
        let [1, count, authority @ ..] = head else { return Err(NotASid) };
        if usize::from(*count) > SUB_AUTHORITIES_MAX || rest.len() != usize::from(*count) * 4 {
            return Err(NotASid);
        }
        let authority = authority.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        let mut subs = [0; SUB_AUTHORITIES_MAX];
        for (sub, chunk) in subs.iter_mut().zip(rest.as_chunks::<4>().0) {
            *sub = u32::from_le_bytes(*chunk);
        }
        Ok(Self { authority, count: *count, subs })
    }

    /// The binary form, for a filter on `objectSid`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, self.count];
        bytes.extend_from_slice(&self.authority.to_be_bytes()[2..]);
        for sub in self.sub_authorities() {
            bytes.extend_from_slice(&sub.to_le_bytes());
        }
        bytes
    }

    /// The sub-authorities, the last of which is the RID of an account.
    #[must_use]
    pub fn sub_authorities(&self) -> &[u32] {
        self.subs.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// The domain's SID and the RID of an account or group of a domain (`S-1-5-21-a-b-c-RID`), or
    /// None for well-known and builtin SIDs, which belong to no domain.
    #[must_use]
    pub fn split_rid(&self) -> Option<(Self, u32)> {
        let [21, _, _, _, rid] = self.sub_authorities() else { return None };
        let mut domain = *self;
        domain.count = 4;
        *domain.subs.get_mut(4)? = 0;
        (self.authority == 5).then_some((domain, *rid))
    }

    /// The SID with another last sub-authority; None where it has none.
    #[must_use]
    pub fn with_last(&self, last: u32) -> Option<Self> {
        let mut sid = *self;
        *sid.subs.get_mut(usize::from(sid.count.checked_sub(1)?))? = last;
        Some(sid)
    }

    /// Whether this is the SID of a domain: `S-1-5-21-` and three sub-authorities.
    #[must_use]
    pub fn is_domain(&self) -> bool {
        self.authority == 5 && matches!(self.sub_authorities(), [21, _, _, _])
    }

    /// The SID of the account with this RID in this domain; None if this is not a domain's SID.
    #[must_use]
    pub fn with_rid(&self, rid: u32) -> Option<Self> {
        let mut sid = *self;
        *sid.subs.get_mut(4)? = rid;
        sid.count = 5;
        self.is_domain().then_some(sid)
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.sub_authorities().iter().try_for_each(|sub| write!(f, "-{sub}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sid {
    type Err = NotASid;

    fn from_str(text: &str) -> Result<Self, NotASid> {
        let mut parts = text.strip_prefix("S-1-").ok_or(NotASid)?.split('-');
        let authority: u64 = parts.next().ok_or(NotASid)?.parse().map_err(|_| NotASid)?;
        if authority >= 1 << 48 {
            return Err(NotASid);
        }
        let mut sid = Self { authority, count: 0, subs: [0; SUB_AUTHORITIES_MAX] };
        for part in parts {
            let sub = sid.subs.get_mut(usize::from(sid.count)).ok_or(NotASid)?;
            *sub = part.parse().map_err(|_| NotASid)?;
            sid.count = sid.count.checked_add(1).ok_or(NotASid)?;
        }
        Ok(sid)
    }
}

/// As text, wherever it is kept.
impl Serialize for Sid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_binary_form_of_a_known_sid_reads_as_its_text() {
        let bytes = [
            1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 123, 0, 0, 0, 0xC8, 1, 0, 0, 0x15, 3, 0, 0, 1, 2,
            0, 0,
        ];
        let sid = Sid::from_bytes(&bytes).unwrap();
        assert_eq!(sid.to_string(), "S-1-5-21-123-456-789-513");
        assert_eq!(sid.to_bytes(), bytes);
        let (domain, rid) = sid.split_rid().unwrap();
        assert_eq!((domain.to_string().as_str(), rid), ("S-1-5-21-123-456-789", 513));
        assert_eq!(domain.with_rid(513), Some(sid));
        assert_eq!(domain.with_rid(512).and_then(|other| other.with_last(513)), Some(sid));
        assert_eq!("S-1-5".parse::<Sid>().unwrap().with_last(513), None);
        assert_eq!("S-1-5-21-123-456-789".parse(), Ok(domain));
    }

    #[test]
    fn builtin_sids_belong_to_no_domain() {
        let administrators: Sid = "S-1-5-32-544".parse().unwrap();
        assert_eq!(administrators.split_rid(), None);
        assert!(!administrators.is_domain());
    }

    #[test]
    fn text_that_is_not_a_sid_is_refused() {
        for text in ["", "S-1", "S-1-", "S-2-5-21", "S-1-5-x", "S-1-5-4294967296", "s-1-5-21"] {
            assert_eq!(text.parse::<Sid>(), Err(NotASid), "{text}");
        }
        let long = format!("S-1-5{}", "-1".repeat(16));
        assert_eq!(long.parse::<Sid>(), Err(NotASid));
    }

    proptest! {
        #[test]
        fn no_bytes_from_a_directory_make_the_reader_panic_or_lose_one(bytes: Vec<u8>) {
            if let Ok(sid) = Sid::from_bytes(&bytes) {
                prop_assert_eq!(sid.to_bytes(), bytes);
                prop_assert_eq!(sid.to_string().parse(), Ok(sid));
            }
        }
    }
}

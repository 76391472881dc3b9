//! Windows security identifiers, in text (`S-1-5-21-...`) and in the bytes that AD stores.
#![forbid(unsafe_code)]

use std::fmt;

/// A security identifier.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sid {
    authority: u64,
    sub_authorities: Vec<u32>,
}

impl Sid {
    /// A SID of the NT authority (5) with these sub-authorities.
    pub fn nt(sub_authorities: &[u32]) -> Self {
        Self { authority: 5, sub_authorities: sub_authorities.to_vec() }
    }

    /// This SID with one more sub-authority: a domain's SID plus a RID.
    #[must_use]
    pub fn with_rid(&self, rid: u32) -> Self {
        let mut sid = self.clone();
        sid.sub_authorities.push(rid);
        sid
    }

    /// Reads `S-1-5-21-...`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        if !parts.next()?.eq_ignore_ascii_case("s") || parts.next()? != "1" {
            return None;
        }
        let authority = parts.next()?.parse().ok()?;
        let sub_authorities = parts.map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>()?;
        (!sub_authorities.is_empty() && sub_authorities.len() <= 15)
            .then_some(Self { authority, sub_authorities })
    }

    /// The binary form of MS-DTYP 2.4.2.2: revision, count, 6 bytes big-endian, then 4 bytes little-endian each.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, self.sub_authorities.len() as u8];
        bytes.extend_from_slice(&self.authority.to_be_bytes()[2..]);
        for part in &self.sub_authorities {
            bytes.extend_from_slice(&part.to_le_bytes());
        }
        bytes
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.sub_authorities.iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_are_the_documented_forms() {
        let sid = Sid::nt(&[21, 123, 456, 789]).with_rid(1107);
        assert_eq!(sid.to_string(), "S-1-5-21-123-456-789-1107");
        assert_eq!(Sid::parse("S-1-5-21-123-456-789-1107"), Some(sid.clone()));
        assert_eq!(
            sid.to_bytes(),
            [
                1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 123, 0, 0, 0, 200, 1, 0, 0, 21, 3, 0, 0, 0x53,
                4, 0, 0
            ]
        );
        assert_eq!(Sid::parse("S-1-5"), None);
        assert_eq!(Sid::parse("alice"), None);
    }
}

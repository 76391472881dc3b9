//! One entry of a search result, and how its attributes are read. Absent is not zero: every
//! reader gives None for what AD did not send.

use ldap3_proto::proto::{LdapPartialAttribute, LdapSearchResultEntry};
use ldaps_core::sid::Sid;

/// An object as AD sent it.
#[derive(Debug, Clone)]
pub(crate) struct Entry(LdapSearchResultEntry);

impl Entry {
    pub(crate) fn new(entry: LdapSearchResultEntry) -> Self {
        Self(entry)
    }

    /// The object's DN.
    pub(crate) fn dn(&self) -> &str {
        &self.0.dn
    }

    /// All values of an attribute, as bytes; AD's spelling of the name counts as any other.
    pub(crate) fn values(&self, attribute: &str) -> &[Vec<u8>] {
        let of_name = |a: &&LdapPartialAttribute| a.atype.eq_ignore_ascii_case(attribute);
        self.0.attributes.iter().find(of_name).map_or(&[], |attribute| &attribute.vals)
    }

    /// The first value, as bytes.
    pub(crate) fn bytes(&self, attribute: &str) -> Option<&[u8]> {
        self.values(attribute).first().map(Vec::as_slice)
    }

    /// The first value, if it is UTF-8 and not empty.
    pub(crate) fn text(&self, attribute: &str) -> Option<&str> {
        let text = std::str::from_utf8(self.bytes(attribute)?).ok()?;
        (!text.is_empty()).then_some(text)
    }

    /// The first value, as a number in AD's decimal text.
    pub(crate) fn number(&self, attribute: &str) -> Option<i64> {
        self.text(attribute)?.parse().ok()
    }

    /// The first value, as an id or a set of bits. AD writes 32-bit attributes with a sign.
    pub(crate) fn unsigned(&self, attribute: &str) -> Option<u32> {
        let number = self.number(attribute)?;
        let from_signed = || i32::try_from(number).ok().map(i32::cast_unsigned);
        u32::try_from(number).ok().or_else(from_signed)
    }

    /// The first value, as a SID.
    pub(crate) fn sid(&self, attribute: &str) -> Option<Sid> {
        Sid::from_bytes(self.bytes(attribute)?).ok()
    }

    /// Takes out the attribute that came in a range, if there is one.
    pub(crate) fn take_range(&mut self) -> Option<(Range, Vec<Vec<u8>>)> {
        let ranged = |a: &LdapPartialAttribute| Range::parse(&a.atype).is_some();
        let at = self.0.attributes.iter().position(ranged)?;
        let attribute = self.0.attributes.swap_remove(at);
        Some((Range::parse(&attribute.atype)?, attribute.vals))
    }

    /// Puts all values of an attribute in place of what there was.
    pub(crate) fn set(&mut self, attribute: &str, values: Vec<Vec<u8>>) {
        self.0.attributes.retain(|a| !a.atype.eq_ignore_ascii_case(attribute));
        let attribute = LdapPartialAttribute { atype: attribute.to_owned(), vals: values };
        self.0.attributes.push(attribute);
    }
}

/// Part of an attribute with many values: `member;range=0-1499`, and `member;range=1500-*` for the
/// last (MS-ADTS 3.1.1.3.1.3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    /// The attribute.
    pub(crate) attribute: String,
    /// Where the next part begins; None if this is the last.
    pub(crate) next: Option<usize>,
}

impl Range {
    pub(crate) fn parse(description: &str) -> Option<Self> {
        let (attribute, range) = description.split_once(';')?;
        let range =
            range.get(..6).filter(|key| key.eq_ignore_ascii_case("range=")).and(range.get(6..))?;
        let (_, last) = range.split_once('-')?;
        let next = match last {
            "*" => None,
            last => Some(last.parse::<usize>().ok()?.checked_add(1)?),
        };
        Some(Self { attribute: attribute.to_owned(), next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&[u8]])]) -> Entry {
        let attribute = |(name, values): &(&str, &[&[u8]])| LdapPartialAttribute {
            atype: (*name).to_owned(),
            vals: values.iter().map(|value| value.to_vec()).collect(),
        };
        let attributes = attributes.iter().map(attribute).collect();
        Entry::new(LdapSearchResultEntry { dn: "CN=x".into(), attributes })
    }

    #[test]
    fn an_attribute_that_is_absent_or_broken_reads_as_a_value() {
        let entry = entry(&[
            ("UserAccountControl", &[b"512"]),
            ("groupType", &[b"-2147483646"]),
            ("empty", &[]),
            ("blank", &[b""]),
            ("broken", &[b"\xff"]),
            ("words", &[b"five"]),
            ("huge", &[b"9223372036854775807"]),
        ]);
        assert_eq!(entry.unsigned("userAccountControl"), Some(512));
        assert_eq!(entry.unsigned("groupType"), Some(0x8000_0002));
        assert_eq!(entry.number("huge"), Some(i64::MAX));
        for name in ["absent", "empty", "blank", "broken", "words", "huge"] {
            assert_eq!(entry.unsigned(name), None, "{name}");
        }
        for name in ["absent", "empty", "blank", "broken"] {
            assert_eq!(entry.text(name), None, "{name}");
        }
        assert_eq!(entry.sid("words"), None);
    }

    #[test]
    fn a_ranged_attribute_is_taken_for_a_whole_one() {
        let range = |text| Range::parse(text).map(|range| (range.attribute, range.next));
        assert_eq!(range("member;range=0-1499"), Some(("member".into(), Some(1500))));
        assert_eq!(range("member;Range=1500-*"), Some(("member".into(), None)));
        for text in ["member", "member;binary", "member;range=", "member;range=0-x"] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}

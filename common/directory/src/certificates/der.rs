//! The two extensions of a certificate that OpenSSL decides by and its Rust binding does not show:
//! whether it is a CA's, and which names the CA may sign (RFC 5280 sections 4.2.1.9, 4.2.1.10).
//!
//! For words only: what is trusted, OpenSSL decides. The input has been accepted by OpenSSL, and is
//! still read as anybody's bytes.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[3] EXPLICIT` of TBSCertificate: the extensions.
const EXTENSIONS: u8 = 0xa3;
/// `[0]` and `[1]` of NameConstraints.
const PERMITTED: u8 = 0xa0;
const EXCLUDED: u8 = 0xa1;
/// `[2]` of GeneralName.
const DNS_NAME: u8 = 0x82;

/// 2.5.29.19 and 2.5.29.30.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];

/// What the extensions say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    /// `cA` of the basic constraints; None: there is no such extension.
    pub(super) ca: Option<bool>,
    /// The names that a CA may sign, and may not, in words; empty: any.
    pub(super) name_constraints: Vec<String>,
}

impl Extensions {
    /// Of a certificate in DER; what cannot be read is as if it were not there.
    pub(super) fn of(certificate: &[u8]) -> Self {
        let mut found = Self::default();
        let list = Fields(certificate)
            .find(SEQUENCE)
            .and_then(|certificate| Fields(certificate).find(SEQUENCE))
            .and_then(|signed| Fields(signed).find(EXTENSIONS))
            .and_then(|extensions| Fields(extensions).find(SEQUENCE));
        for (_, extension) in Fields(list.unwrap_or_default()) {
            let value = Fields(extension).find(OCTET_STRING).unwrap_or_default();
            match Fields(extension).find(OID) {
                Some(BASIC_CONSTRAINTS) => found.ca = Some(is_ca(value)),
                Some(NAME_CONSTRAINTS) => found.name_constraints = constraints(value),
                _ => {}
            }
        }
        found
    }
}

fn is_ca(value: &[u8]) -> bool {
    let sequence = Fields(value).find(SEQUENCE).unwrap_or_default();
    Fields(sequence).find(BOOLEAN).is_some_and(|flag| flag.first().is_some_and(|byte| *byte != 0))
}

fn constraints(value: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    for (tag, trees) in Fields(Fields(value).find(SEQUENCE).unwrap_or_default()) {
        let which = match tag {
            PERMITTED => "only",
            EXCLUDED => "not",
            _ => continue,
        };
        for (_, tree) in Fields(trees) {
            let name = match Fields(tree).next() {
                Some((DNS_NAME, name)) => String::from_utf8_lossy(name).into_owned(),
                _ => "names of another kind than DNS".to_owned(),
            };
            words.push(format!("{which} {name}"));
        }
    }
    words
}

/// The fields in some DER, as tag and content, up to the first that is not whole.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn find(mut self, wanted: u8) -> Option<&'a [u8]> {
        Iterator::find(&mut self, |(tag, _)| *tag == wanted).map(|(_, content)| content)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, content, rest) = field(self.0)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// The first field: tag, content, what is behind it (X.690 section 8.1; tags of one byte, lengths of
/// up to four).
pub(super) fn field(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(first) {
        short @ ..0x80 => (short, rest),
        long => {
            let count = long.checked_sub(0x80).filter(|count| (1..=4).contains(count))?;
            let (bytes, rest) = rest.split_at_checked(count)?;
            let length =
                bytes.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
            (length, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_bring_the_reader_down(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Extensions::of(&bytes);
            let _ = constraints(&bytes);
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_read() {
        assert_eq!(field(&[0x30, 0x03, 1, 2]), None);
        assert_eq!(field(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1]), None);
        assert_eq!(field(&[0x30, 0x80, 0, 0]), None);
        assert_eq!(field(&[0x30, 0x81, 0x01, 7, 9]), Some((0x30, &[7][..], &[9][..])));
    }
}

//! RFC 4515 filter text to the bytes of the wire, with `\xx` for any byte. For tests: it panics on what it cannot read.

use ldap3_lber::common::TagClass;
use ldap3_lber::structure::{PL, StructureTag};

/// `(&(objectClass=user)(objectSid=\01\05...))` as the filter of a search request.
pub fn filter(text: &str) -> StructureTag {
    let (tag, rest) = parse(text);
    assert_eq!(rest, "", "text after the filter in {text}");
    tag
}

fn context(id: u64, payload: PL) -> StructureTag {
    StructureTag { class: TagClass::Context, id, payload }
}

fn octets(bytes: &[u8]) -> StructureTag {
    StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(bytes.to_vec()) }
}

fn parse(text: &str) -> (StructureTag, &str) {
    let inner = text.strip_prefix('(').expect("a filter begins with (");
    let (tag, rest) = match inner.as_bytes()[0] {
        b'&' => list(0, &inner[1..]),
        b'|' => list(1, &inner[1..]),
        b'!' => {
            let (tag, rest) = parse(&inner[1..]);
            (context(2, PL::C(vec![tag])), rest)
        }
        _ => {
            let end = inner.find(')').expect("a filter ends with )");
            (item(&inner[..end]), &inner[end..])
        }
    };
    (tag, rest.strip_prefix(')').expect("a filter ends with )"))
}

fn list(id: u64, mut text: &str) -> (StructureTag, &str) {
    let mut tags = Vec::new();
    while text.starts_with('(') {
        let (tag, rest) = parse(text);
        tags.push(tag);
        text = rest;
    }
    (context(id, PL::C(tags)), text)
}

fn item(text: &str) -> StructureTag {
    let (left, value) = text.split_once('=').expect("an item holds =");
    if let Some(name) = left.strip_suffix('>') {
        return context(5, PL::C(vec![octets(name.as_bytes()), octets(&unescape(value))]));
    }
    if let Some(name) = left.strip_suffix('<') {
        return context(6, PL::C(vec![octets(name.as_bytes()), octets(&unescape(value))]));
    }
    if let Some(name) = left.strip_suffix(':') {
        return extensible(name, value);
    }
    if value == "*" {
        return context(7, PL::P(left.as_bytes().to_vec()));
    }
    if value.contains('*') {
        return substring(left, value);
    }
    context(3, PL::C(vec![octets(left.as_bytes()), octets(&unescape(value))]))
}

fn extensible(left: &str, value: &str) -> StructureTag {
    let (name, rule) = left.split_once(':').expect("attribute:rule");
    let part = |id, bytes: &[u8]| context(id, PL::P(bytes.to_vec()));
    context(
        9,
        PL::C(vec![part(1, rule.as_bytes()), part(2, name.as_bytes()), part(3, &unescape(value))]),
    )
}

fn substring(name: &str, value: &str) -> StructureTag {
    let pieces: Vec<&str> = value.split('*').collect();
    let last = pieces.len() - 1;
    let part = |(index, piece): (usize, &&str)| {
        let id = if index == 0 {
            0
        } else if index == last {
            2
        } else {
            1
        };
        (!piece.is_empty()).then(|| context(id, PL::P(unescape(piece))))
    };
    let parts = pieces.iter().enumerate().filter_map(part).collect();
    let sequence = StructureTag { class: TagClass::Universal, id: 16, payload: PL::C(parts) };
    context(4, PL::C(vec![octets(name.as_bytes()), sequence]))
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'\\' {
            let pair = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(pair, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    bytes
}

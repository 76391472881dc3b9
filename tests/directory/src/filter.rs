//! Search filters: the tree, how it comes off the wire, and how it is written for the log.
//!
//! `ldap3_proto` keeps filter values as `String`, so a filter with a binary objectSid or objectGUID does not
//! decode there at all; AD clients send them all day. Hence this reader of our own.
#![forbid(unsafe_code)]

use std::fmt;

use ldap3_lber::common::TagClass;
use ldap3_lber::structure::{PL, StructureTag};

/// Filters nested deeper than this are refused, as by AD.
const MAX_DEPTH: usize = 100;

/// A search filter (RFC 4511, 4.5.1.7), values as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of these.
    And(Vec<Filter>),
    /// Any of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// `(attribute=value)`; `~=` is the same, as in AD.
    Equal(String, Vec<u8>),
    /// `(attribute=initial*any*final)`.
    Substring(String, Substring),
    /// `(attribute>=value)`.
    AtLeast(String, Vec<u8>),
    /// `(attribute<=value)`.
    AtMost(String, Vec<u8>),
    /// `(attribute=*)`.
    Present(String),
    /// `(attribute:rule:=value)`.
    Extensible {
        /// The rule's OID; empty where none was given.
        rule: String,
        /// The attribute; empty where none was given.
        attribute: String,
        /// The value to match.
        value: Vec<u8>,
    },
}

/// The pieces between the stars.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Substring {
    /// What the value begins with; may be empty.
    pub initial: Vec<u8>,
    /// What it holds, in this order.
    pub any: Vec<Vec<u8>>,
    /// What it ends with; may be empty.
    pub last: Vec<u8>,
}

impl Filter {
    /// Reads the filter of a search request; `None` if it is malformed or too deep.
    pub fn from_ber(tag: &StructureTag) -> Option<Self> {
        read(tag, MAX_DEPTH)
    }
}

fn read(tag: &StructureTag, depth: usize) -> Option<Filter> {
    if tag.class != TagClass::Context || depth == 0 {
        return None;
    }
    let nested = |tags: &[StructureTag]| {
        tags.iter().map(|tag| read(tag, depth - 1)).collect::<Option<Vec<_>>>()
    };
    Some(match (tag.id, &tag.payload) {
        (0, PL::C(tags)) => Filter::And(nested(tags)?),
        (1, PL::C(tags)) => Filter::Or(nested(tags)?),
        (2, PL::C(tags)) => Filter::Not(Box::new(read(tags.first()?, depth - 1)?)),
        (4, PL::C(tags)) => Filter::Substring(text(tags.first()?)?, read_pieces(tags.get(1)?)?),
        (3 | 8, PL::C(tags)) => Filter::Equal(text(tags.first()?)?, bytes(tags.get(1)?)?),
        (5, PL::C(tags)) => Filter::AtLeast(text(tags.first()?)?, bytes(tags.get(1)?)?),
        (6, PL::C(tags)) => Filter::AtMost(text(tags.first()?)?, bytes(tags.get(1)?)?),
        (7, PL::P(name)) => Filter::Present(String::from_utf8(name.clone()).ok()?),
        (9, PL::C(tags)) => read_extensible(tags)?,
        _ => return None,
    })
}

fn bytes(tag: &StructureTag) -> Option<Vec<u8>> {
    match &tag.payload {
        PL::P(bytes) => Some(bytes.clone()),
        PL::C(_) => None,
    }
}

fn text(tag: &StructureTag) -> Option<String> {
    String::from_utf8(bytes(tag)?).ok()
}

fn read_pieces(tag: &StructureTag) -> Option<Substring> {
    let PL::C(tags) = &tag.payload else { return None };
    let mut pieces = Substring::default();
    for tag in tags {
        match tag.id {
            0 => pieces.initial = bytes(tag)?,
            1 => pieces.any.push(bytes(tag)?),
            2 => pieces.last = bytes(tag)?,
            _ => return None,
        }
    }
    (!tags.is_empty()).then_some(pieces)
}

fn read_extensible(tags: &[StructureTag]) -> Option<Filter> {
    let (mut rule, mut attribute, mut value) = (String::new(), String::new(), None);
    for tag in tags {
        match tag.id {
            1 => rule = text(tag)?,
            2 => attribute = text(tag)?,
            3 => value = Some(bytes(tag)?),
            4 => {} // dnAttributes: AD ignores it
            _ => return None,
        }
    }
    Some(Filter::Extensible { rule, attribute, value: value? })
}

/// A value as RFC 4515 writes it: everything that is not plain text as `\xx`.
pub fn escape(value: &[u8]) -> String {
    let readable = std::str::from_utf8(value).is_ok();
    let mut escaped = String::new();
    let mut raw = Vec::new();
    for byte in value {
        let special = matches!(byte, b'*' | b'(' | b')' | b'\\') || byte.is_ascii_control();
        if special || (!readable && !byte.is_ascii()) {
            escaped.push_str(&String::from_utf8_lossy(&raw));
            raw.clear();
            escaped.push_str(&format!("\\{byte:02x}"));
        } else {
            raw.push(*byte);
        }
    }
    escaped.push_str(&String::from_utf8_lossy(&raw));
    escaped
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, sign: char, filters: &[Self]| {
            write!(f, "({sign}")?;
            filters.iter().try_for_each(|filter| write!(f, "{filter}"))?;
            write!(f, ")")
        };
        match self {
            Self::And(filters) => list(f, '&', filters),
            Self::Or(filters) => list(f, '|', filters),
            Self::Not(filter) => write!(f, "(!{filter})"),
            Self::Equal(name, value) => write!(f, "({name}={})", escape(value)),
            Self::AtLeast(name, value) => write!(f, "({name}>={})", escape(value)),
            Self::AtMost(name, value) => write!(f, "({name}<={})", escape(value)),
            Self::Present(name) => write!(f, "({name}=*)"),
            Self::Substring(name, pieces) => {
                write!(f, "({name}={}*", escape(&pieces.initial))?;
                pieces.any.iter().try_for_each(|piece| write!(f, "{}*", escape(piece)))?;
                write!(f, "{})", escape(&pieces.last))
            }
            Self::Extensible { rule, attribute, value } => {
                let colon = if rule.is_empty() { "" } else { ":" };
                write!(f, "({attribute}{colon}{rule}:={})", escape(value))
            }
        }
    }
}

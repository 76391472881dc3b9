//! Which objects a filter selects: AD's three-valued logic, its loose comparison and its matching rules.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use crate::data::Directory;
use crate::dn::Dn;
use crate::filter::{Filter, Substring};
use crate::fold::fold;
use crate::object::{Object, ObjectId};
use crate::schema::{self, Syntax};
use crate::sid::Sid;

/// All bits of the value are set.
pub const RULE_BIT_AND: &str = "1.2.840.113556.1.4.803";
/// Any bit of the value is set.
pub const RULE_BIT_OR: &str = "1.2.840.113556.1.4.804";
/// The chain of links leads there.
pub const RULE_IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// A filter made ready for one search: names looked up, values parsed, chains walked.
pub(crate) enum Matcher {
    And(Vec<Matcher>),
    Or(Vec<Matcher>),
    Not(Box<Matcher>),
    Term {
        attribute: String,
        known: bool,
        test: Test,
    },
    /// Neither true nor false, and so never selected, negated or not.
    Undefined,
}

pub(crate) enum Test {
    Present,
    Text(String),
    Octets(Vec<u8>),
    Integer(i64),
    AtLeast(String),
    AtMost(String),
    Pieces(Box<Substring>),
    Bits {
        mask: i64,
        all: bool,
    },
    /// The object itself is one of these (distinguishedName, and chains, which are walked beforehand).
    OneOf(BTreeSet<ObjectId>),
    /// `member` holds this object.
    HasMember(ObjectId),
    /// `memberOf` holds this group.
    InGroup(ObjectId),
    /// A stored DN-valued attribute holds this name.
    Name(String),
}

impl Matcher {
    pub(crate) fn new(directory: &Directory, filter: &Filter) -> Self {
        let nested =
            |filters: &[Filter]| filters.iter().map(|inner| Self::new(directory, inner)).collect();
        match filter {
            Filter::And(filters) => Self::And(nested(filters)),
            Filter::Or(filters) => Self::Or(nested(filters)),
            Filter::Not(inner) => Self::Not(Box::new(Self::new(directory, inner))),
            Filter::Present(name) => term(name, Some(Test::Present)),
            Filter::Equal(name, value) => term(name, equality(directory, name, value)),
            Filter::AtLeast(name, value) => term(name, text_of(value).map(Test::AtLeast)),
            Filter::AtMost(name, value) => term(name, text_of(value).map(Test::AtMost)),
            Filter::Substring(name, pieces) => term(name, pieces_of(name, pieces)),
            Filter::Extensible { rule, attribute, value } => {
                term(attribute, extensible(directory, rule, attribute, value))
            }
        }
    }

    /// Whether the object is selected; `None` is Undefined.
    pub(crate) fn matches(&self, id: ObjectId, object: &Object) -> Option<bool> {
        match self {
            Self::And(inner) => all(inner.iter().map(|matcher| matcher.matches(id, object)), true),
            Self::Or(inner) => all(inner.iter().map(|matcher| matcher.matches(id, object)), false),
            Self::Not(inner) => inner.matches(id, object).map(|selected| !selected),
            Self::Undefined => None,
            Self::Term { attribute, known, test } => {
                // An attribute that may not be read is Undefined, so `(!(attribute=x))` does not reveal it.
                if !object.may_read(attribute) || (!known && object.values(attribute).is_empty()) {
                    return None;
                }
                Some(test.holds(id, object, attribute))
            }
        }
    }

    /// The only objects that can match, where an indexed equality says so.
    pub(crate) fn candidates(&self, directory: &Directory) -> Option<BTreeSet<ObjectId>> {
        match self {
            Self::And(inner) => inner.iter().find_map(|matcher| matcher.candidates(directory)),
            Self::Or(inner) if !inner.is_empty() => {
                let sets: Option<Vec<_>> =
                    inner.iter().map(|matcher| matcher.candidates(directory)).collect();
                sets.map(|sets| sets.into_iter().flatten().collect())
            }
            Self::Term { attribute, test, .. } => match test {
                Test::OneOf(ids) => Some(ids.clone()),
                // AD keeps an index of links.
                Test::InGroup(group) => Some(directory.get(*group)?.members.clone()),
                Test::Octets(sid) if attribute.eq_ignore_ascii_case("objectSid") => {
                    Some(directory.id_of_sid(sid).into_iter().collect())
                }
                Test::Text(name) if attribute.eq_ignore_ascii_case("sAMAccountName") => {
                    Some(directory.id_of_account(name).into_iter().collect())
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// And (`deciding` false) or Or (`deciding` true) over three values; called with the value that is neutral.
fn all(values: impl Iterator<Item = Option<bool>>, neutral: bool) -> Option<bool> {
    let mut result = Some(neutral);
    for value in values {
        match value {
            Some(value) if value != neutral => return Some(value),
            None => result = None,
            Some(_) => {}
        }
    }
    result
}

fn term(name: &str, test: Option<Test>) -> Matcher {
    let attribute = schema::find(name);
    match test {
        Some(test) if !attribute.is_some_and(|attribute| attribute.constructed) => {
            Matcher::Term { attribute: name.to_owned(), known: attribute.is_some(), test }
        }
        _ => Matcher::Undefined,
    }
}

fn text_of(value: &[u8]) -> Option<String> {
    std::str::from_utf8(value).ok().map(str::to_owned)
}

fn equality(directory: &Directory, name: &str, value: &[u8]) -> Option<Test> {
    match schema::syntax_of(name) {
        Syntax::Octets => Some(Test::Octets(octets(name, value))),
        Syntax::Integer => text_of(value)?.trim().parse().ok().map(Test::Integer),
        Syntax::Text | Syntax::Time => text_of(value).map(|text| Test::Text(fold(&text))),
        Syntax::Category => {
            let text = text_of(value)?;
            let dn = Dn::parse(&text).unwrap_or_else(|| crate::frame::category(directory, &text));
            Some(Test::Name(dn.key()))
        }
        Syntax::Name => link_test(directory, name, &Dn::parse(&text_of(value)?)?),
    }
}

/// objectSid may be asked for by its text, as on a real DC.
fn octets(name: &str, value: &[u8]) -> Vec<u8> {
    let sid = std::str::from_utf8(value).ok().and_then(Sid::parse);
    match sid {
        Some(sid) if name.eq_ignore_ascii_case("objectSid") => sid.to_bytes(),
        _ => value.to_vec(),
    }
}

fn link_test(directory: &Directory, name: &str, dn: &Dn) -> Option<Test> {
    let target = directory.id_of_dn(dn);
    let nobody = Test::OneOf(BTreeSet::new());
    Some(match name.to_ascii_lowercase().as_str() {
        "distinguishedname" => Test::OneOf(target.into_iter().collect()),
        "member" => target.map_or(nobody, Test::HasMember),
        "memberof" => target.map_or(nobody, Test::InGroup),
        _ => Test::Name(dn.key()),
    })
}

fn pieces_of(name: &str, pieces: &Substring) -> Option<Test> {
    let loose = |piece: &Vec<u8>| text_of(piece).map(|text| fold_piece(&text).into_bytes());
    match schema::syntax_of(name) {
        Syntax::Text | Syntax::Time => Some(Test::Pieces(Box::new(Substring {
            initial: loose(&pieces.initial)?,
            any: pieces.any.iter().map(loose).collect::<Option<_>>()?,
            last: loose(&pieces.last)?,
        }))),
        // AD compares no parts of numbers, names or bytes.
        _ => None,
    }
}

/// Folded, but with the spaces at its end kept: inside a value they do count.
fn fold_piece(text: &str) -> String {
    let spaces = text.len() - text.trim_end_matches(' ').len();
    format!("{}{}", fold(text), " ".repeat(spaces))
}

fn extensible(directory: &Directory, rule: &str, attribute: &str, value: &[u8]) -> Option<Test> {
    let syntax = schema::syntax_of(attribute);
    match rule {
        RULE_BIT_AND | RULE_BIT_OR if syntax == Syntax::Integer => Some(Test::Bits {
            mask: text_of(value)?.trim().parse().ok()?,
            all: rule == RULE_BIT_AND,
        }),
        RULE_IN_CHAIN if syntax == Syntax::Name => {
            let target = Dn::parse(&text_of(value)?).and_then(|dn| directory.id_of_dn(&dn));
            let walk = |id: ObjectId| match attribute.to_ascii_lowercase().as_str() {
                "member" => directory.groups_above(id),
                "memberof" => directory.members_within(id),
                _ => BTreeSet::new(),
            };
            Some(Test::OneOf(target.map(walk).unwrap_or_default()))
        }
        "" => equality(directory, attribute, value),
        _ => None,
    }
}

impl Test {
    fn holds(&self, id: ObjectId, object: &Object, attribute: &str) -> bool {
        let values = object.values(attribute);
        let text = |value: &Vec<u8>| std::str::from_utf8(value).map(fold).unwrap_or_default();
        match self {
            Self::Present => present(object, attribute),
            Self::OneOf(ids) => ids.contains(&id),
            Self::HasMember(member) => object.members.contains(member),
            Self::InGroup(group) => object.member_of.contains(group),
            Self::Text(wanted) => values.iter().any(|value| text(value) == *wanted),
            Self::Octets(wanted) => values.iter().any(|value| value == wanted),
            Self::Integer(wanted) => values.iter().any(|value| number(value) == Some(*wanted)),
            Self::AtLeast(limit) => values.iter().any(|value| at_least(value, limit)),
            Self::AtMost(limit) => {
                values.iter().any(|value| at_least(limit.as_bytes(), &text_lossy(value)))
            }
            Self::Pieces(pieces) => {
                values.iter().any(|value| has_pieces(text(value).as_bytes(), pieces))
            }
            Self::Bits { mask, all } => values
                .iter()
                .filter_map(|value| number(value))
                .any(|bits| if *all { bits & mask == *mask } else { bits & mask != 0 }),
            Self::Name(key) => values
                .iter()
                .any(|value| Dn::parse(&text_lossy(value)).is_some_and(|dn| dn.key() == *key)),
        }
    }
}

fn present(object: &Object, attribute: &str) -> bool {
    match attribute.to_ascii_lowercase().as_str() {
        "distinguishedname" => true,
        "member" => !object.members.is_empty(),
        "memberof" => !object.member_of.is_empty(),
        _ => !object.values(attribute).is_empty(),
    }
}

fn text_lossy(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok())
}

/// `value >= limit`: as numbers where both are, else as folded text.
fn at_least(value: &[u8], limit: &str) -> bool {
    match (number(value), number(limit.as_bytes())) {
        (Some(value), Some(limit)) => value >= limit,
        _ => fold(&text_lossy(value)) >= fold(limit),
    }
}

fn has_pieces(value: &[u8], pieces: &Substring) -> bool {
    let Some(mut rest) = value.strip_prefix(pieces.initial.as_slice()) else { return false };
    for piece in &pieces.any {
        match rest.windows(piece.len().max(1)).position(|window| window == piece.as_slice()) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(&pieces.last)
}

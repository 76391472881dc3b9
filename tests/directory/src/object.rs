//! One object of the directory: its name, its attributes, its links and what is kept about its password.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

use crate::dn::Dn;
use crate::schema;

/// An object's number, given in order of creation and never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub(crate) u64);

/// An attribute as stored: its name in AD's spelling, and its values.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) values: Vec<Vec<u8>>,
}

/// What the directory keeps about a password. A test directory: the words themselves.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) current: String,
    /// The password before the last change and when (FILETIME) it was replaced: AD still takes it for an hour.
    pub(crate) replaced: Option<(String, i64)>,
    /// All earlier passwords, the newest last.
    pub(crate) history: Vec<String>,
}

/// One object.
#[derive(Clone)]
pub struct Object {
    pub(crate) dn: Dn,
    attributes: BTreeMap<String, Attribute>,
    pub(crate) members: BTreeSet<ObjectId>,
    pub(crate) member_of: BTreeSet<ObjectId>,
    withheld: BTreeSet<String>,
    pub(crate) credentials: Option<Credentials>,
    /// A sub-code that a bind with the right password gets whatever the attributes say.
    pub(crate) forced_sub_code: Option<u32>,
    /// The whole diagnostic message that goes with it, to the last byte, in place of the usual one.
    pub(crate) forced_words: Option<&'static str>,
    /// The Win32 code that changes of the password are refused with, whatever the rest says.
    pub(crate) forced_change: Option<u32>,
}

impl Object {
    pub(crate) fn new(dn: Dn) -> Self {
        Self {
            dn,
            attributes: BTreeMap::new(),
            members: BTreeSet::new(),
            member_of: BTreeSet::new(),
            withheld: BTreeSet::new(),
            credentials: None,
            forced_sub_code: None,
            forced_words: None,
            forced_change: None,
        }
    }

    /// Replaces an attribute's values; with none, the attribute is gone.
    pub(crate) fn set(&mut self, name: &str, values: Vec<Vec<u8>>) {
        let key = name.to_ascii_lowercase();
        if values.is_empty() {
            self.attributes.remove(&key);
            return;
        }
        let name = schema::find(name).map_or(name, |attribute| attribute.name).to_owned();
        self.attributes.insert(key, Attribute { name, values });
    }

    pub(crate) fn set_text(&mut self, name: &str, value: &str) {
        self.set(name, vec![value.as_bytes().to_vec()]);
    }

    pub(crate) fn set_integer(&mut self, name: &str, value: i64) {
        self.set_text(name, &value.to_string());
    }

    /// The stored values of an attribute; empty if it has none. Links are not stored here.
    pub(crate) fn values(&self, name: &str) -> &[Vec<u8>] {
        self.attributes.get(&name.to_ascii_lowercase()).map_or(&[], |attribute| &attribute.values)
    }

    /// The first value as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values(name).first().and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The first value as a number; `None` if absent.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    pub(crate) fn has_class(&self, class: &str) -> bool {
        self.values("objectClass").iter().any(|value| value.eq_ignore_ascii_case(class.as_bytes()))
    }

    pub(crate) fn stored(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.values()
    }

    /// Takes the right to read an attribute away from everybody, as hardened domains do; it is then silently left out.
    pub(crate) fn withhold(&mut self, name: &str) {
        self.withheld.insert(name.to_ascii_lowercase());
    }

    pub(crate) fn grant(&mut self, name: &str) {
        self.withheld.remove(&name.to_ascii_lowercase());
    }

    pub(crate) fn may_read(&self, name: &str) -> bool {
        // The words of passwords are readable by nobody, ever.
        !["unicodePwd", "userPassword"].iter().any(|secret| secret.eq_ignore_ascii_case(name))
            && (self.withheld.is_empty() || !self.withheld.contains(&name.to_ascii_lowercase()))
    }
}

//! What stands in an old configuration: keys with values and places, and which of them were
//! understood.
#![forbid(unsafe_code)]

use super::plan::Plan;
use zeroize::Zeroizing;

/// One key with its value.
#[derive(Clone)]
pub struct Entry {
    /// The key, in lower case, with single spaces.
    pub key: String,
    /// The value, without the spaces around it. It may be a secret.
    pub value: Zeroizing<String>,
    /// File and line.
    pub place: String,
}

impl Entry {
    /// The key and its place, for a note. Never the value: it may be a secret.
    pub fn told(&self) -> String {
        format!("{} ({})", self.key, self.place)
    }

    /// The value, where it says yes or no.
    pub fn flag(&self) -> Option<bool> {
        match self.value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }

    /// The parts of a list with commas.
    pub fn list(&self) -> Vec<String> {
        let parts = self.value.split(',').map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
}

/// Keys under one header. What is taken counts as understood; what stays is accounted for in the
/// end.
#[derive(Clone, Default)]
pub struct Section {
    /// The header, as it is written; empty where the format has none.
    pub name: String,
    entries: Vec<Entry>,
}

impl Section {
    /// An empty section of this name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), entries: Vec::new() }
    }

    /// Adds an entry. What is said later counts.
    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// The last entry of this key, with all of them gone.
    pub fn take(&mut self, key: &str) -> Option<Entry> {
        self.take_all(key).pop()
    }

    /// All entries of this key.
    pub fn take_all(&mut self, key: &str) -> Vec<Entry> {
        self.take_where(|entry| entry.key == key)
    }

    /// All entries whose key begins like this.
    pub fn take_prefix(&mut self, prefix: &str) -> Vec<Entry> {
        self.take_where(|entry| entry.key.starts_with(prefix))
    }

    fn take_where(&mut self, wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let (taken, kept) = std::mem::take(&mut self.entries).into_iter().partition(wanted);
        self.entries = kept;
        taken
    }

    /// Takes the entries of another section of the same name, which count more.
    pub fn extend(&mut self, other: Section) {
        self.entries.extend(other.entries);
    }
}

/// What becomes of keys that no line of ldaps.toml stands for.
pub enum Fate {
    /// It needs nothing.
    Needless,
    /// It has no counterpart: why, and what to do.
    Left(&'static str, &'static str),
}

/// The fates of keys: a key, or the beginning of keys with a star behind it.
pub type Fates = &'static [(&'static str, Fate)];

/// Accounts for every entry that nobody has taken.
pub fn account_for_rest(mut section: Section, fates: Fates, plan: &mut Plan) {
    for entry in std::mem::take(&mut section.entries) {
        let is_of = |(pattern, _): &&(&str, Fate)| match pattern.strip_suffix('*') {
            Some(beginning) => entry.key.starts_with(beginning),
            None => entry.key == *pattern,
        };
        match fates.iter().find(is_of) {
            Some((_, Fate::Needless)) => plan.needless.push(entry.key),
            Some((_, Fate::Left(why, remedy))) => plan.leave(&entry, *why, *remedy),
            None => plan.leave(
                &entry,
                "this tool does not know it",
                "see in its manual what it does, and in ldaps.toml(5) whether there is such a thing",
            ),
        }
    }
}

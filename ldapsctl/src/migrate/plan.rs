//! What is proposed: the lines of an ldaps.toml, each with where it comes from, and what of the old
//! configuration has no counterpart.
#![forbid(unsafe_code)]

use super::entries::Entry;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// The order of sections; others stand behind the one they belong to.
const ORDER: &[&str] = &[
    "directory",
    "tls",
    "ids",
    "users",
    "users.override",
    "users.of_group",
    "groups",
    "groups.override",
    "access",
    "pam",
    "ssh",
    "nss",
    "cache",
];

/// A value of ldaps.toml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `"text"`
    Text(String),
    /// `["one", "two"]`
    Texts(Vec<String>),
    /// `7`
    Number(u32),
    /// `true`
    Flag(bool),
    /// `{ uid = 7, home = "/srv" }`
    Table(Vec<(&'static str, Value)>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl Value {
    fn render(&self) -> String {
        let list = |parts: Vec<String>| parts.join(", ");
        match self {
            Self::Text(text) => quoted(text),
            Self::Texts(texts) => format!("[{}]", list(texts.iter().map(|t| quoted(t)).collect())),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Table(pairs) => {
                let pair = |(key, value): &(&str, Value)| format!("{key} = {}", value.render());
                format!("{{ {} }}", list(pairs.iter().map(pair).collect()))
            }
        }
    }
}

/// A text or a key in TOML's basic form.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c.is_control() => {
                let _infallible = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Something that the old configuration says and ldaps.toml cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The key, and where it stands.
    pub key: String,
    /// Why it has no counterpart.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

struct Line {
    section: String,
    key: String,
    value: Value,
    from: String,
}

/// See the module.
#[derive(Default)]
pub struct Plan {
    lines: Vec<Line>,
    /// What has no counterpart, in the order it was met.
    pub left: Vec<Left>,
    /// Keys that need no counterpart.
    pub needless: Vec<String>,
    /// The service account's password, where the old configuration holds it.
    pub secret: Option<Zeroizing<String>>,
    /// What the domain is called in names of accounts.
    pub names: Vec<String>,
    closed: bool,
}

impl Plan {
    /// Writes a line, in the place of one that said the same before; `from` is told in a comment.
    pub fn set(&mut self, section: &str, key: &str, value: impl Into<Value>, from: &str) {
        self.unset(section, key);
        let (section, key, from) = (section.to_owned(), key.to_owned(), from.to_owned());
        self.lines.push(Line { section, key, value: value.into(), from });
    }

    /// Takes a line back.
    pub fn unset(&mut self, section: &str, key: &str) {
        self.lines.retain(|line| (line.section.as_str(), line.key.as_str()) != (section, key));
    }

    /// The value of a line.
    pub fn get(&self, section: &str, key: &str) -> Option<&Value> {
        let mut lines = self.lines.iter();
        lines.find(|line| line.section == section && line.key == key).map(|line| &line.value)
    }

    /// Notes that an entry has no counterpart.
    pub fn leave(&mut self, entry: &Entry, why: impl Into<String>, remedy: impl Into<String>) {
        self.leave_key(&entry.told(), why, remedy);
    }

    /// The same, for what no single entry says.
    pub fn leave_key(&mut self, key: &str, why: impl Into<String>, remedy: impl Into<String>) {
        self.left.push(Left { key: key.to_owned(), why: why.into(), remedy: remedy.into() });
    }

    /// Notes a rule that cannot be carried over: without it more people would get in than before,
    /// so that nobody does until the administrator has said who.
    pub fn close(&mut self, key: &str, why: impl Into<String>, remedy: impl Into<String>) {
        self.closed = true;
        self.leave_key(key, why, remedy);
    }

    /// Whether nobody gets in.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// The whole file.
    pub fn toml(&self, source: &str) -> String {
        // A comment ends with its line.
        let source = source.replace(char::is_control, " ");
        let mut text = format!(
            "# /etc/ldaps/ldaps.toml, made by `ldapsctl migrate` from {source}.\n\
             # Behind each line stands what said so there.\n"
        );
        let mut sections: Vec<&str> = Vec::new();
        for line in &self.lines {
            if !sections.contains(&line.section.as_str()) {
                sections.push(&line.section);
            }
        }
        if self.closed && !sections.contains(&"access") {
            sections.push("access");
        }
        sections.sort_by_key(|section| rank(section));
        for section in sections {
            let _infallible = writeln!(text, "\n[{section}]");
            for line in self.lines.iter().filter(|line| line.section == section) {
                text += &self.rendered(line);
            }
            if self.closed && section == "access" && self.get("access", "allow").is_none() {
                text += CLOSED;
            }
        }
        text
    }

    fn rendered(&self, line: &Line) -> String {
        if self.closed && line.section == "access" && line.key == "allow" {
            return format!("{CLOSED}# Without that rule: allow = {}\n", line.value.render());
        }
        let comment =
            if line.from.is_empty() { String::new() } else { format!("  # {}", line.from) };
        let comment = comment.replace(char::is_control, " ");
        format!("{} = {}{comment}\n", line.key, line.value.render())
    }
}

const CLOSED: &str = "# Nobody, until somebody has said who: a rule of the old configuration has no counterpart (see\n\
                      # the notes of `ldapsctl migrate`), and without it more people would get in than before.\n\
                      allow = []\n";

fn rank(section: &str) -> (usize, String) {
    let belongs = |name: &&str| {
        section == *name || section.strip_prefix(*name).is_some_and(|rest| rest.starts_with('.'))
    };
    let place = ORDER.iter().rposition(belongs).unwrap_or(ORDER.len());
    (place, section.to_owned())
}

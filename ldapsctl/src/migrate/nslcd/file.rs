//! The lines of nslcd.conf: a keyword and the rest; `map`, `base`, `scope` and `filter` may name a
//! map first.
#![forbid(unsafe_code)]

use super::super::entries::{Entry, Section};
use zeroize::Zeroizing;

/// nslcd.conf(5), "MAPS".
const MAPS: &[&str] = &[
    "aliases",
    "ethers",
    "group",
    "hosts",
    "netgroup",
    "networks",
    "passwd",
    "protocols",
    "rpc",
    "services",
    "shadow",
];

/// Reads the file; keys are `uri`, `base passwd`, `map passwd homedirectory`, in lower case.
pub fn parse(name: &str, text: &str) -> Section {
    let mut section = Section::new("");
    for (index, line) in text.lines().enumerate() {
        let line = Zeroizing::new(line.trim().to_owned());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, mut rest) = first_word(&line);
        let mut key = word.to_lowercase();
        if ["map", "base", "scope", "filter"].contains(&key.as_str()) {
            let (map, behind) = first_word(rest);
            if MAPS.contains(&map.to_lowercase().as_str()) {
                key = format!("{key} {}", map.to_lowercase());
                rest = behind;
            }
        }
        if key.starts_with("map ") {
            let (attribute, behind) = first_word(rest);
            key = format!("{key} {}", attribute.to_lowercase());
            rest = behind;
        }
        let place = format!("{name}:{}", index + 1);
        section.add(Entry { key, value: Zeroizing::new(rest.to_owned()), place });
    }
    section
}

fn first_word(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

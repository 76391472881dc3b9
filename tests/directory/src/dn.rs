//! Distinguished names: parsed, escaped as AD escapes them, compared as AD compares them.
#![forbid(unsafe_code)]

use std::fmt;

use crate::fold::fold;

/// One `type=value` step of a name, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rdn {
    attribute: String,
    value: String,
}

/// A distinguished name, the leaf first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dn {
    rdns: Vec<Rdn>,
}

impl Dn {
    /// `DC=corp,DC=example` from `corp.example`.
    pub fn of_domain(dns_name: &str) -> Self {
        let rdn = |label: &str| Rdn { attribute: "DC".into(), value: label.into() };
        Self { rdns: dns_name.split('.').map(rdn).collect() }
    }

    /// The name one step below this one.
    #[must_use]
    pub fn child(&self, attribute: &str, value: &str) -> Self {
        let mut rdns = vec![Rdn { attribute: attribute.into(), value: value.into() }];
        rdns.extend_from_slice(&self.rdns);
        Self { rdns }
    }

    /// The name one step above; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        (self.rdns.len() > 1).then(|| Self { rdns: self.rdns[1..].to_vec() })
    }

    /// The leaf's attribute and value (`CN`, `Alice Archer`); `None` for the empty name.
    pub fn leaf(&self) -> Option<(&str, &str)> {
        self.rdns.first().map(|rdn| (rdn.attribute.as_str(), rdn.value.as_str()))
    }

    /// How many steps the name has; 0 is the root of the tree.
    pub fn depth(&self) -> usize {
        self.rdns.len()
    }

    /// Whether this name is `top` or lies below it.
    pub fn is_within(&self, top: &Self) -> bool {
        let same = |left: &Rdn, right: &Rdn| {
            left.attribute.eq_ignore_ascii_case(&right.attribute)
                && (left.value == right.value || fold(&left.value) == fold(&right.value))
        };
        self.rdns.len() >= top.rdns.len()
            && self
                .rdns
                .iter()
                .rev()
                .zip(top.rdns.iter().rev())
                .all(|(left, right)| same(left, right))
    }

    /// What two spellings of the same name have in common.
    pub fn key(&self) -> String {
        let step =
            |rdn: &Rdn| format!("{}={}\0", rdn.attribute.to_ascii_lowercase(), fold(&rdn.value));
        self.rdns.iter().map(step).collect()
    }

    /// Reads RFC 4514 text, with the looseness of RFC 2253 readers (spaces, quoted values); `None` if it is no name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rdns = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (attribute, after) = rest.split_once('=')?;
            let attribute = attribute.trim();
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            if attribute.is_empty() || !attribute.chars().all(plain) {
                return None;
            }
            let (value, after) = take_value(after.trim_start())?;
            rdns.push(Rdn { attribute: attribute.to_owned(), value });
            rest = match after.strip_prefix([',', ';']) {
                Some(after) if after.trim().is_empty() => return None,
                Some(after) => after.trim_start(),
                None if after.is_empty() => after,
                None => return None,
            };
        }
        Some(Self { rdns })
    }
}

/// One attribute value off the front of `text`, unescaped, and what follows it.
fn take_value(text: &str) -> Option<(String, &str)> {
    let quoted = text.starts_with('"');
    let mut bytes = Vec::new();
    let mut kept = 0; // bytes that trailing-space trimming must not touch
    let mut at = usize::from(quoted);
    let raw = text.as_bytes();
    loop {
        match raw.get(at) {
            None if quoted => return None,
            None => break,
            Some(b'"') if quoted => {
                at += 1;
                kept = bytes.len();
                at += text[at..].len() - text[at..].trim_start().len();
                break;
            }
            Some(b',' | b';') if !quoted => break,
            Some(b'\\') => {
                let (byte, width) = unescape(&raw[at + 1..])?;
                bytes.push(byte);
                kept = bytes.len();
                at += 1 + width;
            }
            Some(byte) => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    while bytes.len() > kept && bytes.last() == Some(&b' ') {
        bytes.pop();
    }
    Some((String::from_utf8(bytes).ok()?, &text[at..]))
}

/// What follows a backslash: two hex digits or the character itself; with how many bytes it took.
fn unescape(after: &[u8]) -> Option<(u8, usize)> {
    // from_str_radix alone would take the sign of an escaped plus: `\+E` is no byte 0x0E.
    let pair = after.get(..2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
    let pair = pair.and_then(|pair| std::str::from_utf8(pair).ok());
    let hex = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
    hex.map(|byte| (byte, 2)).or_else(|| after.first().map(|byte| (*byte, 1)))
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rdn) in self.rdns.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}={}", rdn.attribute, escape_value(&rdn.value))?;
        }
        Ok(())
    }
}

/// A value as AD writes it inside a DN.
pub fn escape_value(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(value.len());
    for (index, letter) in value.chars().enumerate() {
        match letter {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => escaped.extend(['\\', letter]),
            '#' if index == 0 => escaped.push_str("\\#"),
            ' ' if index == 0 || index == last => escaped.push_str("\\ "),
            '\0' => escaped.push_str("\\00"),
            '\n' => escaped.push_str("\\0A"),
            '\r' => escaped.push_str("\\0D"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_awkward_value_survives_writing_and_reading() {
        let base = Dn::of_domain("corp.example");
        for value in [
            "Smith, John",
            "#hash",
            " lead",
            "trail ",
            "a\"b",
            "back\\slash",
            "a=b;<c>+",
            "a+E",
            "Zoë",
            "new\nline",
            "(",
        ] {
            let dn = base.child("OU", "Sales, EMEA").child("CN", value);
            assert_eq!(Dn::parse(&dn.to_string()), Some(dn.clone()), "{dn}");
        }
    }

    #[test]
    fn spellings_of_one_name_have_one_key() {
        let key = |text: &str| Dn::parse(text).unwrap().key();
        assert_eq!(
            key("CN=Smith\\, John,DC=corp,DC=example"),
            key("cn = smith\\2c john , dc=CORP, dc=example")
        );
        assert_eq!(key("CN=\"Smith, John\",DC=x"), key("CN=Smith\\, John,DC=x"));
        assert_ne!(key("CN=a,DC=x"), key("CN=a,CN=x"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["alice", "CN=a,", "=x", "CN=a,b", "CN=\"open", "a b=c"] {
            assert_eq!(Dn::parse(text), None, "{text}");
        }
        assert_eq!(Dn::parse(""), Some(Dn::default()));
    }
}

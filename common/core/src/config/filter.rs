//! Search filters from the configuration: checked against RFC 4515 before any server sees them.
#![forbid(unsafe_code)]

use super::errors::Fault;
use super::values::is_attribute_name;
use std::fmt;

/// How deep filters may nest. A domain controller refuses deep filters itself; this only bounds
/// our own recursion.
const MAX_DEPTH: usize = 32;

/// A search filter that follows RFC 4515, in the form it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapFilter {
    text: String,
    attributes: Vec<String>,
}

impl LdapFilter {
    /// Checks a filter.
    ///
    /// # Errors
    /// Says what is wrong and at which character.
    pub fn parse(text: &str) -> Result<LdapFilter, Fault> {
        if let Some(attribute) = placeholder_attribute(text) {
            return Err(Fault::new(
                format!("the filter {text:?} contains %u, but names are not put into filters here"),
                format!(
                    "leave that part out of the filter, and name the attribute under [users.login]: \
                     at = [\"{attribute}\"] for names with \"@\", or bare = \"{attribute}\" for names \
                     without"
                ),
            ));
        }
        let mut parser = Parser { text, offset: 0, attributes: Vec::new() };
        parser.filter(0).and_then(|()| parser.end()).map_err(|problem| {
            let character = text[..parser.offset].chars().count() + 1;
            Fault::new(
                format!("the filter {text:?} is wrong at character {character}: {problem}"),
                "write it as RFC 4515 has it, for example \"(department=IT)\" or \
                     \"(&(objectClass=user)(!(title=guest)))\"",
            )
        })?;
        Ok(LdapFilter { text: text.to_owned(), attributes: parser.attributes })
    }

    /// People and nothing else: `(objectClass=user)` alone matches computer accounts too.
    /// 805306368 is SAM_NORMAL_USER_ACCOUNT (MS-SAMR 2.2.1.9).
    #[must_use]
    pub fn default_users() -> LdapFilter {
        LdapFilter {
            text: "(sAMAccountType=805306368)".to_owned(),
            attributes: vec!["sAMAccountType".to_owned()],
        }
    }

    /// Security groups: 1.2.840.113556.1.4.803 is AD's "all these bits are set", 2147483648 the
    /// bit GROUP_TYPE_SECURITY_ENABLED of groupType (MS-ADTS 2.2.12).
    #[must_use]
    pub fn default_groups() -> LdapFilter {
        LdapFilter {
            text: "(&(objectClass=group)(groupType:1.2.840.113556.1.4.803:=2147483648))".to_owned(),
            attributes: vec!["objectClass".to_owned(), "groupType".to_owned()],
        }
    }

    /// Both this filter and `other`.
    #[must_use]
    pub fn and(&self, other: &LdapFilter) -> LdapFilter {
        LdapFilter {
            text: format!("(&{}{})", self.text, other.text),
            attributes: [self.attributes.as_slice(), &other.attributes].concat(),
        }
    }

    /// The filter as text, with its outer parentheses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The attributes it looks at, without options, in order of appearance.
    #[must_use]
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }
}

impl fmt::Display for LdapFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The attribute that `%u` is compared with, where a filter of another program was pasted.
fn placeholder_attribute(text: &str) -> Option<&str> {
    let (before, _) = text.split_once("%u")?;
    let start = before.rfind('(').map_or(0, |open| open + 1);
    let attribute = before[start..].trim_end_matches(['=', '*', ':', '<', '>', '~']);
    Some(if is_attribute_name(attribute) { attribute } else { "mail" })
}

struct Parser<'t> {
    text: &'t str,
    offset: usize,
    attributes: Vec<String>,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.offset..]
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.offset += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char, why: &str) -> Result<(), String> {
        if self.eat(wanted) {
            return Ok(());
        }
        Err(match self.rest().chars().next() {
            Some(found) => format!("'{wanted}' is wanted {why}, not {found:?}"),
            None => format!("'{wanted}' is wanted {why}, but the text ends"),
        })
    }

    fn end(&mut self) -> Result<(), String> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err("there is text behind the closing parenthesis".to_owned())
        }
    }

    fn filter(&mut self, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH} parentheses"));
        }
        self.expect('(', "to open a filter")?;
        if self.eat('&') || self.eat('|') {
            self.filter(depth + 1)?;
            while self.rest().starts_with('(') {
                self.filter(depth + 1)?;
            }
        } else if self.eat('!') {
            self.filter(depth + 1)?;
        } else {
            self.item()?;
        }
        self.expect(')', "to close the filter")
    }

    /// `attribute=value`, `>=`, `<=`, `~=`, or `attribute:rule:=value`.
    fn item(&mut self) -> Result<(), String> {
        let end =
            self.rest().find(['=', '<', '>', '~', ':', '(', ')']).unwrap_or(self.rest().len());
        let described = &self.rest()[..end];
        let attribute = described.split(';').next().unwrap_or_default();
        if !is_attribute_name(attribute) {
            return Err(format!("{described:?} is no attribute name"));
        }
        self.attributes.push(attribute.to_owned());
        self.offset += end;
        if self.eat(':') {
            self.matching_rule()?;
        } else {
            let _two_character_operator = self.eat('<') || self.eat('>') || self.eat('~');
        }
        self.expect('=', "behind the attribute")?;
        self.value()
    }

    /// The part between the colons of `attribute:dn:rule:=value`; the last colon is eaten.
    fn matching_rule(&mut self) -> Result<(), String> {
        let Some(end) = self.rest().find(":=") else {
            return Err("a matching rule must end with \":=\"".to_owned());
        };
        let rule = &self.rest()[..end];
        let rule = rule.strip_prefix("dn:").unwrap_or(rule);
        if !is_attribute_name(rule) && rule != "dn" {
            return Err(format!("{rule:?} is no matching rule"));
        }
        self.offset += end + 1;
        Ok(())
    }

    /// Everything up to the closing parenthesis; a backslash starts two hexadecimal digits.
    fn value(&mut self) -> Result<(), String> {
        let start = self.offset;
        while let Some(next) = self.rest().chars().next() {
            match next {
                ')' => break,
                '(' | '\0' => {
                    return Err(format!("{next:?} in a value must be escaped (\\28, \\00)"));
                }
                '\\' => {
                    let hex = self.rest().as_bytes().get(1..3).unwrap_or_default();
                    if hex.len() != 2 || !hex.iter().all(u8::is_ascii_hexdigit) {
                        return Err("a backslash must be followed by two hexadecimal digits (a \
                                    backslash itself is \\5c)"
                            .to_owned());
                    }
                    self.offset += 3;
                }
                other => self.offset += other.len_utf8(),
            }
        }
        if self.offset == start {
            return Err("the value is empty (\"*\" asks for any value)".to_owned());
        }
        Ok(())
    }
}

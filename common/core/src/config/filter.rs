//! Search filters from the configuration: checked against RFC 4515 before any server sees them.
#![forbid(unsafe_code)]

use super::errors::Fault;
use super::values::is_attribute_name;
use std::fmt;

/// How deep filters may nest. A domain controller refuses deep filters itself; this only bounds
/// our own recursion.
const MAX_DEPTH: usize = 32;

/// A search filter that follows RFC 4515, in the form it was written and taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapFilter {
    text: String,
    node: FilterNode,
}

/// A filter taken apart, its values unescaped: what is sent, so that text that was checked is
/// never parsed a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterNode {
    /// `(&...)`
    And(Vec<FilterNode>),
    /// `(|...)`
    Or(Vec<FilterNode>),
    /// `(!...)`
    Not(Box<FilterNode>),
    /// `(attribute=*)`
    Present(String),
    /// `(attribute=value)`
    Equal(String, String),
    /// `(attribute=a*b*c)`: the pieces between the stars, empty ones at either end included.
    Substring(String, Vec<String>),
    /// `(attribute>=value)`
    AtLeast(String, String),
    /// `(attribute<=value)`
    AtMost(String, String),
    /// `(attribute~=value)`
    Approximate(String, String),
    /// `(attribute:dn:rule:=value)`
    Extensible {
        /// The attribute.
        attribute: String,
        /// The OID or name of the matching rule, if any.
        rule: Option<String>,
        /// Whether the parts of the DN count as attributes.
        dn: bool,
        /// The value.
        value: String,
    },
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
        let mut parser = Parser { text, offset: 0 };
        let node = parser.filter(0).and_then(|node| parser.end().map(|()| node));
        let node = node.map_err(|problem| {
            let character = text[..parser.offset].chars().count() + 1;
            Fault::new(
                format!("the filter {text:?} is wrong at character {character}: {problem}"),
                "write it as RFC 4515 has it, for example \"(department=IT)\" or \
                     \"(&(objectClass=user)(!(title=guest)))\"",
            )
        })?;
        Ok(LdapFilter { text: text.to_owned(), node })
    }

    /// People and nothing else: `(objectClass=user)` alone matches computer accounts too.
    /// 805306368 is SAM_NORMAL_USER_ACCOUNT (MS-SAMR 2.2.1.9).
    #[must_use]
    pub fn default_users() -> LdapFilter {
        LdapFilter {
            text: "(sAMAccountType=805306368)".to_owned(),
            node: FilterNode::Equal("sAMAccountType".to_owned(), "805306368".to_owned()),
        }
    }

    /// Security groups: SAM_GROUP_OBJECT and SAM_ALIAS_OBJECT (MS-SAMR 2.2.1.9). Distribution
    /// groups have types of their own, and sAMAccountType is indexed, which the bits of groupType
    /// are not.
    #[must_use]
    pub fn default_groups() -> LdapFilter {
        let of_type =
            |number: &str| FilterNode::Equal("sAMAccountType".to_owned(), number.to_owned());
        LdapFilter {
            text: "(|(sAMAccountType=268435456)(sAMAccountType=536870912))".to_owned(),
            node: FilterNode::Or(vec![of_type("268435456"), of_type("536870912")]),
        }
    }

    /// Both this filter and `other`.
    #[must_use]
    pub fn and(&self, other: &LdapFilter) -> LdapFilter {
        LdapFilter {
            text: format!("(&{}{})", self.text, other.text),
            node: FilterNode::And(vec![self.node.clone(), other.node.clone()]),
        }
    }

    /// The filter as text, with its outer parentheses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The filter taken apart.
    #[must_use]
    pub fn node(&self) -> &FilterNode {
        &self.node
    }

    /// The attributes it looks at, without options, in order of appearance.
    #[must_use]
    pub fn attributes(&self) -> Vec<&str> {
        let mut attributes = Vec::new();
        self.node.collect_attributes(&mut attributes);
        attributes
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

impl FilterNode {
    fn collect_attributes<'n>(&'n self, into: &mut Vec<&'n str>) {
        let described = match self {
            Self::And(nodes) | Self::Or(nodes) => {
                return nodes.iter().for_each(|node| node.collect_attributes(into));
            }
            Self::Not(node) => return node.collect_attributes(into),
            Self::Present(attribute)
            | Self::Equal(attribute, _)
            | Self::Substring(attribute, _)
            | Self::AtLeast(attribute, _)
            | Self::AtMost(attribute, _)
            | Self::Approximate(attribute, _)
            | Self::Extensible { attribute, .. } => attribute,
        };
        into.push(described.split(';').next().unwrap_or_default());
    }
}

struct Parser<'t> {
    text: &'t str,
    offset: usize,
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

    fn filter(&mut self, depth: usize) -> Result<FilterNode, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH} parentheses"));
        }
        self.expect('(', "to open a filter")?;
        let node = if self.eat('&') {
            FilterNode::And(self.filters(depth)?)
        } else if self.eat('|') {
            FilterNode::Or(self.filters(depth)?)
        } else if self.eat('!') {
            FilterNode::Not(Box::new(self.filter(depth + 1)?))
        } else {
            self.item()?
        };
        self.expect(')', "to close the filter")?;
        Ok(node)
    }

    fn filters(&mut self, depth: usize) -> Result<Vec<FilterNode>, String> {
        let mut nodes = vec![self.filter(depth + 1)?];
        while self.rest().starts_with('(') {
            nodes.push(self.filter(depth + 1)?);
        }
        Ok(nodes)
    }

    /// `attribute=value`, `>=`, `<=`, `~=`, or `attribute:rule:=value`.
    fn item(&mut self) -> Result<FilterNode, String> {
        let end =
            self.rest().find(['=', '<', '>', '~', ':', '(', ')']).unwrap_or(self.rest().len());
        let described = &self.rest()[..end];
        if !is_attribute_name(described.split(';').next().unwrap_or_default()) {
            return Err(format!("{described:?} is no attribute name"));
        }
        let attribute = described.to_owned();
        self.offset += end;
        if self.eat(':') {
            let (rule, dn) = self.matching_rule()?;
            let value = self.whole_value()?;
            return Ok(FilterNode::Extensible { attribute, rule, dn, value });
        }
        let operator = ['<', '>', '~'].into_iter().find(|operator| self.eat(*operator));
        self.expect('=', "behind the attribute")?;
        Ok(match operator {
            Some('<') => FilterNode::AtMost(attribute, self.whole_value()?),
            Some('>') => FilterNode::AtLeast(attribute, self.whole_value()?),
            Some(_) => FilterNode::Approximate(attribute, self.whole_value()?),
            None => match self.pieces()? {
                pieces if pieces == ["", ""] => FilterNode::Present(attribute),
                mut pieces if pieces.len() == 1 => FilterNode::Equal(attribute, pieces.remove(0)),
                pieces => FilterNode::Substring(attribute, pieces),
            },
        })
    }

    /// The part between the colons of `attribute:dn:rule:=value`, and the `:=` itself.
    fn matching_rule(&mut self) -> Result<(Option<String>, bool), String> {
        let Some(end) = self.rest().find(":=") else {
            return Err("a matching rule must end with \":=\"".to_owned());
        };
        let written = &self.rest()[..end];
        let (dn, rule) = match written.strip_prefix("dn:") {
            Some(rule) => (true, Some(rule)),
            None if written == "dn" => (true, None),
            None => (false, Some(written)),
        };
        if let Some(rule) = rule.filter(|rule| !is_attribute_name(rule)) {
            return Err(format!("{rule:?} is no matching rule"));
        }
        self.offset += end + ":=".len();
        Ok((rule.map(str::to_owned), dn))
    }

    fn whole_value(&mut self) -> Result<String, String> {
        match self.pieces()?.as_slice() {
            [value] => Ok(value.clone()),
            _ => Err("'*' has a meaning behind '=' only (\\2a is the character)".to_owned()),
        }
    }

    /// Everything up to the closing parenthesis, split at the stars; a backslash starts two
    /// hexadecimal digits.
    fn pieces(&mut self) -> Result<Vec<String>, String> {
        let start = self.offset;
        let mut pieces = vec![Vec::new()];
        while let Some(next) = self.rest().chars().next() {
            let piece = match pieces.last_mut() {
                Some(piece) if next != '*' => piece,
                Some(piece) if piece.is_empty() && self.offset > start => {
                    return Err("two stars follow each other".to_owned());
                }
                _ => {
                    pieces.push(Vec::new());
                    self.offset += 1;
                    continue;
                }
            };
            match next {
                ')' => break,
                '(' | '\0' => {
                    return Err(format!("{next:?} in a value must be escaped (\\28, \\00)"));
                }
                '\\' => {
                    let digits = self.rest().get(1..3).filter(|hex| is_hexadecimal(hex));
                    let hex = digits.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                    piece.push(hex.ok_or(
                        "a backslash must be followed by two hexadecimal digits (a backslash \
                         itself is \\5c)",
                    )?);
                    self.offset += 3;
                }
                other => {
                    piece.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                    self.offset += other.len_utf8();
                }
            }
        }
        if self.offset == start {
            return Err("the value is empty (\"*\" asks for any value)".to_owned());
        }
        let text =
            |piece| String::from_utf8(piece).map_err(|_| "the value is not UTF-8".to_owned());
        pieces.into_iter().map(text).collect()
    }
}

/// `from_str_radix` would take a sign too.
fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

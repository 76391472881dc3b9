//! Names as programs ask for them, checked and folded once, at the edge.
#![forbid(unsafe_code)]

use std::fmt;

/// Longest name, in bytes, that is ever looked up. A sAMAccountName has at most 256 characters by
/// schema (20 for people), and `LOGIN_NAME_MAX` of Linux is 256.
pub const NAME_MAX: usize = 256;

/// Why a string cannot be the name of a directory account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// The name is empty.
    Empty,
    /// The name is longer than [`NAME_MAX`] bytes.
    TooLong,
    /// The name is not UTF-8, and AD stores nothing else.
    NotUtf8,
    /// The name has a character that would break a line of passwd(5), a path, or a terminal.
    Character(char),
    /// The name is all digits: `chown 0` would find a user called "0" before it finds root.
    AllDigits,
    /// The name begins with '-' and would be read as an option by the programs it is given to.
    LeadingDash,
    /// `@` or `\` with nothing on one of its sides.
    Incomplete,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong => write!(f, "the name is longer than {NAME_MAX} bytes"),
            Self::NotUtf8 => f.write_str("the name is not UTF-8"),
            Self::Character(c) => write!(f, "the name contains {c:?}"),
            Self::AllDigits => {
                f.write_str("the name is all digits, which programs would take for an id")
            }
            Self::LeadingDash => f.write_str("the name begins with '-'"),
            Self::Incomplete => f.write_str("the name lacks a part beside '@' or '\\'"),
        }
    }
}

impl std::error::Error for NameError {}

/// A user's name as somebody asked for it: checked, and folded to lower case.
///
/// It may be any of the forms in [`NameForm`]; the canonical name of the account it leads to is
/// always a bare one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(String);

/// The ways to name a user at a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameForm<'a> {
    /// `alice`: a sAMAccountName and nothing else.
    Bare(&'a str),
    /// `alice@corp.example`: a userPrincipalName, then a mail address where that is configured.
    At(&'a str),
    /// `CORP\alice`: the domain's NetBIOS name and a sAMAccountName.
    DownLevel {
        /// The NetBIOS name of the domain.
        domain: &'a str,
        /// The sAMAccountName.
        name: &'a str,
    },
}

impl UserName {
    /// Checks and folds a name that a program asked for.
    ///
    /// # Errors
    /// [`NameError`], where no account of a directory can have that name.
    pub fn parse(raw: &[u8]) -> Result<Self, NameError> {
        let name = checked(raw, &['/', '\n', ':', '\0'])?;
        let name = Self(name);
        let complete = match name.form() {
            NameForm::Bare(bare) => !bare.is_empty(),
            NameForm::At(whole) => !whole.starts_with('@') && !whole.ends_with('@'),
            NameForm::DownLevel { domain, name } => !domain.is_empty() && !name.is_empty(),
        };
        if complete { Ok(name) } else { Err(NameError::Incomplete) }
    }

    /// The folded name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which of the ways to name a user this is.
    #[must_use]
    pub fn form(&self) -> NameForm<'_> {
        if let Some((domain, name)) = self.0.split_once('\\') {
            NameForm::DownLevel { domain, name }
        } else if self.0.contains('@') {
            NameForm::At(&self.0)
        } else {
            NameForm::Bare(&self.0)
        }
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group's name: checked, and folded to lower case. Spaces are kept, as in "domain users".
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(String);

impl GroupName {
    /// Checks and folds a group's name.
    ///
    /// # Errors
    /// [`NameError`], where no group of a directory can have that name.
    pub fn parse(raw: &[u8]) -> Result<Self, NameError> {
        checked(raw, &['\n', ':', '\0']).map(Self)
    }

    /// The folded name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The one case-fold of this project. AD compares more loosely than this (accents and width are
/// one to it), so whatever it returns is compared again with this.
#[must_use]
pub fn fold(name: &str) -> String {
    name.to_lowercase()
}

fn checked(raw: &[u8], refused: &[char]) -> Result<String, NameError> {
    if raw.is_empty() {
        return Err(NameError::Empty);
    }
    if raw.len() > NAME_MAX {
        return Err(NameError::TooLong);
    }
    let name = std::str::from_utf8(raw).map_err(|_| NameError::NotUtf8)?;
    if let Some(c) = name.chars().find(|c| c.is_control() || refused.contains(c)) {
        return Err(NameError::Character(c));
    }
    if name.starts_with('-') {
        return Err(NameError::LeadingDash);
    }
    // A home directory called after it would be another directory.
    if name == "." || name == ".." {
        return Err(NameError::Character('.'));
    }
    if name.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NameError::AllDigits);
    }
    Ok(fold(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_account_can_have_are_refused_before_any_request() {
        let long = vec![b'a'; NAME_MAX + 1];
        let table: &[(&[u8], NameError)] = &[
            (b"", NameError::Empty),
            (&long, NameError::TooLong),
            (b"\xff\xfe", NameError::NotUtf8),
            (b"a\0b", NameError::Character('\0')),
            (b"a\nb", NameError::Character('\n')),
            (b"a:b", NameError::Character(':')),
            (b"a/../b", NameError::Character('/')),
            (b"\x1b[2J", NameError::Character('\x1b')),
            (b"..", NameError::Character('.')),
            (b"-rf", NameError::LeadingDash),
            (b"0", NameError::AllDigits),
            (b"10513", NameError::AllDigits),
            (b"@corp.example", NameError::Incomplete),
            (b"alice@", NameError::Incomplete),
            (b"CORP\\", NameError::Incomplete),
            (b"\\alice", NameError::Incomplete),
        ];
        for (raw, error) in table {
            assert_eq!(UserName::parse(raw), Err(*error), "{raw:?}");
        }
    }

    #[test]
    fn each_way_to_name_a_user_is_told_apart() {
        let form = |raw: &str| UserName::parse(raw.as_bytes()).unwrap();
        assert_eq!(form("ALICE").form(), NameForm::Bare("alice"));
        assert_eq!(form("Mary Ann").form(), NameForm::Bare("mary ann"));
        assert_eq!(form("Alice@Corp.Example").form(), NameForm::At("alice@corp.example"));
        let down = form("CORP\\Alice");
        assert_eq!(down.form(), NameForm::DownLevel { domain: "corp", name: "alice" });
    }

    #[test]
    fn filter_characters_are_legal_in_a_name_and_left_to_the_escaping() {
        for raw in ["*", "a)(b", "alice\\2a"] {
            assert!(UserName::parse(raw.as_bytes()).is_ok(), "{raw}");
        }
    }

    #[test]
    fn group_names_keep_their_spaces_and_lose_their_case() {
        assert_eq!(GroupName::parse(b"Domain Users").unwrap().as_str(), "domain users");
        assert_eq!(GroupName::parse(b"R/D").unwrap().as_str(), "r/d");
        assert_eq!(GroupName::parse(b"100"), Err(NameError::AllDigits));
    }
}

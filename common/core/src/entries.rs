//! Entries of passwd(5) and group(5), checked so that nothing from a directory can break a line
//! of either, or take an id of the host.
#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};
use std::fmt;

/// No id below this is ever taken from the daemon, whatever it says: they are the host's own
/// (Debian policy 9.2.2: system accounts lie below 1000).
pub const LOWEST_ID: u32 = 1000;

/// The ids that mean "no id" to chown(2) and setresuid(2), in 32 and in 16 bits, and Debian's
/// `nobody` (also the kernel's overflow id).
const RESERVED_IDS: [u32; 3] = [u32::MAX, 65_535, 65_534];

/// One user, as `getent passwd` shows it. The password field is always `*` and not held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswdEntry {
    /// The canonical name: the lower-case sAMAccountName.
    pub name: String,
    /// The user's id.
    pub uid: u32,
    /// The id of the primary group.
    pub gid: u32,
    /// The full name.
    pub gecos: String,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
}

/// One group, as `getent group` shows it. The password field is always `*` and not held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEntry {
    /// The canonical name: the lower-case sAMAccountName, spaces kept.
    pub name: String,
    /// The group's id.
    pub gid: u32,
    /// The canonical names of the users who are in it, directly or through another group.
    pub members: Vec<String>,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryError {
    /// A field has a character that ends a field or a line.
    Field {
        /// Which field.
        field: &'static str,
        /// The offending character.
        character: char,
    },
    /// A field that must not be empty is.
    Empty(&'static str),
    /// An id that is the host's own or reserved.
    Id(u32),
    /// The home or the shell is not an absolute path.
    Relative(&'static str),
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { field, character } => write!(f, "its {field} contains {character:?}"),
            Self::Empty(field) => write!(f, "its {field} is empty"),
            Self::Id(id) => write!(f, "its id {id} is below {LOWEST_ID} or reserved"),
            Self::Relative(field) => write!(f, "its {field} is not an absolute path"),
        }
    }
}

impl std::error::Error for EntryError {}

impl PasswdEntry {
    /// Checks every field; both the daemon and the module do this, each for itself.
    ///
    /// # Errors
    /// [`EntryError`] for the first field that is wrong.
    pub fn check(&self) -> Result<(), EntryError> {
        check_name("name", &self.name)?;
        check_text("gecos", &self.gecos)?;
        check_path("home directory", &self.home)?;
        check_path("shell", &self.shell)?;
        check_id(self.uid)?;
        check_id(self.gid)
    }
}

impl GroupEntry {
    /// Checks every field; both the daemon and the module do this, each for itself.
    ///
    /// # Errors
    /// [`EntryError`] for the first field that is wrong.
    pub fn check(&self) -> Result<(), EntryError> {
        check_name("name", &self.name)?;
        check_id(self.gid)?;
        self.members.iter().try_for_each(|member| {
            check_name("list of members", member)?;
            match member.contains(',') {
                true => Err(EntryError::Field { field: "list of members", character: ',' }),
                false => Ok(()),
            }
        })
    }
}

/// Whether an id may be given to somebody of the directory at all.
///
/// # Errors
/// [`EntryError::Id`] if it may not.
pub fn check_id(id: u32) -> Result<(), EntryError> {
    match id < LOWEST_ID || RESERVED_IDS.contains(&id) {
        true => Err(EntryError::Id(id)),
        false => Ok(()),
    }
}

fn check_name(field: &'static str, name: &str) -> Result<(), EntryError> {
    if name.is_empty() {
        return Err(EntryError::Empty(field));
    }
    check_text(field, name)
}

fn check_text(field: &'static str, text: &str) -> Result<(), EntryError> {
    match text.chars().find(|c| *c == ':' || c.is_control()) {
        Some(character) => Err(EntryError::Field { field, character }),
        None => Ok(()),
    }
}

fn check_path(field: &'static str, path: &str) -> Result<(), EntryError> {
    check_name(field, path)?;
    match path.starts_with('/') {
        true => Ok(()),
        false => Err(EntryError::Relative(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> PasswdEntry {
        PasswdEntry {
            name: "alice".into(),
            uid: 1_842_601_107,
            gid: 1_842_600_513,
            gecos: "Alice Ünal, Sales".into(),
            home: "/home/alice".into(),
            shell: "/bin/bash".into(),
        }
    }

    #[test]
    fn an_attribute_that_breaks_a_passwd_line_is_believed() {
        assert_eq!(alice().check(), Ok(()));
        let table: &[(fn(&mut PasswdEntry), EntryError)] = &[
            (|e| e.name = "a:b".into(), EntryError::Field { field: "name", character: ':' }),
            (|e| e.name = String::new(), EntryError::Empty("name")),
            (|e| e.gecos = "a\0b".into(), EntryError::Field { field: "gecos", character: '\0' }),
            (
                |e| e.gecos = "x\nroot:x".into(),
                EntryError::Field { field: "gecos", character: '\n' },
            ),
            (|e| e.home = "home".into(), EntryError::Relative("home directory")),
            (|e| e.shell = String::new(), EntryError::Empty("shell")),
            (|e| e.uid = 0, EntryError::Id(0)),
            (|e| e.uid = 999, EntryError::Id(999)),
            (|e| e.gid = 0, EntryError::Id(0)),
            (|e| e.uid = u32::MAX, EntryError::Id(u32::MAX)),
            (|e| e.uid = 65_534, EntryError::Id(65_534)),
        ];
        for (spoil, error) in table {
            let mut entry = alice();
            spoil(&mut entry);
            assert_eq!(entry.check(), Err(error.clone()), "{entry:?}");
        }
    }

    #[test]
    fn a_member_that_breaks_a_group_line_is_believed() {
        let group = |members: &[&str]| GroupEntry {
            name: "domain users".into(),
            gid: 1_842_600_513,
            members: members.iter().map(|m| (*m).into()).collect(),
        };
        assert_eq!(group(&["alice", "mary ann"]).check(), Ok(()));
        for member in ["", "a,b", "a:b", "a\nb"] {
            assert!(group(&["alice", member]).check().is_err(), "{member:?}");
        }
        assert_eq!(GroupEntry { gid: 27, ..group(&[]) }.check(), Err(EntryError::Id(27)));
    }
}

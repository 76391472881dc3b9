//! How accounts look on this host by the administrator's own word, whatever the directory says.
#![forbid(unsafe_code)]

use super::values::HomeTemplate;
use std::collections::{BTreeMap, BTreeSet};

/// Which group is a user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrimaryGroup {
    /// The primary group that the directory says, most often "Domain Users".
    #[default]
    Domain,
    /// One of the user's own: its name is the user's, its gid the uid.
    Private,
}

/// What is said about one user, or about every member of a group, instead of what the directory
/// says; None where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The gid of the primary group.
    pub gid: Option<u32>,
    /// The home directory.
    pub home: Option<HomeTemplate>,
    /// The login shell.
    pub shell: Option<String>,
    /// The full name.
    pub gecos: Option<String>,
}

/// `[users.override.NAME]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserOverride {
    /// The uid.
    pub uid: Option<u32>,
    /// The rest.
    pub look: Look,
}

/// What the configuration says of single users and groups. Names are canonical (lower-case).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserLooks {
    /// `[users.override.NAME]`, by user.
    pub of_user: BTreeMap<String, UserOverride>,
    /// `[users.of_group.GROUP]`, by group, in the order of the file: the first that says something
    /// decides about it.
    pub of_group: Vec<(String, Look)>,
}

impl UserLooks {
    /// The user that has this uid by an override.
    #[must_use]
    pub fn user_with_uid(&self, uid: u32) -> Option<&str> {
        let mut users = self.of_user.iter();
        users.find_map(|(name, user)| (user.uid == Some(uid)).then_some(name.as_str()))
    }

    /// Every id that a look names, uid or gid.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        let of_users = self.of_user.values().flat_map(|user| [user.uid, user.look.gid]);
        of_users.chain(self.of_group.iter().map(|(_, look)| look.gid)).flatten()
    }
}

/// `[local_groups]`: for a group of the host, the directory's groups whose members are given it.
pub type LocalGroups = BTreeMap<String, BTreeSet<String>>;

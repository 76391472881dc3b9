//! A key that outlives the entry it was read from.
#![forbid(unsafe_code)]

use crate::map::Key;

/// A [`Key`] that holds its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnedKey {
    /// See [`Key::UserName`].
    UserName(Box<[u8]>),
    /// See [`Key::Uid`].
    Uid(u32),
    /// See [`Key::GroupName`].
    GroupName(Box<[u8]>),
    /// See [`Key::Gid`].
    Gid(u32),
    /// See [`Key::GroupsOf`].
    GroupsOf(u32),
}

impl OwnedKey {
    /// The same key, with a name of its own.
    #[must_use]
    pub fn of(key: &Key<'_>) -> Self {
        match key {
            Key::UserName(name) => Self::UserName((*name).into()),
            Key::Uid(uid) => Self::Uid(*uid),
            Key::GroupName(name) => Self::GroupName((*name).into()),
            Key::Gid(gid) => Self::Gid(*gid),
            Key::GroupsOf(uid) => Self::GroupsOf(*uid),
        }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Key<'_> {
        match self {
            Self::UserName(name) => Key::UserName(name),
            Self::Uid(uid) => Key::Uid(*uid),
            Self::GroupName(name) => Key::GroupName(name),
            Self::Gid(gid) => Key::Gid(*gid),
            Self::GroupsOf(uid) => Key::GroupsOf(*uid),
        }
    }
}

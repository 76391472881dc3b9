//! A key that the writer remembers.
#![forbid(unsafe_code)]

use crate::map::Key;

/// A [`Key`] that holds its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OwnedKey {
    UserName(Box<[u8]>),
    Uid(u32),
    GroupName(Box<[u8]>),
    Gid(u32),
    GroupsOf(u32),
}

impl OwnedKey {
    pub(super) fn of(key: &Key<'_>) -> Self {
        match key {
            Key::UserName(name) => Self::UserName((*name).into()),
            Key::Uid(uid) => Self::Uid(*uid),
            Key::GroupName(name) => Self::GroupName((*name).into()),
            Key::Gid(gid) => Self::Gid(*gid),
            Key::GroupsOf(uid) => Self::GroupsOf(*uid),
        }
    }

    pub(super) fn key(&self) -> Key<'_> {
        match self {
            Self::UserName(name) => Key::UserName(name),
            Self::Uid(uid) => Key::Uid(*uid),
            Self::GroupName(name) => Key::GroupName(name),
            Self::Gid(gid) => Key::Gid(*gid),
            Self::GroupsOf(uid) => Key::GroupsOf(*uid),
        }
    }
}

//! The entries: how they are written, and how they are read where they lie.
//!
//! Every view has been checked once, with the entry's checksum, when it is made; what it gives out
//! afterwards cannot fail.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::iter;
use std::time::Duration;

use super::format::{Key, checksum, u32_at, u64_at};
use crate::entries::{GroupEntry, PasswdEntry};

/// Length, kind and checksum.
pub(super) const HEAD: usize = 16;
/// No entry is longer: a group of a million members fits.
pub(super) const ENTRY_MAX: usize = 64 << 20;

const USER: u32 = 1;
const GROUP: u32 = 2;
const GROUPS_OF: u32 = 3;
const ALIAS: u32 = 4;
const NOBODY: u32 = 5;

const USER_TEXT_AT: usize = HEAD + 24;
const GROUP_OFFSETS_AT: usize = HEAD + 16;
const GIDS_AT: usize = HEAD + 8;
const ALIAS_TEXT_AT: usize = HEAD + 12;
const NOBODY_TEXT_AT: usize = HEAD + 16;
/// What stands between the name and the next field: its NUL, and the password field.
const NO_PASSWORD: &[u8] = b"\0*\0";

/// A user, in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserView<'m> {
    /// The user's id.
    pub uid: u32,
    /// The id of the primary group.
    pub gid: u32,
    /// Where in the text the full name begins.
    pub gecos_at: usize,
    /// Where the home directory begins.
    pub home_at: usize,
    /// Where the shell begins.
    pub shell_at: usize,
    /// Name, `*`, full name, home, shell: each with a NUL behind it.
    pub text: &'m [u8],
}

/// A group, in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupView<'m> {
    /// The group's id.
    pub gid: u32,
    /// Where in the text the password field begins.
    pub passwd_at: usize,
    /// Where in the text each member begins; every one lies within it.
    offsets: &'m [[u8; 4]],
    /// Name, `*`, members: each with a NUL behind it.
    pub text: &'m [u8],
}

/// The groups of a user, in the map: each once, the lowest gid first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GidsView<'m>(&'m [[u8; 4]]);

/// Another name of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AliasView<'m> {
    pub(super) uid: u32,
    pub(super) alias: &'m [u8],
    /// The canonical name that the user with this uid must have.
    pub(super) name: &'m [u8],
}

/// Something that nobody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NobodyView<'m> {
    pub(super) key: Key<'m>,
    pub(super) expires: Duration,
}

/// An entry of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry<'m> {
    User(UserView<'m>),
    Group(GroupView<'m>),
    GroupsOf(u32, GidsView<'m>),
    Alias(AliasView<'m>),
    Nobody(NobodyView<'m>),
}

impl<'m> UserView<'m> {
    /// The canonical name.
    #[must_use]
    #[inline]
    pub fn name(&self) -> &'m [u8] {
        let end = self.gecos_at.saturating_sub(NO_PASSWORD.len());
        self.text.get(..end).unwrap_or_default()
    }

    /// Where in the text the password field begins.
    #[must_use]
    pub fn passwd_at(&self) -> usize {
        self.gecos_at.saturating_sub(2)
    }

    /// The full name.
    #[must_use]
    pub fn gecos(&self) -> &'m [u8] {
        field(self.text, self.gecos_at, self.home_at)
    }

    /// The home directory.
    #[must_use]
    pub fn home(&self) -> &'m [u8] {
        field(self.text, self.home_at, self.shell_at)
    }

    /// The login shell.
    #[must_use]
    pub fn shell(&self) -> &'m [u8] {
        field(self.text, self.shell_at, self.text.len())
    }

    /// The user as the protocol has it; none where it is not UTF-8, which nothing writes.
    #[must_use]
    pub fn to_entry(&self) -> Option<PasswdEntry> {
        Some(PasswdEntry {
            name: text(self.name())?,
            uid: self.uid,
            gid: self.gid,
            gecos: text(self.gecos())?,
            home: text(self.home())?,
            shell: text(self.shell())?,
        })
    }

    #[inline(always)]
    fn read(entry: &'m [u8]) -> Option<Self> {
        let at = |index: usize| Some(u32_at(entry, HEAD + 4 * index)? as usize);
        let text = entry.get(USER_TEXT_AT..)?;
        let view = Self {
            uid: u32_at(entry, HEAD)?,
            gid: u32_at(entry, HEAD + 4)?,
            gecos_at: at(2)?,
            home_at: at(3)?,
            shell_at: at(4)?,
            text,
        };
        // Every field begins behind a NUL, and the last byte is one: whatever is pointed at ends.
        let begins = |at: usize| text.get(at.checked_sub(1)?).filter(|byte| **byte == 0);
        begins(view.gecos_at).and(begins(view.home_at)).and(begins(view.shell_at))?;
        let ordered = NO_PASSWORD.len() < view.gecos_at
            && view.gecos_at < view.home_at
            && view.home_at < view.shell_at
            && view.shell_at < text.len();
        (ordered && text.last() == Some(&0)).then_some(view)
    }
}

impl<'m> GroupView<'m> {
    /// The canonical name.
    #[must_use]
    #[inline]
    pub fn name(&self) -> &'m [u8] {
        field(self.text, 0, self.passwd_at)
    }

    /// Where in the text each member begins; every one lies within it, whatever the writer has
    /// done to the offsets since they were looked at.
    pub fn member_offsets(&self) -> impl ExactSizeIterator<Item = usize> + 'm {
        let last = self.text.len().saturating_sub(1);
        self.offsets.iter().map(move |offset| (u32::from_ne_bytes(*offset) as usize).min(last))
    }

    /// The canonical names of the members.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &'m [u8]> + 'm {
        let text = self.text;
        self.member_offsets().map(move |at| until_nul(text.get(at..).unwrap_or_default()))
    }

    /// The group as the protocol has it; none where it is not UTF-8, which nothing writes.
    #[must_use]
    pub fn to_entry(&self) -> Option<GroupEntry> {
        let members = self.members().map(text).collect::<Option<_>>()?;
        Some(GroupEntry { name: text(self.name())?, gid: self.gid, members })
    }

    #[inline(always)]
    fn read(entry: &'m [u8]) -> Option<Self> {
        let count = u32_at(entry, HEAD + 4)? as usize;
        let text_at = GROUP_OFFSETS_AT.checked_add(count.checked_mul(4)?)?;
        let (offsets, []) = entry.get(GROUP_OFFSETS_AT..text_at)?.as_chunks() else {
            return None;
        };
        let text = entry.get(text_at..)?;
        let name_len = u32_at(entry, HEAD + 8)? as usize;
        text.get(name_len..)?.strip_prefix(NO_PASSWORD)?;
        let view = Self { gid: u32_at(entry, HEAD)?, passwd_at: name_len + 1, offsets, text };
        // One pass without a branch for each: it is done for 3,000 members at a time.
        let raw = offsets.iter().map(|offset| u32::from_ne_bytes(*offset) as usize);
        let last = raw.fold(0, usize::max);
        (last < text.len() && text.last() == Some(&0)).then_some(view)
    }
}

impl<'m> GidsView<'m> {
    /// The gids, the primary one too.
    pub fn gids(&self) -> impl ExactSizeIterator<Item = u32> + 'm {
        self.0.iter().map(|gid| u32::from_ne_bytes(*gid))
    }
}

impl<'m> Entry<'m> {
    /// Reads an entry, if its checksum is right.
    #[inline(always)]
    pub(super) fn read(bytes: &'m [u8]) -> Option<Self> {
        if u64_at(bytes, 8)? != checksum(u64_at(bytes, 0)?, bytes.get(HEAD..)?) {
            return None;
        }
        Self::decode(bytes)
    }

    /// Reads an entry whose checksum was found right before; what is damaged since is none, or gives what
    /// lies within it.
    #[inline(always)]
    pub(super) fn decode(bytes: &'m [u8]) -> Option<Self> {
        Some(match u32_at(bytes, 4)? {
            USER => Self::User(UserView::read(bytes)?),
            GROUP => Self::Group(GroupView::read(bytes)?),
            GROUPS_OF => Self::GroupsOf(u32_at(bytes, HEAD)?, gids(bytes)?),
            ALIAS => Self::Alias(alias(bytes)?),
            NOBODY => Self::Nobody(nobody(bytes)?),
            _ => return None,
        })
    }

    /// Whether the entry may be the one for a key: looked at before the checksum, which is dear
    /// where the entry is long.
    #[inline(always)]
    pub(super) fn may_answer(bytes: &[u8], key: &Key<'_>) -> Option<bool> {
        let first = u32_at(bytes, HEAD)?;
        let begins = |at: usize, name: &[u8]| {
            let rest = bytes.get(at..).and_then(|text| text.strip_prefix(name));
            rest.is_some_and(|rest| rest.first() == Some(&0))
        };
        Some(match (u32_at(bytes, 4)?, key) {
            (USER, Key::UserName(name)) => begins(USER_TEXT_AT, name),
            (ALIAS, Key::UserName(alias)) => begins(ALIAS_TEXT_AT, alias),
            (GROUP, Key::GroupName(name)) => begins(
                GROUP_OFFSETS_AT
                    .checked_add((u32_at(bytes, HEAD + 4)? as usize).checked_mul(4)?)?,
                name,
            ),
            (USER, Key::Uid(id)) | (GROUP, Key::Gid(id)) | (GROUPS_OF, Key::GroupsOf(id)) => {
                first == *id
            }
            (NOBODY, _) => nobody(bytes)?.key == *key,
            _ => false,
        })
    }

    /// The keys that lead to the entry: the one by which it counts first.
    #[inline(always)]
    pub(super) fn keys(&self) -> (Key<'m>, Option<Key<'m>>) {
        match self {
            Self::User(user) => (Key::UserName(user.name()), Some(Key::Uid(user.uid))),
            Self::Group(group) => (Key::GroupName(group.name()), Some(Key::Gid(group.gid))),
            Self::GroupsOf(uid, _) => (Key::GroupsOf(*uid), None),
            Self::Alias(alias) => (Key::UserName(alias.alias), None),
            Self::Nobody(nobody) => (nobody.key, None),
        }
    }
}

fn gids(entry: &[u8]) -> Option<GidsView<'_>> {
    let (gids, []) = entry.get(GIDS_AT..)?.as_chunks() else { return None };
    let gids = GidsView(gids);
    (gids.0.len() == u32_at(entry, HEAD + 4)? as usize && gids.gids().is_sorted_by(|a, b| a < b))
        .then_some(gids)
}

fn alias(entry: &[u8]) -> Option<AliasView<'_>> {
    let text = entry.get(ALIAS_TEXT_AT..)?.strip_suffix(b"\0")?;
    let (alias, name) = text.split_at_checked(u32_at(entry, HEAD + 4)? as usize)?;
    Some(AliasView { uid: u32_at(entry, HEAD)?, alias, name: name.strip_prefix(b"\0")? })
}

fn nobody(entry: &[u8]) -> Option<NobodyView<'_>> {
    let name = entry.get(NOBODY_TEXT_AT..)?;
    let id = u32_at(entry, HEAD + 4)?;
    let key = match u32_at(entry, HEAD)? {
        1 => Key::UserName(name),
        2 => Key::Uid(id),
        3 => Key::GroupName(name),
        4 => Key::Gid(id),
        5 => Key::GroupsOf(id),
        _ => return None,
    };
    Some(NobodyView { key, expires: Duration::from_nanos(u64_at(entry, HEAD + 8)?) })
}

/// A user's entry.
pub(super) fn encode_user(user: &PasswdEntry) -> Option<Vec<u8>> {
    let gecos_at = user.name.len() + NO_PASSWORD.len();
    let home_at = gecos_at + user.gecos.len() + 1;
    let shell_at = home_at + user.home.len() + 1;
    let text_len = shell_at + user.shell.len() + 1;
    let mut words = vec![user.uid, user.gid];
    for length in [gecos_at, home_at, shell_at, text_len] {
        words.push(u32::try_from(length).ok()?);
    }
    let text = [&user.name, "*", &user.gecos, &user.home, &user.shell];
    encode(USER, &words, text.iter().flat_map(|text| [text.as_bytes(), b"\0"]))
}

/// A group's entry.
pub(super) fn encode_group(group: &GroupEntry) -> Option<Vec<u8>> {
    let count = u32::try_from(group.members.len()).ok()?;
    let mut words = vec![group.gid, count, u32::try_from(group.name.len()).ok()?, 0];
    let mut at = group.name.len() + NO_PASSWORD.len();
    for member in &group.members {
        words.push(u32::try_from(at).ok()?);
        at += member.len() + 1;
    }
    let members = group.members.iter().map(String::as_str);
    let text = [group.name.as_str(), "*"].into_iter().chain(members);
    encode(GROUP, &words, text.flat_map(|text| [text.as_bytes(), b"\0"]))
}

/// The entry for the groups of a user.
pub(super) fn encode_groups_of(uid: u32, gids: &[u32]) -> Option<Vec<u8>> {
    let gids: BTreeSet<u32> = gids.iter().copied().collect();
    let mut words = vec![uid, u32::try_from(gids.len()).ok()?];
    words.extend(gids);
    encode(GROUPS_OF, &words, iter::empty())
}

/// The entry for another name of a user.
pub(super) fn encode_alias(alias: &str, user: &PasswdEntry) -> Option<Vec<u8>> {
    let words = [user.uid, u32::try_from(alias.len()).ok()?, 0];
    let text = [alias.as_bytes(), b"\0", user.name.as_bytes(), b"\0"];
    encode(ALIAS, &words, text.into_iter())
}

/// The entry for something that nobody has.
pub(super) fn encode_nobody(key: &Key<'_>, expires: Duration) -> Option<Vec<u8>> {
    let (id, name) = match key {
        Key::UserName(name) | Key::GroupName(name) => (0, *name),
        Key::Uid(id) | Key::Gid(id) | Key::GroupsOf(id) => (*id, &b""[..]),
    };
    let expires = u64::try_from(expires.as_nanos()).unwrap_or(u64::MAX).to_ne_bytes();
    encode(NOBODY, &[key.kind(), id], [&expires[..], name].into_iter())
}

fn encode<'t>(kind: u32, words: &[u32], text: impl Iterator<Item = &'t [u8]>) -> Option<Vec<u8>> {
    let mut entry = vec![0; HEAD];
    for word in words {
        entry.extend_from_slice(&word.to_ne_bytes());
    }
    text.for_each(|text| entry.extend_from_slice(text));
    let length = u32::try_from(entry.len()).ok().filter(|length| *length as usize <= ENTRY_MAX)?;
    entry.get_mut(..4)?.copy_from_slice(&length.to_ne_bytes());
    entry.get_mut(4..8)?.copy_from_slice(&kind.to_ne_bytes());
    let sum = checksum(u64_at(&entry, 0)?, entry.get(HEAD..)?);
    entry.get_mut(8..HEAD)?.copy_from_slice(&sum.to_ne_bytes());
    Some(entry)
}

/// A field without its NUL.
fn field(text: &[u8], from: usize, next: usize) -> &[u8] {
    text.get(from..next.saturating_sub(1)).unwrap_or_default()
}

fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_that_a_broken_writer_changes_after_the_check_leads_out_of_the_text() {
        let offsets = [8_u32, u32::MAX, 10, 11].map(u32::to_ne_bytes);
        let text = b"staff\0*\0a\0";
        let group = GroupView { gid: 200_001, passwd_at: 6, offsets: &offsets, text };
        assert_eq!(group.member_offsets().collect::<Vec<_>>(), [8, 9, 9, 9]);
        assert_eq!(group.members().collect::<Vec<_>>(), [&b"a"[..], b"", b"", b""]);
    }
}

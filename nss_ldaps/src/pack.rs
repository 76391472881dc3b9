//! Entries in the caller's buffer, in the form of passwd and group of pwd.h and grp.h.
//!
//! The size is computed first; either everything fits or nothing is written. The buffer may be
//! uninitialised and aligned to nothing: the array of members is put where it is aligned.
#![forbid(unsafe_code)]

use std::mem::MaybeUninit;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::map::{GroupView, UserView};

use crate::sys::copy;

/// What stands in the password field: no password is right, and none is in a shadow file either.
const NO_PASSWORD: &str = "*";
const POINTER: usize = size_of::<usize>();

/// The buffer is too short for the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSmall;

/// Where in the buffer a user's fields begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswdAt {
    /// The name.
    pub name: usize,
    /// The password field.
    pub passwd: usize,
    /// The full name.
    pub gecos: usize,
    /// The home directory.
    pub home: usize,
    /// The shell.
    pub shell: usize,
}

/// Where in the buffer a group's fields begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupAt {
    /// The name.
    pub name: usize,
    /// The password field.
    pub passwd: usize,
    /// The array of pointers to the members' names, a null pointer at its end.
    pub members: usize,
}

/// Packs a user.
///
/// # Errors
/// [`TooSmall`]; the buffer is as it was.
pub fn pack_passwd(
    user: &PasswdEntry,
    buffer: &mut [MaybeUninit<u8>],
) -> Result<PasswdAt, TooSmall> {
    let texts = [&user.name, NO_PASSWORD, &user.gecos, &user.home, &user.shell];
    if texts.iter().map(|text| text.len() + 1).sum::<usize>() > buffer.len() {
        return Err(TooSmall);
    }
    let mut writer = Writer { buffer, at: 0 };
    let [name, passwd, gecos, home, shell] = texts.map(|text| writer.text(text));
    Ok(PasswdAt { name: name?, passwd: passwd?, gecos: gecos?, home: home?, shell: shell? })
}

/// Packs a user of the map: the text lies there as C wants it.
///
/// # Errors
/// [`TooSmall`]; the buffer is as it was.
pub fn pack_user_view(
    user: &UserView<'_>,
    buffer: &mut [MaybeUninit<u8>],
) -> Result<PasswdAt, TooSmall> {
    Writer { buffer, at: 0 }.bytes(0, user.text)?;
    Ok(PasswdAt {
        name: 0,
        passwd: user.passwd_at(),
        gecos: user.gecos_at,
        home: user.home_at,
        shell: user.shell_at,
    })
}

/// Packs a group of the map: the text lies there as C wants it, the pointers are made here.
///
/// # Errors
/// [`TooSmall`]; the buffer is as it was.
pub fn pack_group_view(
    group: &GroupView<'_>,
    buffer: &mut [MaybeUninit<u8>],
) -> Result<GroupAt, TooSmall> {
    let base = buffer.as_mut_ptr().expose_provenance();
    let members = base.next_multiple_of(POINTER) - base;
    let offsets = group.member_offsets();
    let name = members + (offsets.len() + 1) * POINTER;
    if name + group.text.len() > buffer.len() {
        return Err(TooSmall);
    }
    let mut writer = Writer { buffer, at: 0 };
    writer.bytes(name, group.text)?;
    let mut slot = members;
    for offset in offsets {
        writer.pointer(slot, base + name + offset)?;
        slot += POINTER;
    }
    writer.pointer(slot, 0)?;
    Ok(GroupAt { name, passwd: name + group.passwd_at, members })
}

/// Packs a group.
///
/// # Errors
/// [`TooSmall`]; the buffer is as it was.
pub fn pack_group(group: &GroupEntry, buffer: &mut [MaybeUninit<u8>]) -> Result<GroupAt, TooSmall> {
    // The pointers end up in memory that C reads, so their provenance has to be given away.
    let base = buffer.as_mut_ptr().expose_provenance();
    let members = base.next_multiple_of(POINTER) - base;
    let pointers = (group.members.len() + 1) * POINTER;
    let texts = [&group.name, NO_PASSWORD].into_iter().chain(group.members.iter().map(|m| &**m));
    if members + pointers + texts.map(|text| text.len() + 1).sum::<usize>() > buffer.len() {
        return Err(TooSmall);
    }
    let mut writer = Writer { buffer, at: members + pointers };
    let (name, passwd) = (writer.text(&group.name)?, writer.text(NO_PASSWORD)?);
    let mut slot = members;
    for member in &group.members {
        let at = writer.text(member)?;
        writer.pointer(slot, base + at)?;
        slot += POINTER;
    }
    writer.pointer(slot, 0)?;
    Ok(GroupAt { name, passwd, members })
}

struct Writer<'b> {
    buffer: &'b mut [MaybeUninit<u8>],
    at: usize,
}

impl Writer<'_> {
    /// Writes a string with its NUL and says where it begins.
    fn text(&mut self, text: &str) -> Result<usize, TooSmall> {
        let at = self.at;
        self.bytes(at, text.as_bytes())?;
        self.bytes(at + text.len(), &[0])?;
        self.at = at + text.len() + 1;
        Ok(at)
    }

    fn pointer(&mut self, at: usize, address: usize) -> Result<(), TooSmall> {
        self.bytes(at, &address.to_ne_bytes())
    }

    fn bytes(&mut self, at: usize, bytes: &[u8]) -> Result<(), TooSmall> {
        let room = self.buffer.get_mut(at..at + bytes.len()).ok_or(TooSmall)?;
        copy(bytes, room);
        Ok(())
    }
}

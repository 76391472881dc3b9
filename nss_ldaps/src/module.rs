//! The calls of the NSS interface, on arguments that are safe to touch.
#![forbid(unsafe_code)]

use std::mem::MaybeUninit;
use std::sync::Mutex;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::map::{GroupView, UserView};

use crate::enumeration::{Enumeration, lock};
use crate::host::{BUILT_IN, Host};
use crate::lookup::{self, Gids};
use crate::pack::{
    GroupAt, PasswdAt, TooSmall, pack_group, pack_group_view, pack_passwd, pack_user_view,
};
use crate::status::Miss;

/// Where a call puts its entry: the caller's struct, and the buffer its pointers lead to.
pub struct Slot<'c, T> {
    /// The struct.
    pub result: &'c mut MaybeUninit<T>,
    /// The buffer, which need not be initialised.
    pub buffer: &'c mut [MaybeUninit<u8>],
}

/// The module: a host, and the two enumerations of this process.
pub struct Module<'a> {
    host: Host<'a>,
    users: Mutex<Enumeration<PasswdEntry>>,
    groups: Mutex<Enumeration<GroupEntry>>,
}

/// The module as glibc uses it.
pub static MODULE: Module<'static> = Module::on(BUILT_IN);

impl<'a> Module<'a> {
    /// The module on a host.
    #[must_use]
    pub const fn on(host: Host<'a>) -> Self {
        let users = Mutex::new(Enumeration::new());
        let groups = Mutex::new(Enumeration::new());
        Self { host, users, groups }
    }
}

/// Each returns when its entry is in the slot.
///
/// # Errors
/// [`Miss`].
impl Module<'_> {
    /// getpwnam_r.
    pub fn getpwnam(&self, name: &[u8], mut slot: Slot<'_, libc::passwd>) -> Result<(), Miss> {
        match self.host.warm.user_by_name(name, |user| slot.put_user_view(user)) {
            Some(answer) => answer,
            None => slot.put_user(&lookup::user_by_name(&self.host, name)?),
        }
    }

    /// getpwuid_r.
    pub fn getpwuid(&self, uid: u32, mut slot: Slot<'_, libc::passwd>) -> Result<(), Miss> {
        match self.host.warm.user_by_id(uid, |user| slot.put_user_view(user)) {
            Some(answer) => answer,
            None => slot.put_user(&lookup::user_by_id(&self.host, uid)?),
        }
    }

    /// getgrnam_r.
    pub fn getgrnam(&self, name: &[u8], mut slot: Slot<'_, libc::group>) -> Result<(), Miss> {
        match self.host.warm.group_by_name(name, |group| slot.put_group_view(group)) {
            Some(answer) => answer,
            None => slot.put_group(&lookup::group_by_name(&self.host, name)?),
        }
    }

    /// getgrgid_r.
    pub fn getgrgid(&self, gid: u32, mut slot: Slot<'_, libc::group>) -> Result<(), Miss> {
        match self.host.warm.group_by_id(gid, |group| slot.put_group_view(group)) {
            Some(answer) => answer,
            None => slot.put_group(&lookup::group_by_id(&self.host, gid)?),
        }
    }

    /// initgroups_dyn: hands the gids of all groups to `add`, the primary one too.
    pub fn groups(
        &self,
        name: &[u8],
        add: impl FnMut(Gids<'_>) -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        lookup::groups_of(&self.host, name, add)
    }

    /// setpwent and endpwent: the enumeration is at its beginning and holds no memory.
    pub fn reset_users(&self) -> Result<(), Miss> {
        *lock(&self.users)? = Enumeration::new();
        Ok(())
    }

    /// getpwent_r.
    pub fn getpwent(&self, mut slot: Slot<'_, libc::passwd>) -> Result<(), Miss> {
        let mut users = lock(&self.users)?;
        slot.put_user(users.next(&self.host)?)?;
        users.advance();
        Ok(())
    }

    /// setgrent and endgrent: the enumeration is at its beginning and holds no memory.
    pub fn reset_groups(&self) -> Result<(), Miss> {
        *lock(&self.groups)? = Enumeration::new();
        Ok(())
    }

    /// getgrent_r.
    pub fn getgrent(&self, mut slot: Slot<'_, libc::group>) -> Result<(), Miss> {
        let mut groups = lock(&self.groups)?;
        slot.put_group(groups.next(&self.host)?)?;
        groups.advance();
        Ok(())
    }
}

impl Slot<'_, libc::passwd> {
    /// Fills in a user.
    ///
    /// # Errors
    /// `ShortBuffer`; nothing was written.
    pub fn put_user(&mut self, user: &PasswdEntry) -> Result<(), Miss> {
        let at = pack_passwd(user, self.buffer)?;
        self.point(user.uid, user.gid, at);
        Ok(())
    }

    /// Fills in a user of the map.
    ///
    /// # Errors
    /// `ShortBuffer`; nothing was written.
    pub fn put_user_view(&mut self, user: &UserView<'_>) -> Result<(), Miss> {
        let at = pack_user_view(user, self.buffer)?;
        self.point(user.uid, user.gid, at);
        Ok(())
    }

    fn point(&mut self, uid: u32, gid: u32, at: PasswdAt) {
        let base = self.buffer.as_mut_ptr();
        let pointer = |offset: usize| base.wrapping_add(offset).cast::<libc::c_char>();
        self.result.write(libc::passwd {
            pw_name: pointer(at.name),
            pw_passwd: pointer(at.passwd),
            pw_uid: uid,
            pw_gid: gid,
            pw_gecos: pointer(at.gecos),
            pw_dir: pointer(at.home),
            pw_shell: pointer(at.shell),
        });
    }
}

impl Slot<'_, libc::group> {
    /// Fills in a group.
    ///
    /// # Errors
    /// `ShortBuffer`; nothing was written.
    pub fn put_group(&mut self, group: &GroupEntry) -> Result<(), Miss> {
        let at = pack_group(group, self.buffer)?;
        self.point(group.gid, at);
        Ok(())
    }

    /// Fills in a group of the map.
    ///
    /// # Errors
    /// `ShortBuffer`; nothing was written.
    pub fn put_group_view(&mut self, group: &GroupView<'_>) -> Result<(), Miss> {
        let at = pack_group_view(group, self.buffer)?;
        self.point(group.gid, at);
        Ok(())
    }

    fn point(&mut self, gid: u32, at: GroupAt) {
        let base = self.buffer.as_mut_ptr();
        self.result.write(libc::group {
            gr_name: base.wrapping_add(at.name).cast(),
            gr_passwd: base.wrapping_add(at.passwd).cast(),
            gr_gid: gid,
            gr_mem: base.wrapping_add(at.members).cast(),
        });
    }
}

impl From<TooSmall> for Miss {
    fn from(TooSmall: TooSmall) -> Self {
        Self::ShortBuffer
    }
}

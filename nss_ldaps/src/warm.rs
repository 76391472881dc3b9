//! What the shared map answers in this very process: no request, no lock, and no system call once it
//! is mapped. Whatever it does not know, or what of it cannot be believed, the daemon is asked for.
#![forbid(unsafe_code)]

use ldaps_core::entries::check_id;
use ldaps_core::map::{Answer, GidsView, GroupView, MapView, SharedMap, UserView};
use ldaps_core::names::{GroupName, UserName};
use ldaps_core::run_dir::RunDir;

use crate::status::Miss;

/// The shared map of this process.
pub struct Warm<'a> {
    /// The map, which is attached at the first look-up.
    pub map: &'a SharedMap,
    /// Where it is, if anywhere.
    pub run_dir: &'a (dyn Fn() -> Option<RunDir> + Sync),
}

/// The map of the host this module was built for.
pub static BUILT_IN: SharedMap = SharedMap::new();

/// Each hands what it found to `found`, and gives what became of that.
///
/// # Errors
/// `NotFound` where the directory was asked lately and has none; else those of `found`.
impl Warm<'_> {
    /// A user by any name that was asked for before.
    pub fn user_by_name(
        &self,
        raw: &[u8],
        found: impl FnOnce(&UserView<'_>) -> Result<(), Miss>,
    ) -> Option<Result<(), Miss>> {
        self.read(|map| {
            let answer = match map.user_by_name(raw) {
                Answer::Unknown => map.user_by_name(folded_user(raw)?.as_str().as_bytes()),
                answer => answer,
            };
            settle(answer, |user| believed_user(user, found))
        })
    }

    /// A user by uid.
    pub fn user_by_id(
        &self,
        uid: u32,
        found: impl FnOnce(&UserView<'_>) -> Result<(), Miss>,
    ) -> Option<Result<(), Miss>> {
        self.read(|map| settle(map.user_by_uid(uid), |user| believed_user(user, found)))
    }

    /// A group by name.
    pub fn group_by_name(
        &self,
        raw: &[u8],
        found: impl FnOnce(&GroupView<'_>) -> Result<(), Miss>,
    ) -> Option<Result<(), Miss>> {
        self.read(|map| {
            let answer = match map.group_by_name(raw) {
                Answer::Unknown => map.group_by_name(folded_group(raw)?.as_str().as_bytes()),
                answer => answer,
            };
            settle(answer, |group| believed_group(group, found))
        })
    }

    /// A group by gid.
    pub fn group_by_id(
        &self,
        gid: u32,
        found: impl FnOnce(&GroupView<'_>) -> Result<(), Miss>,
    ) -> Option<Result<(), Miss>> {
        self.read(|map| settle(map.group_by_gid(gid), |group| believed_group(group, found)))
    }

    /// The gids of all groups of a user, and whether the daemon lives: then it has withdrawn whoever
    /// has the name of a local user.
    pub fn groups_of(
        &self,
        raw: &[u8],
        found: impl FnOnce(GidsView<'_>, bool) -> Option<Result<(), Miss>>,
    ) -> Option<Result<(), Miss>> {
        let read = |map: &MapView<'_>, is_attended: bool| {
            let answer = match map.groups_of(raw) {
                Answer::Unknown => map.groups_of(folded_user(raw)?.as_str().as_bytes()),
                answer => answer,
            };
            settle(answer, |gids| {
                gids.gids().all(|gid| check_id(gid).is_ok()).then(|| found(gids, is_attended))?
            })
        };
        self.map.read_with_pulse(self.run_dir, read).flatten()
    }

    fn read<T>(&self, look_up: impl FnOnce(&MapView<'_>) -> Option<T>) -> Option<T> {
        self.map.read(self.run_dir, look_up).flatten()
    }
}

/// None: the map cannot answer, or not so that it could be believed.
fn settle<View, T>(
    answer: Answer<View>,
    found: impl FnOnce(View) -> Option<Result<T, Miss>>,
) -> Option<Result<T, Miss>> {
    match answer {
        Answer::Found(view) => found(view),
        Answer::Nobody => Some(Err(Miss::NotFound)),
        Answer::Unknown => None,
    }
}

fn believed_user<T>(
    user: UserView<'_>,
    found: impl FnOnce(&UserView<'_>) -> Result<T, Miss>,
) -> Option<Result<T, Miss>> {
    [user.uid, user.gid].iter().all(|id| check_id(*id).is_ok()).then(|| found(&user))
}

fn believed_group<T>(
    group: GroupView<'_>,
    found: impl FnOnce(&GroupView<'_>) -> Result<T, Miss>,
) -> Option<Result<T, Miss>> {
    check_id(group.gid).is_ok().then(|| found(&group))
}

/// The name as the directory's are folded, where that is another than was asked for: the map has
/// folded names alone, so most are found as they are.
fn folded_user(raw: &[u8]) -> Option<UserName> {
    is_folded_otherwise(raw).then(|| UserName::parse(raw).ok())?
}

fn folded_group(raw: &[u8]) -> Option<GroupName> {
    is_folded_otherwise(raw).then(|| GroupName::parse(raw).ok())?
}

fn is_folded_otherwise(raw: &[u8]) -> bool {
    raw.iter().any(|byte| !byte.is_ascii() || byte.is_ascii_uppercase())
}

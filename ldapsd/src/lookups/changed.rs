//! What has changed in the directory, and who is concerned: those are doubted, which costs a search
//! when somebody asks for them again, and none before.

use ldaps_core::names::{GroupName, UserName};
use ldaps_directory::{Change, Changes, DirectoryError};

use super::memory::{Key, Memory};
use super::{Inner, Lookups};

/// With more groups than this at once, all is doubted that has to do with groups: to find out who
/// is concerned would cost more.
const GROUPS_MAX: usize = 20;

impl Lookups {
    /// Doubts all who may be concerned by these changes.
    ///
    /// # Errors
    /// [`DirectoryError`]: who is concerned could not be found out, and it is to be tried again.
    pub(crate) async fn take_changes(&self, changes: Changes) -> Result<(), DirectoryError> {
        match changes {
            Changes::Unknown => self.0.memory().doubt_everything(),
            Changes::These(changes) => self.0.take_these(&changes).await?,
        }
        Ok(())
    }
}

impl Inner {
    async fn take_these(&self, changes: &[Change]) -> Result<(), DirectoryError> {
        let groups: Vec<&Change> = changes.iter().filter(|change| change.is_group).collect();
        if groups.len() > GROUPS_MAX {
            self.memory().doubt_everything_of_groups();
        } else {
            for group in groups {
                self.take_group(group).await?;
            }
        }
        let mut memory = self.memory();
        for change in changes {
            forget_nobody(&mut memory, change);
            // Also of who is no user here any more: a primary group may be another.
            memory.doubt_user(change.sid);
            memory.doubt_membership(change.sid);
        }
        Ok(())
    }

    /// Who is in a group that has changed, or was; and the groups that it is in.
    async fn take_group(&self, group: &Change) -> Result<(), DirectoryError> {
        if self.memory().count() == (0, 0) {
            // But may be about to be.
            self.memory().doubt_everything_of_groups();
            return Ok(());
        }
        let members = self.directory.members(&group.dn).await?;
        let mut members: Vec<String> =
            members.iter().map(|name| ldaps_core::names::fold(name)).collect();
        members.sort_unstable();
        let above = self.directory.groups_above(&group.dn).await?;
        let mut memory = self.memory();
        memory.doubt_groups(|held| {
            held.sid.is_some_and(|sid| sid == group.sid || above.contains(&sid))
        });
        let now_in_it = memory.users_named(&members);
        memory.doubt_memberships(|sid, membership| {
            membership.sids.contains(&group.sid) || now_in_it.contains(&sid)
        });
        Ok(())
    }
}

/// Whoever has appeared, or has another name, is not nobody any more.
pub(super) fn forget_nobody(memory: &mut Memory, change: &Change) {
    let user = |name: &String| UserName::parse(name.as_bytes()).ok().map(Key::UserName);
    let group = |name: &String| GroupName::parse(name.as_bytes()).ok().map(Key::GroupName);
    let Change { account, principal, .. } = change;
    let names = [account.as_ref().and_then(user), principal.as_ref().and_then(user)];
    let names = names.into_iter().chain([account.as_ref().and_then(group)]).flatten();
    memory.not_nobody(names.collect());
}

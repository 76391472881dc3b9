//! What an administrator does with what is held: look at it, forget it, read somebody anew.

use std::sync::{Arc, PoisonError};

use ldaps_core::names::{GroupName, UserName};
use ldaps_core::protocol::messages::Cursor;
use ldaps_core::protocol::tools::{Exported, Held};
use ldaps_directory::{Depth, DirectoryError, Wanted};

use super::memory::{Key, KnownGroup, KnownUser, Membership};
use super::{Answer, Inner, Lookups};

/// Users or groups on one page: a group may have thousands of members.
const PAGE: usize = 200;

/// Somebody before and after: as far as they were known, and as far as they are there.
pub(crate) struct Anew<Known> {
    pub(crate) before: Option<Arc<Known>>,
    pub(crate) after: Option<Arc<Known>>,
}

impl Inner {
    /// Forgets which SIDs the groups have that the configuration or the host names.
    pub(super) fn forget_groups_by_name(&self) {
        self.rule_groups.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.named.forget();
        self.shadowed.forget();
    }
}

impl Lookups {
    /// How much is held.
    pub(crate) fn held(&self) -> Held {
        self.0.memory().amounts()
    }

    /// Forgets all that was read of the directory; how much that was. What was given and counted
    /// (ids, wrong passwords) is no part of it.
    pub(crate) fn forget_everything(&self) -> Held {
        self.0.forget_groups_by_name();
        self.0.memory().forget_everything()
    }

    /// A user read anew, and the user's groups.
    ///
    /// # Errors
    /// [`DirectoryError`]: what was known is still known then.
    pub(crate) async fn user_anew(
        &self,
        name: &UserName,
    ) -> Result<(Anew<KnownUser>, Anew<Membership>), DirectoryError> {
        let key = Key::UserName(name.clone());
        let before = self.0.memory().user_held(&key);
        let groups_of = |user: &KnownUser| {
            self.0.memory().membership_of(user.record.sid).map(|held| held.known)
        };
        let groups_before = before.as_ref().and_then(|user| groups_of(user));
        let wanted = Wanted { depth: Depth::Entry, groups: true };
        let (after, groups_after) = match self.person_now(name, wanted).await? {
            Some(person) => (Some(person.user), person.membership),
            None => (None, None),
        };
        let groups = Anew { before: groups_before, after: groups_after };
        Ok((Anew { before, after }, groups))
    }

    /// A group read anew.
    ///
    /// # Errors
    /// As for a user.
    pub(crate) async fn group_anew(
        &self,
        name: &GroupName,
    ) -> Result<Anew<KnownGroup>, DirectoryError> {
        let before = self.0.memory().group_held(&Key::GroupName(name.clone()));
        Ok(Anew { before, after: self.group_now(name).await? })
    }

    /// The group as the directory has it now; memory is not asked, and learns of it.
    pub(crate) async fn group_now(&self, name: &GroupName) -> Answer<Arc<KnownGroup>> {
        self.0.clone().find_group(Key::GroupName(name.clone())).await
    }

    /// Why no group of this name is served, for the administrator.
    pub(crate) async fn why_no_group(&self, name: &GroupName) -> Result<String, DirectoryError> {
        let (accounts, local) = self.0.accounts().await?;
        let Some(group) = self.0.directory.group_by_name(name).await? else {
            return Ok(format!(
                "the directory has no security group {:?} that the service account can see; \
                 distribution groups are not shown",
                name.as_str()
            ));
        };
        Ok(match accounts.group(&group, &local) {
            Err(why) => format!("{} is not shown on this host: {why}", group.dn),
            Ok(_) => format!("{} is not shown on this host; the journal says why", group.dn),
        })
    }

    /// A page of all that is held: users by uid, then groups by gid. None: that cursor is nobody's.
    pub(crate) fn page_of_all(&self, cursor: Option<&Cursor>) -> Option<Exported> {
        let (of_groups, above) = match cursor {
            None => (false, None),
            Some(Cursor(text)) => match text.split_once('>')? {
                ("u", uid) => (false, Some(uid.parse().ok()?)),
                ("g", "") => (true, None),
                ("g", gid) => (true, Some(gid.parse().ok()?)),
                _ => return None,
            },
        };
        let memory = self.0.memory();
        let (records, last) = match of_groups {
            true => memory.exhibited_groups(above, PAGE),
            false => memory.exhibited_users(above, PAGE),
        };
        let next = match (of_groups, last.filter(|_| records.len() == PAGE)) {
            (true, last) => last.map(|gid| format!("g>{gid}")),
            (false, Some(uid)) => Some(format!("u>{uid}")),
            (false, None) => Some("g>".to_owned()),
        };
        Some(Exported { records, next: next.map(Cursor) })
    }
}

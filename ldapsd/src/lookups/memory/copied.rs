//! What whoever keeps a copy of memory asks of it.

use std::sync::Arc;

use ldaps_core::sid::Sid;

use super::held::Copied;
use super::{Key, KnownGroup, KnownUser, Membership, Memory, Outbox, Subject};

impl Memory {
    /// How a user is now: the entry, and by which keys it is found.
    pub(crate) fn user_of(&self, sid: Sid) -> Option<Copied<KnownUser>> {
        self.users.get(&sid).map(Copied::of)
    }

    /// How a group is now.
    pub(crate) fn group_of(&self, gid: u32) -> Option<Copied<KnownGroup>> {
        self.groups.get(&gid).map(Copied::of)
    }

    /// How somebody's groups are now.
    pub(crate) fn membership_of(&self, sid: Sid) -> Option<Copied<Membership>> {
        self.memberships.get(&sid).map(Copied::of)
    }

    /// The user whom a name or id leads to.
    pub(crate) fn user_at(&self, key: &Key) -> Option<Copied<KnownUser>> {
        self.held_user(key).map(Copied::of)
    }

    /// The group that a name or gid leads to.
    pub(crate) fn group_at(&self, key: &Key) -> Option<Copied<KnownGroup>> {
        self.held_group(key).map(Copied::of)
    }

    /// An outbox that hears of every change from now on, and everybody who is held now: whoever
    /// keeps a copy begins with those.
    pub(crate) fn observe(&mut self) -> (Arc<Outbox>, Vec<Subject>) {
        (self.outboxes.open(), self.everybody())
    }

    /// Everybody who is held.
    pub(crate) fn everybody(&self) -> Vec<Subject> {
        let users = self.users.keys().copied().map(Subject::User);
        let groups = self.groups.keys().copied().map(Subject::Group);
        let memberships = self.memberships.keys().copied().map(Subject::Membership);
        users.chain(groups).chain(memberships).collect()
    }
}

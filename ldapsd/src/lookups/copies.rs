//! For whoever keeps a copy of memory: what has changed, and how it is now.
//!
//! ```text
//! memory  --- of whom something has changed --->  outbox  --->  whoever keeps a copy
//!    ^------------- how is that one now? -----------------------------'
//! ```

use std::sync::{Arc, Weak};
use std::time::Duration;

use ldaps_core::sid::Sid;

use super::local_names::Names;
use super::memory::{Copied, Key, KnownGroup, KnownUser, Membership};
use super::outbox::{Emptied, Outbox, Subject};
use super::{Inner, Lookups};

/// Follows one memory, and does not keep it.
pub(crate) struct Watch {
    memory: Weak<Inner>,
    outbox: Arc<Outbox>,
}

impl Lookups {
    /// Follows every change from now on; and everybody who is held now.
    pub(crate) fn watch(&self) -> (Watch, Vec<Subject>) {
        let (outbox, subjects) = self.0.memory().observe();
        (Watch { memory: Arc::downgrade(&self.0), outbox }, subjects)
    }

    /// Knows these from before the start, while no server answers. They are people of this domain.
    pub(crate) fn recollect_kept(
        &self,
        domain: Sid,
        users: impl Iterator<Item = (Arc<KnownUser>, Vec<Key>)>,
        groups: impl Iterator<Item = KnownGroup>,
        memberships: impl Iterator<Item = (Sid, Membership)>,
    ) {
        let mut memory = self.0.memory();
        memory.belong_to(domain);
        users.for_each(|(user, names)| memory.recollect_user(user, names));
        groups.for_each(|group| memory.recollect_group(group));
        memberships.for_each(|(sid, groups)| memory.recollect_membership(sid, groups));
    }
}

impl Watch {
    /// Waits until something has changed, this long at most; None: nothing will any more. Blocks
    /// the thread.
    pub(crate) fn wait(&self, patience: Duration) -> Option<Emptied> {
        self.outbox.wait(patience)
    }

    /// The copy has all of this.
    pub(crate) fn is_copied(&self, emptied: &Emptied) {
        self.outbox.is_copied(emptied);
    }

    /// What ends the waiting.
    pub(crate) fn outbox(&self) -> Arc<Outbox> {
        self.outbox.clone()
    }

    /// The domain whose people are held.
    pub(crate) fn domain(&self) -> Option<Sid> {
        self.memory.upgrade()?.memory().domain()
    }

    /// Everybody who is held.
    pub(crate) fn everybody(&self) -> Vec<Subject> {
        self.memory.upgrade().map(|inner| inner.memory().everybody()).unwrap_or_default()
    }

    /// How a user is now; None: forgotten.
    pub(crate) fn user(&self, sid: Sid) -> Option<Copied<KnownUser>> {
        self.memory.upgrade()?.memory().user_of(sid)
    }

    /// How a group is now; None: forgotten.
    pub(crate) fn group(&self, gid: u32) -> Option<Copied<KnownGroup>> {
        self.memory.upgrade()?.memory().group_of(gid)
    }

    /// How somebody's groups are now; None: forgotten.
    pub(crate) fn membership(&self, sid: Sid) -> Option<Copied<Membership>> {
        self.memory.upgrade()?.memory().membership_of(sid)
    }

    /// Whom a name or id leads to.
    pub(crate) fn user_at(&self, key: &Key) -> Option<Copied<KnownUser>> {
        self.memory.upgrade()?.memory().user_at(key)
    }

    /// The group that a name or gid leads to.
    pub(crate) fn group_at(&self, key: &Key) -> Option<Copied<KnownGroup>> {
        self.memory.upgrade()?.memory().group_at(key)
    }

    /// How long it still holds that nobody has this name or id; None: it does not.
    pub(crate) fn nobody_for(&self, key: &Key) -> Option<Duration> {
        self.memory.upgrade()?.memory().nobody_for(key)
    }

    /// The host's own names; None: they cannot be read, so nobody knows what they hide.
    pub(crate) fn local_names(&self) -> Option<Arc<Names>> {
        self.memory.upgrade()?.local_names().ok()
    }

    /// Has everything of groups asked for again: what the host's own names hide in them is other
    /// than it was.
    pub(crate) fn doubt_everything_of_groups(&self) {
        if let Some(inner) = self.memory.upgrade() {
            inner.memory().doubt_everything_of_groups();
        }
    }

    /// Whether it is certain that these groups of the directory grant none of the host's.
    pub(crate) fn grants_nothing(&self, membership: &Membership) -> bool {
        self.memory.upgrade().is_some_and(|inner| inner.grants_nothing(membership))
    }
}

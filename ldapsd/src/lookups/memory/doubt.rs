//! What the directory may have newer: doubted, so that it is asked for again before it is served as
//! fresh; and who was seen in the directory when.

use std::collections::HashSet;
use std::time::Duration;

use ldaps_core::names::fold;
use ldaps_core::sid::Sid;
use ldaps_directory::GroupRecord;
use tokio::time::Instant;

use super::held::{Held, Read, age, is_within};
use super::{Key, KnownGroup, KnownUser, Membership, Memory, Subject};

impl Memory {
    /// Has a user asked for again before the entry is served as fresh.
    pub(crate) fn doubt_user(&mut self, sid: Sid) {
        self.changed.user(sid);
        self.doubt_held_user(sid);
    }

    /// The same where another user has turned out to have a name of theirs: what is being read of
    /// them meanwhile is none the older for it.
    pub(super) fn doubt_held_user(&mut self, sid: Sid) {
        if let Some(held) = self.users.get_mut(&sid) {
            held.doubted = true;
            self.outboxes.put(Subject::User(sid));
        }
    }

    /// The same of a group.
    pub(crate) fn doubt_group(&mut self, gid: u32) {
        self.changed.groups();
        self.doubt_held_group(gid);
    }

    /// As [`Self::doubt_held_user`].
    pub(super) fn doubt_held_group(&mut self, gid: u32) {
        if let Some(held) = self.groups.get_mut(&gid) {
            held.doubted = true;
            self.outboxes.put(Subject::Group(gid));
        }
    }

    /// The same of the groups of this user.
    pub(crate) fn doubt_membership(&mut self, sid: Sid) {
        self.changed.user(sid);
        if let Some(held) = self.memberships.get_mut(&sid).filter(|held| !held.doubted) {
            held.doubted = true;
            self.outboxes.put(Subject::Membership(sid));
        }
    }

    /// The same of the groups of all for whom this is true.
    pub(crate) fn doubt_memberships(&mut self, concerned: impl Fn(Sid, &Membership) -> bool) {
        self.changed.groups();
        for (sid, held) in &mut self.memberships {
            if !held.doubted && concerned(*sid, &held.known) {
                held.doubted = true;
                self.outboxes.put(Subject::Membership(*sid));
            }
        }
    }

    /// The same of everything.
    pub(crate) fn doubt_everything(&mut self) {
        self.changed.everything();
        for sid in self.users.keys().copied().collect::<Vec<_>>() {
            self.doubt_user(sid);
        }
        self.doubt_everything_of_groups();
        while let Some((key, _)) = self.nobody.pop_lru() {
            self.outboxes.put(Subject::Nobody(key));
        }
    }

    /// The same of all groups, and of who is in them.
    pub(crate) fn doubt_everything_of_groups(&mut self) {
        self.doubt_groups(|_| true);
        self.doubt_memberships(|_, _| true);
    }

    /// The same of all groups for which this is true.
    pub(crate) fn doubt_groups(&mut self, concerned: impl Fn(&KnownGroup) -> bool) {
        self.changed.groups();
        for (gid, held) in &mut self.groups {
            if !held.doubted && concerned(&held.known) {
                held.doubted = true;
                self.outboxes.put(Subject::Group(*gid));
            }
        }
    }

    /// The same of groups, and of who is in which, that were read too long ago to be fresh: whoever
    /// keeps a copy hears of it.
    pub(crate) fn doubt_old(&mut self) {
        let (fresh_for, outboxes) = (self.fresh_for, &self.outboxes);
        let is_old = |doubted: bool, read: Read| !doubted && !is_within(read, fresh_for);
        for (gid, held) in &mut self.groups {
            if is_old(held.doubted, held.read) {
                held.doubted = true;
                outboxes.put(Subject::Group(*gid));
            }
        }
        for (sid, held) in &mut self.memberships {
            if is_old(held.doubted, held.read) {
                held.doubted = true;
                outboxes.put(Subject::Membership(*sid));
            }
        }
    }

    /// All users, and how long ago each was seen in the directory.
    pub(crate) fn users_by_age(&self) -> Vec<(Duration, Sid)> {
        self.users.iter().map(|(sid, held)| (age(held.seen), *sid)).collect()
    }

    /// All groups that the directory has objects of, and how long ago each was seen in it.
    pub(crate) fn groups_by_age(&self) -> Vec<(Duration, Sid)> {
        let groups = self.groups.values();
        groups.filter_map(|held| Some((age(held.seen), held.known.sid?))).collect()
    }

    /// Notes that a group is still in the directory; it is doubted where it has another name.
    pub(crate) fn saw_group(&mut self, group: &GroupRecord) {
        let name = fold(&group.sam_account_name);
        let of_sid = |held: &&mut Held<KnownGroup>| held.known.sid == Some(group.sid);
        if let Some(held) = self.groups.values_mut().find(of_sid) {
            held.seen = Some(Instant::now());
            if held.known.name != name {
                let gid = held.known.gid;
                self.doubt_group(gid);
            }
        }
    }

    /// Forgets the group with this SID.
    pub(crate) fn forget_group_of(&mut self, sid: Sid) {
        let of_sid = |held: &&Held<KnownGroup>| held.known.sid == Some(sid);
        let gid = self.groups.values().find(of_sid).map(|held| held.known.gid);
        if let Some(gid) = gid {
            self.forget_group(gid);
        }
        self.doubt_memberships(|_, membership| membership.sids.contains(&sid));
    }

    /// The SIDs of held users with one of these names, which are sorted.
    pub(crate) fn users_named(&self, names: &[String]) -> HashSet<Sid> {
        let is_named =
            |held: &&Held<KnownUser>| names.binary_search(&held.known.entry.name).is_ok();
        self.users.values().filter(is_named).map(|held| held.known.record.sid).collect()
    }

    /// Does not hold these for nobody's any more, nor any id: whose that is cannot be seen here.
    pub(crate) fn not_nobody(&mut self, keys: Vec<Key>) {
        self.changed.anything();
        let ids = self.nobody.iter().map(|(key, _)| key);
        let ids = ids.filter(|key| matches!(key, Key::Uid(_) | Key::Gid(_))).cloned();
        for key in ids.chain(keys).collect::<Vec<_>>() {
            self.somebody_has(&key);
        }
    }
}

//! Looking at all that is held, and forgetting it.

use std::sync::Arc;

use ldaps_core::protocol::tools::{Exhibit, Held as Amounts};
use ldaps_core::sid::Sid;

use super::held::{Held, Read};
use super::{Key, KnownGroup, KnownUser, Memory, Subject};

impl Memory {
    /// How much is held.
    pub(crate) fn amounts(&self) -> Amounts {
        let of = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let doubted = self.users.values().filter(|held| is_doubted(held)).count()
            + self.groups.values().filter(|held| is_doubted(held)).count()
            + self.memberships.values().filter(|held| is_doubted(held)).count();
        Amounts {
            users: of(self.users.len()),
            groups: of(self.groups.len()),
            memberships: of(self.memberships.len()),
            nobody: of(self.nobody.len()),
            doubted: of(doubted),
        }
    }

    /// Forgets everybody, and everything that is nobody's; how much that was.
    pub(crate) fn forget_everything(&mut self) -> Amounts {
        let amounts = self.amounts();
        for sid in self.users.keys().copied().collect::<Vec<_>>() {
            self.forget_user(sid);
        }
        for gid in self.groups.keys().copied().collect::<Vec<_>>() {
            self.forget_group(gid);
        }
        self.memberships.drain().for_each(|(sid, _)| {
            self.outboxes.put(Subject::Membership(sid));
        });
        self.matches.clear();
        while let Some((key, _)) = self.nobody.pop_lru() {
            self.outboxes.put(Subject::Nobody(key));
        }
        amounts
    }

    /// Whether this user is held, however long ago it was read.
    pub(crate) fn holds_user(&self, sid: Sid) -> bool {
        self.users.contains_key(&sid)
    }

    /// The user asked for, however long ago it was read.
    pub(crate) fn user_held(&self, key: &Key) -> Option<Arc<KnownUser>> {
        self.held_user(key).map(|held| held.known.clone())
    }

    /// The group asked for, however long ago it was read.
    pub(crate) fn group_held(&self, key: &Key) -> Option<Arc<KnownGroup>> {
        self.held_group(key).map(|held| held.known.clone())
    }

    /// So many of the users with the lowest uids above this one, and the highest of those.
    pub(crate) fn exhibited_users(
        &self,
        uid: Option<u32>,
        count: usize,
    ) -> (Vec<Exhibit>, Option<u32>) {
        let mut found: Vec<(u32, Sid)> = self
            .users
            .iter()
            .map(|(sid, held)| (held.known.entry.uid, *sid))
            .filter(|(of_user, _)| uid.is_none_or(|uid| *of_user > uid))
            .collect();
        lowest(&mut found, count);
        let last = found.last().map(|(uid, _)| *uid);
        (found.iter().filter_map(|(_, sid)| self.exhibit_user(*sid)).collect(), last)
    }

    /// The same of groups.
    pub(crate) fn exhibited_groups(
        &self,
        gid: Option<u32>,
        count: usize,
    ) -> (Vec<Exhibit>, Option<u32>) {
        let gids = self.groups.keys().copied();
        let mut found: Vec<u32> =
            gids.filter(|of_group| gid.is_none_or(|gid| *of_group > gid)).collect();
        lowest(&mut found, count);
        let last = found.last().copied();
        (found.iter().filter_map(|gid| self.exhibit_group(*gid)).collect(), last)
    }

    fn exhibit_user(&self, sid: Sid) -> Option<Exhibit> {
        let held = self.users.get(&sid)?;
        Some(Exhibit::User {
            entry: held.known.entry.clone(),
            dn: held.known.record.dn.clone(),
            sid: sid.to_string(),
            gids: self.memberships.get(&sid).map(|membership| membership.known.gids.clone()),
            read_s: seconds_since(held.read),
            doubted: held.doubted,
        })
    }

    fn exhibit_group(&self, gid: u32) -> Option<Exhibit> {
        let held = self.groups.get(&gid)?;
        Some(Exhibit::Group {
            entry: held.known.entry(),
            sid: held.known.sid.map(|sid| sid.to_string()),
            read_s: seconds_since(held.read),
            doubted: held.doubted,
        })
    }
}

fn is_doubted<Known>(held: &Held<Known>) -> bool {
    held.doubted || held.read.is_none()
}

fn seconds_since(read: Read) -> Option<u64> {
    read.map(|moment| moment.elapsed().as_secs())
}

/// The lowest so many, in order: without sorting all of 100,000 for each page.
fn lowest<T: Ord>(all: &mut Vec<T>, count: usize) {
    if all.len() > count {
        all.select_nth_unstable(count);
        all.truncate(count);
    }
    all.sort_unstable();
}

//! What a copy of the whole directory puts into memory, and what it is asked for.

use std::collections::HashMap;
use std::sync::Arc;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::sid::Sid;
use tokio::time::Instant;

use super::held::Held;
use super::{Key, Membership, Memory, Subject};
use crate::lookups::mirrored::Sighting;

impl Memory {
    /// Keeps the groups of the user with this SID as they follow from who is in which group. AD
    /// has not said so of this user: where it had, and this is the same, that still holds.
    pub(crate) fn keep_computed(&mut self, sid: Sid, membership: &Arc<Membership>) {
        let before = self.memberships.get(&sid);
        let same = before.filter(|before| before.known.is_of_the_same_groups(membership));
        let is_news = same.is_none_or(|before| before.doubted || before.read.is_none());
        let vouched = same.and_then(|before| before.vouched);
        let held = Held { vouched, ..Held::now(membership, Vec::new()) };
        self.memberships.insert(sid, held);
        if is_news {
            self.outboxes.put(Subject::Membership(sid));
        }
    }

    /// Notes that these are in the directory, and therefore, as no change was told of, as they were
    /// read.
    pub(crate) fn saw(&mut self, sighting: &Sighting) {
        let since = Some(sighting.since);
        for (sid, held) in &mut self.users {
            if sighting.users.contains(sid) {
                held.saw(since);
            }
        }
        for (sid, held) in &mut self.memberships {
            if sighting.users.contains(sid) {
                held.saw(since);
            }
        }
        for (gid, held) in &mut self.groups {
            let is_there = match held.known.sid {
                Some(sid) => sighting.groups.contains(&sid),
                None => {
                    let user = self.user_keys.get(&Key::Uid(*gid));
                    user.is_some_and(|user| sighting.users.contains(user))
                }
            };
            if is_there {
                held.saw(since);
            }
        }
    }

    /// The SIDs of groups that are doubted, and of users who are, or whose groups are.
    pub(crate) fn doubted(&self) -> (Vec<Sid>, Vec<Sid>) {
        let groups = self.groups.values().filter(|held| held.doubted);
        let users = self.users.iter().filter(|(_, held)| held.doubted).map(|(sid, _)| *sid);
        let memberships = self.memberships.iter().filter(|(_, held)| held.doubted);
        let mut users: Vec<Sid> = users.chain(memberships.map(|(sid, _)| *sid)).collect();
        users.sort_unstable();
        users.dedup();
        (groups.filter_map(|held| held.known.sid).collect(), users)
    }

    /// Holds what is known from before the start for what the directory has now.
    pub(crate) fn trust_recollected(&mut self) {
        let now = Some(Instant::now());
        let (users, groups) = (self.users.iter_mut(), self.groups.iter_mut());
        let memberships = self.memberships.iter_mut();
        let users = users.filter_map(|(sid, held)| held.trust(now).then_some(Subject::User(*sid)));
        let groups =
            groups.filter_map(|(gid, held)| held.trust(now).then_some(Subject::Group(*gid)));
        let memberships = memberships
            .filter_map(|(sid, held)| held.trust(now).then_some(Subject::Membership(*sid)));
        users.chain(groups).chain(memberships).for_each(|subject| self.outboxes.put(subject));
    }

    /// The gids of all groups that are held and that the directory has objects of.
    pub(crate) fn gids_of_groups(&self) -> HashMap<Sid, u32> {
        let groups = self.groups.iter();
        groups.filter_map(|(gid, held)| Some((held.known.sid?, *gid))).collect()
    }

    /// The gid of the group that is this user's own, if it is held.
    pub(crate) fn private_group_of(&self, user: Sid) -> Option<u32> {
        let uid = self.users.get(&user)?.known.entry.uid;
        self.groups.get(&uid).filter(|held| held.known.sid.is_none()).map(|_| uid)
    }

    /// So many users whose uids are above this one, the lowest first.
    pub(crate) fn users_above(&self, above: Option<u32>, most: usize) -> Vec<PasswdEntry> {
        let users = self.users.values().map(|held| (held.known.entry.uid, &held.known));
        lowest(users, above, most).into_iter().map(|user| user.entry.clone()).collect()
    }

    /// So many groups that the directory has objects of, whose gids are above this one.
    pub(crate) fn groups_above(&self, above: Option<u32>, most: usize) -> Vec<GroupEntry> {
        let groups = self.groups.values().filter(|held| held.known.sid.is_some());
        let groups = groups.map(|held| (held.known.gid, &held.known));
        lowest(groups, above, most).into_iter().map(|group| group.entry()).collect()
    }
}

fn lowest<Known>(
    all: impl Iterator<Item = (u32, Known)>,
    above: Option<u32>,
    most: usize,
) -> Vec<Known> {
    let is_above = |id: u32| above.is_none_or(|above| id > above);
    let mut all: Vec<(u32, Known)> = all.filter(|(id, _)| is_above(*id)).collect();
    if all.len() > most {
        all.select_nth_unstable_by_key(most, |(id, _)| *id);
        all.truncate(most);
    }
    all.sort_unstable_by_key(|(id, _)| *id);
    all.into_iter().map(|(_, known)| known).collect()
}

impl Membership {
    pub(super) fn is_of_the_same_groups(&self, other: &Self) -> bool {
        fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
            all.sort_unstable();
            all
        }
        let is_as_long = self.sids.len() == other.sids.len() && self.gids.len() == other.gids.len();
        is_as_long
            && sorted(self.sids.to_vec()) == sorted(other.sids.to_vec())
            && sorted(self.gids.clone()) == sorted(other.gids.clone())
    }
}

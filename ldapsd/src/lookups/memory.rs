//! What was asked before: found entries with the moment they were read, and names that nobody has.
//!
//! A user is held once, by SID, and found by any of the names and ids in `keys`; a group is held by
//! its gid. Every change of what is held, and every doubt about it, goes through `keep_*`, `forget_*`
//! and `doubt_*`, and from there into the outboxes of those who keep a copy.

mod before_start;
mod changed;
mod copied;
mod doubt;
mod held;
mod members;
mod mirrored;
mod nobody;
mod persons;
mod sids;
mod survey;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ldaps_core::config::{Cache, LdapFilter};
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::names::{GroupName, UserName};
use ldaps_core::sid::Sid;
use ldaps_directory::UserRecord;
use lru::LruCache;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::outbox::{Outbox, Outboxes, Subject};
use changed::{Changed, is_overtaken};
pub(crate) use held::{Copied, Recalled, Trust};
use held::{Held, is_within};
pub(crate) use members::Members;
pub(crate) use sids::Sids;

/// How a user or group was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A user by any form of name.
    UserName(UserName),
    /// A user by id.
    Uid(u32),
    /// A group by name.
    GroupName(GroupName),
    /// A group by id.
    Gid(u32),
}

/// A user that is served here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownUser {
    pub(crate) entry: PasswdEntry,
    pub(crate) record: UserRecord,
}

/// A group that is served here, with its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownGroup {
    pub(crate) name: String,
    pub(crate) gid: u32,
    pub(crate) members: Members,
    /// The group's SID; None for a user's private group, which the directory has no object of.
    pub(crate) sid: Option<Sid>,
}

impl KnownGroup {
    pub(crate) fn of(entry: GroupEntry, sid: Option<Sid>) -> Self {
        let GroupEntry { name, gid, members } = entry;
        Self { name, gid, members: members.into(), sid }
    }

    /// The group as it is answered.
    pub(crate) fn entry(&self) -> GroupEntry {
        let Self { name, gid, members, .. } = self;
        GroupEntry { name: name.clone(), gid: *gid, members: members.to_vec() }
    }
}

/// The groups of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) sids: Sids,
    pub(crate) gids: Vec<u32>,
}

/// The memory of the look-ups. It holds what the directory said; what the host itself says goes
/// first and is looked at by whoever answers.
#[derive(Debug)]
pub(crate) struct Memory {
    fresh_for: Duration,
    nobody_for: Duration,
    /// The domain whose people these are, once something is held.
    domain: Option<Sid>,
    users: HashMap<Sid, Held<KnownUser>>,
    groups: HashMap<u32, Held<KnownGroup>>,
    memberships: HashMap<Sid, Held<Membership>>,
    /// What a filter of the access rules said of the user with this SID, by its text.
    matches: HashMap<(Sid, String), (bool, Instant)>,
    user_keys: HashMap<Key, Sid>,
    group_names: HashMap<Key, u32>,
    nobody: LruCache<Key, Instant>,
    changed: Changed,
    outboxes: Outboxes,
}

impl Memory {
    pub(crate) fn new(config: &Cache) -> Self {
        let bound = NonZeroUsize::new(config.negative_max).unwrap_or(NonZeroUsize::MIN);
        Self {
            fresh_for: config.positive,
            nobody_for: config.negative,
            domain: None,
            users: HashMap::new(),
            groups: HashMap::new(),
            memberships: HashMap::new(),
            matches: HashMap::new(),
            user_keys: HashMap::new(),
            group_names: HashMap::new(),
            nobody: LruCache::new(bound),
            changed: Changed::default(),
            outboxes: Outboxes::default(),
        }
    }

    /// Takes over what another memory holds; how long it is fresh is this one's own matter.
    pub(crate) fn inherit(&mut self, from: &Self) {
        self.domain = from.domain;
        self.users.clone_from(&from.users);
        self.groups.clone_from(&from.groups);
        self.memberships.clone_from(&from.memberships);
        self.matches.clone_from(&from.matches);
        self.user_keys.clone_from(&from.user_keys);
        self.group_names.clone_from(&from.group_names);
    }

    /// The domain whose people are held; None: nobody is.
    pub(crate) fn domain(&self) -> Option<Sid> {
        self.domain
    }

    /// Holds people of this domain from now on. Those of another are forgotten; whether there were
    /// any.
    pub(crate) fn belong_to(&mut self, domain: Sid) -> bool {
        let is_another = self.domain.replace(domain).is_some_and(|before| before != domain);
        if is_another {
            tracing::warn!(
                "the directory is another domain's than before ({domain}): everything that was \
                 known is forgotten"
            );
            for sid in self.users.keys().copied().collect::<Vec<_>>() {
                self.forget_user(sid);
            }
            for gid in self.groups.keys().copied().collect::<Vec<_>>() {
                self.forget_group(gid);
            }
            self.memberships.drain().for_each(|(sid, _)| {
                self.outboxes.put(Subject::Membership(sid));
            });
        }
        is_another
    }

    /// The user asked for.
    pub(crate) fn user(&mut self, key: &Key) -> Recalled<KnownUser> {
        match self.held_user(key).map(|held| held.recalled(self.fresh_for)) {
            Some(recalled) => recalled,
            None => self.nobody_or_unknown(key),
        }
    }

    /// The group asked for.
    pub(crate) fn group(&mut self, key: &Key) -> Recalled<KnownGroup> {
        match self.held_group(key).map(|held| held.recalled(self.fresh_for)) {
            Some(recalled) => recalled,
            None => self.nobody_or_unknown(key),
        }
    }

    /// The groups of the user with this SID.
    pub(crate) fn membership(&self, sid: Sid) -> Recalled<Membership> {
        let held = self.memberships.get(&sid);
        held.map_or(Recalled::Unknown, |held| held.recalled(self.fresh_for))
    }

    /// The user asked for, if AD was asked for it within this time.
    pub(crate) fn user_within(&self, key: &Key, age: Duration) -> Option<Arc<KnownUser>> {
        let held = self.held_user(key)?;
        is_within(held.vouched, age).then(|| held.known.clone())
    }

    /// The groups of the user with this SID, if AD was asked for them within this time.
    pub(crate) fn membership_within(&self, sid: Sid, age: Duration) -> Option<Arc<Membership>> {
        let held = self.memberships.get(&sid)?;
        is_within(held.vouched, age).then(|| held.known.clone())
    }

    /// Keeps a user under the name or id that was asked for, and under the canonical ones. Other
    /// names stay where nothing has changed: a name that was another's may have come with a change.
    /// What was heard of since it was begun to ask may not be in the answer: that is doubted.
    pub(crate) fn keep_user(&mut self, asked: Option<Key>, user: &Arc<KnownUser>, begun: Instant) {
        let sid = user.record.sid;
        let before = self.take_user(sid);
        let doubted = self.changed.user_since(sid, begun)
            || is_overtaken(before.as_ref(), begun, |before| before.entry != user.entry);
        let user = &persons::with_password_of(before.as_ref(), user);
        let mut is_news = doubted || Held::is_news(before.as_ref(), user);
        let is_as_before =
            before.as_ref().is_some_and(|before| !before.doubted && before.known == *user);
        let other_names = before.filter(|_| is_as_before).map(|before| before.keys);
        let names_before = other_names.as_ref().map_or(0, Vec::len);
        let mut keys = canonical_keys(&user.entry);
        for key in asked.into_iter().chain(other_names.into_iter().flatten()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        is_news |= keys.len() != names_before;
        self.put_user(Held { doubted, ..Held::now(user, keys) });
        if is_news {
            self.outboxes.put(Subject::User(sid));
        }
    }

    /// Keeps a group under its name and id; the same of what was heard meanwhile.
    pub(crate) fn keep_group(&mut self, group: &Arc<KnownGroup>, begun: Instant) {
        let before = self.groups.get(&group.gid);
        let doubted = self.changed.groups_since(begun)
            || is_overtaken(before, begun, |before| before != &**group);
        let is_news = doubted || Held::is_news(before, group);
        let keys = group_name(group).into_iter().collect();
        self.put_group(Held { doubted, ..Held::now(group, keys) });
        if is_news {
            self.outboxes.put(Subject::Group(group.gid));
        }
    }

    /// Keeps the groups of the user with this SID; the same of what was heard meanwhile.
    pub(crate) fn keep_membership(
        &mut self,
        sid: Sid,
        membership: &Arc<Membership>,
        begun: Instant,
    ) {
        let before = self.memberships.get(&sid);
        let doubted = self.changed.membership_since(sid, begun)
            || is_overtaken(before, begun, |before| !before.is_of_the_same_groups(membership));
        let is_news = doubted || Held::is_news(before, membership);
        self.memberships.insert(sid, Held { doubted, ..Held::now(membership, Vec::new()) });
        if is_news {
            self.outboxes.put(Subject::Membership(sid));
        }
    }

    /// What this filter said of the user with this SID, if it was asked within this time.
    pub(crate) fn match_within(
        &self,
        sid: Sid,
        filter: &LdapFilter,
        age: Duration,
    ) -> Option<bool> {
        let (matches, read) = self.matches.get(&(sid, filter.as_str().to_owned()))?;
        (read.elapsed() < age).then_some(*matches)
    }

    /// Keeps what this filter said of the user with this SID.
    pub(crate) fn keep_match(&mut self, sid: Sid, filter: &LdapFilter, matches: bool) {
        self.matches.insert((sid, filter.as_str().to_owned()), (matches, Instant::now()));
    }

    /// Forgets a user and the user's groups.
    pub(crate) fn forget_user(&mut self, sid: Sid) {
        self.changed.user(sid);
        if self.take_user(sid).is_some() {
            self.outboxes.put(Subject::User(sid));
            self.matches.retain(|(of, _), _| *of != sid);
        }
        if self.memberships.remove(&sid).is_some() {
            self.outboxes.put(Subject::Membership(sid));
        }
    }

    /// Forgets one of the names of a user, whom the others still lead to.
    fn forget_name(&mut self, sid: Sid, name: &Key) {
        self.user_keys.remove(name);
        if let Some(held) = self.users.get_mut(&sid) {
            held.keys.retain(|key| key != name);
            self.outboxes.put(Subject::User(sid));
        }
    }

    /// Forgets a group; who was in it is asked for again.
    pub(crate) fn forget_group(&mut self, gid: u32) {
        if self.take_group(gid).is_some() {
            self.outboxes.put(Subject::Group(gid));
        }
        self.doubt_memberships(|_, membership| membership.gids.contains(&gid));
    }

    /// Forgets whoever has this uid or gid, under every name: it has turned out to be several's.
    pub(crate) fn forget_id(&mut self, id: u32) {
        let users = self.users.iter().filter(|(_, held)| held.known.entry.uid == id);
        for sid in users.map(|(sid, _)| *sid).collect::<Vec<_>>() {
            self.forget_user(sid);
        }
        if self.take_group(id).is_some() {
            self.outboxes.put(Subject::Group(id));
        }
        let members = self.memberships.iter().filter(|(_, held)| held.known.gids.contains(&id));
        for sid in members.map(|(sid, _)| *sid).collect::<Vec<_>>() {
            self.memberships.remove(&sid);
            self.outboxes.put(Subject::Membership(sid));
        }
    }

    /// Users and groups held, each once.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.users.len(), self.groups.len())
    }

    fn held_user(&self, key: &Key) -> Option<&Held<KnownUser>> {
        self.users.get(self.user_keys.get(key)?)
    }

    fn held_group(&self, key: &Key) -> Option<&Held<KnownGroup>> {
        match key {
            Key::Gid(gid) => self.groups.get(gid),
            name => self.groups.get(self.group_names.get(name)?),
        }
    }

    /// Puts a user in place. Whoever had one of the names or the id before has it no more.
    fn put_user(&mut self, held: Held<KnownUser>) {
        let sid = held.known.record.sid;
        for key in &held.keys {
            self.somebody_has(key);
            let before = self.user_keys.insert(key.clone(), sid);
            if let Some(before) = before.filter(|before| *before != sid) {
                self.doubt_held_user(before);
            }
        }
        self.users.insert(sid, held);
    }

    fn take_user(&mut self, sid: Sid) -> Option<Held<KnownUser>> {
        let held = self.users.remove(&sid)?;
        for key in &held.keys {
            if self.user_keys.get(key) == Some(&sid) {
                self.user_keys.remove(key);
            }
        }
        Some(held)
    }

    fn put_group(&mut self, held: Held<KnownGroup>) {
        let gid = held.known.gid;
        self.take_group(gid);
        self.somebody_has(&Key::Gid(gid));
        for key in &held.keys {
            self.somebody_has(key);
            let before = self.group_names.insert(key.clone(), gid);
            if let Some(before) = before.filter(|before| *before != gid) {
                self.doubt_held_group(before);
            }
        }
        self.groups.insert(gid, held);
    }

    fn take_group(&mut self, gid: u32) -> Option<Held<KnownGroup>> {
        let held = self.groups.remove(&gid)?;
        for key in &held.keys {
            if self.group_names.get(key) == Some(&gid) {
                self.group_names.remove(key);
            }
        }
        Some(held)
    }
}

/// The uid, and the account's own name.
fn canonical_keys(entry: &PasswdEntry) -> Vec<Key> {
    let name = UserName::parse(entry.name.as_bytes()).ok().map(Key::UserName);
    [Key::Uid(entry.uid)].into_iter().chain(name).collect()
}

fn group_name(group: &KnownGroup) -> Option<Key> {
    GroupName::parse(group.name.as_bytes()).ok().map(Key::GroupName)
}

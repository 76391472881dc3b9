//! What was asked before: found entries with the moment they were read, and names that nobody has.

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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KnownUser {
    pub(crate) entry: PasswdEntry,
    pub(crate) record: UserRecord,
}

/// A group that is served here, with its members.
#[derive(Debug)]
pub(crate) struct KnownGroup {
    pub(crate) entry: GroupEntry,
}

/// The groups of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) sids: Vec<Sid>,
    pub(crate) gids: Vec<u32>,
}

/// What memory says to a question.
#[derive(Debug)]
pub(crate) enum Recalled<Known> {
    /// Found, and read not long ago.
    Fresh(Arc<Known>),
    /// Found, and read long ago: good enough while no server answers.
    Stale(Arc<Known>),
    /// Asked for not long ago, and nobody's.
    Nobody,
    /// Never asked for, or forgotten.
    Unknown,
}

/// When something was read of the directory; None: before the daemon started, so that it is good
/// enough while no server answers, and for nothing else.
type Read = Option<Instant>;

/// The memory of the look-ups. It holds what the directory said; what the host itself says goes
/// first and is looked at by whoever answers.
#[derive(Debug)]
pub(crate) struct Memory {
    fresh_for: Duration,
    nobody_for: Duration,
    users: HashMap<Key, (Arc<KnownUser>, Read)>,
    groups: HashMap<Key, (Arc<KnownGroup>, Read)>,
    memberships: HashMap<Sid, (Arc<Membership>, Read)>,
    /// What a filter of the access rules said of the user with this SID, by its text.
    matches: HashMap<(Sid, String), (bool, Instant)>,
    nobody: LruCache<Key, Instant>,
}

impl Memory {
    pub(crate) fn new(config: &Cache) -> Self {
        let bound = NonZeroUsize::new(config.negative_max).unwrap_or(NonZeroUsize::MIN);
        Self {
            fresh_for: config.positive,
            nobody_for: config.negative,
            users: HashMap::new(),
            groups: HashMap::new(),
            memberships: HashMap::new(),
            matches: HashMap::new(),
            nobody: LruCache::new(bound),
        }
    }

    /// Takes over what another memory holds; how long it is fresh is this one's own matter.
    pub(crate) fn inherit(&mut self, from: &Self) {
        self.users.clone_from(&from.users);
        self.groups.clone_from(&from.groups);
        self.memberships.clone_from(&from.memberships);
        self.matches.clone_from(&from.matches);
    }

    /// The user asked for.
    pub(crate) fn user(&mut self, key: &Key) -> Recalled<KnownUser> {
        let found = self.users.get(key).cloned();
        self.recall(found, Some(key))
    }

    /// The group asked for.
    pub(crate) fn group(&mut self, key: &Key) -> Recalled<KnownGroup> {
        let found = self.groups.get(key).cloned();
        self.recall(found, Some(key))
    }

    /// The groups of the user with this SID.
    pub(crate) fn membership(&mut self, sid: Sid) -> Recalled<Membership> {
        let found = self.memberships.get(&sid).cloned();
        self.recall(found, None)
    }

    /// The user asked for, if it was read within this time.
    pub(crate) fn user_within(&self, key: &Key, age: Duration) -> Option<Arc<KnownUser>> {
        let (user, read) = self.users.get(key)?;
        is_within(*read, age).then(|| user.clone())
    }

    /// The groups of the user with this SID, if they were read within this time.
    pub(crate) fn membership_within(&self, sid: Sid, age: Duration) -> Option<Arc<Membership>> {
        let (membership, read) = self.memberships.get(&sid)?;
        is_within(*read, age).then(|| membership.clone())
    }

    /// Keeps a user under the name or id that was asked for, and under the canonical ones.
    pub(crate) fn keep_user(&mut self, asked: Key, user: &Arc<KnownUser>) {
        let mut keys = vec![asked, Key::Uid(user.entry.uid)];
        keys.extend(UserName::parse(user.entry.name.as_bytes()).ok().map(Key::UserName));
        for key in keys {
            self.nobody.pop(&key);
            self.users.insert(key, (user.clone(), Some(Instant::now())));
        }
    }

    /// Keeps a group under its name and id.
    pub(crate) fn keep_group(&mut self, group: &Arc<KnownGroup>) {
        let name = GroupName::parse(group.entry.name.as_bytes()).ok().map(Key::GroupName);
        for key in name.into_iter().chain([Key::Gid(group.entry.gid)]) {
            self.nobody.pop(&key);
            self.groups.insert(key, (group.clone(), Some(Instant::now())));
        }
    }

    /// Keeps the groups of the user with this SID.
    pub(crate) fn keep_membership(&mut self, sid: Sid, membership: &Arc<Membership>) {
        self.memberships.insert(sid, (membership.clone(), Some(Instant::now())));
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

    /// Keeps that nobody has a name or id. Only an answer of the directory says so, never an
    /// error.
    pub(crate) fn keep_nobody(&mut self, key: Key) {
        self.users.remove(&key);
        self.groups.remove(&key);
        self.nobody.put(key, Instant::now());
    }

    /// Takes over what is known of somebody from before the start; what has been read since goes
    /// before it.
    pub(crate) fn recollect(
        &mut self,
        names: Vec<UserName>,
        user: KnownUser,
        membership: Membership,
        groups: Vec<GroupEntry>,
    ) {
        self.memberships.entry(user.record.sid).or_insert((Arc::new(membership), None));
        let keys = names.into_iter().map(Key::UserName).chain([Key::Uid(user.entry.uid)]);
        let user = Arc::new(user);
        for key in keys {
            self.users.entry(key).or_insert((user.clone(), None));
        }
        for entry in groups {
            let name = GroupName::parse(entry.name.as_bytes()).ok().map(Key::GroupName);
            let keys = name.into_iter().chain([Key::Gid(entry.gid)]);
            let group = Arc::new(KnownGroup { entry });
            for key in keys {
                self.groups.entry(key).or_insert((group.clone(), None));
            }
        }
    }

    /// Forgets whoever has this uid or gid, under every name: it has turned out to be several's.
    pub(crate) fn forget_id(&mut self, id: u32) {
        self.users.retain(|_, (user, _)| user.entry.uid != id);
        self.groups.retain(|_, (group, _)| group.entry.gid != id);
        self.memberships.retain(|_, (membership, _)| !membership.gids.contains(&id));
    }

    /// Users and groups held, each once.
    pub(crate) fn count(&self) -> (usize, usize) {
        let users = self.users.keys().filter(|key| matches!(key, Key::Uid(_))).count();
        let groups = self.groups.keys().filter(|key| matches!(key, Key::Gid(_))).count();
        (users, groups)
    }

    fn recall<Known>(
        &mut self,
        found: Option<(Arc<Known>, Read)>,
        key: Option<&Key>,
    ) -> Recalled<Known> {
        if let Some((known, read)) = found {
            return match is_within(read, self.fresh_for) {
                true => Recalled::Fresh(known),
                false => Recalled::Stale(known),
            };
        }
        match key.and_then(|key| self.nobody.get(key)) {
            Some(read) if read.elapsed() < self.nobody_for => Recalled::Nobody,
            _ => Recalled::Unknown,
        }
    }
}

fn is_within(read: Read, age: Duration) -> bool {
    read.is_some_and(|moment| moment.elapsed() < age)
}

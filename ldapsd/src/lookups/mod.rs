//! Names and ids: the host's own first, then memory, then one search, however many ask.

pub(crate) mod accounts;
mod changed;
mod claims;
pub(crate) mod copies;
mod fields;
mod find;
mod flights;
pub(crate) mod given;
mod granted;
pub(crate) mod local_names;
mod matches;
pub(crate) mod memory;
pub(crate) mod mirrored;
mod named_groups;
mod naming;
pub(crate) mod outbox;
pub(crate) mod person;
mod recollection;
mod rotation;
mod shadowed;
pub(crate) mod tended;
mod told;
mod withheld;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldaps_core::config::Config;
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::names::{GroupName, NameForm, UserName};
use ldaps_core::sid::Sid;
use ldaps_directory::{Directory, DirectoryError, Page, UserRecord};
use tokio::time::{Instant, timeout};

use crate::budget::Asker;
use crate::durable::ids::GivenIds;
use flights::Flights;
use local_names::{LocalNames, Names};
use memory::{Key, KnownGroup, KnownUser, Membership, Memory, Recalled};
use named_groups::NamedGroups;
use naming::Naming;
use shadowed::Shadowed;
use told::Told;

/// How long a refresh is waited for where there is an answer from before: the search goes on, and
/// its answer is there next time.
const REFRESH_PATIENCE: Duration = Duration::from_millis(500);
/// How long what AD said of an account decides about logins without a password (keys, cron, su by
/// root) while no server answers: a day's outage locks nobody out of what is being mended, and
/// whom AD has disabled meanwhile is not let in for ever.
pub(crate) const LOGIN_MEMORY: Duration = Duration::from_secs(24 * 3600);

/// An answer, or why there is none.
pub(crate) type Answer<T> = Result<Option<T>, DirectoryError>;

/// The look-ups under one configuration.
pub(crate) struct Lookups(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    directory: Arc<Directory>,
    local: LocalNames,
    memory: Mutex<Memory>,
    shadowed: Shadowed,
    named: NamedGroups,
    told: Arc<Told>,
    given: Arc<GivenIds>,
    /// The SIDs of groups that access rules name.
    rule_groups: Mutex<HashMap<GroupName, (Option<Sid>, Option<Instant>)>>,
    user_flights: Arc<Flights<Key, Answer<Arc<KnownUser>>>>,
    group_flights: Arc<Flights<Key, Answer<Arc<KnownGroup>>>>,
    membership_flights: Arc<Flights<Sid, Answer<Arc<Membership>>>>,
    naming: Naming,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Lookups {
    /// Nothing is remembered yet.
    pub(crate) fn new(
        config: &Arc<Config>,
        directory: Arc<Directory>,
        given: &Arc<GivenIds>,
    ) -> Self {
        Self(Arc::new(Inner {
            config: config.clone(),
            directory,
            local: LocalNames::of_this_host(),
            memory: Mutex::new(Memory::new(&config.cache)),
            shadowed: Shadowed::default(),
            named: NamedGroups::default(),
            told: Arc::default(),
            given: given.clone(),
            rule_groups: Mutex::default(),
            user_flights: Arc::default(),
            group_flights: Arc::default(),
            membership_flights: Arc::default(),
            naming: Naming::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }))
    }

    /// Remembers what the look-ups before a reload remembered.
    pub(crate) fn inherit(&self, from: &Self) {
        self.0.memory().inherit(&from.0.memory());
        let goes_on = |of: &AtomicU64, before: &AtomicU64| {
            of.fetch_add(before.load(Ordering::Relaxed), Ordering::Relaxed);
        };
        goes_on(&self.0.hits, &from.0.hits);
        goes_on(&self.0.misses, &from.0.misses);
    }

    /// The host's own names, as they are now.
    pub(crate) fn local_names(&self) -> Result<Arc<Names>, DirectoryError> {
        self.0.local_names()
    }

    /// The user asked for, from memory where it is fresh.
    pub(crate) async fn user(&self, key: Key, asker: Asker<'_>) -> Answer<Arc<KnownUser>> {
        let local = self.0.local_names()?;
        if is_local_user(&key, &local) {
            return Ok(None);
        }
        let recalled = self.0.memory().user(&key);
        let found = self.0.answer(recalled, asker, self.0.clone().find_user_once(key)).await?;
        Ok(found.filter(|user| !local.has_user(&user.entry.name)))
    }

    /// Why nobody of this name is served, for the administrator.
    pub(crate) async fn why_not(&self, name: &UserName) -> Result<String, DirectoryError> {
        self.0.why_not(name).await
    }

    /// The user as memory has it: for a login while no server answers.
    pub(crate) fn user_remembered(&self, name: &UserName) -> Option<Arc<KnownUser>> {
        self.0.memory().user_within(&Key::UserName(name.clone()), LOGIN_MEMORY)
    }

    /// The group asked for with its members, from memory where it is fresh.
    pub(crate) async fn group(&self, key: Key, asker: Asker<'_>) -> Answer<Arc<KnownGroup>> {
        let local = self.0.local_names()?;
        if is_local_group(&key, &local) {
            return Ok(None);
        }
        let recalled = self.0.memory().group(&key);
        if let (Key::Gid(gid), Recalled::Unknown | Recalled::Stale(_)) = (&key, &recalled) {
            self.0.name_the_others(*gid, asker.uid);
        }
        let found = self.0.answer(recalled, asker, self.0.clone().find_group_once(key)).await?;
        Ok(found.filter(|group| !local.has_group(&group.name)))
    }

    /// The groups of a user, from memory where they are fresh. None: AD does not show them.
    pub(crate) async fn membership(
        &self,
        user: &KnownUser,
        asker: Asker<'_>,
    ) -> Answer<Arc<Membership>> {
        self.0.naming.asked_for(user.record.sid);
        let recalled = self.0.memory().membership(user.record.sid);
        let search = self.0.clone().find_membership_once(user.record.clone());
        self.0.answer(recalled, asker, search).await
    }

    /// The groups of a user as the directory has them now.
    pub(crate) async fn membership_now(&self, user: &KnownUser) -> Answer<Arc<Membership>> {
        self.0.clone().find_membership(user.record.clone()).await
    }

    /// The gids of the host's own groups that a user in these groups is given.
    pub(crate) async fn local_gids(
        &self,
        membership: &Membership,
    ) -> Result<Vec<u32>, DirectoryError> {
        self.0.local_gids(membership).await
    }

    /// The groups of a user as memory has them: for a login while no server answers.
    pub(crate) fn membership_remembered(&self, user: &KnownUser) -> Option<Arc<Membership>> {
        self.0.memory().membership_within(user.record.sid, LOGIN_MEMORY)
    }

    /// The SID of a group that an access rule or `[local_groups]` names: the directory's, whatever the host has under
    /// that name. None: there is no such group.
    pub(crate) async fn rule_group(&self, name: &GroupName) -> Result<Option<Sid>, DirectoryError> {
        self.0.rule_group(name).await
    }

    /// A page of users for `getent passwd`.
    pub(crate) async fn users_page(
        &self,
        cookie: Vec<u8>,
    ) -> Result<Page<PasswdEntry>, DirectoryError> {
        self.0.users_page(cookie).await
    }

    /// A page of groups for `getent group`.
    pub(crate) async fn groups_page(
        &self,
        cookie: Vec<u8>,
    ) -> Result<Page<GroupEntry>, DirectoryError> {
        self.0.groups_page(cookie).await
    }

    /// Hits and misses since the start, users and groups held.
    pub(crate) fn numbers(&self) -> [u64; 4] {
        let (users, groups) = self.0.memory().count();
        let held = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let Inner { hits, misses, .. } = &*self.0;
        [hits.load(Ordering::Relaxed), misses.load(Ordering::Relaxed), held(users), held(groups)]
    }
}

impl Inner {
    /// What memory has, or what the search finds; what memory had long ago, where no server
    /// answers, or not at once. Only a search takes a place of the asker's.
    async fn answer<Known>(
        &self,
        recalled: Recalled<Known>,
        asker: Asker<'_>,
        search: impl Future<Output = Answer<Arc<Known>>>,
    ) -> Answer<Arc<Known>> {
        let stale = match recalled {
            Recalled::Fresh(known) => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                return Ok(Some(known));
            }
            Recalled::Nobody => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                return Ok(None);
            }
            Recalled::Stale(known) => Some(known),
            Recalled::Unknown => None,
        };
        self.misses.fetch_add(1, Ordering::Relaxed);
        let found = async {
            let _place = asker.place().await;
            search.await
        };
        let Some(known) = stale else { return found.await };
        match timeout(REFRESH_PATIENCE, found).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if self.is_of_another_domain() => Err(error),
            Ok(Err(_)) | Err(_) => Ok(Some(known)),
        }
    }

    /// Whether what was held when a question came has turned out to be of another domain.
    fn is_of_another_domain(&self) -> bool {
        let (ours, theirs) = (self.memory().domain(), self.directory.status().domain);
        ours.zip(theirs).is_some_and(|(ours, theirs)| ours != theirs.sid)
    }

    async fn find_user_once(self: Arc<Self>, key: Key) -> Answer<Arc<KnownUser>> {
        let flights = self.user_flights.clone();
        flights.share(key.clone(), self.find_user(key)).await
    }

    async fn find_group_once(self: Arc<Self>, key: Key) -> Answer<Arc<KnownGroup>> {
        let flights = self.group_flights.clone();
        flights.share(key.clone(), self.find_group(key)).await
    }

    async fn find_membership_once(self: Arc<Self>, user: UserRecord) -> Answer<Arc<Membership>> {
        let flights = self.membership_flights.clone();
        flights.share(user.sid, self.find_membership(user)).await
    }

    async fn rule_group(&self, name: &GroupName) -> Result<Option<Sid>, DirectoryError> {
        let known = || self.rule_groups.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = known().get(name).copied();
        if let Some((sid, read)) = remembered
            && read.is_some_and(|moment| moment.elapsed() < self.config.cache.positive)
        {
            return Ok(sid);
        }
        match (self.directory.group_by_name(name).await, remembered) {
            (Ok(group), _) => {
                if group.is_none() {
                    tracing::warn!(
                        "ldaps.toml names the group \"@{name}\", and the directory has no such \
                         security group"
                    );
                }
                let sid = group.map(|group| group.sid);
                known().insert(name.clone(), (sid, Some(Instant::now())));
                Ok(sid)
            }
            (Err(_), Some((sid, _))) => Ok(sid),
            (Err(error), None) => Err(error),
        }
    }

    fn local_names(&self) -> Result<Arc<Names>, DirectoryError> {
        self.local.now().map_err(|error: io::Error| DirectoryError::Unusable {
            what: "the list of local users and groups",
            problem: error.to_string(),
        })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_local_user(key: &Key, local: &Names) -> bool {
    match key {
        Key::UserName(name) => match name.form() {
            NameForm::Bare(name) => local.has_user(name),
            NameForm::At(_) | NameForm::DownLevel { .. } => false,
        },
        Key::Uid(uid) => local.has_uid(*uid),
        Key::GroupName(_) | Key::Gid(_) => false,
    }
}

fn is_local_group(key: &Key, local: &Names) -> bool {
    match key {
        Key::GroupName(name) => local.has_group(name.as_str()),
        Key::Gid(gid) => local.has_gid(*gid),
        Key::UserName(_) | Key::Uid(_) => false,
    }
}

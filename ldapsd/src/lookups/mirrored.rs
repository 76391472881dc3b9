//! People who are read before anybody asks for them, as they look on this host: by the same rules
//! as those who are asked for, one by one. The groups of each follow from a graph.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::sid::Sid;
use ldaps_directory::{Changes, DirectoryError, UserRecord};
use tokio::time::Instant;

use super::accounts::{Accounts, member_names};
use super::local_names::Names;
use super::memory::{KnownGroup, KnownUser, Membership};
use super::{Inner, Lookups};
use crate::mirror::graph::{Graph, Place, Rid, Touched};

/// Users whose entries are made anew at once, between two answers to somebody else.
const REMADE: usize = 50;

/// What entries are made with, at one moment.
#[derive(Clone)]
pub(crate) struct View {
    inner: Arc<Inner>,
    accounts: Arc<Accounts>,
    local: Arc<Names>,
    /// Groups of the directory whose names the host has itself.
    shadowed: Arc<HashSet<Sid>>,
}

/// The host's own names, as far as they decide who is shown.
#[derive(Debug, Clone)]
pub(crate) struct HostNames {
    local: Arc<Names>,
    shadowed: Arc<HashSet<Sid>>,
}

/// Who was seen in the directory, and when it was begun to look.
pub(crate) struct Sighting {
    pub(crate) since: Instant,
    pub(crate) users: HashSet<Sid>,
    pub(crate) groups: HashSet<Sid>,
}

impl Lookups {
    /// What entries are made with now.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn view(&self) -> Result<View, DirectoryError> {
        let inner = self.0.clone();
        let (accounts, local) = inner.accounts().await?;
        let fresh_for = inner.config.cache.positive;
        let shadowed = inner.shadowed.now(&inner.directory, &local, fresh_for).await?;
        Ok(View { inner, accounts: Arc::new(accounts), local, shadowed })
    }

    /// Who was seen is as it was read: no change has been told of.
    pub(crate) fn saw(&self, sighting: &Sighting) {
        self.0.memory().saw(sighting);
    }

    /// The groups and the users whom the directory may have otherwise.
    pub(crate) fn doubted(&self) -> (Vec<Sid>, Vec<Sid>) {
        self.0.memory().doubted()
    }

    /// What is known from before the start is as the directory has it now.
    pub(crate) fn trust_recollected(&self) {
        self.0.memory().trust_recollected();
    }

    /// Names that were nobody's may be somebody's.
    pub(crate) fn not_nobody(&self, changes: &Changes) {
        if let Changes::These(changes) = changes {
            let mut memory = self.0.memory();
            changes.iter().for_each(|change| super::changed::forget_nobody(&mut memory, change));
        }
    }

    /// A page of the users that are known, by their uids: those above this one.
    pub(crate) fn known_users(&self, above: Option<u32>, most: usize) -> Vec<PasswdEntry> {
        self.0.memory().users_above(above, most)
    }

    /// The same of groups that the directory has objects of.
    pub(crate) fn known_groups(&self, above: Option<u32>, most: usize) -> Vec<GroupEntry> {
        self.0.memory().groups_above(above, most)
    }
}

impl View {
    /// The host's own names.
    pub(crate) fn host_names(&self) -> HostNames {
        HostNames { local: self.local.clone(), shadowed: self.shadowed.clone() }
    }

    /// Knows these users as the directory has them, each with the SIDs of the groups; who cannot be
    /// shown is forgotten.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn take_users(
        &self,
        users: Vec<(UserRecord, Vec<Sid>)>,
        groups: &HashSet<String>,
    ) -> Result<(), DirectoryError> {
        let mut gone: HashSet<Sid> = users.iter().map(|(record, _)| record.sid).collect();
        let entry = |(record, groups): (UserRecord, Vec<Sid>)| {
            let entry = self.accounts.passwd(&record, &groups, &self.local).ok()?;
            Some((record, entry))
        };
        let shown: Vec<_> = users.into_iter().filter_map(entry).collect();
        {
            // Whatever has changed may be another name of theirs, which is not read here.
            let mut memory = self.inner.memory();
            shown.iter().for_each(|(record, _)| memory.doubt_user(record.sid));
        }
        // What changes while they are kept is read again after this.
        let begun = Instant::now();
        for user in self.inner.keep_users(&self.accounts, shown, begun).await? {
            gone.remove(&user.record.sid);
            self.keep_private_group(&user.entry, groups);
        }
        let mut memory = self.inner.memory();
        gone.into_iter().for_each(|sid| memory.forget_user(sid));
        Ok(())
    }

    /// A group of the user's own, as `find::private_group` makes it: not where a group of the
    /// directory or of the host has the name.
    fn keep_private_group(&self, user: &PasswdEntry, groups: &HashSet<String>) {
        let is_private = self.accounts.is_private(user.uid, user.gid);
        if is_private && !groups.contains(&user.name) && !self.local.has_group(&user.name) {
            let (name, gid) = (user.name.clone(), user.gid);
            let entry = GroupEntry { name, gid, members: Vec::new() };
            self.inner.memory().keep_group(&Arc::new(KnownGroup::of(entry, None)), Instant::now());
        }
    }

    /// Forgets users whom the directory has no more, or not for this host.
    pub(crate) fn forget_users(&self, sids: impl Iterator<Item = Sid>) {
        let mut memory = self.inner.memory();
        sids.for_each(|sid| {
            if let Some(gid) = memory.private_group_of(sid) {
                memory.forget_group(gid);
            }
            memory.forget_user(sid);
        });
    }

    /// The same of groups. Of one that is not held nothing follows: many are held for nobody.
    pub(crate) fn forget_groups(&self, sids: impl Iterator<Item = Sid>) {
        let mut memory = self.inner.memory();
        let held = memory.gids_of_groups();
        sids.filter_map(|sid| held.get(&sid)).for_each(|gid| memory.forget_group(*gid));
    }

    /// Forgets everybody who is not in the graph.
    pub(crate) fn forget_others(&self, graph: &Graph) {
        let served: HashSet<Sid> =
            graph.sids().filter_map(|(sid, served)| served.then_some(sid)).collect();
        let (users, groups) = {
            let memory = self.inner.memory();
            let is_in = |sid: &Sid| sid.split_rid().is_some_and(|(_, rid)| graph.has_person(rid));
            let users = memory.users_by_age().into_iter().map(|(_, sid)| sid);
            let groups = memory.groups_by_age().into_iter().map(|(_, sid)| sid);
            let users: Vec<Sid> = users.filter(|sid| !is_in(sid)).collect();
            (users, groups.filter(|sid| !served.contains(sid)).collect::<Vec<_>>())
        };
        self.forget_users(users.into_iter());
        self.forget_groups(groups.into_iter());
    }

    /// Knows what follows from the graph for whoever is touched: groups with their members, users
    /// with their groups.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn follow(
        &self,
        graph: &Arc<Graph>,
        touched: Touched,
    ) -> Result<(), DirectoryError> {
        let mut entries: HashMap<Place, (Sid, GroupEntry)> = HashMap::new();
        let mut hidden = Vec::new();
        for place in &touched.groups {
            let Some(node) = graph.node(*place) else { continue };
            let sid = node.record.sid;
            let entry = self.accounts.group(&node.record, &self.local);
            let entry = entry.and_then(|entry| self.accounts.still_the_groups(entry, sid));
            match entry {
                Ok(entry) if node.served => drop(entries.insert(*place, (sid, entry))),
                _ => hidden.push(sid),
            }
        }
        let gids: Vec<u32> = entries.values().map(|(_, entry)| entry.gid).collect();
        let twice = self.inner.gids_twice(&self.accounts, &gids).await?;
        entries.retain(|_, (_, entry)| !twice.contains_key(&entry.gid));
        self.forget_groups(hidden.into_iter());
        if self.accounts.need_groups() {
            self.remake_users(graph, touched.people.iter().copied()).await?;
        }
        let (view, graph) = (self.clone(), graph.clone());
        // A hundred thousand users are a second's work: nobody's look-up is to wait for it.
        let work = tokio::task::spawn_blocking(move || {
            view.keep_groups(&graph, entries);
            view.keep_memberships(&graph, touched.people.into_iter());
        });
        work.await.map_err(|error| DirectoryError::Unusable {
            what: "the groups of everybody",
            problem: error.to_string(),
        })
    }

    /// Makes the entries of these users anew: what decides about them is not their own.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn remake_users(
        &self,
        graph: &Graph,
        rids: impl Iterator<Item = Rid>,
    ) -> Result<(), DirectoryError> {
        let names = graph.served_names();
        let rids: Vec<Rid> = rids.collect();
        for batch in rids.chunks(REMADE) {
            let held = |rid: &Rid| {
                let user = self.inner.memory().user_of(graph.domain.with_rid(*rid)?)?;
                Some((user.known.record.clone(), graph.token(graph.roots(*rid)?)))
            };
            let users = batch.iter().filter_map(held).collect();
            self.take_users(users, &names).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Who is served, and not shown.
    pub(crate) fn withheld(&self, graph: &Graph) -> Vec<Sid> {
        let memory = self.inner.memory();
        let sids = graph.people().filter_map(|rid| graph.domain.with_rid(rid));
        sids.filter(|sid| memory.user_of(*sid).is_none()).collect()
    }

    fn keep_groups(&self, graph: &Graph, entries: HashMap<Place, (Sid, GroupEntry)>) {
        if entries.is_empty() {
            return;
        }
        let members = graph.members(&entries.keys().copied().collect());
        let mut names: HashMap<Rid, Option<String>> = HashMap::new();
        for (place, (sid, mut entry)) in entries {
            for rid in members.get(&place).into_iter().flatten() {
                let name = names.entry(*rid).or_insert_with(|| {
                    member_names(vec![graph.account(*rid)?.to_owned()], &self.local).pop()
                });
                entry.members.extend(name.clone());
            }
            entry.members.sort_unstable();
            entry.members.dedup();
            let group = Arc::new(KnownGroup::of(entry, Some(sid)));
            self.accounts.give_group(&group);
            self.inner.memory().keep_group(&group, Instant::now());
        }
    }

    fn keep_memberships(&self, graph: &Graph, people: impl Iterator<Item = Rid>) {
        let held = self.inner.memory().gids_of_groups();
        let taken: HashSet<u32> = held.values().copied().collect();
        let mut known: HashMap<_, Arc<Membership>> = HashMap::new();
        for rid in people {
            let user = graph.domain.with_rid(rid);
            let (Some(user), Some(roots)) = (user, graph.roots(rid)) else { continue };
            let membership = known.entry(roots).or_insert_with(|| {
                let sids = graph.token(roots);
                let gids = self.gids(&sids, &held, &taken);
                Arc::new(Membership { sids: sids.into(), gids })
            });
            self.inner.memory().keep_computed(user, membership);
        }
    }

    /// The gids of these groups, as `find::find_membership` gives them.
    fn gids(&self, sids: &[Sid], held: &HashMap<Sid, u32>, taken: &HashSet<u32>) -> Vec<u32> {
        let shown: Vec<Sid> =
            sids.iter().filter(|sid| !self.shadowed.contains(sid)).copied().collect();
        let mut gids = match self.accounts.gids_of_sids(&shown) {
            Some(gids) => gids,
            None => shown.iter().filter_map(|sid| held.get(sid).copied()).collect(),
        };
        // One that came out twice is held for nobody.
        gids.retain(|gid| !self.accounts.may_be_twice(*gid) || taken.contains(gid));
        gids.retain(|gid| !self.local.has_gid(*gid));
        gids
    }
}

impl HostNames {
    /// Whether they are others than those.
    pub(crate) fn are_others(&self, than: &Self) -> bool {
        !Arc::ptr_eq(&self.local, &than.local) || self.shadowed != than.shadowed
    }
}

impl Inner {
    /// Keeps these users, but for whose ids are others' too, or were; those that are kept.
    pub(super) async fn keep_users(
        &self,
        accounts: &Accounts,
        users: Vec<(UserRecord, PasswdEntry)>,
        begun: Instant,
    ) -> Result<Vec<Arc<KnownUser>>, DirectoryError> {
        let uids: Vec<u32> = users.iter().map(|(_, entry)| entry.uid).collect();
        let twice = self.uids_twice(accounts, &uids).await?;
        let mut kept = Vec::with_capacity(users.len());
        for (record, entry) in users.into_iter().filter(|(_, e)| !twice.contains_key(&e.uid)) {
            if let Ok(entry) = accounts.still_theirs(entry, record.sid) {
                let user = Arc::new(KnownUser { entry, record });
                accounts.give_user(&user);
                self.memory().keep_user(None, &user, begun);
                kept.push(user);
            }
        }
        Ok(kept)
    }
}

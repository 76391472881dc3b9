//! The thread that writes the map: first what of before still holds, then whatever changes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ldaps_core::entries::PasswdEntry;
use ldaps_core::map::{Answer, Key as MapKey, MapWriter, OwnedKey, PutError};
use ldaps_core::names::{GroupName, UserName};
use ldaps_core::protocol::client::monotonic_now;
use ldaps_core::sid::Sid;

use super::fullness::Fullness;
use crate::lookups::copies::Watch;
use crate::lookups::local_names::Names;
use crate::lookups::memory::{Copied, Key, KnownGroup, KnownUser, Membership, Trust};
use crate::lookups::outbox::Subject;

/// How often the host's own names are looked at, where nothing tells of a change.
const LOOK_AROUND_EVERY: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Publishing {
    watch: Watch,
    map: MapWriter,
    /// The host's own names, which hide the directory's. None: not known, so everything is hidden.
    local: Option<Arc<Names>>,
    /// Under which uid and other names each user stands in the map.
    users: HashMap<Sid, Standing>,
    fullness: Fullness,
}

#[derive(Debug, PartialEq, Eq)]
struct Standing {
    uid: u32,
    aliases: Box<[Box<str>]>,
}

/// What belongs into the map.
enum Put {
    User(Arc<KnownUser>, Box<[Box<str>]>),
    Group(Arc<KnownGroup>),
    Membership(u32, Arc<Membership>),
    Nobody(OwnedKey, Duration),
}

impl Publishing {
    pub(super) fn new(watch: Watch, map: MapWriter) -> Self {
        let local = watch.local_names();
        Self { watch, map, local, users: HashMap::new(), fullness: Fullness::default() }
    }

    pub(super) fn run(mut self, everybody: Vec<Subject>) {
        self.go_on_with_what_holds(&everybody);
        self.publish(everybody);
        while let Some(emptied) = self.watch.wait(LOOK_AROUND_EVERY) {
            self.look_around();
            self.publish(emptied.subjects.iter().cloned());
            self.watch.is_copied(&emptied);
        }
    }

    /// Withdraws what a daemon, or a configuration, before this one has published and memory does
    /// not have so. What memory has from before the start stays until it is doubted: the daemon
    /// that read it has watched over it until then.
    fn go_on_with_what_holds(&mut self, everybody: &[Subject]) {
        let groups_of: HashMap<u32, Sid> = everybody
            .iter()
            .filter_map(|subject| match subject {
                Subject::Membership(sid) => Some((self.watch.user(*sid)?.known.entry.uid, *sid)),
                Subject::User(_) | Subject::Group(_) | Subject::Nobody(_) => None,
            })
            .collect();
        for key in self.map.keys() {
            if !self.take_over(&key, &groups_of) {
                self.map.remove(key.key());
            }
        }
    }

    /// Whether what stands under this key still holds; a user who does is known to stand there.
    fn take_over(&mut self, key: &OwnedKey, groups_of: &HashMap<u32, Sid>) -> bool {
        let map = self.map.view();
        match key {
            OwnedKey::UserName(raw) => {
                let Answer::Found(user) = map.user_by_name(raw) else { return false };
                let Ok(name) = UserName::parse(raw) else { return false };
                let known = self.watch.user_at(&Key::UserName(name));
                let Some(known) = known.filter(|known| known.trust != Trust::Doubted) else {
                    return false;
                };
                let entry = &known.known.entry;
                let is_shown = !self.hides_user(entry);
                if is_shown && user.to_entry().as_ref() == Some(entry) {
                    let aliases = aliases(&known.keys, entry);
                    let standing = Standing { uid: entry.uid, aliases };
                    self.users.insert(known.known.record.sid, standing);
                    return true;
                }
                false
            }
            OwnedKey::GroupName(raw) => {
                let Answer::Found(group) = map.group_by_name(raw) else { return false };
                let Ok(name) = GroupName::parse(raw) else { return false };
                let known = self.watch.group_at(&Key::GroupName(name));
                known.is_some_and(|known| {
                    known.trust != Trust::Doubted
                        && !self.hides_group(&known.known)
                        && group.to_entry() == Some(known.known.entry())
                })
            }
            OwnedKey::GroupsOf(uid) => {
                let known = groups_of.get(uid).and_then(|sid| self.watch.membership(*sid));
                let Answer::Found(user) = map.user_by_uid(*uid) else { return false };
                let Answer::Found(gids) = map.groups_of(user.name()) else { return false };
                known.is_some_and(|known| {
                    known.trust != Trust::Doubted
                        && self.watch.grants_nothing(&known.known)
                        && gids.gids().eq(known
                            .known
                            .gids
                            .iter()
                            .copied()
                            .collect::<BTreeSet<u32>>())
                })
            }
            // What nobody has is not kept over a start.
            OwnedKey::Uid(_) | OwnedKey::Gid(_) => false,
        }
    }

    /// Where the host has other names than before, it hides others, and others no more.
    fn look_around(&mut self) {
        let now = self.watch.local_names();
        let same = match (&self.local, &now) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if same {
            return;
        }
        self.local = now;
        let everybody = self.watch.everybody();
        self.publish(everybody);
        // Who is hidden is also no member any more.
        self.watch.doubt_everything_of_groups();
    }

    /// First all withdrawals, so that none takes what somebody else has got meanwhile.
    fn publish(&mut self, subjects: impl IntoIterator<Item = Subject>) {
        let subjects: HashSet<Subject> = subjects.into_iter().collect();
        let puts: Vec<Put> =
            subjects.into_iter().flat_map(|subject| self.withdraw_or(subject)).collect();
        let outcomes: Vec<_> = puts.into_iter().map(|put| self.put(put)).collect();
        if self.fullness.is_news(&outcomes) {
            tracing::warn!(
                "the shared map is full: who is not in it is answered by the socket. map_mib under \
                 [cache] in ldaps.toml says how large it may be, a quarter of /run at most"
            );
        }
    }

    /// Withdraws what does not hold any more; gives what does.
    fn withdraw_or(&mut self, subject: Subject) -> Vec<Put> {
        let put = match subject {
            Subject::User(sid) => return self.withdraw_user_or(sid),
            Subject::Group(gid) => {
                let group = self.watch.group(gid);
                match verdict(group, |group| !self.hides_group(group)) {
                    Verdict::Belongs(group) => Some(Put::Group(group.known)),
                    Verdict::Stays => None,
                    Verdict::Goes => {
                        self.map.remove(MapKey::Gid(gid));
                        None
                    }
                }
            }
            Subject::Membership(sid) => self.withdraw_membership_or(sid),
            Subject::Nobody(key) => {
                let owned = owned(&key);
                let left = self.watch.nobody_for(&key);
                if left.is_none() && self.is_nobodys(&owned) {
                    self.map.remove(owned.key());
                }
                left.map(|left| Put::Nobody(owned, monotonic_now() + left))
            }
        };
        put.into_iter().collect()
    }

    fn withdraw_user_or(&mut self, sid: Sid) -> Vec<Put> {
        let user = match verdict(self.watch.user(sid), |user| !self.hides_user(&user.entry)) {
            Verdict::Belongs(user) => user,
            Verdict::Stays => return Vec::new(),
            Verdict::Goes => {
                if let Some(standing) = self.users.remove(&sid) {
                    standing.aliases.iter().for_each(|alias| self.remove_name(alias));
                    self.map.remove(MapKey::Uid(standing.uid));
                }
                return Vec::new();
            }
        };
        let entry = &user.known.entry;
        let aliases = aliases(&user.keys, entry);
        let standing = Standing { uid: entry.uid, aliases: aliases.clone() };
        if let Some(before) = self.users.insert(sid, standing) {
            let gone = before.aliases.iter().filter(|alias| !aliases.contains(alias));
            gone.for_each(|alias| self.remove_name(alias));
            if before.uid != entry.uid {
                self.map.remove(MapKey::Uid(before.uid));
            }
        }
        // Withdrawn with the user, and not changed since: nobody would tell of them.
        let membership = self.withdraw_membership_or(sid);
        [Some(Put::User(user.known, aliases)), membership].into_iter().flatten().collect()
    }

    fn withdraw_membership_or(&mut self, sid: Sid) -> Option<Put> {
        let uid = self.users.get(&sid)?.uid;
        let groups = self.watch.membership(sid);
        match verdict(groups, |groups| self.watch.grants_nothing(groups)) {
            Verdict::Belongs(groups) => Some(Put::Membership(uid, groups.known)),
            Verdict::Stays => None,
            Verdict::Goes => {
                self.map.remove(MapKey::GroupsOf(uid));
                None
            }
        }
    }

    fn put(&mut self, put: Put) -> Result<(), PutError> {
        let done = match put {
            // Where there was room for a part, that part stands, and so `users` goes on telling
            // where it is to be withdrawn.
            Put::User(user, aliases) => self.map.put_user(&user.entry).and_then(|()| {
                aliases.iter().try_for_each(|alias| self.map.put_alias(alias, &user.entry))
            }),
            Put::Group(group) => self.map.put_group(&group.entry()),
            Put::Membership(uid, membership) => self.map.put_groups_of(uid, &membership.gids),
            Put::Nobody(key, until) => self.map.put_nobody(key.key(), until),
        };
        match &done {
            Ok(()) | Err(PutError::Full) => {}
            Err(error @ (PutError::Invalid(_) | PutError::Io(_))) => {
                tracing::error!("somebody is not in the shared map: {error}");
            }
        }
        done
    }

    /// Another name is never anybody's own: it has an `@` or a `\`.
    fn remove_name(&mut self, alias: &str) {
        self.map.remove(MapKey::UserName(alias.as_bytes()));
    }

    fn is_nobodys(&self, key: &OwnedKey) -> bool {
        let map = self.map.view();
        match key {
            OwnedKey::UserName(name) => map.user_by_name(name) == Answer::Nobody,
            OwnedKey::Uid(uid) => map.user_by_uid(*uid) == Answer::Nobody,
            OwnedKey::GroupName(name) => map.group_by_name(name) == Answer::Nobody,
            OwnedKey::Gid(gid) => map.group_by_gid(*gid) == Answer::Nobody,
            OwnedKey::GroupsOf(_) => false,
        }
    }

    fn hides_user(&self, user: &PasswdEntry) -> bool {
        let hides = |local: &Arc<Names>| local.has_user(&user.name) || local.has_uid(user.uid);
        self.local.as_ref().is_none_or(hides)
    }

    fn hides_group(&self, group: &KnownGroup) -> bool {
        let hides = |local: &Arc<Names>| local.has_group(&group.name) || local.has_gid(group.gid);
        self.local.as_ref().is_none_or(hides)
    }
}

/// What is to become of somebody's place in the map.
enum Verdict<Known> {
    /// This belongs there.
    Belongs(Copied<Known>),
    /// What is there from before the start stays: it was found right then.
    Stays,
    /// It does not hold any more, or is not shown here.
    Goes,
}

fn verdict<Known>(
    held: Option<Copied<Known>>,
    is_shown: impl FnOnce(&Known) -> bool,
) -> Verdict<Known> {
    let Some(held) = held.filter(|held| is_shown(&held.known)) else { return Verdict::Goes };
    match held.trust {
        Trust::AsTheDirectoryHasIt => Verdict::Belongs(held),
        Trust::FromBeforeStart => Verdict::Stays,
        Trust::Doubted => Verdict::Goes,
    }
}

/// The names by which a user was asked for, besides the account's own.
fn aliases(keys: &[Key], entry: &PasswdEntry) -> Box<[Box<str>]> {
    let names = keys.iter().filter_map(|key| match key {
        Key::UserName(name) => Some(name.as_str()),
        Key::Uid(_) | Key::GroupName(_) | Key::Gid(_) => None,
    });
    names.filter(|name| *name != entry.name).map(Box::from).collect()
}

fn owned(key: &Key) -> OwnedKey {
    match key {
        Key::UserName(name) => OwnedKey::UserName(name.as_str().as_bytes().into()),
        Key::Uid(uid) => OwnedKey::Uid(*uid),
        Key::GroupName(name) => OwnedKey::GroupName(name.as_str().as_bytes().into()),
        Key::Gid(gid) => OwnedKey::Gid(*gid),
    }
}

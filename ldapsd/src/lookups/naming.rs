//! The names of all groups of a user, together.
//!
//! Programs ask for them one after the other: `id` and `groups` (which the shell of a new Ubuntu user
//! runs) name each gid of an initgroups, and wait for each. So with the first of them the others are
//! asked for, too, in the same few searches, and are known when their turn comes. A login asks for
//! none, so nothing of this is on its way.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldaps_core::sid::Sid;
use ldaps_directory::{DirectoryError, GroupRecord};
use lru::LruCache;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Inner;
use super::accounts::{Accounts, member_names};
use super::find::told;
use super::local_names::Names;
use super::memory::{Key, KnownGroup, Membership, Recalled};
use super::withheld::Withheld;

/// People whose groups were asked for of late: whose gid it is that is named now is looked for among
/// them.
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::new(64).unwrap();
/// So long after all groups of a user were named they are not named again together, whatever came of
/// it: what is asked for one by one is answered in any case.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Users whose groups are being named at one moment.
const AT_ONCE: usize = 4;

/// Whose groups may be named next.
pub(super) struct Naming {
    /// With when they were last named.
    people: Mutex<LruCache<Sid, Option<Instant>>>,
    places: Arc<Semaphore>,
}

impl Default for Naming {
    fn default() -> Self {
        let people = Mutex::new(LruCache::new(PEOPLE_MAX));
        Self { people, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Naming {
    /// Somebody was told the gids of a user: their names may be asked for next.
    pub(super) fn asked_for(&self, user: Sid) {
        self.lock().get_or_insert(user, || None);
    }

    /// The users whose groups were asked for, the last one first, but for those just named.
    fn due(&self) -> Vec<Sid> {
        let is_due = |named: &Option<Instant>| named.is_none_or(|at| at.elapsed() >= AGAIN_AFTER);
        let people = self.lock();
        people.iter().filter(|(_, named)| is_due(named)).map(|(user, _)| *user).collect()
    }

    fn named(&self, user: Sid) {
        self.lock().put(user, Some(Instant::now()));
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Sid, Option<Instant>>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The name of a gid is asked for by this uid, and not known: the other groups of whoever has it
    /// are going to be asked for, too.
    pub(super) fn name_the_others(self: &Arc<Self>, gid: u32, asker: u32) {
        let Some((user, membership)) = self.who_has(gid, asker) else { return };
        let Ok(place) = self.naming.places.clone().try_acquire_owned() else { return };
        self.naming.named(user);
        let lookups = self.clone();
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = lookups.name_groups(&membership, gid).await {
                // Whoever asks for one of them gets it, or the error.
                tracing::debug!("the groups of {user} are not named together: {error}");
            }
        });
    }

    /// The user for whom this gid is named, and their groups, if more than one is not known: the one
    /// who asks, as in a shell, or the last whose groups were asked for.
    fn who_has(&self, gid: u32, asker: u32) -> Option<(Sid, Arc<Membership>)> {
        let mut memory = self.memory();
        let own = memory.sid_of(&Key::Uid(asker));
        let due = self.naming.due();
        let own = own.filter(|own| due.contains(own));
        own.into_iter().chain(due).find_map(|user| {
            let (Recalled::Fresh(groups) | Recalled::Stale(groups)) = memory.membership(user)
            else {
                return None;
            };
            let is_unknown =
                |gid: &&u32| !matches!(memory.group(&Key::Gid(**gid)), Recalled::Fresh(_));
            let unknown = groups.gids.iter().filter(is_unknown).count();
            (groups.gids.contains(&gid) && unknown > 1).then_some((user, groups))
        })
    }

    /// Asks for these groups and keeps them, but for the one that is being asked for by itself.
    async fn name_groups(
        &self,
        membership: &Membership,
        besides: u32,
    ) -> Result<(), DirectoryError> {
        let (accounts, local) = self.accounts().await?;
        let begun = Instant::now();
        let groups = self.directory.groups_by_sid(&membership.sids.to_vec()).await?;
        for group in self.complete_groups(&accounts, groups, &local, besides).await? {
            accounts.give_group(&group);
            self.memory().keep_group(&group, begun);
        }
        Ok(())
    }

    /// Groups with their members: those that are shown here, are not known and have another gid.
    async fn complete_groups(
        &self,
        accounts: &Accounts,
        groups: Vec<GroupRecord>,
        local: &Names,
        besides: u32,
    ) -> Result<Vec<Arc<KnownGroup>>, DirectoryError> {
        let is_wanted = |gid: u32| {
            gid != besides && !matches!(self.memory().group(&Key::Gid(gid)), Recalled::Fresh(_))
        };
        let shown: Vec<_> = groups
            .iter()
            .filter_map(|group| Some((group, accounts.group(group, local).ok()?)))
            .filter(|(_, entry)| is_wanted(entry.gid))
            .collect();
        let gids: Vec<u32> = shown.iter().map(|(_, entry)| entry.gid).collect();
        let twice = self.gids_twice(accounts, &gids).await?;
        let mut checked = Vec::with_capacity(shown.len());
        for (group, entry) in shown {
            let entry = match twice.get(&entry.gid) {
                Some(dns) => Err(Withheld::Twice(entry.gid, dns.clone())),
                None => accounts.still_the_groups(entry, group.sid),
            };
            checked.extend(told(entry, &group.dn).map(|entry| (group, entry)));
        }
        let dns: Vec<&str> = checked.iter().map(|(group, _)| group.dn.as_str()).collect();
        let members = self.directory.members_of_each(&dns).await?;
        let known = checked.into_iter().zip(members).map(|((group, mut entry), members)| {
            entry.members = member_names(members, local);
            Arc::new(KnownGroup::of(entry, Some(group.sid)))
        });
        Ok(known.collect())
    }
}

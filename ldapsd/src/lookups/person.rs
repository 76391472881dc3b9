//! Somebody who logs in, as the directory has them now: the account and its groups, of who is known
//! here in one search.

use std::sync::Arc;

use ldaps_core::names::UserName;
use ldaps_core::sid::Sid;
use ldaps_directory::{DirectoryError, Person, Wanted};
use tokio::time::Instant;

use super::accounts::Accounts;
use super::find::{TokenGroups, served};
use super::local_names::Names;
use super::memory::{Key, KnownUser, Membership, Recalled};
use super::withheld::Withheld;
use super::{Inner, Lookups};

/// A person as the directory has them now.
#[derive(Debug, Clone)]
pub(crate) struct PersonNow {
    pub(crate) user: Arc<KnownUser>,
    /// None: AD does not show the groups, or they were not wanted.
    pub(crate) membership: Option<Arc<Membership>>,
}

impl Lookups {
    /// The person of this name; None: nobody has it here. Memory only says which object to look
    /// at first, and learns what that is now.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn person_now(
        &self,
        name: &UserName,
        wanted: Wanted,
    ) -> Result<Option<PersonNow>, DirectoryError> {
        self.0.person_now(Key::UserName(name.clone()), name, wanted).await
    }

    /// Whether nothing has been heard of a person and their groups since they were read, nor have they
    /// been read otherwise.
    pub(crate) fn stands_by(&self, person: &PersonNow) -> bool {
        self.0.memory().stands_by(&person.user, person.membership.as_deref())
    }
}

impl Inner {
    async fn person_now(
        &self,
        key: Key,
        name: &UserName,
        wanted: Wanted,
    ) -> Result<Option<PersonNow>, DirectoryError> {
        let begun = Instant::now();
        let (accounts, local) = self.accounts().await?;
        let wanted = Wanted { groups: wanted.groups || accounts.need_groups(), ..wanted };
        let known = self.memory().sid_of(&key);
        let found = self.directory.person(name, known, wanted).await?;
        let served = match found {
            Some(person) => self.served_person(&accounts, person, &local).await?,
            None => None,
        };
        let Some((user, groups)) = served else {
            self.memory().keep_nobody(key, begun);
            return Ok(None);
        };
        accounts.give_user(&user);
        self.memory().keep_user(Some(key), &user, begun);
        self.naming.asked_for(user.record.sid);
        let membership = match groups {
            Some(sids) => {
                let user = user.record.sid;
                Some(self.membership_of(&accounts, user, sids, &local, begun).await?)
            }
            None => None,
        };
        Ok(Some(PersonNow { user, membership }))
    }

    /// The person's entry, if served here, and the groups that were read with it.
    async fn served_person(
        &self,
        accounts: &Accounts,
        person: Person,
        local: &Names,
    ) -> Result<Option<(Arc<KnownUser>, Option<Vec<Sid>>)>, DirectoryError> {
        let Person { record, groups } = person;
        let looked_at = match (&groups, accounts.need_groups()) {
            (Some(groups), _) => accounts.passwd(&record, groups, local),
            (None, false) => accounts.passwd(&record, &[], local),
            (None, true) => Err(Withheld::Missing("tokenGroups")),
        };
        let entry = self.only_theirs(accounts, looked_at, record.sid).await?;
        Ok(served(entry, record).map(|user| (user, groups)))
    }

    /// The groups of a person. Where their gids are numbers of the directory's own, those cost
    /// searches: not for groups that are known, and of which nothing new was heard.
    async fn membership_of(
        &self,
        accounts: &Accounts,
        user: Sid,
        sids: Vec<Sid>,
        local: &Arc<Names>,
        begun: Instant,
    ) -> Result<Arc<Membership>, DirectoryError> {
        if accounts.has_numbers()
            && let Recalled::Fresh(held) = self.memory().membership(user)
            && held.sids.iter().eq(sids.iter().copied())
        {
            return Ok(held);
        }
        let shadowed = self.shadowed(local).await?;
        self.served_membership(accounts, user, TokenGroups { begun, sids, shadowed }, local).await
    }
}

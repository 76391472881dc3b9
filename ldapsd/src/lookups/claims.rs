//! Who has an id here, by the directory and by the configuration together. An id that comes out
//! twice is nobody's: two accounts are never merged, and which of them was asked for first does
//! not matter.

use std::collections::{BTreeSet, HashMap};

use ldaps_core::config::PrimaryGroup;
use ldaps_directory::{DirectoryError, GroupRecord, UserRecord};

use super::Inner;
use super::accounts::{Accounts, ById};

/// Ids that came out twice, and the DNs of all who have them.
pub(super) type Twice = HashMap<u32, Vec<String>>;

impl Inner {
    /// The users who have one of these uids.
    pub(super) async fn users_of(
        &self,
        accounts: &Accounts,
        uids: &[u32],
    ) -> Result<Vec<(u32, UserRecord)>, DirectoryError> {
        let mut users = match accounts.by_id(uids) {
            ById::Sids(sids) => self.directory.users_by_sid(&sids).await?,
            ById::Numbers => self.directory.users_by_uid_number(uids).await?,
        };
        for uid in uids {
            if let Some(name) = self.config.users.looks.user_with_uid(*uid) {
                users.extend(self.directory.user_by_account(name).await?);
            }
        }
        users.sort_by(|a, b| a.dn.cmp(&b.dn));
        users.dedup_by(|a, b| a.sid == b.sid);
        let has_one = |user: UserRecord| {
            let uid = accounts.uid(&user).ok().filter(|uid| uids.contains(uid))?;
            Some((uid, user))
        };
        Ok(users.into_iter().filter_map(has_one).collect())
    }

    /// The groups that have one of these gids; no user's private one.
    pub(super) async fn groups_of(
        &self,
        accounts: &Accounts,
        gids: &[u32],
    ) -> Result<Vec<(u32, GroupRecord)>, DirectoryError> {
        let mut groups = match accounts.by_id(gids) {
            ById::Sids(sids) => self.directory.groups_by_sid(&sids).await?,
            ById::Numbers => self.directory.groups_by_gid_number(gids).await?,
        };
        groups.extend(gids.iter().filter_map(|gid| accounts.group_given(*gid)).cloned());
        groups.sort_by(|a, b| a.dn.cmp(&b.dn));
        groups.dedup_by(|a, b| a.sid == b.sid);
        let has_one = |group: GroupRecord| {
            let gid = accounts.gid(&group).ok().filter(|gid| gids.contains(gid))?;
            Some((gid, group))
        };
        Ok(groups.into_iter().filter_map(has_one).collect())
    }

    /// Which of these uids are several users', or, where each has a private group, a group's too.
    pub(super) async fn uids_twice(
        &self,
        accounts: &Accounts,
        uids: &[u32],
    ) -> Result<Twice, DirectoryError> {
        let uids = suspects(accounts, uids);
        let mut holders = Holders::default();
        if !uids.is_empty() {
            holders.add(self.users_of(accounts, &uids).await?, |user| &user.dn);
            if self.has_private_groups() {
                holders.add(self.groups_of(accounts, &uids).await?, |group| &group.dn);
            }
        }
        Ok(self.forget_twice(holders.twice()))
    }

    /// Which of these gids are several groups', or a group's and a user's private one.
    pub(super) async fn gids_twice(
        &self,
        accounts: &Accounts,
        gids: &[u32],
    ) -> Result<Twice, DirectoryError> {
        let gids = suspects(accounts, gids);
        let mut holders = Holders::default();
        if !gids.is_empty() {
            holders.add(self.groups_of(accounts, &gids).await?, |group| &group.dn);
            if self.has_private_groups() {
                holders.add(self.users_of(accounts, &gids).await?, |user| &user.dn);
            }
        }
        Ok(self.forget_twice(holders.twice()))
    }

    pub(super) fn has_private_groups(&self) -> bool {
        match self.config.users.primary_group {
            PrimaryGroup::Private => true,
            PrimaryGroup::Domain => false,
        }
    }

    /// Who was served under such an id before the other came is so no more.
    fn forget_twice(&self, twice: Twice) -> Twice {
        twice.keys().for_each(|id| self.memory().forget_id(*id));
        twice
    }
}

/// The ids that could be several accounts' at all; without any, nothing is searched.
fn suspects(accounts: &Accounts, ids: &[u32]) -> Vec<u32> {
    let suspects = ids.iter().copied().filter(|id| accounts.may_be_twice(*id));
    suspects.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Who has which id.
#[derive(Default)]
struct Holders(Twice);

impl Holders {
    fn add<Record>(&mut self, found: Vec<(u32, Record)>, dn: impl Fn(&Record) -> &String) {
        for (id, record) in found {
            self.0.entry(id).or_default().push(dn(&record).clone());
        }
    }

    fn twice(mut self) -> Twice {
        self.0.retain(|_, dns| dns.len() > 1);
        self.0
    }
}

//! The searches behind the look-ups: what the directory has now, as it looks on this host.

use std::collections::HashSet;
use std::sync::Arc;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::names::UserName;
use ldaps_core::sid::Sid;
use ldaps_directory::{DirectoryError, GroupRecord, Page, UserRecord};
use tokio::time::Instant;

use super::accounts::{Accounts, member_names};
use super::local_names::Names;
use super::memory::{Key, KnownGroup, KnownUser, Membership};
use super::withheld::Withheld;
use super::{Answer, Inner};

/// Users in one page of an enumeration.
const USERS_PAGE: u16 = 500;
/// Users in one page where each costs a search for the groups that decide about the look.
const LOOKED_AT_PAGE: u16 = 50;
/// Groups in one page: each costs the searches for its members, which a busy domain controller takes a
/// second for, and a page has one deadline.
const GROUPS_PAGE: u16 = 5;

/// The groups of a user as AD tells them, and which of all groups are not shown on this host.
pub(super) struct TokenGroups {
    /// When it was begun to ask.
    pub(super) begun: Instant,
    pub(super) sids: Vec<Sid>,
    pub(super) shadowed: Arc<HashSet<Sid>>,
}

impl Inner {
    pub(super) async fn find_user(self: Arc<Self>, key: Key) -> Answer<Arc<KnownUser>> {
        let begun = Instant::now();
        let (accounts, local) = self.accounts().await?;
        let record = match &key {
            Key::UserName(name) => self.directory.user_by_name(name).await?,
            Key::Uid(uid) => {
                self.the_only(self.users_of(&accounts, &[*uid]).await?, |user| &user.dn)
            }
            Key::GroupName(_) | Key::Gid(_) => None,
        };
        let user = match record {
            Some(record) => {
                let looked_at = self.looked_at(&accounts, &record, &local).await?;
                let entry = match (&key, &looked_at) {
                    // The search by number has found everybody who has it.
                    (Key::Uid(uid), Ok(entry))
                        if entry.uid == *uid && !self.has_private_groups() =>
                    {
                        looked_at.and_then(|entry| accounts.still_theirs(entry, record.sid))
                    }
                    _ => self.only_theirs(&accounts, looked_at, record.sid).await?,
                };
                served(entry, record)
            }
            None => None,
        };
        let Some(user) = user else {
            self.memory().keep_nobody(key, begun);
            return Ok(None);
        };
        accounts.give_user(&user);
        self.memory().keep_user(Some(key), &user, begun);
        Ok(Some(user))
    }

    /// Who has an id, if it is one account's alone; the journal tells of the others.
    fn the_only<Record>(
        &self,
        mut found: Vec<(u32, Record)>,
        dn: impl Fn(&Record) -> &String,
    ) -> Option<Record> {
        if let [(id, _), _, ..] = found.as_slice() {
            self.memory().forget_id(*id);
            let dns = found.iter().map(|(_, record)| dn(record).clone()).collect();
            tracing::warn!("nobody is shown: {}", Withheld::Twice(*id, dns));
            return None;
        }
        found.pop().map(|(_, record)| record)
    }

    /// The user's entry, or why there is none.
    pub(super) async fn user_entry(
        &self,
        accounts: &Accounts,
        user: &UserRecord,
        local: &Names,
    ) -> Result<Result<PasswdEntry, Withheld>, DirectoryError> {
        let looked_at = self.looked_at(accounts, user, local).await?;
        self.only_theirs(accounts, looked_at, user.sid).await
    }

    /// The entry, if nobody else has or ever had its ids.
    pub(super) async fn only_theirs(
        &self,
        accounts: &Accounts,
        looked_at: Result<PasswdEntry, Withheld>,
        sid: Sid,
    ) -> Result<Result<PasswdEntry, Withheld>, DirectoryError> {
        let entry = match looked_at {
            Ok(entry) => entry,
            Err(why) => return Ok(Err(why)),
        };
        let twice = self.uids_twice(accounts, &[entry.uid]).await?.remove(&entry.uid);
        Ok(match twice {
            Some(dns) => Err(Withheld::Twice(entry.uid, dns)),
            None => accounts.still_theirs(entry, sid),
        })
    }

    /// The user's entry, as if nobody else could have its uid.
    pub(super) async fn looked_at(
        &self,
        accounts: &Accounts,
        user: &UserRecord,
        local: &Names,
    ) -> Result<Result<PasswdEntry, Withheld>, DirectoryError> {
        let groups = match accounts.need_groups() {
            true => self.directory.token_groups(&user.dn).await?,
            false => Some(Vec::new()),
        };
        Ok(groups
            .ok_or(Withheld::Missing("tokenGroups"))
            .and_then(|groups| accounts.passwd(user, &groups, local)))
    }

    pub(super) async fn find_group(self: Arc<Self>, key: Key) -> Answer<Arc<KnownGroup>> {
        let begun = Instant::now();
        let (accounts, local) = self.accounts().await?;
        let record = match &key {
            Key::GroupName(name) => self.directory.group_by_name(name).await?,
            Key::Gid(gid) => {
                self.the_only(self.groups_of(&accounts, &[*gid]).await?, |group| &group.dn)
            }
            Key::UserName(_) | Key::Uid(_) => None,
        };
        let group = match record {
            Some(record) => self.complete_group(&accounts, record, &local).await?,
            None => self.private_group(&accounts, &key, &local).await?,
        };
        match &group {
            Some(group) => {
                accounts.give_group(group);
                self.memory().keep_group(group, begun);
            }
            None => self.memory().keep_nobody(key, begun),
        }
        Ok(group)
    }

    /// A group with its members; None where it is not shown here.
    async fn complete_group(
        &self,
        accounts: &Accounts,
        record: GroupRecord,
        local: &Names,
    ) -> Answer<Arc<KnownGroup>> {
        let mut entry = accounts.group(&record, local);
        if let Ok(GroupEntry { gid, .. }) = entry
            && let Some(dns) = self.gids_twice(accounts, &[gid]).await?.remove(&gid)
        {
            entry = Err(Withheld::Twice(gid, dns));
        }
        let entry = entry.and_then(|entry| accounts.still_the_groups(entry, record.sid));
        let Some(mut entry) = told(entry, &record.dn) else { return Ok(None) };
        entry.members = member_names(self.directory.members(&record.dn).await?, local);
        Ok(Some(Arc::new(KnownGroup::of(entry, Some(record.sid)))))
    }

    /// The group of a user's own, by name or gid; nobody else is in it. Where a group of the
    /// directory or of the host has the name, the gid stays the user's and has no name.
    pub(super) async fn private_group(
        &self,
        accounts: &Accounts,
        key: &Key,
        local: &Names,
    ) -> Answer<Arc<KnownGroup>> {
        let user = match key {
            _ if !self.has_private_groups() => None,
            Key::GroupName(name) => self.directory.user_by_account(name.as_str()).await?,
            Key::Gid(gid) => {
                self.the_only(self.users_of(accounts, &[*gid]).await?, |user| &user.dn)
            }
            Key::UserName(_) | Key::Uid(_) => None,
        };
        let Some(user) = user else { return Ok(None) };
        let entry = self.user_entry(accounts, &user, local).await?;
        let Some(PasswdEntry { name, uid, gid, .. }) = told(entry, &user.dn) else {
            return Ok(None);
        };
        // Another primary group by the configuration.
        if uid != gid {
            return Ok(None);
        }
        let of_directory = !self.directory.groups_by_name(&[&name]).await?.is_empty();
        if of_directory || local.has_group(&name) {
            let whose = if of_directory { "the directory" } else { "this host" };
            self.told.warn_once(format!(
                "{}: the private group of {name} has the gid {gid} and no name, for {whose} has a \
                 group of that name",
                user.dn
            ));
            return Ok(None);
        }
        let entry = GroupEntry { name, gid, members: Vec::new() };
        Ok(Some(Arc::new(KnownGroup::of(entry, None))))
    }

    pub(super) async fn find_membership(
        self: Arc<Self>,
        user: UserRecord,
    ) -> Answer<Arc<Membership>> {
        let begun = Instant::now();
        let (accounts, local) = self.accounts().await?;
        let sids = self.directory.token_groups(&user.dn);
        let (sids, shadowed) = tokio::try_join!(sids, self.shadowed(&local))?;
        let Some(sids) = sids else { return Ok(None) };
        let groups = TokenGroups { begun, sids, shadowed };
        Ok(Some(self.served_membership(&accounts, user.sid, groups, &local).await?))
    }

    /// The directory's groups that this host does not show, because it has others of those names.
    pub(super) async fn shadowed(
        &self,
        local: &Arc<Names>,
    ) -> Result<Arc<HashSet<Sid>>, DirectoryError> {
        self.shadowed.now(&self.directory, local, self.config.cache.positive).await
    }

    /// What the groups of a user are here.
    pub(super) async fn served_membership(
        &self,
        accounts: &Accounts,
        user: Sid,
        groups: TokenGroups,
        local: &Names,
    ) -> Result<Arc<Membership>, DirectoryError> {
        let TokenGroups { begun, sids, shadowed } = groups;
        let shown: Vec<Sid> = sids.iter().filter(|sid| !shadowed.contains(sid)).copied().collect();
        let mut gids: Vec<u32> = match accounts.gids_of_sids(&shown) {
            Some(gids) => gids,
            None => {
                let groups = self.directory.groups_by_sid(&shown).await?;
                let shown = |group: &GroupRecord| {
                    accounts
                        .group(group, local)
                        .and_then(|entry| accounts.still_the_groups(entry, group.sid))
                };
                groups.iter().filter_map(|group| Some(shown(group).ok()?.gid)).collect()
            }
        };
        let twice = self.gids_twice(accounts, &gids).await?;
        gids.retain(|gid| !twice.contains_key(gid) && !local.has_gid(*gid));
        let membership = Arc::new(Membership { sids: sids.into(), gids });
        self.memory().keep_membership(user, &membership, begun);
        Ok(membership)
    }

    pub(super) async fn users_page(
        &self,
        cookie: Vec<u8>,
    ) -> Result<Page<PasswdEntry>, DirectoryError> {
        let (accounts, local) = self.accounts().await?;
        let size = if accounts.need_groups() { LOOKED_AT_PAGE } else { USERS_PAGE };
        let page = self.directory.listed_users(size, cookie).await?;
        let mut records = Vec::with_capacity(page.records.len());
        for user in &page.records {
            let entry = self.looked_at(&accounts, user, &local).await?;
            records.extend(entry.and_then(|entry| accounts.still_theirs(entry, user.sid)).ok());
        }
        let uids: Vec<u32> = records.iter().map(|entry| entry.uid).collect();
        let twice = self.uids_twice(&accounts, &uids).await?;
        records.retain(|entry| !twice.contains_key(&entry.uid));
        Ok(Page { records, next: page.next })
    }

    /// Private groups are not among them: their names are those of the users.
    pub(super) async fn groups_page(
        &self,
        cookie: Vec<u8>,
    ) -> Result<Page<GroupEntry>, DirectoryError> {
        let begun = Instant::now();
        let (accounts, local) = self.accounts().await?;
        let page = self.directory.listed_groups(GROUPS_PAGE, cookie).await?;
        let mut records = Vec::with_capacity(page.records.len());
        for group in page.records {
            if let Some(known) = self.complete_group(&accounts, group, &local).await? {
                accounts.give_group(&known);
                self.memory().keep_group(&known, begun);
                records.push(known.entry());
            }
        }
        Ok(Page { records, next: page.next })
    }

    pub(super) async fn accounts(&self) -> Result<(Accounts, Arc<Names>), DirectoryError> {
        let domain = self.directory.domain().await?;
        if self.memory().belong_to(domain.sid) {
            self.forget_groups_by_name();
        }
        let named = self.named.now(&self.directory, &self.config, &self.told).await?;
        Ok((
            Accounts::new(&self.config, domain, named, &self.told, &self.given),
            self.local_names()?,
        ))
    }

    /// Why nobody of this name is served.
    pub(super) async fn why_not(&self, name: &UserName) -> Result<String, DirectoryError> {
        let (accounts, local) = self.accounts().await?;
        let Some(user) = self.directory.user_by_name(name).await? else {
            return Ok(format!("the directory has no user {:?}", name.as_str()));
        };
        Ok(match self.user_entry(&accounts, &user, &local).await? {
            Err(why) => format!("{} is not shown on this host: {why}", user.dn),
            Ok(entry) => format!("{} has only just appeared; ask again", entry.name),
        })
    }
}

/// The user, if served; the journal says why not.
pub(super) fn served(
    entry: Result<PasswdEntry, Withheld>,
    record: UserRecord,
) -> Option<Arc<KnownUser>> {
    told(entry, &record.dn).map(|entry| Arc::new(KnownUser { entry, record }))
}

/// What is served; the journal says why something is not.
pub(super) fn told<Entry>(entry: Result<Entry, Withheld>, dn: &str) -> Option<Entry> {
    match entry {
        Ok(entry) => Some(entry),
        Err(why) => {
            tracing::warn!("{dn} is not shown on this host: {why}");
            None
        }
    }
}

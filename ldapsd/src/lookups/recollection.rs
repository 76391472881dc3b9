//! People who are known from before the daemon started, and what has to be known of them for that.

use std::sync::PoisonError;

use ldaps_core::config::{Config, IdMapping, PrimaryGroup};
use ldaps_core::entries::GroupEntry;
use ldaps_core::names::{GroupName, UserName};
use ldaps_core::sid::Sid;
use ldaps_directory::{DirectoryError, GroupRecord};

use super::Lookups;
use super::given::id_map;
use super::memory::{Key, KnownUser};
use crate::durable::ids::GivenIds;
use crate::offline::record::Record;

impl Lookups {
    /// Knows these people from before the start, while no server answers. Who would have other ids
    /// by now, because the configuration says so, is not known: the ones of before may be another's.
    pub(crate) fn recollect(&self, record: &Record) {
        if !has_its_ids(&self.0.config, &self.0.given, &record.user) {
            return;
        }
        let of_account = [record.user.entry.name.as_str()];
        let names = of_account.into_iter().chain(record.names.iter().map(String::as_str));
        let names = names.filter_map(|name| UserName::parse(name.as_bytes()).ok()).collect();
        let (user, membership) = (record.user.clone(), record.membership.clone());
        self.0.memory().recollect(names, user, membership, record.groups.clone());
        let mut rule_groups = self.0.rule_groups.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, sid) in &record.rule_groups {
            if let Ok(name) = GroupName::parse(name.as_bytes()) {
                rule_groups.entry(name).or_insert((*sid, None));
            }
        }
    }

    /// The entries of a user's groups, without their members, and of the private one: one search
    /// for many.
    pub(crate) async fn group_entries(
        &self,
        user: &KnownUser,
        sids: &[Sid],
    ) -> Result<Vec<GroupEntry>, DirectoryError> {
        let (accounts, local) = self.0.accounts().await?;
        let groups = self.0.directory.groups_by_sid(sids).await?;
        let shown = |group: &GroupRecord| {
            let entry = accounts.group(group, &local);
            entry.and_then(|entry| accounts.still_the_groups(entry, group.sid)).ok()
        };
        let mut entries: Vec<GroupEntry> = groups.iter().filter_map(shown).collect();
        let gids: Vec<u32> = entries.iter().map(|entry| entry.gid).collect();
        let twice = self.0.gids_twice(&accounts, &gids).await?;
        entries.retain(|entry| !twice.contains_key(&entry.gid));
        let own = self.0.private_group(&accounts, &Key::Gid(user.entry.gid), &local).await?;
        entries.extend(own.map(|group| group.entry()));
        Ok(entries)
    }
}

/// Whether somebody of before has the ids that the configuration in force gives them, as far as
/// that is known without asking.
fn has_its_ids(config: &Config, given: &GivenIds, user: &KnownUser) -> bool {
    let (entry, looks) = (&user.entry, &config.users.looks);
    let own = looks.of_user.get(&entry.name);
    let uid = own.and_then(|own| own.uid).or_else(|| natural_uid(config, given, user));
    let is_anothers = looks.user_with_uid(entry.uid).is_some_and(|name| name != entry.name);
    let gid_is_said = own.is_some_and(|own| own.look.gid.is_some()) || !looks.of_group.is_empty();
    let private = match config.users.primary_group {
        PrimaryGroup::Private => true,
        PrimaryGroup::Domain => false,
    };
    uid == Some(entry.uid)
        && !is_anothers
        && own.and_then(|own| own.look.gid).is_none_or(|gid| gid == entry.gid)
        && (gid_is_said || private == (entry.gid == entry.uid))
}

/// The uid that the directory gives.
fn natural_uid(config: &Config, given: &GivenIds, user: &KnownUser) -> Option<u32> {
    match config.ids.mapping {
        IdMapping::Posix => user.record.posix.uid,
        IdMapping::Sid => {
            let (domain, _) = user.record.sid.split_rid()?;
            id_map(config, domain, given)?.id_of(user.record.sid).ok()
        }
    }
}

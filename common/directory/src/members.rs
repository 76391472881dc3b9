//! Who is in a group, directly or through other groups; members by primary group are not, as in AD's
//! own `member`.
//!
//! `memberOf` is a link that AD keeps an index of, from both of its ends; its values may be of any
//! length. Asked by it, whoever is served here comes with what is wanted of them, in pages; by `member`
//! come DNs, each of which has yet to be looked up.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::entry::Entry;
use crate::error::DirectoryError;
use crate::filter::{self, FilterValue};
use crate::queries::{BATCH, Directory};
use crate::question::{Amount, Query};

/// Groups below a group that are followed: a bound against a directory that has no end.
const NESTED_GROUPS_MAX: usize = 20_000;
const OF_MEMBER: &[&str] = &["sAMAccountName"];
const OF_LINKED_MEMBER: &[&str] = &["sAMAccountName", MEMBER_OF];
const MEMBER_OF: &str = "memberOf";

impl Directory {
    /// The sAMAccountNames of all users in a group.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn members(&self, group_dn: &str) -> Result<Vec<String>, DirectoryError> {
        let mut names = BTreeSet::new();
        let mut seen = HashSet::from([group_dn.to_lowercase()]);
        let mut level = vec![group_dn.to_owned()];
        while !level.is_empty() {
            let mut below = Vec::new();
            for batch in level.chunks(BATCH) {
                for user in self.users_in(batch, OF_MEMBER).await? {
                    names.extend(name_of(&user));
                }
                for group in self.groups_directly_in(batch, OF_MEMBER).await? {
                    if seen.insert(group.dn().to_lowercase()) {
                        below.push(group.dn().to_owned());
                    }
                }
            }
            bounded(seen.len())?;
            level = below;
        }
        Ok(names.into_iter().collect())
    }

    /// The same for each of several groups, by hardly more searches than for one.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn members_of_each(
        &self,
        group_dns: &[&str],
    ) -> Result<Vec<Vec<String>>, DirectoryError> {
        if let Some(links) = self.links(group_dns).await? {
            return Ok(group_dns.iter().map(|dn| links.members(dn)).collect());
        }
        let mut all = Vec::with_capacity(group_dns.len());
        for dn in group_dns {
            all.push(self.members(dn).await?);
        }
        Ok(all)
    }

    /// Everything below these groups. None: a member does not say which of them it is in.
    async fn links(&self, group_dns: &[&str]) -> Result<Option<Links>, DirectoryError> {
        let mut links = Links::default();
        let mut level: Vec<String> = group_dns.iter().map(|dn| (*dn).to_owned()).collect();
        while !level.is_empty() {
            let mut below = Vec::new();
            for batch in level.chunks(BATCH) {
                links.follow(batch);
                for user in self.users_in(batch, OF_LINKED_MEMBER).await? {
                    if !links.user(&user) {
                        return Ok(None);
                    }
                }
                for group in self.groups_directly_in(batch, OF_LINKED_MEMBER).await? {
                    if !links.group(&group) {
                        return Ok(None);
                    }
                    if links.seen.insert(group.dn().to_lowercase()) {
                        below.push(group.dn().to_owned());
                    }
                }
            }
            bounded(links.seen.len())?;
            level = below;
        }
        Ok(Some(links))
    }

    async fn users_in(
        &self,
        groups: &[String],
        attributes: &[&str],
    ) -> Result<Vec<Entry>, DirectoryError> {
        let users = Query {
            what: "the members of a group",
            amount: Amount::All,
            ..self.for_users(self.user_filter(in_any(groups)), attributes)
        };
        Ok(users.ask(&self.link).await?.entries)
    }

    /// As in tokenGroups, the way leads through security groups only.
    async fn groups_directly_in(
        &self,
        groups: &[String],
        attributes: &[&str],
    ) -> Result<Vec<Entry>, DirectoryError> {
        let groups = Query {
            what: "the groups in a group",
            amount: Amount::All,
            attributes,
            ..self.for_groups(self.group_filter(in_any(groups)))
        };
        Ok(groups.ask(&self.link).await?.entries)
    }
}

fn in_any(groups: &[String]) -> ldap3_proto::proto::LdapFilter {
    filter::any_of(MEMBER_OF, groups.iter().map(|dn| FilterValue::text(dn)))
}

fn name_of(user: &Entry) -> Option<String> {
    user.text("sAMAccountName").map(str::to_owned)
}

fn bounded(groups: usize) -> Result<(), DirectoryError> {
    if groups <= NESTED_GROUPS_MAX {
        return Ok(());
    }
    let problem = format!("more than {NESTED_GROUPS_MAX} groups are nested in it");
    Err(DirectoryError::Unusable { what: "the members of a group", problem })
}

/// Who is directly in which group, by the groups' DNs in small letters.
#[derive(Default)]
struct Links {
    users: HashMap<String, Vec<String>>,
    groups: HashMap<String, Vec<String>>,
    /// The groups that have been asked for.
    seen: HashSet<String>,
    /// Those of them that were asked for in the search whose answers come now.
    asked: HashSet<String>,
}

impl Links {
    fn follow(&mut self, batch: &[String]) {
        self.asked = batch.iter().map(|dn| dn.to_lowercase()).collect();
        self.seen.extend(self.asked.iter().cloned());
    }

    /// False: which group this user is in is not known.
    fn user(&mut self, user: &Entry) -> bool {
        let holders = self.holders(user);
        for group in &holders {
            self.users.entry(group.clone()).or_default().extend(name_of(user));
        }
        !holders.is_empty()
    }

    /// False: which group this one is in is not known.
    fn group(&mut self, group: &Entry) -> bool {
        let holders = self.holders(group);
        for holder in &holders {
            self.groups.entry(holder.clone()).or_default().push(group.dn().to_lowercase());
        }
        !holders.is_empty()
    }

    /// Which of the groups that were asked for hold this member.
    fn holders(&self, member: &Entry) -> Vec<String> {
        let all = member.values(MEMBER_OF).iter();
        let all = all.map(|dn| String::from_utf8_lossy(dn).to_lowercase());
        all.filter(|dn| self.asked.contains(dn)).collect()
    }

    fn members(&self, group_dn: &str) -> Vec<String> {
        let mut names = BTreeSet::new();
        let mut seen = HashSet::new();
        let mut below = vec![group_dn.to_lowercase()];
        while let Some(group) = below.pop() {
            names.extend(self.users.get(&group).into_iter().flatten().cloned());
            below.extend(self.groups.get(&group).into_iter().flatten().cloned());
            seen.insert(group);
            below.retain(|group| !seen.contains(group));
        }
        names.into_iter().collect()
    }
}

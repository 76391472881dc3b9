//! From AD's records to entries of passwd and group, or the reason why there is none.

use std::collections::HashMap;
use std::sync::Arc;

use ldaps_core::config::{Config, Look, PrimaryGroup};
use ldaps_core::entries::{GroupEntry, PasswdEntry, check_id};
use ldaps_core::idmap::IdMap;
use ldaps_core::names::{GroupName, NameError, NameForm, UserName, fold};
use ldaps_core::sid::Sid;
use ldaps_directory::{Domain, GroupRecord, UserRecord};

use super::fields;
use super::given::{Given, id_map};
use super::local_names::Names;
use super::named_groups::Named;
use super::told::Told;
use super::withheld::Withheld;

/// How accounts of one domain look on this host.
pub(crate) struct Accounts {
    config: Arc<Config>,
    domain: Arc<Domain>,
    map: Option<IdMap>,
    named: Arc<Named>,
    /// The gids that the configuration gives to groups.
    gids: HashMap<Sid, u32>,
    told: Arc<Told>,
    /// Who was given which id, ever.
    pub(super) given: Given,
}

/// How to find the objects of ids in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ById {
    /// By these SIDs: an id that can be nobody's has none.
    Sids(Vec<Sid>),
    /// By uidNumber or gidNumber.
    Numbers,
}

impl Accounts {
    /// The accounts of a domain.
    pub(crate) fn new(
        config: &Arc<Config>,
        domain: Arc<Domain>,
        named: Arc<Named>,
        told: &Arc<Told>,
        given: &Given,
    ) -> Self {
        let of_groups = config.groups.gids.iter();
        let gids = of_groups.filter_map(|(name, gid)| Some((named.sid(name)?, *gid))).collect();
        let (map, told) = (id_map(config, domain.sid, given), told.clone());
        Self { config: config.clone(), map, domain, named, gids, told, given: given.clone() }
    }

    /// The user's entry. `groups` are the user's, if [`Self::need_groups`].
    pub(crate) fn passwd(
        &self,
        user: &UserRecord,
        groups: &[Sid],
        local: &Names,
    ) -> Result<PasswdEntry, Withheld> {
        let name = user_name(&user.sam_account_name)?;
        if local.has_user(&name) {
            return Err(Withheld::LocalName(name));
        }
        let looks = self.looks(&name, groups);
        let uid = self.uid(user)?;
        let gid = match looks.iter().find_map(|look| look.gid) {
            Some(gid) => gid,
            None => self.primary_gid(user, uid)?,
        };
        self.check_id(uid)?;
        self.check_id(gid)?;
        if local.has_uid(uid) {
            return Err(Withheld::LocalId(uid));
        }
        // The host's group would be the user's own from the first process on.
        if local.has_gid(gid) {
            return Err(Withheld::LocalId(gid));
        }
        let users = &self.config.users;
        let home = looks.iter().find_map(|look| look.home.as_ref());
        let home = match (home, fields::home(user, &self.told)) {
            (None, Some(own)) => own,
            (template, _) => {
                template.unwrap_or(&users.home).expand(&name, uid, &self.domain.dns_name)
            }
        };
        let shell = looks.iter().find_map(|look| look.shell.clone());
        let gecos = looks.iter().find_map(|look| look.gecos.clone());
        let entry = PasswdEntry {
            shell: shell.unwrap_or_else(|| fields::shell(user, users, &self.told)),
            gecos: gecos.unwrap_or_else(|| fields::gecos(user, self.map.is_none())),
            home,
            name,
            uid,
            gid,
        };
        entry.check().map_err(Withheld::Entry)?;
        Ok(entry)
    }

    /// The group's entry, without its members.
    pub(crate) fn group(&self, group: &GroupRecord, local: &Names) -> Result<GroupEntry, Withheld> {
        let raw = &group.sam_account_name;
        let name = GroupName::parse(raw.as_bytes())
            .map_err(|error| Withheld::Name(raw.clone(), error))?
            .as_str()
            .to_owned();
        if local.has_group(&name) {
            return Err(Withheld::LocalName(name));
        }
        let gid = self.gid(group)?;
        self.check_id(gid)?;
        if local.has_gid(gid) {
            return Err(Withheld::LocalId(gid));
        }
        let entry = GroupEntry { name, gid, members: Vec::new() };
        entry.check().map_err(Withheld::Entry)?;
        Ok(entry)
    }

    /// The gids of groups known by their SIDs alone: with `sid` mapping no search is needed. What
    /// has no id here (builtin groups, other domains) is left out.
    pub(crate) fn gids_of_sids(&self, sids: &[Sid]) -> Option<Vec<u32>> {
        let map = self.map.as_ref()?;
        let gid = |sid: &Sid| self.gids.get(sid).copied().or_else(|| self.id_of(map, *sid).ok());
        Some(sids.iter().filter_map(gid).filter(|gid| self.check_id(*gid).is_ok()).collect())
    }

    /// The uid of a user: the configuration's, or the directory's.
    pub(crate) fn uid(&self, user: &UserRecord) -> Result<u32, Withheld> {
        let given = self.config.users.looks.of_user.get(&fold(&user.sam_account_name));
        match (given.and_then(|given| given.uid), &self.map) {
            (Some(uid), _) => Ok(uid),
            (None, Some(map)) => self.id_of(map, user.sid).map_err(Withheld::NoId),
            (None, None) => user.posix.uid.ok_or(Withheld::Missing("uidNumber")),
        }
    }

    /// The gid of a group: the configuration's, or the directory's.
    pub(crate) fn gid(&self, group: &GroupRecord) -> Result<u32, Withheld> {
        match (self.gids.get(&group.sid), &self.map) {
            (Some(gid), _) => Ok(*gid),
            (None, Some(map)) => self.id_of(map, group.sid).map_err(Withheld::NoId),
            (None, None) => group.gid_number.ok_or(Withheld::Missing("gidNumber")),
        }
    }

    /// How to find the users or groups to which the directory gives these ids.
    pub(crate) fn by_id(&self, ids: &[u32]) -> ById {
        match &self.map {
            Some(map) => ById::Sids(ids.iter().filter_map(|id| map.sid_of(*id)).collect()),
            None => ById::Numbers,
        }
    }

    /// Whether an id could be several accounts': those that are made of SIDs are one account's
    /// each, unless the configuration gives one of them to another.
    pub(crate) fn may_be_twice(&self, id: u32) -> bool {
        let given = || {
            self.config.users.looks.user_with_uid(id).is_some()
                || self.config.groups.gids.values().any(|gid| *gid == id)
        };
        self.map.is_none() || given()
    }

    /// The group to which the configuration gives this gid.
    pub(crate) fn group_given(&self, gid: u32) -> Option<&GroupRecord> {
        let (name, _) = self.config.groups.gids.iter().find(|(_, given)| **given == gid)?;
        self.named.group(name)
    }

    /// Whether a user's entry depends on the user's groups.
    pub(crate) fn need_groups(&self) -> bool {
        !self.config.users.looks.of_group.is_empty()
    }

    /// Whether ids are numbers of the directory's own, so that a SID alone does not tell one.
    pub(crate) fn has_numbers(&self) -> bool {
        self.map.is_none()
    }

    /// Whether a gid is a user's private group.
    pub(super) fn is_private(&self, uid: u32, gid: u32) -> bool {
        self.config.users.primary_group == PrimaryGroup::Private && uid == gid
    }

    /// What the configuration says of a user, the nearest first.
    fn looks(&self, name: &str, groups: &[Sid]) -> Vec<&Look> {
        let looks = &self.config.users.looks;
        let own = looks.of_user.get(name).map(|user| &user.look);
        let of_groups = looks.of_group.iter().filter(|(group, _)| self.named.is_in(group, groups));
        own.into_iter().chain(of_groups.map(|(_, look)| look)).collect()
    }

    fn primary_gid(&self, user: &UserRecord, uid: u32) -> Result<u32, Withheld> {
        match (self.config.users.primary_group, &self.map) {
            (PrimaryGroup::Private, _) => Ok(uid),
            (PrimaryGroup::Domain, None) => user.posix.gid.ok_or(Withheld::Missing("gidNumber")),
            (PrimaryGroup::Domain, Some(map)) => {
                let missing = Withheld::Missing("primaryGroupID");
                let sid = user.primary_group_rid.and_then(|rid| self.domain.sid.with_rid(rid));
                let sid = sid.ok_or(missing)?;
                let given = self.gids.get(&sid).copied();
                given.map_or_else(|| self.id_of(map, sid).map_err(Withheld::NoId), Ok)
            }
        }
    }

    fn check_id(&self, id: u32) -> Result<(), Withheld> {
        match id < self.config.ids.min_id {
            true => Err(Withheld::BelowMinimum(id)),
            false => check_id(id).map_err(Withheld::Entry),
        }
    }
}

/// The canonical name of a user: the lower-case sAMAccountName.
pub(crate) fn user_name(sam_account_name: &str) -> Result<String, Withheld> {
    let refused = |error| Withheld::Name(sam_account_name.to_owned(), error);
    let name = UserName::parse(sam_account_name.as_bytes()).map_err(refused)?;
    match name.form() {
        NameForm::Bare(name) => Ok(name.to_owned()),
        NameForm::At(_) => Err(refused(NameError::Character('@'))),
        NameForm::DownLevel { .. } => Err(refused(NameError::Character('\\'))),
    }
}

/// The members that `getent group` may show: names of users that are served here. One that a local
/// user bears would make the local user a member.
pub(crate) fn member_names(sam_account_names: Vec<String>, local: &Names) -> Vec<String> {
    let shown = |name: &String| {
        user_name(name).is_ok() && !name.contains(',') && !local.has_user(&fold(name))
    };
    let mut names: Vec<_> = sam_account_names.into_iter().filter(shown).map(|n| fold(&n)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

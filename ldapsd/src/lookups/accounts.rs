//! From AD's records to entries of passwd and group, or the reason why there is none.

use std::fmt;
use std::sync::Arc;

use ldaps_core::config::{Config, IdMapping};
use ldaps_core::entries::{EntryError, GroupEntry, PasswdEntry, check_id};
use ldaps_core::idmap::{IdMap, IdMapError, IdSpace};
use ldaps_core::names::{GroupName, NameError, NameForm, UserName, fold};
use ldaps_core::sid::Sid;
use ldaps_directory::{Domain, GroupRecord, UserRecord};

use super::local_names::Names;

/// Longest gecos that is served: a display name has 256 characters at most by schema.
const GECOS_MAX: usize = 1024;

/// How accounts of one domain look on this host.
pub(crate) struct Accounts {
    config: Arc<Config>,
    domain: Arc<Domain>,
    map: Option<IdMap>,
}

/// Why an account of the directory is not shown on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// Its name cannot be one of a Linux account.
    Name(String, NameError),
    /// The host has a user or group of that name.
    LocalName(String),
    /// The host has a user or group with that id.
    LocalId(u32),
    /// The id is lower than the configuration allows.
    BelowMinimum(u32),
    /// The SID has no id.
    NoId(IdMapError),
    /// AD shows no such attribute, and without it there is no entry.
    Missing(&'static str),
    /// A field could not stand in a passwd or group line.
    Entry(EntryError),
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name, error) => {
                write!(f, "{name:?} cannot be the name of an account here: {error}")
            }
            Self::LocalName(name) => write!(f, "this host has its own {name:?}, which goes first"),
            Self::LocalId(id) => write!(f, "the id {id} belongs to a local account"),
            Self::BelowMinimum(id) => {
                write!(f, "its id {id} is below `min_id`, where the host's own accounts are")
            }
            Self::NoId(error) => write!(f, "{error}"),
            Self::Missing(attribute) => {
                write!(f, "it has no {attribute}, or the service account may not read it")
            }
            Self::Entry(error) => write!(f, "{error}"),
        }
    }
}

/// How to find the object of an id in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ById {
    /// By this SID.
    Sid(Sid),
    /// By uidNumber or gidNumber.
    Number(u32),
    /// It can be nobody's.
    Nobody,
}

impl Accounts {
    /// The accounts of a domain.
    pub(crate) fn new(config: &Arc<Config>, domain: Arc<Domain>) -> Self {
        Self { config: config.clone(), map: id_map(config, &domain), domain }
    }

    /// The user's entry.
    pub(crate) fn passwd(&self, user: &UserRecord, local: &Names) -> Result<PasswdEntry, Withheld> {
        let name = user_name(&user.sam_account_name)?;
        if local.has_user(&name) {
            return Err(Withheld::LocalName(name));
        }
        let (uid, gid) = self.user_ids(user)?;
        self.check_id(uid)?;
        self.check_id(gid)?;
        if local.has_uid(uid) {
            return Err(Withheld::LocalId(uid));
        }
        // The host's group would be the user's own from the first process on.
        if local.has_gid(gid) {
            return Err(Withheld::LocalId(gid));
        }
        let posix = self.map.is_none().then_some(&user.posix);
        let own = |value: Option<&String>| value.filter(|text| text.starts_with('/')).cloned();
        let home = posix.and_then(|posix| own(posix.home.as_ref()));
        let shell = posix.and_then(|posix| own(posix.shell.as_ref()));
        let gecos = posix.and_then(|posix| posix.gecos.as_ref()).or(user.gecos.as_ref());
        let users = &self.config.users;
        let entry = PasswdEntry {
            home: home.unwrap_or_else(|| users.home.expand(&name, uid, &self.domain.dns_name)),
            shell: shell.unwrap_or_else(|| users.shell.clone()),
            gecos: gecos.filter(|text| is_one_field(text)).cloned().unwrap_or_default(),
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
        let gids = sids.iter().filter_map(|sid| map.id_of(*sid).ok());
        Some(gids.filter(|gid| self.check_id(*gid).is_ok()).collect())
    }

    /// The gid of a group.
    fn gid(&self, group: &GroupRecord) -> Result<u32, Withheld> {
        match &self.map {
            Some(map) => map.id_of(group.sid).map_err(Withheld::NoId),
            None => group.gid_number.ok_or(Withheld::Missing("gidNumber")),
        }
    }

    /// How to find the user or group that has an id.
    pub(crate) fn by_id(&self, id: u32) -> ById {
        match &self.map {
            Some(map) => map.sid_of(id).map_or(ById::Nobody, ById::Sid),
            None => ById::Number(id),
        }
    }

    fn user_ids(&self, user: &UserRecord) -> Result<(u32, u32), Withheld> {
        let Some(map) = &self.map else {
            let uid = user.posix.uid.ok_or(Withheld::Missing("uidNumber"))?;
            return Ok((uid, user.posix.gid.ok_or(Withheld::Missing("gidNumber"))?));
        };
        let rid = user.primary_group_rid.ok_or(Withheld::Missing("primaryGroupID"))?;
        let primary = self.domain.sid.with_rid(rid).ok_or(Withheld::Missing("primaryGroupID"))?;
        let id = |sid| map.id_of(sid).map_err(Withheld::NoId);
        Ok((id(user.sid)?, id(primary)?))
    }

    fn check_id(&self, id: u32) -> Result<(), Withheld> {
        match id < self.config.ids.min_id {
            true => Err(Withheld::BelowMinimum(id)),
            false => check_id(id).map_err(Withheld::Entry),
        }
    }
}

/// The id map of a domain; None for `posix`, and for what is no domain.
pub(crate) fn id_map(config: &Config, domain: &Domain) -> Option<IdMap> {
    let ids = &config.ids;
    match ids.mapping {
        IdMapping::Posix => None,
        IdMapping::Sid => {
            IdMap::new(IdSpace::new(ids.range_min, ids.range_max, ids.range_size)?, domain.sid)
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

/// A full name that would break the line is left out; the user is not.
fn is_one_field(gecos: &str) -> bool {
    gecos.len() <= GECOS_MAX && !gecos.contains(|c: char| c == ':' || c.is_control())
}

//! The configuration as the daemon uses it: every value checked, every default filled in.
#![forbid(unsafe_code)]

use super::access::Access;
use super::filter::LdapFilter;
use super::looks::{LocalGroups, PrimaryGroup, UserLooks};
use super::profile::Profile;
use super::values::{AttributeName, HomeTemplate};
use crate::entries::LOWEST_ID;
use crate::idmap::OnCollision;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// LDAP over TLS, assigned by IANA ("ldaps").
pub const LDAPS_PORT: u16 = 636;

/// Ids below this belong to the host (`SYS_UID_MAX` and the first of people in Debian's login.defs).
pub const LOWEST_MIN_ID: u32 = LOWEST_ID;

/// The configuration in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[directory]`: which servers, as whom, how long to wait.
    pub directory: Directory,
    /// `[tls]`: whom to trust.
    pub tls: Tls,
    /// `[ids]`: how uids and gids are made.
    pub ids: Ids,
    /// `[users]`: which objects are users, and how they look.
    pub users: Users,
    /// `[groups]`: which objects are groups.
    pub groups: Groups,
    /// `[local_groups]`: groups of the host that groups of the directory grant.
    pub local_groups: LocalGroups,
    /// `[access]`: who may log in, and where.
    pub access: Access,
    /// `[pam]`: which local services may ask for others' authentication.
    pub pam: Pam,
    /// `[ssh]`: where public keys are.
    pub ssh: Ssh,
    /// `[profile]`: what applications are told of people.
    pub profile: Profile,
    /// `[nss]`: what the look-ups offer.
    pub nss: Nss,
    /// `[cache]`: how long answers are held.
    pub cache: Cache,
}

/// `[directory]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where the domain controllers are.
    pub servers: Servers,
    /// The name the service account binds with: a DN, a user principal name, or `DOMAIN\name`.
    pub bind_dn: String,
    /// The file that holds the service account's password. Where systemd passed a credential
    /// (see [`super::Sources::credentials`]), that one.
    pub bind_secret: PathBuf,
    /// Where searches start; None: the directory's `defaultNamingContext`.
    pub base: Option<String>,
    /// Addresses of servers that DNS does not know, by lower-case certificate name.
    pub address: BTreeMap<String, IpAddr>,
    /// How long connecting (TCP and TLS together) may take.
    pub connect_timeout: Duration,
    /// How long one operation may take.
    pub operation_timeout: Duration,
}

/// Where the domain controllers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// These, tried in this order. Never empty.
    Uris(Vec<ServerUri>),
    /// Those that DNS SRV records of this lower-case domain name.
    Domain(String),
}

/// One `ldaps://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerUri {
    /// Lower-case host name, or an IP address without brackets.
    pub host: String,
    /// 636 unless given.
    pub port: u16,
}

impl fmt::Display for ServerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brackets = self.host.contains(':');
        let (open, close) = if brackets { ("[", "]") } else { ("", "") };
        write!(f, "ldaps://{open}{}{close}", self.host)?;
        if self.port != LDAPS_PORT {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

/// `[tls]`: with neither `ca_file` nor `ca_dirs`, the system's own store is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// One file of PEM certificates.
    pub ca_file: Option<PathBuf>,
    /// Directories of certificates with OpenSSL's hashed names.
    pub ca_dirs: Vec<PathBuf>,
    /// A file of revocation lists in PEM.
    pub crl_file: Option<PathBuf>,
    /// What is checked against revocation lists.
    pub crl_check: CrlCheck,
    /// The oldest TLS version spoken.
    pub minimum: TlsVersion,
}

/// What is checked against revocation lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CrlCheck {
    /// Nothing.
    #[default]
    None,
    /// The server's own certificate.
    Peer,
    /// The server's certificate and every CA above it.
    All,
}

/// The TLS versions that are good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum TlsVersion {
    /// TLS 1.2
    #[default]
    V1_2,
    /// TLS 1.3
    V1_3,
}

/// `[ids]`. The ranges are sssd's `ldap_idmap_range_*` and their defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// How uids and gids are made.
    pub mapping: IdMapping,
    /// Objects with lower ids are not served. At least [`LOWEST_MIN_ID`].
    pub min_id: u32,
    /// The first id of the mapped range (`sid` only).
    pub range_min: u32,
    /// The first id behind the mapped range (`sid` only).
    pub range_max: u32,
    /// Ids per slice (`sid` only).
    pub range_size: u32,
    /// What becomes of people whose slice is taken (`sid` only).
    pub on_collision: OnCollision,
}

impl Ids {
    /// The defaults for a mapping.
    #[must_use]
    pub fn defaults(mapping: IdMapping) -> Ids {
        let range_min = 200_000;
        Ids {
            mapping,
            min_id: match mapping {
                IdMapping::Sid => range_min,
                IdMapping::Posix => LOWEST_MIN_ID,
            },
            range_min,
            range_max: 2_000_200_000,
            range_size: 200_000,
            on_collision: OnCollision::Refuse,
        }
    }
}

/// How uids and gids are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdMapping {
    /// From the object's SID, as sssd does it.
    Sid,
    /// From uidNumber and gidNumber.
    Posix,
}

/// `[users]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users {
    /// Which objects are users.
    pub filter: LdapFilter,
    /// What they must meet besides.
    pub condition: Option<LdapFilter>,
    /// Where the search for users starts; None: [`Directory::base`].
    pub base: Option<String>,
    /// By which attributes a typed name is found.
    pub login: LoginAttributes,
    /// Home directory where nothing else gives one.
    pub home: HomeTemplate,
    /// The attribute that holds the home directory.
    pub home_attribute: Option<AttributeName>,
    /// Login shell where nothing else gives one, and in the place of one that is not allowed.
    pub shell: String,
    /// The attribute that holds the login shell.
    pub shell_attribute: Option<AttributeName>,
    /// The shells that the attribute may name; None: any.
    pub allowed_shells: Option<Vec<String>>,
    /// The attribute that fills the GECOS field.
    pub gecos: AttributeName,
    /// Which group is a user's own.
    pub primary_group: PrimaryGroup,
    /// What the configuration says of single users, and of the members of groups.
    pub looks: UserLooks,
}

impl Users {
    /// The defaults for a mapping: with `posix`, the directory says where people are at home.
    #[must_use]
    pub fn defaults(mapping: IdMapping) -> Users {
        let posix = |attribute| match mapping {
            IdMapping::Sid => None,
            IdMapping::Posix => Some(AttributeName::known(attribute)),
        };
        Users {
            filter: LdapFilter::default_users(),
            condition: None,
            base: None,
            login: LoginAttributes::default(),
            home: HomeTemplate::default(),
            home_attribute: posix("unixHomeDirectory"),
            shell: "/bin/bash".to_owned(),
            shell_attribute: posix("loginShell"),
            allowed_shells: None,
            gecos: AttributeName::known("displayName"),
            primary_group: PrimaryGroup::default(),
            looks: UserLooks::default(),
        }
    }

    /// `filter` and `condition` in one: what every user object must match.
    #[must_use]
    pub fn complete_filter(&self) -> LdapFilter {
        match &self.condition {
            Some(condition) => self.filter.and(condition),
            None => self.filter.clone(),
        }
    }
}

/// By which attributes a typed name is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginAttributes {
    /// For a name without `@`.
    pub bare: AttributeName,
    /// For a name with `@`, tried in this order. Empty: such names are not found.
    pub at: Vec<AttributeName>,
}

impl Default for LoginAttributes {
    fn default() -> LoginAttributes {
        LoginAttributes {
            bare: AttributeName::known("sAMAccountName"),
            at: vec![AttributeName::known("userPrincipalName")],
        }
    }
}

/// `[groups]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// Which objects are groups.
    pub filter: LdapFilter,
    /// Where the search for groups starts; None: [`Directory::base`].
    pub base: Option<String>,
    /// `[groups.override.NAME]`: gids by canonical (lower-case) name.
    pub gids: BTreeMap<String, u32>,
}

impl Default for Groups {
    fn default() -> Groups {
        Groups { filter: LdapFilter::default_groups(), base: None, gids: BTreeMap::new() }
    }
}

/// `[pam]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pam {
    /// For which PAM services a local user may have others authenticated.
    pub callers: BTreeMap<String, Vec<String>>,
    /// How many days ahead people are told that their password expires; 0: never.
    pub warn_days: u32,
    /// Whether an expired password or a lockout keeps out who came without a password.
    pub password_state_without_auth: WithoutAuth,
    /// How many days after AD has confirmed a password it opens the account while no domain
    /// controller answers; 0: never, and nothing is kept for it.
    pub offline_days: u32,
    /// Whether the list of computers that an account may log on to ("Log On To") counts here.
    pub workstations: Workstations,
    /// What this host is called in such lists; None: by its host name.
    pub workstation_name: Option<String>,
}

impl Default for Pam {
    fn default() -> Pam {
        Pam {
            callers: BTreeMap::new(),
            warn_days: 7,
            password_state_without_auth: WithoutAuth::Warn,
            offline_days: 0,
            workstations: Workstations::Ignore,
            workstation_name: None,
        }
    }
}

/// What the state of a password means for a login that did not use it (an SSH key, cron).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutAuth {
    /// A line in the journal: else every cron job would end with a password, and anybody could
    /// lock an administrator's key out by typing wrong ones.
    Warn,
    /// The login is refused.
    Deny,
}

/// What the account's list of computers (userWorkstations, "Log On To") means on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workstations {
    /// Nothing: a bind over LDAP names no computer, and the domain controller looks for its own
    /// name in the list.
    Ignore,
    /// Who has a list gets in only if it names this host.
    Enforce,
}

/// `[ssh]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// The attribute that holds people's public keys.
    pub attribute: AttributeName,
}

impl Default for Ssh {
    fn default() -> Ssh {
        Ssh { attribute: AttributeName::known("altSecurityIdentities") }
    }
}

/// `[nss]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nss {
    /// Do `getent passwd` and `getent group` list the directory?
    pub enumerate: bool,
}

/// `[cache]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Within which time all that is held is held against the directory, entry by entry. An older
    /// one is asked for again before it is served, while a server answers.
    pub positive: Duration,
    /// How often the directory is asked what has changed.
    pub poll: Duration,
    /// How long "not found" is served.
    pub negative: Duration,
    /// How many "not found" answers are held.
    pub negative_max: usize,
    /// The most memory, in MiB, that the shared map takes: never more than a quarter of the file
    /// system it is on, which is also what None stands for. 0: there is none.
    pub map_mib: Option<u32>,
    /// Of whom the directory is asked before anybody asks here.
    pub sync: Sync,
    /// Is the domain controller to tell of each change at once, beside the polling?
    pub notify: bool,
}

/// Of whom the directory is asked before anybody asks here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sync {
    /// Of nobody.
    #[default]
    Asked,
    /// Of everybody whom this host serves.
    All,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache {
            positive: Duration::from_secs(600),
            poll: Duration::from_secs(10),
            negative: Duration::from_secs(60),
            negative_max: 10_000,
            sync: Sync::Asked,
            notify: false,
            map_mib: None,
        }
    }
}

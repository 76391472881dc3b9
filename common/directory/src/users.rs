//! A user as AD has it.

use ldaps_core::config::{AttributeName, Users};
use ldaps_core::sid::Sid;
use serde::{Deserialize, Serialize};

use crate::account::{self, AccountState};
use crate::entry::Entry;

/// What is read of every user besides the attributes that the configuration names.
const ATTRIBUTES: &[&str] =
    &["sAMAccountName", "objectSid", "primaryGroupID", "uidNumber", "gidNumber", "gecos"];

/// A user as AD has it: checked for being one, not yet made into a passwd entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// The DN, for the bind.
    pub dn: String,
    /// The SID, which a rename does not change.
    pub sid: Sid,
    /// sAMAccountName, in AD's spelling.
    pub sam_account_name: String,
    /// The RID of the primary group, which `member` and `memberOf` do not show.
    pub primary_group_rid: Option<u32>,
    /// The attribute that the configuration names for the full name.
    pub gecos: Option<String>,
    /// The one it names for the home directory.
    pub home: Option<String>,
    /// The one it names for the login shell.
    pub shell: Option<String>,
    /// The RFC 2307 attributes, for `id_mapping = "posix"`.
    pub posix: PosixAttributes,
    /// What decides whether the account may log in.
    pub state: AccountState,
}

/// How much is read of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What makes an entry of it, and what decides whoever vouches for the person.
    Entry,
    /// That, and what AD computes of the password.
    Password,
}

/// RFC 2307 attributes, as AD's schema has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PosixAttributes {
    /// uidNumber
    pub uid: Option<u32>,
    /// gidNumber
    pub gid: Option<u32>,
    /// gecos
    pub gecos: Option<String>,
}

/// The attributes to ask for, with the ones the configuration names.
pub(crate) fn attributes(config: &Users, depth: Depth) -> Vec<&str> {
    let configured = [Some(&config.gecos), config.home_attribute.as_ref()];
    let configured = configured.into_iter().chain([config.shell_attribute.as_ref()]).flatten();
    let computed = match depth {
        Depth::Entry => &[],
        Depth::Password => account::COMPUTED_ATTRIBUTES,
    };
    let all = ATTRIBUTES.iter().chain(account::ATTRIBUTES).chain(computed);
    let mut all: Vec<&str> = all.copied().collect();
    for name in configured {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            all.push(name);
        }
    }
    all
}

impl UserRecord {
    /// None where what makes a user of it is missing: AD leaves out silently what may not be read.
    pub(crate) fn of(entry: &Entry, config: &Users, depth: Depth) -> Option<Self> {
        let text = |name: &str| entry.text(name).map(str::to_owned);
        let named = |name: &Option<AttributeName>| text(name.as_ref()?.as_str());
        Some(Self {
            dn: entry.dn().to_owned(),
            sid: entry.sid("objectSid")?,
            sam_account_name: text("sAMAccountName")?,
            primary_group_rid: entry.unsigned("primaryGroupID"),
            gecos: text(&config.gecos),
            home: named(&config.home_attribute),
            shell: named(&config.shell_attribute),
            posix: PosixAttributes {
                uid: entry.unsigned("uidNumber"),
                gid: entry.unsigned("gidNumber"),
                gecos: text("gecos"),
            },
            state: AccountState::of(entry, depth),
        })
    }
}

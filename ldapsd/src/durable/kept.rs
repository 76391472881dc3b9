//! What is kept of users, groups and memberships, and of which configuration and domain it is.

use ldaps_core::config::{Config, Servers};
use ldaps_core::sid::Sid;
use serde::{Deserialize, Serialize};

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest};

use crate::lookups::memory::{KnownGroup, KnownUser, Membership};

/// The form of the records. A file of another form is not read: whoever changes a struct below,
/// or one that it is made of, counts this up. A test tells.
pub(super) const FORMAT: u32 = 2;

/// One record. The last one about somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kept {
    /// The first record: of what the others are.
    Of(Origin),
    /// A user, and the names besides the account's own by which the user was asked for.
    User(Box<KnownUser>, Vec<String>),
    /// A user who is no more.
    NoUser(Short),
    /// A group.
    Group(KnownGroup),
    /// A group that is no more.
    NoGroup(u32),
    /// Of a user: the groups' SIDs, and their gids.
    Membership(Short, Vec<Short>, Vec<u32>),
    /// A user whose groups are not known any more.
    NoMembership(Short),
}

/// Of which domain records are, and under which configuration they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) format: u32,
    pub(super) configuration: [u8; 16],
    pub(super) domain: Sid,
}

/// A SID: what it is for within the domain, or all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Short {
    Rid(u32),
    Whole(Vec<u8>),
}

impl Short {
    pub(super) fn of(sid: Sid, domain: Sid) -> Self {
        match sid.split_rid() {
            Some((of, rid)) if of == domain => Self::Rid(rid),
            _ => Self::Whole(sid.to_bytes()),
        }
    }

    pub(super) fn sid(&self, domain: Sid) -> Option<Sid> {
        match self {
            Self::Rid(rid) => domain.with_rid(*rid),
            Self::Whole(bytes) => Sid::from_bytes(bytes).ok(),
        }
    }
}

impl Kept {
    /// The record of somebody's groups.
    pub(super) fn membership(user: Sid, membership: &Membership, domain: Sid) -> Self {
        let sids = membership.sids.iter().map(|sid| Short::of(sid, domain)).collect();
        Self::Membership(Short::of(user, domain), sids, membership.gids.clone())
    }
}

/// A hash of all in the configuration that decides whose entries these are and how they look: of
/// another one, nothing is believed. Which of a domain's servers are named does not matter.
pub(super) fn fingerprint(config: &Config) -> [u8; 16] {
    let Config { directory, ids, users, groups, .. } = config;
    let domain_of = |host: &str| match host.parse::<std::net::IpAddr>() {
        Ok(_) => host.to_owned(),
        Err(_) => host.split_once('.').map_or(host, |(_, domain)| domain).to_owned(),
    };
    let mut domains: Vec<String> = match &directory.servers {
        Servers::Uris(uris) => uris.iter().map(|uri| domain_of(&uri.host)).collect(),
        Servers::Domain(domain) => vec![domain.clone()],
    };
    domains.sort_unstable();
    domains.dedup();
    let text = format!("{domains:?} {:?} {ids:?} {users:?} {groups:?}", directory.base);
    Blake2b::<U16>::digest(text.as_bytes()).into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ldaps_core::entries::{GroupEntry, PasswdEntry};

    const DOMAIN: &str = "S-1-5-21-1-2-3";

    pub(crate) fn alice() -> KnownUser {
        let entry = PasswdEntry {
            name: "alice".into(),
            uid: 200_001,
            gid: 200_002,
            gecos: "A".into(),
            home: "/home/alice".into(),
            shell: "/bin/sh".into(),
        };
        // Every field that there is, or this does not become one.
        let record = serde_json::json!({
            "dn": "CN=alice", "sid": "S-1-5-21-1-2-3-1107", "sam_account_name": "Alice",
            "primary_group_rid": 513, "gecos": "A", "home": null, "shell": null,
            "posix": {"uid": 1, "gid": 2, "gecos": null},
            "state": {
                "user_account_control": 512,
                "computed": {"control": 0, "password_expires": 1}, "account_expires": 0,
                "logon_hours": null, "password_last_set": 1,
                "wrong_passwords": 0, "wrong_password_at": 0, "workstations": null
            }
        });
        KnownUser { entry, record: serde_json::from_value(record).unwrap() }
    }

    fn records() -> Vec<Kept> {
        let domain: Sid = DOMAIN.parse().unwrap();
        let sid = |rid| domain.with_rid(rid).unwrap();
        let groups = Membership {
            sids: vec![sid(513), "S-1-5-32-545".parse().unwrap()].into(),
            gids: vec![200_513],
        };
        let entry = GroupEntry { name: "g".into(), gid: 200_513, members: vec!["alice".into()] };
        vec![
            Kept::Of(Origin { format: FORMAT, configuration: [7; 16], domain }),
            Kept::User(Box::new(alice()), vec!["a@x".into()]),
            Kept::NoUser(Short::of(sid(1107), domain)),
            Kept::Group(KnownGroup::of(entry, Some(sid(513)))),
            Kept::NoGroup(200_513),
            Kept::membership(sid(1107), &groups, domain),
            Kept::NoMembership(Short::of(sid(1107), domain)),
        ]
    }

    /// Where this fails, the form has changed: count `FORMAT` up, and take the new hash in here.
    #[test]
    fn a_record_of_another_form_is_read_as_one_of_this() {
        let bytes: Vec<u8> =
            records().iter().flat_map(|kept| postcard::to_stdvec(kept).unwrap()).collect();
        let hash: [u8; 16] = Blake2b::<U16>::digest(&bytes).into();
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            (FORMAT, bytes.len(), hash.as_str()),
            (2, 214, "c040dd099d5b985d712b243b900c4e99")
        );
    }

    #[test]
    fn a_record_is_read_otherwise_than_it_was_written() {
        let domain: Sid = DOMAIN.parse().unwrap();
        for kept in records() {
            let bytes = postcard::to_stdvec(&kept).unwrap();
            assert_eq!(postcard::from_bytes::<Kept>(&bytes).unwrap(), kept);
        }
        for sid in ["S-1-5-21-1-2-3-1107", "S-1-5-21-9-2-3-1107", "S-1-5-32-545", DOMAIN] {
            let sid = sid.parse().unwrap();
            assert_eq!(Short::of(sid, domain).sid(domain), Some(sid));
        }
    }
}

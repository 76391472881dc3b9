//! What is kept of one person.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ldaps_core::entries::GroupEntry;
use ldaps_core::names::fold;
use ldaps_core::sid::Sid;
use serde::{Deserialize, Serialize};

use super::verifier::Verifier;
use crate::lookups::memory::{KnownUser, Membership};

/// The form of the file. A file of another form is not read: the person logs in once more while a
/// domain controller answers.
pub(crate) const FORMAT: u32 = 3;
/// Names that a person is known by: whoever types more of them is known by the first.
const NAMES_MAX: usize = 8;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How far a clock may be set back before nothing is believed of it: a laptop without power begins
/// years ago, and a password would be good for years.
const CLOCK_SLACK: Duration = DAY;

/// One person, as AD saw them when it last confirmed their password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(super) format: u32,
    /// The entry that NSS gives, and what AD says of the account.
    pub(crate) user: KnownUser,
    /// Their groups.
    pub(crate) membership: Membership,
    /// The names of those groups.
    pub(crate) groups: Vec<GroupEntry>,
    /// The groups that the access rules and `[local_groups]` name: without their SIDs no rule could
    /// be judged, and no group of the host given.
    pub(crate) rule_groups: Vec<(String, Option<Sid>)>,
    /// What the filters of the access rules said of them, by their text.
    pub(crate) matches: Vec<(String, bool)>,
    /// Names they have logged in by, in our case-fold; the account's own is not among them.
    pub(crate) names: Vec<String>,
    /// PAM services that they have logged in through.
    pub(crate) services: BTreeSet<String>,
    /// The hash of the password.
    pub(crate) verifier: Verifier,
    /// When the hash was made, in seconds since 1970.
    saved: u64,
    /// When AD last took the password.
    confirmed: u64,
    /// Wrong tries since the last right one, while no server answered.
    pub(crate) wrong: u32,
    /// When the last of them was.
    wrong_at: u64,
}

/// What AD said of a person in the moment in which it let them in.
pub(crate) struct Seen {
    pub(crate) user: KnownUser,
    pub(crate) membership: Membership,
    pub(crate) groups: Vec<GroupEntry>,
    pub(crate) rule_groups: Vec<(String, Option<Sid>)>,
    pub(crate) matches: Vec<(String, bool)>,
}

impl Record {
    /// A record with a hash made now.
    pub(crate) fn new(seen: Seen, verifier: Verifier, now: SystemTime) -> Self {
        let Seen { user, membership, groups, rule_groups, matches } = seen;
        let (saved, confirmed) = (seconds(now), seconds(now));
        let (names, services) = Default::default();
        let (format, wrong, wrong_at) = (FORMAT, 0, 0);
        Self {
            format,
            user,
            membership,
            groups,
            rule_groups,
            matches,
            names,
            services,
            verifier,
            saved,
            confirmed,
            wrong,
            wrong_at,
        }
    }

    /// The same person and hash, as AD sees them now.
    pub(crate) fn seen_again(&self, seen: Seen, now: SystemTime) -> Self {
        let Seen { user, membership, groups, rule_groups, matches } = seen;
        let (confirmed, wrong) = (seconds(now), 0);
        let confirmed_now = Self { confirmed, wrong, ..self.clone() };
        Self { user, membership, groups, rule_groups, matches, ..confirmed_now }
    }

    /// Notes by which name and through which service they came.
    pub(crate) fn came_by(&mut self, name: &str, service: &str) {
        let name = fold(name);
        if name != self.user.entry.name
            && !self.names.contains(&name)
            && self.names.len() < NAMES_MAX
        {
            self.names.push(name);
        }
        self.services.insert(service.to_owned());
    }

    pub(crate) fn sid(&self) -> Sid {
        self.user.record.sid
    }

    /// Whether the person is known by this name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let name = fold(name);
        self.user.entry.name == name || self.names.contains(&name)
    }

    /// Whether the password may still be used, so many days after AD took it.
    pub(crate) fn holds(&self, days: u32, now: SystemTime) -> bool {
        let until = self.good_until(days);
        let clock_is_right =
            now.checked_add(CLOCK_SLACK).is_some_and(|now| now > self.confirmed_at());
        clock_is_right && until.is_some_and(|until| until > now)
    }

    /// Until when the password may be used, so many days after AD took it.
    pub(crate) fn good_until(&self, days: u32) -> Option<SystemTime> {
        self.confirmed_at().checked_add(DAY.saturating_mul(days))
    }

    /// When the hash was made.
    pub(crate) fn saved_at(&self) -> SystemTime {
        moment(self.saved)
    }

    /// When AD last took the password.
    pub(crate) fn confirmed_at(&self) -> SystemTime {
        moment(self.confirmed)
    }

    /// When the last wrong try was.
    pub(crate) fn wrong_at(&self) -> SystemTime {
        moment(self.wrong_at)
    }

    /// With one more wrong try.
    pub(crate) fn tried(&self, now: SystemTime) -> Self {
        Self { wrong: self.wrong.saturating_add(1), wrong_at: seconds(now), ..self.clone() }
    }

    /// After a right one.
    pub(crate) fn opened(&self) -> Self {
        Self { wrong: 0, ..self.clone() }
    }
}

fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH)
}

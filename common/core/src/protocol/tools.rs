//! What the administrator's tool is told beyond users and status: groups, what is held, what
//! expires, numbers, and the last logins. As everywhere here, fields and variants keep their order.

use serde::{Deserialize, Serialize};

use crate::entries::{GroupEntry, PasswdEntry};
use crate::protocol::messages::{Cursor, Verdict};
use crate::protocol::request_id::RequestId;

/// How the warning begins in [`super::admin::Status::warnings`] after a reload that failed.
pub const NOT_RELOADED: &str =
    "the last reload failed: the configuration from before stays in force";
/// What the warning says there when ids that are given are not remembered.
pub const IDS_NOT_KEPT: &str = "ids that are given now could be given again";

/// One group, as the directory has it and as this host shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupReport {
    /// The entry that NSS gives, with everybody who is in it directly or through other groups.
    pub entry: GroupEntry,
    /// The DN; None for the group of a user's own, which the directory has no object of.
    pub dn: Option<String>,
    /// The SID; None as above.
    pub sid: Option<String>,
    /// The groups that are in it directly: names.
    pub groups_in_it: Vec<String>,
    /// The groups that it is in, directly or through others: names.
    pub in_groups: Vec<String>,
}

/// What [`super::admin::Status`] does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// The service account's connection: its server, and for how many seconds it has been up.
    pub connection: Option<(String, u64)>,
    /// Whether a connection is ready for the next login.
    pub is_ready: bool,
    /// How many seconds ago a domain controller last answered a question.
    pub answered_s: Option<u64>,
    /// While no domain controller can be asked: since how many seconds, and in how many it is
    /// tried again (None: it is being tried now).
    pub outage: Option<(u64, Option<u64>)>,
    /// What is held in memory.
    pub held: Held,
    /// Everything of TLS that expires, the next to do so first.
    pub endings: Vec<Ending>,
}

/// How much is held in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Users.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Users whose groups are known.
    pub memberships: u64,
    /// Names and ids that are nobody's.
    pub nobody: u64,
    /// Of users, groups and memberships: those that are asked for again before they are served as
    /// fresh.
    pub doubted: u64,
}

/// A certificate or a revocation list that matters here, and when it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// What it is: `server`, `ca` or `crl`.
    pub kind: String,
    /// Whose it is.
    pub subject: String,
    /// Where it was met: a server, or a file.
    pub place: String,
    /// When it expires, in seconds since 1970.
    pub at: i64,
    /// A sentence with the remedy, where that is soon.
    pub warning: Option<String>,
}

/// A metric with all its samples, as Prometheus has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// What it counts.
    pub help: String,
    /// How it moves.
    pub kind: Kind,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Up.
    Counter,
    /// Up and down.
    Gauge,
    /// Counts of what is at most so long.
    Histogram,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// What stands behind the name: `_bucket`, `_sum` and `_count` of a histogram.
    pub suffix: String,
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// The number.
    pub number: Number,
}

/// A number that survives any way of writing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Number {
    /// A whole one.
    Whole(i64),
    /// Seconds, in millionths.
    Micros(u64),
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flushed {
    /// What was held.
    pub held: Held,
    /// Users who are known all the same, since they may log in offline.
    pub kept_for_offline: u64,
}

/// Who is to be read anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whom {
    /// A user, by any form of name.
    User(String),
    /// A group.
    Group(String),
}

/// What has become of somebody who was read anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refreshed {
    /// The canonical name; None: nobody has this name any more.
    pub name: Option<String>,
    /// Why nobody has it.
    pub why_nobody: Option<String>,
    /// Whether the name was known before.
    pub was_known: bool,
    /// What is another: the field, what it was, what it is.
    pub changes: Vec<(String, String, String)>,
}

/// A page of what is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// What is on it.
    pub records: Vec<Exhibit>,
    /// Where the rest is, if there is more.
    pub next: Option<Cursor>,
}

/// One thing that is held. There is no password among it, nor what one is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exhibit {
    /// A user.
    User {
        /// The entry that NSS gives.
        entry: PasswdEntry,
        /// The DN.
        dn: String,
        /// The SID.
        sid: String,
        /// The gids of the groups, where they are known.
        gids: Option<Vec<u32>>,
        /// How many seconds ago it was read; None: before the daemon started.
        read_s: Option<u64>,
        /// Whether it is asked for again before it is served as fresh.
        doubted: bool,
    },
    /// A group.
    Group {
        /// The entry that NSS gives.
        entry: GroupEntry,
        /// The SID; None for the group of a user's own.
        sid: Option<String>,
        /// As of a user.
        read_s: Option<u64>,
        /// As of a user.
        doubted: bool,
    },
}

/// Decisions about logins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decisions {
    /// The number of the last one there is.
    pub last: u64,
    /// Those that were asked for and are remembered, in their order.
    pub decided: Vec<Decided>,
}

/// One decision about a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// They are counted from the daemon's start.
    pub number: u64,
    /// The name of the login in the logs.
    pub request: RequestId,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Which of PAM's questions: `auth`, `account`, `old password` or `password change`.
    pub phase: String,
    /// PAM_USER.
    pub user: String,
    /// PAM_SERVICE.
    pub service: String,
    /// The process that asked, as the daemon sees it.
    pub pid: Option<i32>,
    /// What was decided.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
    /// The domain controller that was asked.
    pub dc: Option<String>,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What was done for it: in words, and in how many microseconds where it took time.
    pub steps: Vec<(String, Option<u64>)>,
    /// The line of the journal.
    pub line: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::admin::{AdminReply, AdminRequest};
    use crate::protocol::frame;

    /// A tool and a daemon of two versions meet while a package is upgraded.
    #[test]
    fn the_wire_form_of_what_the_tool_asks_and_is_told_has_changed() {
        let asked = |request: &AdminRequest| {
            frame::encode(request, 100).unwrap()[frame::HEADER_LEN..].to_vec()
        };
        assert_eq!(asked(&AdminRequest::Group("a".into())), b"\x07\x01a");
        assert_eq!(asked(&AdminRequest::Conditions), b"\x08");
        assert_eq!(asked(&AdminRequest::Metrics), b"\x09");
        assert_eq!(asked(&AdminRequest::Flush { anyway: true }), b"\x0a\x01");
        assert_eq!(asked(&AdminRequest::Refresh(Whom::Group("a".into()))), b"\x0b\x01\x01a");
        assert_eq!(asked(&AdminRequest::Export(None)), b"\x0c\x00");
        assert_eq!(asked(&AdminRequest::Decisions(7)), b"\x0d\x07");
        let held = Held { users: 1, groups: 2, memberships: 3, nobody: 4, doubted: 5 };
        let reply = AdminReply::Flushed(Flushed { held, kept_for_offline: 6 });
        let reply = frame::encode(&reply, 100).unwrap();
        assert_eq!(&reply[frame::HEADER_LEN..], b"\x0e\x01\x02\x03\x04\x05\x06");
    }
}

//! The messages of `ldapsctl`.

use serde::{Deserialize, Serialize};

use crate::config::STANDING_ATTRIBUTES;
use crate::entries::PasswdEntry;
use crate::protocol::messages::{Cursor, Verdict};
use crate::protocol::tools::{
    Conditions, Decisions, Exported, Family, Flushed, GroupReport, Refreshed, Whom,
};

/// A question of the administrator's tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminRequest {
    /// How the daemon is.
    Status,
    /// What the daemon knows about a user, asked of the directory now.
    User(String),
    /// How a login of this user through this PAM service would be decided, step by step. For root
    /// about anyone, for others about themselves.
    Why {
        /// The name, as it would be typed.
        name: String,
        /// The PAM service.
        service: String,
    },
    /// The SSH public keys of the user of this name: public, so anyone may ask.
    SshKeys(String),
    /// How what is held is kept as the directory has it.
    Freshness,
    /// As [`AdminRequest::User`], and the user's profile: that for root, for the user themself, and
    /// for the readers that `[profile]` names.
    Profile(String),
    /// How far the reading of everybody is, and whether the domain controller tells of changes.
    Sync,
    /// What the daemon knows about a group, asked of the directory now.
    Group(String),
    /// What [`AdminRequest::Status`] does not say.
    Conditions,
    /// Every number there is.
    Metrics,
    /// Forget what is held of the directory. For root.
    Flush {
        /// Also while no domain controller answers, who could be asked again.
        anyway: bool,
    },
    /// Read somebody of the directory anew. For root.
    Refresh(Whom),
    /// A page of what is held, from a cursor of the page before. For root.
    Export(Option<Cursor>),
    /// The decisions about logins after the one with this number. For root.
    Decisions(u64),
}

/// The answer to an [`AdminRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminReply {
    /// How the daemon is.
    Status(Status),
    /// The user.
    User(UserReport),
    /// There is none of that name, and why that is known.
    NoSuchUser(String),
    /// The directory could not be asked, and why.
    Unavailable(String),
    /// The caller may not ask this.
    Denied(String),
    /// How the login would be decided.
    Why(Box<WhyReport>),
    /// Lines of an authorized_keys file, valid every one; none where the user has none, or is not
    /// the directory's.
    SshKeys(Vec<String>),
    /// How what is held is kept as the directory has it.
    Freshness(FreshnessStatus),
    /// The user, and the profile where the caller may have it.
    Profile(Box<ProfileReport>),
    /// How far the reading of everybody is, with `sync = "all"`, and how the domain controller tells
    /// of changes, with `notify`.
    Sync(Option<SyncStatus>, Option<NotifyStatus>),
    /// The group.
    Group(Box<GroupReport>),
    /// There is no group of that name, and why that is known.
    NoSuchGroup(String),
    /// What the status does not say.
    Conditions(Box<Conditions>),
    /// Every number there is.
    Metrics(Vec<Family>),
    /// What was forgotten.
    Flushed(Flushed),
    /// What has changed.
    Refreshed(Refreshed),
    /// A page of what is held.
    Exported(Exported),
    /// Decisions about logins.
    Decisions(Decisions),
}

/// How the daemon is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// The servers it may use, the one in use first.
    pub servers: Vec<ServerStatus>,
    /// The domain, once it is known.
    pub domain: Option<DomainStatus>,
    /// The last error with the directory, in words, and how many seconds ago.
    pub last_error: Option<(String, u64)>,
    /// What the daemon found fault with in its configuration.
    pub warnings: Vec<String>,
    /// Numbers since the start.
    pub counters: Counters,
}

/// How what is held is kept as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreshnessStatus {
    /// The server that was last asked what has changed.
    pub server: Option<String>,
    /// Up to which of its changes everything is known.
    pub usn: Option<i64>,
    /// How many seconds ago it was asked.
    pub polled_s: Option<u64>,
    /// After how many seconds it is asked again.
    pub every_s: u64,
    /// How often it was asked since the start.
    pub polls: u64,
    /// How often there was something, so that a search followed.
    pub searches: u64,
    /// Objects that have changed.
    pub changes: u64,
    /// How often everything was doubted: at the start, at another server, after too many changes.
    pub anew: u64,
    /// Users and groups that were held against the directory in rotation.
    pub verified: u64,
}

/// How far the reading of everybody is (`sync = "all"`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncStatus {
    /// What is being done.
    pub phase: SyncPhase,
    /// Users that were read so far, or that there are.
    pub users: u64,
    /// Groups that there are, once everybody was read.
    pub groups: u64,
    /// How many users there are about, once they were counted.
    pub about_users: Option<u64>,
    /// The same of groups.
    pub about_groups: Option<u64>,
    /// How many seconds ago it was begun; None: it was taken over from the daemon before.
    pub began_s: Option<u64>,
    /// When everybody was there, in seconds since 1970.
    pub done_at: Option<u64>,
    /// How many seconds ago everybody was last held against the directory.
    pub swept_s: Option<u64>,
    /// How often everybody was read since the start.
    pub walks: u64,
    /// Why it was begun anew.
    pub problem: Option<String>,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncPhase {
    /// Nothing yet.
    NotBegun,
    /// Counting.
    Counting,
    /// Reading users.
    Reading,
    /// Working out who is in which group.
    Linking,
    /// Everybody is there, and is kept as the directory has them.
    Complete,
}

/// How the domain controller tells of changes (`notify = true`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyStatus {
    /// For how many seconds it has been telling; None: it does not now, and is polled as usual.
    pub listening_s: Option<u64>,
    /// Changes that were told.
    pub changes: u64,
    /// Why it does not tell, or did not.
    pub problem: Option<String>,
}

/// A server the daemon may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// Its name and port, and whether it is read-only.
    pub server: String,
    /// Whether the daemon is connected to it now.
    pub connected: bool,
}

/// The domain as the daemon sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainStatus {
    /// The DN that searches start from.
    pub base: String,
    /// The domain's SID.
    pub sid: String,
    /// The NetBIOS name.
    pub netbios: Option<String>,
    /// First and last id of each range that is the domain's.
    pub ranges: Vec<(u32, u32)>,
}

/// Numbers since the daemon started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Look-ups answered from memory.
    pub hits: u64,
    /// Look-ups that needed the directory.
    pub misses: u64,
    /// Users held in memory.
    pub users: u64,
    /// Groups held in memory.
    pub groups: u64,
    /// Logins granted.
    pub granted: u64,
    /// Logins refused.
    pub refused: u64,
    /// Binds sent for somebody who logs in.
    pub binds: u64,
}

/// One user, as the directory and the rules of this host see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserReport {
    /// The entry that NSS gives.
    pub entry: PasswdEntry,
    /// The DN.
    pub dn: String,
    /// The SID.
    pub sid: String,
    /// The groups: gid and name.
    pub groups: Vec<(u32, String)>,
    /// The state of the account, in words; None where there is nothing against it.
    pub state: Option<String>,
    /// For each service with rules of its own, and "any other": whether the rules allow the user.
    pub access: Vec<(String, bool)>,
}

/// A user and, where the caller may have it, the user's profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileReport {
    /// What anybody is told.
    pub user: UserReport,
    /// The profile, or why the caller is not told.
    pub profile: Result<Profile, String>,
}

/// What an application wants to know of a person. What AD does not have is absent, and so is what
/// the service account may not read: AD makes no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The text of each of [`STANDING_ATTRIBUTES`], in their order.
    pub standing: [Option<String>; STANDING_ATTRIBUTES.len()],
    /// The configured attributes, in the order and the spelling of the configuration.
    pub more: Vec<(String, Vec<ProfileValue>)>,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProfileValue {
    /// What reads as text.
    Text(String),
    /// What does not: a picture, an objectGUID.
    Bytes(Vec<u8>),
}

/// How a login would be decided: made by the functions that decide logins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyReport {
    /// The name as it was asked.
    pub name: String,
    /// The PAM service.
    pub service: String,
    /// As whom the directory knows the name; None: as nobody that this host shows.
    pub found: Option<FoundAs>,
    /// What was looked at, in the order it is looked at.
    pub steps: Vec<WhyStep>,
    /// What follows; None where NSS shows nobody, so that no login comes as far as ours.
    pub answers: Option<WhyAnswers>,
}

/// As whom the directory knows a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundAs {
    /// Which form of name it is, in words.
    pub form: String,
    /// The attribute that holds it; None where the answer is of earlier.
    pub attribute: Option<String>,
    /// The DN.
    pub dn: String,
    /// The SID.
    pub sid: String,
    /// The entry that NSS gives.
    pub entry: PasswdEntry,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyStep {
    /// What it is about, in a word or two: consecutive steps of one subject belong together.
    pub about: String,
    /// Which way it speaks.
    pub speaks: Speaks,
    /// What was found.
    pub text: String,
}

/// Which way a step speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Speaks {
    /// For the login, or not against it.
    For,
    /// Against it.
    Against,
    /// Neither: something to know.
    Neither,
}

/// What each of PAM's questions would be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyAnswers {
    /// `pam_authenticate`, if the password is right.
    pub auth: WhyAnswer,
    /// `pam_acct_mgmt` after that.
    pub account: WhyAnswer,
    /// `pam_acct_mgmt` where no password was asked for: an SSH key, cron, `su` by root.
    pub account_without_password: WhyAnswer,
}

/// What one of PAM's questions would be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyAnswer {
    /// The decision.
    pub verdict: Verdict,
    /// The words of the journal.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::frame;

    /// A tool and a daemon of two versions meet while a package is upgraded.
    #[test]
    fn the_wire_form_of_a_profile_has_changed() {
        let body = |frame: &[u8]| frame[frame::HEADER_LEN..].to_vec();
        let asked = AdminRequest::Profile("a".into());
        assert_eq!(body(&frame::encode(&asked, 100).unwrap()), b"\x05\x01a");
        let report = |profile| ProfileReport {
            user: UserReport {
                entry: PasswdEntry {
                    name: "a".into(),
                    uid: 1000,
                    gid: 1001,
                    gecos: String::new(),
                    home: "/".into(),
                    shell: "/s".into(),
                },
                dn: "D".into(),
                sid: "S".into(),
                groups: vec![(1001, "g".into())],
                state: None,
                access: vec![("any".into(), true)],
            },
            profile,
        };
        let reply = |profile| {
            body(&frame::encode(&AdminReply::Profile(Box::new(report(profile))), 100).unwrap())
        };
        let user = b"\x08\x01a\xe8\x07\xe9\x07\x00\x01/\x02/s\x01D\x01S\x01\xe9\x07\x01g\x00\x01\x03any\x01";
        let profile = Profile {
            standing: [Some("A".into()), None, None, Some("m".into())],
            more: vec![(
                "x".into(),
                vec![ProfileValue::Text("t".into()), ProfileValue::Bytes(vec![255])],
            )],
        };
        let told = b"\x00\x01\x01A\x00\x00\x01\x01m\x01\x01x\x02\x00\x01t\x01\x01\xff";
        assert_eq!(reply(Ok(profile)), [&user[..], told].concat());
        assert_eq!(reply(Err("no".into())), [&user[..], b"\x01\x02no"].concat());
    }
}

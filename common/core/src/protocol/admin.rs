//! The messages of `ldapsctl`.

use serde::{Deserialize, Serialize};

use crate::entries::PasswdEntry;

/// A question of the administrator's tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminRequest {
    /// How the daemon is.
    Status,
    /// What the daemon knows about a user, asked of the directory now.
    User(String),
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

/// A server the daemon may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// Its name and port.
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

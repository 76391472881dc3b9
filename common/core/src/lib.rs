//! What the modules and the programs of ldaps-login share: names, ids, configuration, secrets,
//! the protocol between the modules and the daemon, and the map that the daemon shares with them.
//!
//! Nothing here knows LDAP, TLS or an async runtime: the NSS and PAM modules link this crate into
//! every process that resolves a name or logs somebody in.

pub mod config;
pub mod ctl;
pub mod entries;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod idmap;
pub mod local;
pub mod map;
pub mod names;
pub mod presence;
pub mod protocol;
pub mod refusal;
pub mod run_dir;
pub mod secret;
pub mod secret_file;
pub mod sid;
pub mod sys;

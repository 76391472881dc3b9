//! What the modules and the programs of ldaps-login share: names, ids, configuration, secrets,
//! and the protocol between the modules and the daemon.
//!
//! Nothing here knows LDAP, TLS or an async runtime: the NSS and PAM modules link this crate into
//! every process that resolves a name or logs somebody in.
#![forbid(unsafe_code)]

pub mod config;
pub mod ctl;
pub mod entries;
pub mod idmap;
pub mod local;
pub mod names;
pub mod presence;
pub mod protocol;
pub mod refusal;
pub mod run_dir;
pub mod secret;
pub mod sid;

//! Active Directory over LDAPS: connections whose chain and name are verified, searches that come
//! back complete, binds, and what AD's answers mean.
//!
//! ```text
//! Directory (queries)  what is asked: a user by any name, a group, the groups of a user
//!   Link               which server: one service connection, kept up by a probe
//!     Connection       one LDAPS connection, many searches in flight
//!       Tls            whom to trust, and what is wrong with a certificate
//! ```
#![forbid(unsafe_code)]

mod account;
mod authenticate;
mod ber;
mod bind;
mod by_id;
mod by_name;
pub mod certificates;
mod changes;
mod connection;
mod discovery;
mod domain;
mod entry;
mod error;
mod filter;
mod groups;
mod histogram;
mod inspect;
mod link;
mod members;
mod mirror;
mod misnamed;
mod nested;
mod notify;
mod password;
mod person;
mod policy;
mod queries;
mod question;
mod reach;
mod ready;
mod search;
mod server;
mod survey;
mod tls;
mod tls_fault;
mod traffic;
mod users;

pub use account::{AccountState, Judgement, PasswordState};
pub use authenticate::{Ready, Unbound};
pub use bind::BindOutcome;
pub use changes::{Change, Changes, Poll, Position};
pub use domain::{Domain, Lockout};
pub use error::DirectoryError;
pub use groups::GroupRecord;
pub use histogram::{BOUNDS_US, Durations, Histogram};
pub use inspect::{OwnAccount, Seen, Unreadable};
pub use link::{LinkStatus, Settings};
pub use mirror::{Linked, Walk};
pub use misnamed::Misnamed;
pub use notify::Told;
pub use password::{ChangeOutcome, ChangeRefusal};
pub use person::{Person, Wanted};
pub use policy::{PasswordPolicy, PolicyOfAccount};
pub use queries::{Directory, Page};
pub use server::Server;
pub use survey::Survey;
pub use tls::Tls;
pub use tls_fault::{TlsFault, TlsReason};
pub use traffic::TrafficStatus;
pub use users::{Depth, PosixAttributes, UserRecord};

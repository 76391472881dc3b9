//! The crate against the test directory: what is found, who is let in, which server is believed, and
//! what is said when it is not. No root, no network but 127.0.0.1.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![forbid(unsafe_code)]

#[path = "../../../../tests/directory/tests/support/mod.rs"]
mod raw;

mod rig;
mod two;

mod binds;
mod groups;
mod outages;
mod read_only;
mod tls;
mod users;

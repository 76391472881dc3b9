//! `ldapsctl cert` as a shell sees it: on files in every form that an IT department sends, on a trust
//! store of its own, on a server.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions beside the tests are tests too"
)]

mod files;
mod import;
mod maker;
mod rig;
mod servers;

//! `ldapsctl setup` on a root of its own, against a directory server: what is refused, and that nothing
//! was changed by then; what is written; and all of it back. Programs that know one root alone
//! (pam-auth-update, systemctl, sshd) are the scenarios'.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions beside the tests are tests too"
)]

#[path = "../certificates/maker.rs"]
#[allow(dead_code, reason = "made for the other tests, too")]
mod maker;
mod refused;
mod rig;
mod undone;
mod written;

//! The daemon itself, started as a process of its own on a test directory, and asked through its
//! sockets as the modules ask. As root or as anybody; no network but 127.0.0.1.
//!
//! Every daemon here logs at `trace`, and every test ends with the same question: is a password in
//! the log?
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![forbid(unsafe_code)]

mod asking;
mod daemon;
mod stage;

mod access_filter;
mod account_phase;
mod admin;
mod crowds;
mod durable;
mod frames;
mod freshness;
mod given_ids;
mod granted;
mod ids_twice;
mod life;
mod logins;
mod looks;
mod lookups;
mod memory;
mod mirror;
mod mirror_cost;
mod names;
mod notices;
mod offline;
mod offline_ends;
mod outages;
mod passwords;
mod posix;
mod private_groups;
mod profile;
mod published;
mod searches;
mod shadowing;
mod ssh_keys;
mod tools;
mod tools_cache;
mod why;
mod workstations;

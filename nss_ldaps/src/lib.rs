//! libnss_ldaps.so.2: users and groups of the directory for glibc.
//!
//! Nothing but the C ABI and packing: every question that this module cannot answer by itself
//! (a local name, an id outside the directory's ranges, no daemon) is one request to `ldapsd`.
//! It runs inside every process that resolves a name, so it starts no thread, keeps no descriptor
//! and no lock across calls, reads no environment and prints nothing.
//!
//! A call goes through these files, in order: `ffi` (pointers become slices) -> `guard` (a panic
//! becomes "unavailable") -> `module` (the calls by name) -> `warm` (the shared map), and where that
//! does not know, `lookup` or `enumeration` (what to ask, what to believe) -> `host` (the daemon)
//! -> `pack` (the caller's buffer) -> `status`.

pub mod enumeration;
pub mod ffi;
pub mod guard;
pub mod host;
pub mod lookup;
pub mod module;
pub mod pack;
pub mod status;
pub mod sys;
pub mod warm;

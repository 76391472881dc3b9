//! The shared map: what the daemon has answered, read by every process of the host with no system
//! call and no lock.
//!
//! The page `ctl` ([`crate::ctl`]) names the current file by its number. `map-N` is one file of a
//! length that never changes, mapped by its readers as a whole:
//!
//! ```text
//! 0                      4096                  4096 + 4 * slots        allocated        length
//! | header               | slots, u32 each     | entries ... | free    | no memory yet  |
//! ```
//!
//! All numbers are in the host's byte order: the file lives in /run and never leaves its host.
//!
//! # Header
//! ```text
//! 0          8   12         16    20  24    32         40      64     68
//! | LDPSmap1 | N | slots, 2^| pages| 0 | seed| checksum| zeros | used | allocated |
//! ```
//! What stands before 40 never changes. `used` (in units of 16 bytes) is where the writer goes on;
//! readers do not look at it. `allocated` is how many pages have memory (20 bits), with a check of
//! its own (12 bits): readers touch nothing behind it, because a tmpfs that is full could not give
//! them a page to read.
//!
//! # Slots
//! A key (kind and name, or kind and id) is hashed with rapidhash (version 3, fixed for ever),
//! keyed with the file's random seed. Its home is the lower bits of the hash; the search goes on
//! slot by slot, at most 128 of them. A slot is 0 (never used: the search ends), 1 (withdrawn: it goes
//! on), or the entry's place in units of 16 bytes, above four bits of the hash.
//!
//! One release-store to a slot makes an entry visible, replaces or withdraws it. A user and a
//! group have two keys and so two slots; a reader that looks in between finds the old or the new
//! one, each whole.
//!
//! The seed can be read by everybody, as the file can, so it does not stop a local user who asks
//! for names that collide. What does: negative entries, which are all that asking makes, stand at
//! most 32 slots from home and give way to others; and where 128 are not enough, the writer makes a file
//! with another seed.
//!
//! # Entries
//! ```text
//! 0        4      8          16
//! | length | kind | checksum | content, padded to 16 |
//! ```
//! The checksum (rapidhash) is over all else. Strings have a NUL behind them, so that they are
//! copied to a caller of C in one piece:
//!
//! | kind | content |
//! |---|---|
//! | 1 user | uid, gid, where in the text gecos, home and shell begin, the text's length; name, `*`, gecos, home, shell |
//! | 2 group | gid, number of members, the name's length, 0; where in the text each member begins; name, `*`, members |
//! | 3 groups of a user | uid, number of gids; gids |
//! | 4 alias | uid, the alias's length, 0; alias, canonical name. It leads to the user who has both |
//! | 5 nobody | kind of key, id, expiry (u64, ns of CLOCK_MONOTONIC); name |
//!
//! An entry is written before a slot leads to it, and never changed after. So a reader copies from
//! where it lies; every length and offset is checked against what encloses it, and the checksum is
//! right, or the entry is a miss.
//!
//! # The writer
//! There is one. It may end at any store: what it wrote before any slot led there is lost; a user
//! of whom one slot was changed and the other not is withdrawn when the next writer checks the
//! file. Where over half of the entries are dead, or the file or its table is full, all that is in
//! force goes into a new file, which is then made current by one write of `ctl`, and the old one
//! is unlinked: who has it mapped keeps it. All files together stay within a budget; what has no
//! room there is withdrawn, not left as it was.
//!
//! A file is never made shorter. Only the daemon's user could, and then readers would get SIGBUS:
//! to be trusted with that is part of being trusted with everybody's ids.
#![deny(unsafe_code)]

mod entry;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod shared;
mod shelf;
mod sys;
mod view;
mod writer;

#[cfg(test)]
mod tests;

pub use entry::{GidsView, GroupView, UserView};
pub use format::Key;
pub use shared::SharedMap;
pub use sys::Region;
pub use view::{Answer, MapView};
pub use writer::{MapWriter, NOBODY_MAX, OwnedKey, PutError, Stats};

/// The name of a map file in the run directory.
fn file_name(number: u32) -> String {
    format!("map-{number}")
}

/// The number of a map file, by its name.
fn file_number(name: &str) -> Option<u32> {
    name.strip_prefix("map-")?.parse().ok()
}

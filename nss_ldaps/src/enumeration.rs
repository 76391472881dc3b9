//! setpwent, getpwent, endpwent and their group twins: one page of the daemon's at a time.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Instant;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::protocol::messages::{Cursor, NssReply, NssRequest};

use crate::host::{Host, Page};
use crate::lookup::{believed_group, believed_user};
use crate::status::Miss;

/// What can be enumerated.
pub trait Listed: Sized {
    /// The request for a page.
    fn request(from: Option<Cursor>) -> NssRequest;
    /// A page of the reply; None if the reply is something else.
    fn page(reply: NssReply) -> Option<(Vec<Self>, Option<Cursor>)>;
    /// The entry, if it can be believed.
    ///
    /// # Errors
    /// `Unavailable`.
    fn believed(self, host: &Host<'_>, page: &Page) -> Result<Self, Miss>;
}

impl Listed for PasswdEntry {
    fn request(from: Option<Cursor>) -> NssRequest {
        NssRequest::Users(from)
    }

    fn page(reply: NssReply) -> Option<(Vec<Self>, Option<Cursor>)> {
        match reply {
            NssReply::Users(users, rest) => Some((users, rest)),
            _ => None,
        }
    }

    fn believed(self, host: &Host<'_>, page: &Page) -> Result<Self, Miss> {
        believed_user(host, page, self)
    }
}

impl Listed for GroupEntry {
    fn request(from: Option<Cursor>) -> NssRequest {
        NssRequest::Groups(from)
    }

    fn page(reply: NssReply) -> Option<(Vec<Self>, Option<Cursor>)> {
        match reply {
            NssReply::Groups(groups, rest) => Some((groups, rest)),
            _ => None,
        }
    }

    fn believed(self, host: &Host<'_>, page: &Page) -> Result<Self, Miss> {
        believed_group(host, page, self)
    }
}

/// Where an enumeration stands.
#[derive(Debug)]
pub struct Enumeration<E> {
    /// What was received and not yet given.
    waiting: VecDeque<E>,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    /// All of it: nothing was asked yet.
    All,
    /// What lies behind this.
    Behind(Cursor),
    /// Nothing.
    Nothing,
}

impl<E: Listed> Enumeration<E> {
    /// An enumeration at its beginning, holding no memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { waiting: VecDeque::new(), rest: Rest::All }
    }

    /// The next entry, which stays the next one until [`Self::advance`]: a caller whose buffer was
    /// too short comes again for it.
    ///
    /// # Errors
    /// `NotFound` at the end, `Unavailable` where the daemon cannot tell.
    pub fn next(&mut self, host: &Host<'_>) -> Result<&E, Miss> {
        if self.waiting.is_empty() {
            self.fetch(host)?;
        }
        self.waiting.front().ok_or(Miss::NotFound)
    }

    /// Goes on to the entry behind the next one.
    pub fn advance(&mut self) {
        self.waiting.pop_front();
    }

    /// Gets pages until one has an entry. The daemon may give an empty page with more behind it,
    /// if all that was on it is the host's own; but not for ever.
    fn fetch(&mut self, host: &Host<'_>) -> Result<(), Miss> {
        let start = Instant::now();
        while self.waiting.is_empty() {
            let from = match &self.rest {
                Rest::All => None,
                Rest::Behind(cursor) => Some(cursor.clone()),
                Rest::Nothing => return Err(Miss::NotFound),
            };
            if start.elapsed() > host.patience {
                return Err(Miss::Unavailable);
            }
            let page = host.page()?;
            let (entries, cursor) = match host.ask(&page, &E::request(from.clone()))? {
                NssReply::NotFound => (Vec::new(), None),
                reply => E::page(reply).ok_or(Miss::Unavailable)?,
            };
            if cursor.is_some() && cursor == from {
                return Err(Miss::Unavailable);
            }
            // An entry that is not believed is left out; the list goes on without it.
            let entries = entries.into_iter().filter_map(|e| e.believed(host, &page).ok());
            self.waiting.extend(entries);
            self.rest = cursor.map_or(Rest::Nothing, Rest::Behind);
        }
        Ok(())
    }
}

impl<E: Listed> Default for Enumeration<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// The state of an enumeration, for one call.
///
/// getpwent(3) is "MT-Unsafe race:pwent", and glibc calls every module under a lock of its own, so
/// nobody ever waits here, and nobody may: after a fork in the middle of another thread's call the
/// child would wait for ever.
///
/// # Errors
/// `Unavailable` if somebody else is in the middle of a call.
pub fn lock<E: Listed>(
    state: &Mutex<Enumeration<E>>,
) -> Result<MutexGuard<'_, Enumeration<E>>, Miss> {
    match state.try_lock() {
        Ok(state) => Ok(state),
        Err(TryLockError::WouldBlock) => Err(Miss::Unavailable),
        Err(TryLockError::Poisoned(poisoned)) => {
            // A panic came in the middle of a change: start again.
            state.clear_poison();
            let mut state = poisoned.into_inner();
            *state = Enumeration::new();
            Ok(state)
        }
    }
}

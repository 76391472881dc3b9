//! What the auth phase has AD say of an account while AD looks at the password, for the account
//! phase of the same login a moment later.
//!
//! It is as live as what the account phase would read itself: it is asked for when the bind is
//! written, or, where an earlier login leaves less to ask, was read for this login's rules just before;
//! and it is good for a few seconds, once, for the same process that asks for the same person and
//! service. Where anything is heard of the account meanwhile, it is not used.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use ldaps_core::names::UserName;
use ldaps_core::protocol::messages::Login;
use ldaps_core::refusal::Refusal;
use ldaps_directory::DirectoryError;
use lru::LruCache;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::account::EVERYTHING;
use crate::host::Host;
use crate::lookups::person::PersonNow;
use crate::peer::Peer;

/// How long an account phase may come after its auth phase to be judged by what that one read.
/// Programs go from one to the other at once; who is asked for something else in between is read
/// again.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// Logins between their two phases at one moment: of more, the longest ago are read again.
const HELD_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

type Found = Result<Option<PersonNow>, DirectoryError>;

/// One reading, under way or done. It ends with this.
pub(crate) struct Reading {
    began: Instant,
    found: Shared<BoxFuture<'static, Found>>,
    /// None: it was done before.
    task: Option<AbortHandle>,
    /// What AD wants first, by its answer to the password itself.
    wanted_first: Option<Refusal>,
}

impl Reading {
    /// Asks AD for everything that decides about an account.
    pub(super) fn begin(host: &Arc<Host>, name: &UserName) -> Self {
        let (host, name) = (host.clone(), name.clone());
        let reading = async move {
            let person = host.lookups.person_now(&name, EVERYTHING).await?;
            if let Some(person) = &person {
                host.expiries.keep(&person.user);
            }
            Ok(person)
        };
        let found = reading.boxed().shared();
        let (began, task) = (Instant::now(), tokio::spawn(found.clone()).abort_handle());
        Self { began, found, task: Some(task), wanted_first: None }
    }

    /// What was asked for at this moment and has been read, where nothing more need be asked.
    pub(super) fn done(began: Instant, person: PersonNow) -> Self {
        let found = std::future::ready(Ok(Some(person))).boxed().shared();
        Self { began, found, task: None, wanted_first: None }
    }

    /// With what AD wants of who has typed the right password: an account phase lets nobody in without,
    /// whatever attributes say.
    pub(super) fn wanting_first(self, refusal: Refusal) -> Self {
        let mut reading = self;
        reading.wanted_first = Some(refusal);
        reading
    }

    /// What AD wants first, if anything.
    pub(super) fn wanted_first(&self) -> Option<Refusal> {
        self.wanted_first
    }

    /// The person, as soon as AD has said it; None: there is nobody of that name any more.
    pub(super) async fn person(&self) -> Found {
        self.found.clone().await
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Whose login it is: who asks, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Whose {
    process: i32,
    caller: u32,
    service: String,
    user: String,
    uid: u32,
}

impl Whose {
    /// None: of a process that has no number here no two requests are known to be of the same.
    fn of(peer: Peer, login: &Login<'_>) -> Option<Self> {
        Some(Self {
            process: peer.pid?,
            caller: peer.uid,
            service: login.service.to_owned(),
            user: login.user.to_owned(),
            uid: login.uid,
        })
    }
}

/// The readings of logins that are between their two phases.
pub(crate) struct Readings(Mutex<LruCache<Whose, Reading>>);

impl Default for Readings {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(HELD_MAX)))
    }
}

impl Readings {
    /// Keeps a reading for the account phase of this login.
    pub(super) fn put(&self, peer: Peer, login: &Login<'_>, reading: Reading) {
        let Some(whose) = Whose::of(peer, login) else { return };
        let mut held = self.lock();
        while held.peek_lru().is_some_and(|(_, oldest)| oldest.began.elapsed() >= GOOD_FOR) {
            held.pop_lru();
        }
        held.put(whose, reading);
    }

    /// The reading for this login, if it is still good: whoever takes it has it alone.
    pub(super) fn take(&self, peer: Peer, login: &Login<'_>) -> Option<Reading> {
        let reading = self.lock().pop(&Whose::of(peer, login)?)?;
        (reading.began.elapsed() < GOOD_FOR).then_some(reading)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Whose, Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody() -> Reading {
        let found = async { Ok(None) }.boxed().shared();
        Reading { began: Instant::now(), found, task: None, wanted_first: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_is_used_by_another_login_or_twice_or_late() {
        let readings = Readings::default();
        let peer = Peer { uid: 0, pid: Some(100) };
        let login =
            Login { user: "alice", uid: 7, service: "sshd", rhost: "h", tty: "t", ruser: "" };
        let others = [
            (Peer { pid: Some(101), ..peer }, login),
            (Peer { pid: None, ..peer }, login),
            (Peer { uid: 33, ..peer }, login),
            (peer, Login { user: "bob", ..login }),
            (peer, Login { user: "Alice", ..login }),
            (peer, Login { uid: 8, ..login }),
            (peer, Login { service: "sudo", ..login }),
        ];
        readings.put(peer, &login, nobody());
        for (at, (peer, other)) in others.iter().enumerate() {
            assert!(readings.take(*peer, other).is_none(), "row {at}");
        }
        assert!(readings.take(peer, &login).is_some(), "the login's own");
        assert!(readings.take(peer, &login).is_none(), "twice");

        readings.put(peer, &login, nobody());
        tokio::time::advance(GOOD_FOR).await;
        assert!(readings.take(peer, &login).is_none(), "late");

        let unknown = Peer { pid: None, ..peer };
        readings.put(unknown, &login, nobody());
        assert!(readings.take(unknown, &login).is_none(), "a process without a number");
    }

    #[tokio::test(start_paused = true)]
    async fn readings_that_nobody_takes_are_held_for_ever() {
        let readings = Readings::default();
        let login = Login { user: "alice", uid: 7, service: "sshd", rhost: "", tty: "", ruser: "" };
        for pid in 1..10 {
            readings.put(Peer { uid: 0, pid: Some(pid) }, &login, nobody());
        }
        tokio::time::advance(GOOD_FOR).await;
        readings.put(Peer { uid: 0, pid: Some(10) }, &login, nobody());
        assert_eq!(readings.lock().len(), 1);
    }
}

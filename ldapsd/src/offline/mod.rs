//! What is kept of people so that they can log in while no domain controller answers: who they
//! were when AD last let them in, and a hash of the password it took.
//!
//! ```text
//! Offline       the records in force, one file each, and one hash at a time
//!   record      one person: what AD said, the hash, the wrong tries
//!   in_force    which record it is, and whether something has ended it since
//!   store       files that are whole at every moment
//!   verifier    Argon2id
//!   tries       how long a guesser waits
//! ```
//!
//! When something is kept and when it goes is decided by `logins/offline.rs`.

mod in_force;
pub(crate) mod record;
mod store;
#[cfg(test)]
mod tests;
pub(crate) mod tries;
mod verifier;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use ldaps_core::secret::Password;
use ldaps_core::sid::Sid;
use lru::LruCache;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

pub(crate) use in_force::Begun;
use in_force::InForce;
use record::Record;
use store::Store;
pub(crate) use verifier::Verifier;

/// How long after a login by a kept password its account phase may still come.
const VOUCHED_FOR: Duration = Duration::from_secs(600);
/// Logins whose account phase is awaited, the least recent forgotten first.
const VOUCHED: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// The people who may log in without a domain controller.
pub(crate) struct Offline {
    in_force: Mutex<InForce>,
    /// Writes one change after the other, so that the file says what memory does.
    store: tokio::sync::Mutex<Store>,
    /// One hash at a time: each takes tens of megabytes.
    hashing: tokio::sync::Mutex<()>,
    vouched: Mutex<LruCache<Sid, Instant>>,
}

impl Offline {
    /// What was kept in this directory before. What cannot be read is left out, and the journal
    /// says so: a damaged file keeps one person from logging in offline, and nobody else.
    pub(crate) fn open(state_dir: &Path) -> Self {
        let (store, records) = Store::open(state_dir);
        Self {
            in_force: Mutex::new(InForce::of(records)),
            store: tokio::sync::Mutex::new(store),
            hashing: tokio::sync::Mutex::default(),
            vouched: Mutex::new(LruCache::new(VOUCHED)),
        }
    }

    /// Every record, for the look-ups to know these people from the start.
    pub(crate) fn all(&self) -> Vec<Arc<Record>> {
        self.in_force().all().cloned().collect()
    }

    /// The record of this account.
    pub(crate) fn of(&self, sid: Sid) -> Option<Arc<Record>> {
        self.in_force().get(sid).cloned()
    }

    /// The record of who was known by this name, and had this uid where one is given.
    pub(crate) fn named(&self, name: &str, uid: Option<u32>) -> Option<Arc<Record>> {
        let is_theirs = |record: &&Arc<Record>| {
            record.is_named(name) && uid.is_none_or(|uid| record.user.entry.uid == uid)
        };
        self.in_force().all().find(is_theirs).cloned()
    }

    /// What is in force of this account as something begins that is to end with [`Self::keep`].
    pub(crate) fn begin(&self, sid: Sid) -> Begun {
        self.in_force().begin(sid)
    }

    /// Keeps a record in place of the one it began with; not where that was ended meanwhile, or
    /// another has taken its place. It is on the disk when this returns; whether it was to be kept.
    pub(crate) async fn keep(&self, record: Record, begun: &Begun) -> bool {
        let store = self.store.lock().await;
        let holds = self.in_force().still_holds(record.sid(), begun);
        if holds {
            self.put(&store, record).await;
        }
        holds
    }

    /// Keeps another state of a record, as it is by now. None: it is in force no longer.
    pub(crate) async fn change(
        &self,
        record: &Record,
        change: impl FnOnce(&Record) -> Record,
    ) -> Option<Arc<Record>> {
        let store = self.store.lock().await;
        let now = self.of(record.sid()).filter(|now| now.verifier == record.verifier)?;
        Some(self.put(&store, change(&now)).await)
    }

    async fn put(&self, store: &Store, record: Record) -> Arc<Record> {
        let (file, record) = (store.file(record.sid()), Arc::new(record));
        let kept = record.clone();
        let written = spawn_blocking(move || store::write(&file, &kept)).await;
        match written.map_err(std::io::Error::other).and_then(|written| written) {
            Ok(()) => self.in_force().put(record.clone()),
            Err(error) => {
                let name = &record.user.entry.name;
                tracing::error!(
                    "what is kept of {name} for offline logins stays as it was: {error}"
                );
                // The file is the one from before, and so memory stays what it was; but for the
                // count of wrong tries, which a full disk must not stop.
                let mut in_force = self.in_force();
                if in_force.get(record.sid()).is_some_and(|now| now.verifier == record.verifier) {
                    in_force.put(record.clone());
                }
            }
        }
        record
    }

    /// Keeps nothing of this account any longer; says why, if there was something.
    pub(crate) async fn forget(&self, sid: Sid, why: &str) {
        let store = self.store.lock().await;
        let Some(record) = self.in_force().end(sid) else { return };
        let (name, file) = (&record.user.entry.name, store.file(sid));
        let removed = spawn_blocking(move || store::remove(&file)).await;
        match removed.map_err(std::io::Error::other).and_then(|removed| removed) {
            Ok(()) => {
                tracing::info!(
                    "{name} can no longer log in offline with the saved password: {why}"
                );
            }
            Err(error) => {
                tracing::error!("the saved password of {name} cannot be deleted: {error}")
            }
        }
    }

    /// Forgets whoever AD has not confirmed within so many days.
    pub(crate) async fn forget_older_than(&self, days: u32) {
        let now = SystemTime::now();
        let old = self.all().into_iter().filter(|record| !record.holds(days, now));
        for record in old {
            let why = match days {
                0 => "offline logins are switched off".to_owned(),
                days => format!("AD has not confirmed it for {days} days"),
            };
            self.forget(record.sid(), &why).await;
        }
    }

    /// A hash of this password; None where none can be made.
    pub(crate) async fn hash(&self, password: &Password) -> Option<Verifier> {
        let copy = verifier::Copy::of(password);
        let _one = self.hashing.lock().await;
        let made = spawn_blocking(move || Verifier::of(&copy)).await;
        match made.map_err(|error| error.to_string()).and_then(|made| made) {
            Ok(verifier) => Some(verifier),
            Err(error) => {
                tracing::error!("a password cannot be saved for offline logins: {error}");
                None
            }
        }
    }

    /// Whether this is the password that the record was made of.
    pub(crate) async fn matches(&self, record: &Arc<Record>, password: &Password) -> bool {
        let (copy, record) = (verifier::Copy::of(password), record.clone());
        let _one = self.hashing.lock().await;
        spawn_blocking(move || record.verifier.matches(&copy)).await.unwrap_or(false)
    }

    /// Notes that this account has just been let in by its kept password.
    pub(crate) fn vouch(&self, sid: Sid) {
        self.vouched().put(sid, Instant::now());
    }

    /// Whether it has, not long ago.
    pub(crate) fn has_vouched(&self, sid: Sid) -> bool {
        self.vouched().get(&sid).is_some_and(|moment| moment.elapsed() < VOUCHED_FOR)
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn vouched(&self) -> MutexGuard<'_, LruCache<Sid, Instant>> {
        self.vouched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

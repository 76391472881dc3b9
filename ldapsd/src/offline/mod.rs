//! What is kept of people so that they can log in while no domain controller answers: who they
//! were when AD last let them in, and a hash of the password it took.
//!
//! ```text
//! Offline       the records in force, one file each, and one hash at a time
//!   record      one person: what AD said, the hash, the wrong tries
//!   store       files that are whole at every moment
//!   verifier    Argon2id
//!   tries       how long a guesser waits
//! ```
//!
//! When something is kept and when it goes is decided by `logins/offline.rs`.

pub(crate) mod record;
mod store;
pub(crate) mod tries;
mod verifier;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use ldaps_core::secret::Password;
use ldaps_core::sid::Sid;
use lru::LruCache;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use record::Record;
use store::Store;
pub(crate) use verifier::Verifier;

/// How long after a login by a kept password its account phase may still come.
const VOUCHED_FOR: Duration = Duration::from_secs(600);
/// Logins whose account phase is awaited, the least recent forgotten first.
const VOUCHED: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// The people who may log in without a domain controller.
pub(crate) struct Offline {
    records: Mutex<HashMap<Sid, Arc<Record>>>,
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
            records: Mutex::new(records.into_iter().map(|r| (r.sid(), Arc::new(r))).collect()),
            store: tokio::sync::Mutex::new(store),
            hashing: tokio::sync::Mutex::default(),
            vouched: Mutex::new(LruCache::new(VOUCHED)),
        }
    }

    /// Every record, for the look-ups to know these people from the start.
    pub(crate) fn all(&self) -> Vec<Arc<Record>> {
        self.records().values().cloned().collect()
    }

    /// The record of this account.
    pub(crate) fn of(&self, sid: Sid) -> Option<Arc<Record>> {
        self.records().get(&sid).cloned()
    }

    /// The record of who was known by this name, and had this uid where one is given.
    pub(crate) fn named(&self, name: &str, uid: Option<u32>) -> Option<Arc<Record>> {
        let is_theirs = |record: &&Arc<Record>| {
            record.is_named(name) && uid.is_none_or(|uid| record.user.entry.uid == uid)
        };
        self.records().values().find(is_theirs).cloned()
    }

    /// Keeps a record in place of the one before. It is on the disk when this returns.
    pub(crate) async fn keep(&self, record: Record) {
        let store = self.store.lock().await;
        let (file, record) = (store.file(record.sid()), Arc::new(record));
        let kept = record.clone();
        let written = spawn_blocking(move || store::write(&file, &kept)).await;
        match written.map_err(std::io::Error::other).and_then(|written| written) {
            Ok(()) => drop(self.records().insert(record.sid(), record)),
            Err(error) => {
                let name = &record.user.entry.name;
                tracing::error!(
                    "what is kept of {name} for offline logins stays as it was: {error}"
                );
                // The file is the one from before, and so memory stays what it was; but for the
                // count of wrong tries, which a full disk must not stop.
                if let Some(before) = self.records().get_mut(&record.sid())
                    && before.verifier == record.verifier
                {
                    *before = record.clone();
                }
            }
        }
    }

    /// Keeps nothing of this account any longer; says why, if there was something.
    pub(crate) async fn forget(&self, sid: Sid, why: &str) {
        let store = self.store.lock().await;
        let Some(record) = self.records().remove(&sid) else { return };
        let name = &record.user.entry.name;
        match store::remove(&store.file(sid)) {
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

    fn records(&self) -> MutexGuard<'_, HashMap<Sid, Arc<Record>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn vouched(&self) -> MutexGuard<'_, LruCache<Sid, Instant>> {
        self.vouched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What the server's connections and the test that runs it have in common.
#![forbid(unsafe_code)]

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openssl::ssl::SslAcceptor;
use tokio::sync::watch;

use crate::data::Directory;
use crate::faults::{Fault, On, Plan};
use crate::tally::Tally;

/// The server's state, each part behind its own lock; no two are held at once.
pub(crate) struct Shared {
    directory: Mutex<Directory>,
    tally: Mutex<Tally>,
    plan: Mutex<Plan>,
    acceptor: Mutex<SslAcceptor>,
    bind_log: Mutex<Option<File>>,
    /// Counts the times that all connections were dropped; each connection watches it.
    pub(crate) dropped: watch::Sender<u64>,
    /// Tells whoever wants to know that something has changed.
    pub(crate) changed: watch::Sender<()>,
    pub(crate) references: bool,
    pub(crate) limits: Limits,
}

/// How long a client may send nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Before its first request.
    pub(crate) first: Duration,
    /// Between requests.
    pub(crate) idle: Duration,
}

/// A lock whatever happened to its last holder: a test that panicked must not hang the next.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(
        directory: Directory,
        acceptor: SslAcceptor,
        references: bool,
        limits: Limits,
    ) -> Self {
        Self {
            directory: Mutex::new(directory),
            tally: Mutex::default(),
            plan: Mutex::default(),
            acceptor: Mutex::new(acceptor),
            bind_log: Mutex::default(),
            dropped: watch::Sender::new(0),
            changed: watch::Sender::new(()),
            references,
            limits,
        }
    }

    pub(crate) fn directory(&self) -> MutexGuard<'_, Directory> {
        lock(&self.directory)
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    pub(crate) fn bind_log(&self) -> MutexGuard<'_, Option<File>> {
        lock(&self.bind_log)
    }

    pub(crate) fn acceptor(&self) -> MutexGuard<'_, SslAcceptor> {
        lock(&self.acceptor)
    }

    pub(crate) fn set_plan(&self, plan: Plan) {
        *lock(&self.plan) = plan;
    }

    /// The fault for a request of this kind.
    pub(crate) fn strike(&self, kind: On) -> Fault {
        lock(&self.plan).strike(kind)
    }

    /// Whether new connections are to be left hanging.
    pub(crate) fn mute(&self) -> bool {
        lock(&self.plan).fault == Fault::SilenceBeforeTls
    }
}

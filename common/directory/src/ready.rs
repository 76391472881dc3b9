//! One connection that is ready for the next login: TLS is up and verified, no person has bound.
//!
//! A domain controller drops who has not asked anything 120 s after connecting (InitRecvTimeout),
//! and who has been silent for 900 s (MaxConnIdleTime, MS-ADTS 3.1.1.3.4.6); it takes 5,000
//! connections. So one is made only after a login, says its first word at once, is replaced well
//! before it is dropped, and is given up when no login has come for a while. It serves one person's bind.
//!
//! Samba has a process for each connection, whose first bind takes 12 ms more than its second (measured:
//! 22 ms and 9 ms). So there the first one is the service account's.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::bind::BindOutcome;
use crate::connection::Connection;
use crate::entry::Entry;
use crate::error::DirectoryError;
use crate::link::Settings;
use crate::search::{self, Search};
use crate::server::Server;

/// Longest wait for the probe: whoever logs in waits for it, and a new connection costs less.
const PROBE: Duration = Duration::from_secs(1);
/// "1.1" asks for no attribute (RFC 4511 section 4.5.1.8).
const NO_ATTRIBUTES: &[&str] = &["1.1"];
/// rootDSE's, which Samba has (source4/dsdb/samdb/ldb_modules/rootdse.c) and AD does not: "Samba Team ...".
const VENDOR: &str = "vendorName";

/// How long things last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spans {
    /// A connection of this age is replaced.
    pub(crate) old: Duration,
    /// So long after a bind its successor is made: the account phase of the same login comes in
    /// these moments, and is not to wait behind a handshake.
    pub(crate) breath: Duration,
    /// For so long after one login another is to be expected.
    pub(crate) likely: Duration,
    /// How long connecting may take.
    pub(crate) connect: Duration,
    /// How long the server may take for a word.
    pub(crate) word: Duration,
}

impl Spans {
    /// With these deadlines, and ages that AD allows.
    pub(crate) fn usual(connect: Duration, word: Duration) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            breath: Duration::from_millis(100),
            old: minutes(10),
            likely: minutes(30),
            connect,
            word: word.min(PROBE),
        }
    }
}

/// See the module.
pub(crate) struct Ready {
    shared: Arc<Shared>,
    /// Makes the connections, from the first login on.
    keeper: Mutex<Option<AbortHandle>>,
}

struct Shared {
    settings: Arc<Settings>,
    spans: Spans,
    /// The service account was not taken here: it does not try again, for each time counts towards its
    /// lockout.
    is_refused: AtomicBool,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Where the last login was, and when; None: no further one is expected.
    login: Option<(Server, Instant)>,
    connection: Place,
}

#[derive(Default)]
enum Place {
    #[default]
    Empty,
    /// One is to be made for the login after the one that was answered then.
    Wanted(Instant),
    /// One is being made, perhaps for somebody who waits for it.
    Making(Option<oneshot::Sender<Connection>>),
    /// The connection, and when it was made.
    Held(Connection, Instant),
    /// It is used by a login. When that is answered, another is made.
    Given,
}

/// What there is for a login.
enum Taken {
    Now(Connection, Instant),
    Soon(oneshot::Receiver<Connection>),
    None,
}

/// The connection, in the hands of one login. Where that comes to no bind, it is there for the next.
pub(crate) struct Lent {
    /// None: it was used, or is of no use.
    connection: Option<Connection>,
    made: Instant,
    shared: Arc<Shared>,
}

impl Lent {
    /// The connection, which is the caller's from here on: no person is bound, and one may be.
    pub(crate) fn into_connection(mut self) -> Option<Connection> {
        self.connection.take()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut state = self.shared.lock();
        // Otherwise the link has moved, or another is wanted already.
        if let Place::Given = state.connection {
            state.connection = Place::Held(connection, self.made);
            self.shared.changed.notify_one();
        }
    }
}

/// What the keeper has to do.
enum Task {
    Make(Server),
    WaitUntil(Instant),
    Rest,
}

impl Ready {
    pub(crate) fn new(settings: Arc<Settings>, spans: Spans) -> Self {
        let (state, changed, is_refused) =
            (Mutex::default(), Notify::new(), AtomicBool::new(false));
        let shared = Arc::new(Shared { settings, spans, is_refused, state, changed });
        Self { shared, keeper: Mutex::default() }
    }

    /// The connection to this server, if there is one and the server still answers on it.
    pub(crate) async fn take(&self, server: &Server) -> Option<Lent> {
        let lend = |connection: Connection, made| {
            let connection = Some(connection).filter(|it| it.server() == server);
            Lent { connection, made, shared: self.shared.clone() }
        };
        let mut lent = match self.shared.take() {
            Taken::None => return None,
            // Another one would not be there sooner, and this one has just been answered on.
            Taken::Soon(soon) => return soon.await.ok().map(|made| lend(made, Instant::now())),
            Taken::Now(connection, made) => lend(connection, made),
        };
        if let Err(error) = probe(lent.connection.as_ref()?, self.shared.spans.word).await {
            tracing::debug!("the connection kept for logins was of no use: {error}");
            lent.connection = None;
            return None;
        }
        Some(lent)
    }

    /// This server has just answered a bind: another login may follow.
    pub(crate) fn expect_more(&self, server: &Server) {
        {
            let mut state = self.shared.lock();
            state.login = Some((server.clone(), Instant::now()));
            if let Place::Given | Place::Empty = state.connection {
                state.connection = Place::Wanted(Instant::now());
            }
        }
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        keeper.get_or_insert_with(|| tokio::spawn(keep(self.shared.clone())).abort_handle());
        self.shared.changed.notify_one();
    }

    /// Whether a connection is there for the next login.
    pub(crate) fn is_there(&self) -> bool {
        matches!(&self.shared.lock().connection, Place::Held(connection, _) if connection.is_open())
    }

    /// From now on this server is asked: what is held to another is given up.
    pub(crate) fn move_to(&self, server: &Server) {
        let mut state = self.shared.lock();
        if state.login.as_ref().is_some_and(|(of_login, _)| of_login != server) {
            *state = State::default();
        }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = keeper.take() {
            keeper.abort();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Taken {
        let place = &mut self.lock().connection;
        match std::mem::replace(place, Place::Given) {
            Place::Held(connection, made) => Taken::Now(connection, made),
            Place::Making(None) => {
                let (giver, taker) = oneshot::channel();
                *place = Place::Making(Some(giver));
                Taken::Soon(taker)
            }
            // One connection is one person's: whoever else comes meanwhile makes their own.
            others @ (Place::Making(Some(_)) | Place::Given | Place::Wanted(_) | Place::Empty) => {
                *place = others;
                Taken::None
            }
        }
    }

    /// Gives up what is old, and says what is to be done.
    fn next(&self) -> Task {
        let mut state = self.lock();
        let Spans { breath, old, likely, .. } = self.spans;
        state.login.take_if(|(_, at)| at.elapsed() >= likely);
        let Some((server, login)) = state.login.clone() else {
            state.connection = Place::Empty;
            return Task::Rest;
        };
        match &state.connection {
            Place::Given => return Task::Rest,
            Place::Wanted(at) if at.elapsed() < breath => return Task::WaitUntil(*at + breath),
            Place::Held(connection, made) if connection.is_open() && made.elapsed() < old => {
                return Task::WaitUntil((*made + old).min(login + likely));
            }
            Place::Wanted(_) | Place::Held(..) | Place::Making(_) | Place::Empty => {}
        }
        state.connection = Place::Making(None);
        Task::Make(server)
    }

    /// Connects, and has the server answer a first time, so that it is not for want of a request
    /// that the connection ends.
    async fn make(&self, server: &Server) -> Result<Connection, DirectoryError> {
        let Settings { tls, .. } = &*self.settings;
        let connection = Connection::open(server, tls, self.spans.connect).await?;
        let root = root(&connection, &[VENDOR], self.spans.word).await?;
        let is_samba = root.iter().any(|root| root.text(VENDOR).is_some());
        if is_samba && !self.is_refused.load(Relaxed) {
            match self.settings.bind_service(&connection).await? {
                BindOutcome::Accepted => {}
                // Nobody is bound then, as before. The link tells it when it binds again.
                BindOutcome::Refused(_) => self.is_refused.store(true, Relaxed),
            }
        }
        Ok(connection)
    }

    /// Puts away what was made, or gives it to who waits; None: it could not be made.
    fn put(&self, made: Option<Connection>) {
        let mut state = self.lock();
        let (Place::Making(waiting), Some(connection)) =
            (std::mem::take(&mut state.connection), made)
        else {
            // Nothing was made, or the link has moved meanwhile.
            return;
        };
        let left = match waiting {
            Some(waiting) => waiting.send(connection).err(),
            None => Some(connection),
        };
        state.connection = match left {
            Some(connection) => Place::Held(connection, Instant::now()),
            None => Place::Given,
        };
    }
}

/// Keeps one connection for as long as a login is to be expected.
async fn keep(shared: Arc<Shared>) {
    loop {
        match shared.next() {
            Task::Rest => shared.changed.notified().await,
            Task::WaitUntil(time) => {
                tokio::select! {
                    () = tokio::time::sleep_until(time) => {}
                    () = shared.changed.notified() => {}
                }
            }
            Task::Make(server) => {
                let made = shared.make(&server).await.inspect_err(|error| {
                    // The next login tells it, if it is still so.
                    tracing::debug!("no connection is kept for logins: {error}");
                    shared.lock().login = None;
                });
                shared.put(made.ok());
            }
        }
    }
}

/// Whether the server answers: rootDSE is open to whoever has not bound (MS-ADTS 3.1.1.3.2).
async fn probe(connection: &Connection, patience: Duration) -> Result<(), DirectoryError> {
    root(connection, NO_ATTRIBUTES, patience).await.map(drop)
}

async fn root(
    connection: &Connection,
    attributes: &[&str],
    patience: Duration,
) -> Result<Vec<Entry>, DirectoryError> {
    search::few(connection, &Search::of_object("rootDSE", "", attributes), patience).await
}

#[cfg(test)]
#[path = "ready_tests.rs"]
mod tests;

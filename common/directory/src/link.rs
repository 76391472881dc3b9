//! Which server is spoken to: one service connection, made when it is needed, kept up by a probe.
//!
//! A server that has gone silent costs one deadline, once. From then on every question is answered
//! with the same error at once, until the probe, which alone waits, has found a server again.
//!
//! A read-only domain controller is passed over for a writable one. Where only such are to be had,
//! one of them is asked, until a writable one is there again.

mod choice;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldaps_core::config;
use ldaps_core::secret::Password;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::bind::{self, BindOutcome};
use crate::certificates::Ending;
use crate::connection::Connection;
use crate::domain::Domain;
use crate::error::DirectoryError;
use crate::ready::{Ready, Spans};
use crate::server::Server;
use crate::tls::Tls;
use crate::traffic::{Traffic, TrafficStatus};

/// How soon a lost server is tried again, and how rarely at the last: sssd's and nslcd's users
/// complain of daemons that stay offline for minutes after the network is back.
const PROBE_FIRST: Duration = Duration::from_millis(500);
const PROBE_LAST: Duration = Duration::from_secs(15);
/// A refused service account is tried this rarely: each try counts towards its lockout.
const SERVICE_REFUSED_PROBE: Duration = Duration::from_secs(600);

/// Failures that are told during one outage.
const TOLD_MAX: usize = 50;

/// What the link is made from.
pub struct Settings {
    /// `[directory]` of the configuration.
    pub directory: config::Directory,
    /// Whom to trust.
    pub tls: Tls,
    /// The service account's password.
    pub secret: Password,
}

impl Settings {
    /// Binds a connection as the service account, once.
    pub(crate) async fn bind_service(
        &self,
        connection: &Connection,
    ) -> Result<BindOutcome, DirectoryError> {
        let Self { directory, secret, .. } = self;
        bind::bind(connection, &directory.bind_dn, secret, directory.operation_timeout).await
    }
}

/// How the link is, for `ldapsctl status`.
#[derive(Debug, Clone)]
pub struct LinkStatus {
    /// The server in use.
    pub connected: Option<Server>,
    /// The servers there are, as far as they are known.
    pub servers: Vec<Server>,
    /// Those that have been found to be read-only.
    pub read_only: Vec<Server>,
    /// The domain, once it was read.
    pub domain: Option<Arc<Domain>>,
    /// The last failure, and when it was.
    pub last_error: Option<(DirectoryError, Instant)>,
    /// When the connection in use was made.
    pub opened: Option<Instant>,
    /// When the certificates expire by which the last connection was verified.
    pub endings: Vec<Ending>,
    /// Whether a connection is ready for the next login.
    pub is_ready: bool,
    /// While there is no server: since when, and when one is tried again (None: it is being tried).
    pub outage: Option<(Instant, Option<Instant>)>,
    /// What has passed, in numbers.
    pub traffic: TrafficStatus,
}

/// A bound connection and the domain at its other end.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) connection: Arc<Connection>,
    pub(crate) domain: Arc<Domain>,
    /// Whether it is a read-only domain controller.
    is_read_only: bool,
}

pub(crate) struct Link {
    settings: Arc<Settings>,
    /// Held while a connection is being made, so that all who need one share it.
    current: tokio::sync::Mutex<Option<Bound>>,
    /// The connection for lists, once one was asked for.
    lists: tokio::sync::Mutex<Option<Bound>>,
    state: Mutex<LinkState>,
    outage_began: Notify,
    ready: Ready,
    pub(crate) traffic: Traffic,
}

#[derive(Debug, Default)]
struct LinkState {
    /// Why there is no server, while there is none.
    outage: Option<DirectoryError>,
    /// Since when, and when one is tried again.
    outage_began: Option<Instant>,
    next_try: Option<Instant>,
    last_error: Option<(DirectoryError, Instant)>,
    /// What the journal was told, until a server answers again.
    told: HashSet<String>,
    servers: Vec<Server>,
    /// Those that were read-only when they were last met.
    read_only: Vec<Server>,
    /// When a server that was preferred to a read-only one did not take the service account.
    refused: Option<Instant>,
    connected: Option<Server>,
    /// When the connection to it was made, and when its certificates expire.
    opened: Option<Instant>,
    endings: Vec<Ending>,
    /// The server that was told of in the log.
    last_used: Option<Server>,
    /// The domain, once it was read: another one is never taken for it.
    domain: Option<Arc<Domain>>,
}

impl Link {
    pub(crate) fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let directory = &settings.directory;
        let spans = Spans::usual(directory.connect_timeout, directory.operation_timeout);
        Self {
            ready: Ready::new(settings.clone(), spans),
            settings,
            current: tokio::sync::Mutex::new(None),
            lists: tokio::sync::Mutex::new(None),
            state: Mutex::default(),
            outage_began: Notify::new(),
            traffic: Traffic::default(),
        }
    }

    /// How long one operation may take.
    pub(crate) fn patience(&self) -> Duration {
        self.settings.directory.operation_timeout
    }

    /// A bound connection: the one there is, or a new one.
    ///
    /// # Errors
    /// [`DirectoryError`]: at once while no server can be had, or after trying each.
    pub(crate) async fn bound(&self) -> Result<Bound, DirectoryError> {
        if let Some(error) = self.lock().outage.clone() {
            return Err(error);
        }
        let mut current = self.current.lock().await;
        if let Some(bound) = current.as_ref().filter(|bound| bound.connection.is_open()) {
            return Ok(bound.clone());
        }
        // Whoever waited for the lock while it was tried in vain need not try again.
        if let Some(error) = self.lock().outage.clone() {
            return Err(error);
        }
        self.connect(&mut current).await
    }

    /// Tells the link that a question failed. A silent server is an outage from this moment; one
    /// that answers others, or refuses, stays in use, and is told of once.
    pub(crate) fn report(&self, error: &DirectoryError) {
        match error {
            DirectoryError::Timeout { .. } => {
                let lost = self.is_given_up() && self.lock().outage.is_none();
                self.note(error);
                if lost {
                    self.begin_outage(error);
                }
            }
            DirectoryError::Refused { .. } | DirectoryError::Unusable { .. } => self.note(error),
            DirectoryError::Discovery { .. }
            | DirectoryError::Resolve { .. }
            | DirectoryError::Connect { .. }
            | DirectoryError::Tls(_)
            | DirectoryError::Closed { .. }
            | DirectoryError::ServiceAccount { .. }
            | DirectoryError::WrongDomain { .. }
            | DirectoryError::ReadOnly { .. } => {}
        }
    }

    /// Whether the connection in use is no more. Where the lock is held somebody is connecting
    /// already, and will see for themselves.
    fn is_given_up(&self) -> bool {
        let current = self.current.try_lock();
        current.is_ok_and(|it| it.as_ref().is_some_and(|bound| !bound.connection.is_open()))
    }

    /// Keeps trying while there is no server. Runs for as long as the link is in use.
    pub(crate) async fn probe(&self) {
        // The first connection is the probe's, so that the first look-up need not wait for it.
        let mut failed = self.bound().await.err();
        loop {
            let mut wait = PROBE_FIRST;
            while let Some(error) = failed {
                let refused = matches!(error, DirectoryError::ServiceAccount { .. });
                let pause = if refused { SERVICE_REFUSED_PROBE } else { wait };
                self.lock().next_try = Some(Instant::now() + pause);
                tokio::time::sleep(pause).await;
                self.lock().next_try = None;
                wait = (wait * 2).min(PROBE_LAST);
                let mut current = self.current.lock().await;
                failed = self.connect(&mut current).await.err();
            }
            self.until_outage().await;
            failed = self.lock().outage.clone();
        }
    }

    /// Returns when there is no server any more. Meanwhile, where the one in use is read-only, it
    /// looks for a better one.
    async fn until_outage(&self) {
        loop {
            tokio::select! {
                () = self.outage_began.notified() => return,
                () = tokio::time::sleep(PROBE_LAST) => {
                    let _found = self.seek_writable().await;
                }
            }
        }
    }

    pub(crate) fn status(&self) -> LinkStatus {
        let (is_ready, traffic) = (self.ready.is_there(), self.traffic.status());
        let state = self.lock();
        let connected = state.connected.clone().filter(|_| state.outage.is_none());
        LinkStatus {
            opened: state.opened.filter(|_| connected.is_some()),
            connected,
            endings: state.endings.clone(),
            is_ready,
            outage: state.outage_began.map(|began| (began, state.next_try)),
            traffic,
            servers: state.servers.clone(),
            read_only: state.read_only.clone(),
            domain: state.domain.clone(),
            last_error: state.last_error.clone(),
        }
    }

    async fn connect(&self, current: &mut Option<Bound>) -> Result<Bound, DirectoryError> {
        *current = None;
        match self.connect_to_any().await {
            Ok(bound) => {
                self.take_into_use(&bound);
                *current = Some(bound.clone());
                Ok(bound)
            }
            Err(error) => {
                self.begin_outage(&error);
                Err(error)
            }
        }
    }

    fn take_into_use(&self, bound: &Bound) {
        self.traffic.note_answer();
        let mut state = self.lock();
        let server = bound.connection.server().clone();
        state.outage_began = None;
        state.opened = Some(bound.connection.opened());
        state.endings = bound.connection.endings().to_vec();
        if state.outage.take().is_some() || state.last_used.as_ref() != Some(&server) {
            tracing::info!("{server} is asked from now on");
            if bound.is_read_only {
                tracing::warn!(
                    "{server} is a read-only domain controller, and no writable one can be \
                     reached: until one is, no password can be changed"
                );
            }
        }
        state.told.clear();
        state.last_used = Some(server.clone());
        self.ready.move_to(&server);
        state.connected = Some(server);
        state.domain = Some(bound.domain.clone());
    }

    /// Logs a failure when it is a new one: a host that is cut off for a night must not fill its
    /// journal with it, however many servers it tries in turn.
    fn note(&self, error: &DirectoryError) {
        let mut state = self.lock();
        let text = error.to_string();
        if state.told.len() < TOLD_MAX && !state.told.contains(&text) {
            tracing::error!("{text}");
            state.told.insert(text);
        }
        state.last_error = Some((error.clone(), Instant::now()));
    }

    fn begin_outage(&self, error: &DirectoryError) {
        let mut state = self.lock();
        if state.outage.replace(error.clone()).is_none() {
            state.outage_began = Some(Instant::now());
            drop(state);
            tracing::warn!(
                "no domain controller can be asked: until one answers, what is in memory is served \
                 and logins are refused"
            );
            self.outage_began.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

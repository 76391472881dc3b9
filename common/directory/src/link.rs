//! Which server is spoken to: one service connection, made when it is needed, kept up by a probe.
//!
//! A server that has gone silent costs one deadline, once. From then on every question is answered
//! with the same error at once, until the probe, which alone waits, has found a server again.
//!
//! A read-only domain controller is passed over for a writable one. Where only such are to be had,
//! one of them is asked, until a writable one is there again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldaps_core::config;
use ldaps_core::secret::Password;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::bind::{self, BindOutcome};
use crate::connection::Connection;
use crate::discovery;
use crate::domain::{Domain, Introduction};
use crate::error::DirectoryError;
use crate::server::Server;
use crate::tls::Tls;

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
}

/// A bound connection and the domain at its other end.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) connection: Arc<Connection>,
    pub(crate) domain: Arc<Domain>,
    /// Whether it is a read-only domain controller.
    is_read_only: bool,
}

/// A server that has said what it is, and has been told nothing.
struct Met {
    connection: Connection,
    introduction: Introduction,
}

pub(crate) struct Link {
    settings: Settings,
    /// Held while a connection is being made, so that all who need one share it.
    current: tokio::sync::Mutex<Option<Bound>>,
    state: Mutex<LinkState>,
    outage_began: Notify,
}

#[derive(Debug, Default)]
struct LinkState {
    /// Why there is no server, while there is none.
    outage: Option<DirectoryError>,
    last_error: Option<(DirectoryError, Instant)>,
    /// What the journal was told, until a server answers again.
    told: HashSet<String>,
    servers: Vec<Server>,
    /// Those that were read-only when they were last met.
    read_only: Vec<Server>,
    /// When a server that was preferred to a read-only one did not take the service account.
    refused: Option<Instant>,
    connected: Option<Server>,
    /// The server that was told of in the log.
    last_used: Option<Server>,
    /// The domain, once it was read: another one is never taken for it.
    domain: Option<Arc<Domain>>,
}

impl Link {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            current: tokio::sync::Mutex::new(None),
            state: Mutex::default(),
            outage_began: Notify::new(),
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
                tokio::time::sleep(if refused { SERVICE_REFUSED_PROBE } else { wait }).await;
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

    /// A bound connection to a server that changes what it is told to.
    ///
    /// # Errors
    /// As [`Link::bound`], and [`DirectoryError::ReadOnly`].
    pub(crate) async fn writable(&self) -> Result<Bound, DirectoryError> {
        let bound = self.bound().await?;
        if !bound.is_read_only {
            return Ok(bound);
        }
        let server = bound.connection.server().clone();
        self.seek_writable().await.ok_or(DirectoryError::ReadOnly { server })
    }

    /// Looks for a writable server where the one in use is read-only; it is asked from then on.
    /// Nobody who asks the one in use waits for this.
    async fn seek_writable(&self) -> Option<Bound> {
        let in_use = {
            let state = self.lock();
            let refused = state.refused.is_some_and(|at| at.elapsed() < SERVICE_REFUSED_PROBE);
            let in_use = state.connected.clone().filter(|_| !refused)?;
            state.read_only.contains(&in_use).then_some(in_use)?
        };
        let candidates = discovery::candidates(&self.settings.directory).await;
        let candidates = candidates.inspect_err(|error| self.note(error)).ok()?;
        for server in candidates.iter().filter(|server| **server != in_use) {
            let met = self.meet(server).await.inspect_err(|error| self.note(error));
            let Some(met) = met.ok().filter(|met| !met.introduction.is_read_only) else { continue };
            match self.bind_to(met).await {
                Ok(bound) => {
                    let mut current = self.current.lock().await;
                    self.take_into_use(&bound);
                    *current = Some(bound.clone());
                    return Some(bound);
                }
                Err(error) => {
                    self.note(&error);
                    if matches!(error, DirectoryError::ServiceAccount { .. }) {
                        self.lock().refused = Some(Instant::now());
                        return None;
                    }
                }
            }
        }
        None
    }

    pub(crate) fn status(&self) -> LinkStatus {
        let state = self.lock();
        LinkStatus {
            connected: state.connected.clone().filter(|_| state.outage.is_none()),
            servers: state.servers.clone(),
            read_only: state.read_only.clone(),
            domain: state.domain.clone(),
            last_error: state.last_error.clone(),
        }
    }

    /// A connection for one bind of one person, to the server in use or, where that cannot be
    /// reached, another, a read-only one last. No name or password has been sent on it.
    ///
    /// # Errors
    /// [`DirectoryError`] of the last server tried.
    pub(crate) async fn fresh_connection(&self) -> Result<Connection, DirectoryError> {
        let bound = self.bound().await?;
        let first = bound.connection.server().clone();
        let patience = self.settings.directory.connect_timeout;
        let mut error = match Connection::open(&first, &self.settings.tls, patience).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let others = self.lock().servers.clone();
        let mut read_only = None;
        for server in others.iter().filter(|server| **server != first) {
            match self.meet(server).await {
                Ok(met) if met.introduction.is_read_only => {
                    read_only.get_or_insert(met.connection);
                }
                Ok(met) => return Ok(met.connection),
                Err(other) => error = other,
            }
        }
        read_only.ok_or(error)
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
        let mut state = self.lock();
        let server = bound.connection.server().clone();
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
        state.connected = Some(server);
        state.domain = Some(bound.domain.clone());
    }

    async fn connect_to_any(&self) -> Result<Bound, DirectoryError> {
        let mut candidates = discovery::candidates(&self.settings.directory)
            .await
            .inspect_err(|error| self.note(error))?;
        {
            let mut state = self.lock();
            state.servers.clone_from(&candidates);
            // The one that was just lost is asked last.
            if let Some(lost) = state.connected.take() {
                candidates.sort_by_key(|server| *server == lost);
            }
        }
        let mut first_error = None;
        let mut read_only = Vec::new();
        for server in candidates {
            let bound = match self.meet(&server).await {
                Ok(met) if met.introduction.is_read_only => {
                    read_only.push(met);
                    continue;
                }
                Ok(met) => self.bind_to(met).await,
                Err(error) => Err(error),
            };
            match bound {
                Ok(bound) => return Ok(bound),
                Err(error) => first_error = Some(self.goes_on(error, first_error)?),
            }
        }
        for met in read_only {
            match self.bind_to(met).await {
                Ok(bound) => return Ok(bound),
                Err(error) => first_error = Some(self.goes_on(error, first_error)?),
            }
        }
        Err(first_error.unwrap_or_else(|| DirectoryError::Unusable {
            what: "the list of servers",
            problem: "it is empty".to_owned(),
        }))
    }

    /// Notes why a server could not be used, and gives the first such reason.
    ///
    /// # Errors
    /// The reason, where another server would say the same.
    fn goes_on(
        &self,
        error: DirectoryError,
        first: Option<DirectoryError>,
    ) -> Result<DirectoryError, DirectoryError> {
        self.note(&error);
        // Another server would refuse the same password, and count it as well.
        match error {
            DirectoryError::ServiceAccount { .. } => Err(error),
            error => Ok(first.unwrap_or(error)),
        }
    }

    /// Connects to a server and lets it say what it is.
    async fn meet(&self, server: &Server) -> Result<Met, DirectoryError> {
        let Settings { directory, tls, .. } = &self.settings;
        let connection = Connection::open(server, tls, directory.connect_timeout).await?;
        let introduction = Introduction::of(&connection, directory.operation_timeout).await?;
        let mut state = self.lock();
        let was_read_only = state.read_only.contains(server);
        if introduction.is_read_only && !was_read_only {
            tracing::info!("{server} is a read-only domain controller: a writable one goes first");
            state.read_only.push(server.clone());
        } else if !introduction.is_read_only && was_read_only {
            state.read_only.retain(|known| known != server);
        }
        drop(state);
        Ok(Met { connection, introduction })
    }

    /// Binds the service account.
    async fn bind_to(&self, met: Met) -> Result<Bound, DirectoryError> {
        let Met { connection, introduction } = met;
        let server = &connection.server().clone();
        let Settings { directory, secret, .. } = &self.settings;
        let patience = directory.operation_timeout;
        match bind::bind(&connection, &directory.bind_dn, secret, patience).await? {
            BindOutcome::Accepted => {}
            BindOutcome::Refused(refusal) => {
                return Err(DirectoryError::ServiceAccount {
                    server: server.clone(),
                    bind_dn: directory.bind_dn.clone(),
                    refusal,
                });
            }
        }
        let base = directory.base.as_deref();
        let domain = Domain::read(&connection, &introduction, base, patience).await?;
        self.check_domain(server, &domain)?;
        let is_read_only = introduction.is_read_only;
        Ok(Bound { connection: Arc::new(connection), domain: Arc::new(domain), is_read_only })
    }

    /// A host knows the people of one domain: a server that suddenly speaks for another would
    /// change who owns which file.
    fn check_domain(&self, server: &Server, domain: &Domain) -> Result<(), DirectoryError> {
        match &self.lock().domain {
            Some(known) if known.sid != domain.sid => Err(DirectoryError::WrongDomain {
                server: server.clone(),
                problem: format!(
                    "its domain is {} ({}), and this host's is {} ({})",
                    domain.dns_name, domain.sid, known.dns_name, known.sid
                ),
            }),
            _ => Ok(()),
        }
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

//! Which of the servers is used: the first that can be, in the order given; a read-only domain
//! controller only where no writable one is to be had.

use std::sync::Arc;

use ldaps_core::secret::Password;
use tokio::time::Instant;

use super::{Bound, Link, SERVICE_REFUSED_PROBE, Settings};
use crate::bind::{self, BindOutcome};
use crate::connection::Connection;
use crate::discovery;
use crate::domain::{Domain, Introduction};
use crate::error::DirectoryError;
use crate::ready::Lent;
use crate::server::Server;

/// A server that has said what it is, and has been told nothing.
struct Met {
    connection: Connection,
    introduction: Introduction,
}

impl Link {
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

    /// A bound connection to the server in use that is nobody else's.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn another(&self) -> Result<Bound, DirectoryError> {
        let server = self.bound().await?.connection.server().clone();
        let met = self.meet(&server).await?;
        self.bind_to(met).await
    }

    /// A bound connection for lists that are read page by page, with other questions in between. A
    /// server keeps the results of ten paged searches of a connection (MaxResultSetsPerConn) and drops
    /// the oldest, Samba those that were read to their end, too: among the searches for the members of
    /// a page of groups the next page of the list itself would be gone.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn for_lists(&self) -> Result<Bound, DirectoryError> {
        let mut lists = self.lists.lock().await;
        if let Some(bound) = lists.as_ref().filter(|bound| bound.connection.is_open()) {
            return Ok(bound.clone());
        }
        let bound = self.another().await?;
        *lists = Some(bound.clone());
        Ok(bound)
    }

    /// Looks for a writable server where the one in use is read-only; it is asked from then on.
    /// Nobody who asks the one in use waits for this.
    pub(super) async fn seek_writable(&self) -> Option<Bound> {
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

    /// The connection that is ready for the next login, if there is one.
    pub(crate) async fn ready(&self) -> Option<Lent> {
        // While no server answers, nobody waits for the word of one.
        let server = self.status().connected?;
        self.ready.take(&server).await
    }

    /// One bind of one person, on a connection of its own. Nothing is retried once the bind is
    /// written.
    ///
    /// # Errors
    /// [`DirectoryError`]: the server said nothing about the account.
    pub(crate) async fn bind_once(
        &self,
        connection: Connection,
        dn: &str,
        password: &Password,
    ) -> Result<BindOutcome, DirectoryError> {
        let outcome = bind::bind(&connection, dn, password, self.patience()).await?;
        self.traffic.note_answer();
        let in_use = self.lock().connected.clone();
        if let Some(server) = in_use.filter(|server| server == connection.server()) {
            self.ready.expect_more(&server);
        }
        Ok(outcome)
    }

    /// A connection for one bind of one person, to the server in use or, where that cannot be
    /// reached, another, a read-only one last. No name or password has been sent on it.
    ///
    /// # Errors
    /// [`DirectoryError`] of the last server tried.
    pub(crate) async fn unbound(&self) -> Result<Connection, DirectoryError> {
        let bound = self.bound().await?;
        let first = bound.connection.server().clone();
        let ready = self.ready.take(&first).await;
        if let Some(connection) = ready.and_then(Lent::into_connection) {
            return Ok(connection);
        }
        let patience = self.settings.directory.connect_timeout;
        let mut error = match Connection::open(&first, &self.settings.tls, patience).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let others = self.lock().servers.clone();
        let mut read_only = None;
        for server in others.iter().filter(|server| **server != first) {
            match self.meet_of_this_domain(server).await {
                Ok(met) if met.introduction.is_read_only => {
                    read_only.get_or_insert(met.connection);
                }
                Ok(met) => return Ok(met.connection),
                Err(other) => error = other,
            }
        }
        read_only.ok_or(error)
    }

    /// The first of the servers that can be used, a writable one if there is any.
    pub(super) async fn connect_to_any(&self) -> Result<Bound, DirectoryError> {
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
        let Settings { directory, tls, .. } = &*self.settings;
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

    /// The same of a server that a person's password is to be sent to next: it shows whose domain
    /// it is of to the service account alone, which is therefore bound on a connection before.
    async fn meet_of_this_domain(&self, server: &Server) -> Result<Met, DirectoryError> {
        let met = self.meet(server).await?;
        self.bind_to(met).await?;
        self.meet(server).await
    }

    /// Binds the service account.
    async fn bind_to(&self, met: Met) -> Result<Bound, DirectoryError> {
        let Met { connection, introduction } = met;
        let server = &connection.server().clone();
        let Settings { directory, .. } = &*self.settings;
        let patience = directory.operation_timeout;
        match self.settings.bind_service(&connection).await? {
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
            Some(_) | None => Ok(()),
        }
    }
}

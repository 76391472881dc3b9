//! One person's password, to AD: a connection on which nobody has bound, and one bind on it.

use ldaps_core::secret::Password;

use crate::bind::BindOutcome;
use crate::connection::Connection;
use crate::error::DirectoryError;
use crate::queries::Directory;
use crate::ready::Lent;

/// The connection that is ready for the next login. Dropped, it stays ready.
pub struct Ready(Lent);

/// A connection for one bind of one person: nobody's name or password but the service account's has been
/// sent on it.
pub struct Unbound(Connection);

impl Directory {
    /// The connection that is ready for the next login, if there is one and the server answers on
    /// it: to be asked for beside other questions.
    pub async fn ready(&self) -> Option<Ready> {
        self.link.ready().await.map(Ready)
    }

    /// A connection for one bind: the one that is ready, or a new one.
    ///
    /// # Errors
    /// [`DirectoryError`]: no server can be connected with.
    pub async fn unbound(&self, ready: Option<Ready>) -> Result<Unbound, DirectoryError> {
        if let Some(connection) = ready.and_then(|ready| ready.0.into_connection()) {
            return Ok(Unbound(connection));
        }
        self.link.unbound().await.map(Unbound)
    }

    /// One bind as this DN. Nothing is retried once it is written.
    ///
    /// # Errors
    /// [`DirectoryError`]: AD said nothing about the account.
    pub async fn bind(
        &self,
        unbound: Unbound,
        dn: &str,
        password: &Password,
    ) -> Result<BindOutcome, DirectoryError> {
        self.link.bind_once(unbound.0, dn, password).await
    }

    /// One bind as this DN, on a connection of its own.
    ///
    /// # Errors
    /// As for [`Directory::unbound`] and [`Directory::bind`].
    pub async fn authenticate(
        &self,
        dn: &str,
        password: &Password,
    ) -> Result<BindOutcome, DirectoryError> {
        let unbound = self.unbound(None).await?;
        self.bind(unbound, dn, password).await
    }
}

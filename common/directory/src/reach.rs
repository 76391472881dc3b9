//! The way to a server: its name's addresses, TCP, TLS; each with what is left of one patience, so that
//! silence is told as the silence of whoever was asked.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::DirectoryError;
use crate::server::Server;

/// How long a server is waited for, until it has agreed on TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    whole: Duration,
    until: Instant,
}

impl Patience {
    /// From now on.
    pub(crate) fn of(whole: Duration) -> Self {
        Self { whole, until: Instant::now() + whole }
    }

    /// What the server answers on a connection that it has taken.
    pub(crate) async fn for_tls<T>(
        self,
        server: &Server,
        handshake: impl Future<Output = T>,
    ) -> Result<T, DirectoryError> {
        let silent = |_| self.lost(server, "its port takes connections, and says nothing of TLS");
        timeout_at(self.until, handshake).await.map_err(silent)
    }

    fn lost(self, server: &Server, what: &'static str) -> DirectoryError {
        DirectoryError::Timeout { server: server.clone(), what, after: self.whole }
    }
}

/// A TCP connection to the first address that takes one.
///
/// # Errors
/// [`DirectoryError`]: no address, no connection, or no time left.
pub(crate) async fn tcp_connect(
    server: &Server,
    patience: Patience,
) -> Result<TcpStream, DirectoryError> {
    let addresses: Vec<_> = match server.address.or_else(|| server.name.parse().ok()) {
        Some(address) => vec![(address, server.port).into()],
        None => {
            let asked = tokio::net::lookup_host((server.name.as_str(), server.port));
            resolved(server, patience, asked).await?.collect()
        }
    };
    let count = u32::try_from(addresses.len().max(1)).unwrap_or(1);
    let share = patience.until.saturating_duration_since(Instant::now()) / count;
    let mut problem = None;
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => problem = Some(format!("{address}: {error}")),
            Err(_) if count > 1 => {
                problem = Some(format!("{address}: no answer within {:.1} s", share.as_secs_f32()));
            }
            Err(_) => return Err(patience.lost(server, "connecting")),
        }
    }
    let problem = problem.unwrap_or_else(|| "the resolver gave no address".to_owned());
    Err(DirectoryError::Connect { server: server.clone(), problem })
}

async fn resolved<T>(
    server: &Server,
    patience: Patience,
    asked: impl Future<Output = io::Result<T>>,
) -> Result<T, DirectoryError> {
    let resolve = |problem: String| DirectoryError::Resolve { server: server.clone(), problem };
    match timeout_at(patience.until, asked).await {
        Ok(found) => found.map_err(|error| resolve(error.to_string())),
        Err(_) => {
            let after = patience.whole.as_secs_f32();
            Err(resolve(format!("DNS did not answer within {after} s")))
        }
    }
}

/// Whether the resolver's words are that nobody answered it, rather than that there is no such name.
pub(crate) fn is_silence(problem: &str) -> bool {
    // EAI_AGAIN, in glibc's words.
    problem.contains("DNS did not answer") || problem.contains("Temporary failure")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn server(port: u16) -> Server {
        Server { name: "dc1.corp.example".to_owned(), port, address: Some([127, 0, 0, 1].into()) }
    }

    #[tokio::test]
    async fn a_dead_dns_server_is_taken_for_a_dead_domain_controller() {
        let patience = Patience::of(Duration::from_millis(20));
        let asked = std::future::pending::<io::Result<Vec<SocketAddr>>>();
        let error = resolved(&server(636), patience, asked).await.unwrap_err().to_string();
        assert!(error.contains("has no address: DNS did not answer within 0.02 s"), "{error}");
        assert!(error.contains("/etc/resolv.conf"), "{error}");
        assert!(!error.contains("Correct the name"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_takes_connections_is_taken_for_one_behind_a_firewall() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = server(listener.local_addr().unwrap().port());
        let patience = Patience::of(Duration::from_millis(200));
        let _tcp = tcp_connect(&server, patience).await.unwrap();
        let said = patience.for_tls(&server, std::future::pending::<()>()).await;
        let error = said.unwrap_err().to_string();
        assert!(error.contains("its port takes connections"), "{error}");
    }
}

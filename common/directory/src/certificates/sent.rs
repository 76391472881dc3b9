//! What a server sends, looked at without trusting it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ldaps_core::config;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslRef, SslVerifyMode};
use openssl::x509::{X509, X509Ref, X509StoreContext, X509StoreContextRef};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::Certificate;
use crate::discovery::candidates;
use crate::error::DirectoryError;
use crate::reach::{Patience, tcp_connect};
use crate::server::Server;
use crate::tls::{Tls, handshake_words, name_of};
use crate::tls_fault::TlsFault;

/// What a server has sent before it was hung up on.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The address at the other end.
    pub address: SocketAddr,
    /// The version of TLS.
    pub protocol: String,
    /// The certificates, in the server's order: its own first. Never empty.
    pub certificates: Vec<Certificate>,
    /// How long the TCP connection took.
    pub connected_in: Duration,
}

/// A connection that was verified, and closed again.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The version of TLS.
    pub protocol: String,
    /// The certificates by which it was verified: the server's first, the trusted one last.
    pub chain: Vec<Certificate>,
    /// How long TCP and TLS took together.
    pub took: Duration,
}

/// The certificates that a server sends. The handshake is refused as soon as they have come, whatever
/// they are: no connection is made that was not verified.
///
/// # Errors
/// [`DirectoryError`]: no address, no connection, no TLS.
pub fn as_sent(server: &Server, patience: Duration) -> Result<Sent, DirectoryError> {
    block_on(server, async {
        let patience = Patience::of(patience);
        let began = Instant::now();
        let tcp = tcp_connect(server, patience).await?;
        let connected_in = began.elapsed();
        let lost = |problem: String| DirectoryError::Connect { server: server.clone(), problem };
        let address = tcp.peer_addr().map_err(|error| lost(error.to_string()))?;
        let (protocol, certificates) =
            patience.for_tls(server, refused_handshake(server, tcp)).await??;
        Ok(Sent { address, protocol, certificates, connected_in })
    })
}

/// A verified connection, as the daemon would make it, closed at once: by what it was accepted.
///
/// # Errors
/// [`DirectoryError`]: no address, no connection, no trust.
pub fn as_accepted(
    server: &Server,
    tls: &Tls,
    patience: Duration,
) -> Result<Accepted, DirectoryError> {
    block_on(server, async {
        let patience = Patience::of(patience);
        let began = Instant::now();
        let tcp = tcp_connect(server, patience).await?;
        let stream =
            patience.for_tls(server, tls.handshake(server, tcp)).await?.map_err(tls_error)?;
        let chain = stream.ssl().verified_chain().map(|chain| copies(chain.iter()));
        let protocol = stream.ssl().version_str().to_owned();
        Ok(Accepted { protocol, chain: chain.unwrap_or_default(), took: began.elapsed() })
    })
}

/// The servers that the configuration names, or that DNS does.
///
/// # Errors
/// [`DirectoryError::Discovery`] where DNS is to name them and does not.
pub fn servers(config: &config::Directory) -> Result<Vec<Server>, DirectoryError> {
    let failed = |problem: String| DirectoryError::Discovery { domain: String::new(), problem };
    let runtime = runtime().map_err(|error| failed(error.to_string()))?;
    runtime.block_on(candidates(config))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn block_on<T>(
    server: &Server,
    work: impl Future<Output = Result<T, DirectoryError>>,
) -> Result<T, DirectoryError> {
    let runtime = runtime().map_err(|error| DirectoryError::Connect {
        server: server.clone(),
        problem: error.to_string(),
    })?;
    // The name's look-up runs on a thread that cannot be stopped: it is not waited for.
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

fn tls_error(fault: TlsFault) -> DirectoryError {
    DirectoryError::Tls(Box::new(fault))
}

type Seen = Arc<Mutex<Vec<X509>>>;

async fn refused_handshake(
    server: &Server,
    tcp: TcpStream,
) -> Result<(String, Vec<Certificate>), DirectoryError> {
    let fault = |problem: String| tls_error(TlsFault::without_certificate(server, problem));
    let seen: Seen = Arc::default();
    let ssl = looking_only(server, seen.clone()).map_err(|errors| fault(errors.to_string()))?;
    let mut stream = SslStream::new(ssl, tcp).map_err(|errors| fault(errors.to_string()))?;
    let refused = Pin::new(&mut stream).connect().await;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    match refused {
        Err(_) if !seen.is_empty() => {
            let protocol = stream.ssl().version_str().to_owned();
            Ok((protocol, seen.into_iter().map(Certificate::of).collect()))
        }
        Err(error) => Err(fault(handshake_words(&error))),
        Ok(()) => Err(fault("it sent no certificate".to_owned())),
    }
}

fn looking_only(server: &Server, seen: Seen) -> Result<Ssl, openssl::error::ErrorStack> {
    let context = SslContext::builder(SslMethod::tls_client())?.build();
    let mut ssl = Ssl::new(&context)?;
    name_of(&mut ssl, server)?;
    ssl.set_verify_callback(SslVerifyMode::PEER, move |_, chain| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_empty() {
            *seen = sent_in(chain);
        }
        false
    });
    Ok(ssl)
}

/// All that was sent; the one certificate that is looked at where OpenSSL does not hand out more.
fn sent_in(chain: &X509StoreContextRef) -> Vec<X509> {
    let ssl = X509StoreContext::ssl_idx().ok().and_then(|index| chain.ex_data(index));
    let sent = ssl.and_then(SslRef::peer_cert_chain);
    let sent: Vec<X509> =
        sent.map(|all| all.iter().map(ToOwned::to_owned).collect()).unwrap_or_default();
    match sent.is_empty() {
        true => chain.current_cert().map(ToOwned::to_owned).into_iter().collect(),
        false => sent,
    }
}

fn copies<'a>(certificates: impl Iterator<Item = &'a X509Ref>) -> Vec<Certificate> {
    certificates.map(|certificate| Certificate::of(certificate.to_owned())).collect()
}

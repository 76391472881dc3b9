//! The running server, and the handle that a test holds.
#![forbid(unsafe_code)]

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use openssl::ssl::{SslAcceptor, SslMethod, SslVersion};
use tokio::sync::oneshot;

use crate::connection;
use crate::data::Directory;
use crate::error::Error;
use crate::faults::{Fault, On, Plan};
use crate::pki::{Identity, Pki};
use crate::shared::{Limits, Shared};
use crate::tally::{BindSeen, SearchSeen};

/// How a server is to be run.
pub struct Options {
    /// Where it listens; 127.0.0.1 unless given.
    pub address: IpAddr,
    /// The port; 0, the default, lets the system choose.
    pub port: u16,
    /// The CA; a new one for the directory's host name unless given.
    pub pki: Option<Pki>,
    /// The certificate presented; a good one of the CA for the directory's host unless given.
    pub identity: Option<Identity>,
    /// The newest TLS version offered, for clients that are to insist on better.
    pub max_tls: Option<SslVersion>,
    /// Whether subtree searches from the top end with search references, as AD's do.
    pub references: bool,
    /// How long a client may send nothing before it is dropped: AD's MaxConnIdleTime, 900 s.
    pub idle_limit: Duration,
    /// Where each bind is written down before it is answered, for who runs the server as a program:
    /// a line of the account (`-` for none), the password's length, and the refusal in hex or `ok`.
    pub bind_log: Option<File>,
    /// How long a new client may wait with its first request: AD's InitRecvTimeout, 120 s.
    pub first_request_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            pki: None,
            identity: None,
            max_tls: None,
            references: true,
            idle_limit: Duration::from_secs(900),
            bind_log: None,
            first_request_limit: Duration::from_secs(120),
        }
    }
}

/// A running test directory. Dropping it stops it.
pub struct TestDirectory {
    shared: Arc<Shared>,
    pki: Pki,
    host: String,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestDirectory {
    /// Starts a server on a thread and a runtime of its own, ready when this returns.
    ///
    /// # Errors
    /// OpenSSL cannot make the certificates, or the address cannot be listened on.
    pub fn start(directory: Directory, options: Options) -> Result<Self, Error> {
        let host = directory.host.clone();
        let pki = options.pki.map_or_else(|| Pki::new(&host), Ok)?;
        let identity = options.identity.map_or_else(|| pki.for_name(&host), Ok)?;
        let acceptor = acceptor(&identity, options.max_tls)?;
        let wanted = SocketAddr::new(options.address, options.port);
        let io = |what: &str, error| Error::Io(format!("{what} {wanted}"), error);
        let listener = TcpListener::bind(wanted).map_err(|error| io("listen on", error))?;
        listener.set_nonblocking(true).map_err(|error| io("use the socket on", error))?;
        let address = listener.local_addr().map_err(|error| io("find the port of", error))?;
        let limits = Limits { first: options.first_request_limit, idle: options.idle_limit };
        let shared = Shared::new(directory, acceptor, options.references, limits);
        *shared.bind_log() = options.bind_log;
        let shared = Arc::new(shared);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| io("make a runtime for", error))?;
        let (stop, stopped) = oneshot::channel();
        let state = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, state) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { shared, pki, host, address, stop: Some(stop), thread: Some(thread) })
    }

    /// Starts the standard population with everything at its default.
    ///
    /// # Errors
    /// As [`TestDirectory::start`].
    pub fn corp_example() -> Result<Self, Error> {
        Self::start(Directory::corp_example(), Options::default())
    }

    /// The port listened on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name that the good certificate is for, and that a URL must hold: `dc1.corp.example`.
    pub fn url_host(&self) -> &str {
        &self.host
    }

    /// `ldaps://dc1.corp.example:PORT`; the client must be told that the host is at 127.0.0.1.
    pub fn url(&self) -> String {
        format!("ldaps://{}:{}", self.url_host(), self.port())
    }

    /// The CA.
    pub fn pki(&self) -> &Pki {
        &self.pki
    }

    /// The CA's certificate in PEM.
    ///
    /// # Errors
    /// OpenSSL's, when it cannot encode.
    pub fn ca_pem(&self) -> Result<Vec<u8>, Error> {
        self.pki.ca_pem()
    }

    /// Presents another certificate to all who connect from now on.
    ///
    /// # Errors
    /// OpenSSL's, when it does not take the certificate.
    pub fn present(&self, identity: &Identity) -> Result<(), Error> {
        *self.shared.acceptor() = acceptor(identity, None)?;
        Ok(())
    }

    /// Runs an edit on the live data: `server.edit(|directory| directory.disable("alice"))`.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> T {
        let outcome = change(&mut self.shared.directory());
        self.shared.changed.send_replace(());
        outcome
    }

    /// From now on every request meets this fault; [`Fault::None`] makes the server well again.
    pub fn fault(&self, fault: Fault) {
        self.shared.set_plan(Plan { fault, on: On::Everything, times: None });
    }

    /// From now on requests of this kind meet this fault.
    pub fn fault_on(&self, on: On, fault: Fault) {
        self.shared.set_plan(Plan { fault, on, times: None });
    }

    /// The next `times` requests of this kind meet this fault.
    pub fn fault_times(&self, on: On, fault: Fault, times: usize) {
        self.shared.set_plan(Plan { fault, on, times: Some(times) });
    }

    /// Cuts every open connection, as a DC that restarts does. New ones are accepted.
    pub fn drop_connections(&self) {
        self.shared.dropped.send_modify(|times| *times += 1);
    }

    /// How many binds with a password there were for the account (a sAMAccountName or a DN), refused ones included.
    ///
    /// An account that does not exist, or a name that means none, has had none.
    pub fn binds(&self, name: &str) -> u64 {
        let id = self.shared.directory().find(name);
        id.ok().and_then(|id| self.shared.tally().by_account.get(&id).copied()).unwrap_or(0)
    }

    /// How many binds with a password there were at all, also for names that mean nobody.
    pub fn total_binds(&self) -> u64 {
        self.shared.tally().bind_count
    }

    /// Binds with a name and an empty password: AD answers success and takes the client for anonymous.
    pub fn unauthenticated_binds(&self) -> u64 {
        self.shared.tally().unauthenticated
    }

    /// Binds with neither name nor password.
    pub fn anonymous_binds(&self) -> u64 {
        self.shared.tally().anonymous
    }

    /// The binds with a password, in order; the first 100,000.
    pub fn bind_log(&self) -> Vec<BindSeen> {
        self.shared.tally().binds.clone()
    }

    /// How many searches there were.
    pub fn searches(&self) -> u64 {
        self.shared.tally().search_count
    }

    /// The searches, in order; the first 100,000.
    pub fn search_log(&self) -> Vec<SearchSeen> {
        self.shared.tally().searches.clone()
    }

    /// Forgets the searches seen so far, so that a test counts from here.
    pub fn forget_searches(&self) {
        let mut tally = self.shared.tally();
        tally.searches.clear();
        tally.search_count = 0;
    }

    /// How many Modify requests there were.
    pub fn modifies(&self) -> u64 {
        self.shared.tally().modifies
    }

    /// How many Abandon requests there were.
    pub fn abandons(&self) -> u64 {
        self.shared.tally().abandons
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> u64 {
        self.shared.tally().open_connections
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u64 {
        self.shared.tally().connections
    }

    /// Stops the server: connections are cut, the port is free again.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for TestDirectory {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection::serve(stream, Arc::clone(&shared)));
        }
    }
}

fn acceptor(identity: &Identity, max_tls: Option<SslVersion>) -> Result<SslAcceptor, Error> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    // A weak key or signature is for the client to refuse.
    builder.set_security_level(0);
    builder.set_private_key(&identity.key)?;
    builder.set_certificate(&identity.certificate)?;
    builder.check_private_key()?;
    for certificate in &identity.above {
        builder.add_extra_chain_cert(certificate.clone())?;
    }
    if max_tls == Some(SslVersion::TLS1) || max_tls == Some(SslVersion::TLS1_1) {
        // OpenSSL 3 keeps these versions behind security level 0.
        builder.set_cipher_list("ALL:@SECLEVEL=0")?;
        builder.clear_options(
            openssl::ssl::SslOptions::NO_TLSV1 | openssl::ssl::SslOptions::NO_TLSV1_1,
        );
        builder.set_min_proto_version(None)?;
    }
    builder.set_max_proto_version(max_tls)?;
    Ok(builder.build())
}

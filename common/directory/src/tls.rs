//! Whom to trust; what is wrong with a certificate that is not, `tls_fault.rs` says.
//!
//! The chain and the name are always verified. There is no switch.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use ldaps_core::config::{self, CrlCheck, TlsVersion};
use openssl::error::ErrorStack;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslOptions, SslSessionCacheMode,
    SslVerifyMode, SslVersion,
};
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use openssl::x509::verify::{X509CheckFlags, X509VerifyFlags};
use openssl::x509::{X509, X509NameRef, X509Ref};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::server::Server;
use crate::tls_fault::{Seen, TlsFault, note};

/// The system's trust store on Debian and Ubuntu, made by update-ca-certificates(8).
pub(crate) const SYSTEM_STORE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What a TLS connection to a domain controller needs: the trusted CAs, the revocation lists, the
/// oldest version.
#[derive(Clone)]
pub struct Tls {
    context: SslContext,
    /// What is trusted, in words.
    trusted: Arc<str>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("trusted", &self.trusted).finish_non_exhaustive()
    }
}

impl Tls {
    /// Loads what the configuration names. No environment is read: neither `SSL_CERT_FILE` nor
    /// `LDAPTLS_*` can change whom this host trusts.
    ///
    /// # Errors
    /// A sentence that names the file at fault.
    pub fn new(config: &config::Tls) -> Result<Self, String> {
        let (store, trusted) = trust(config)?;
        let context = context(config, store)
            .map_err(|error| format!("OpenSSL cannot be set up: {}", words(&error)))?;
        Ok(Self { context, trusted: trusted.into() })
    }

    /// What is trusted, in words: a file, directories.
    #[must_use]
    pub fn trusted(&self) -> &str {
        &self.trusted
    }

    /// The TLS handshake, as a client that wants to see this server's certificate and no other.
    ///
    /// # Errors
    /// [`TlsFault`]: which certificate, what is wrong with it, what to do.
    pub(crate) async fn handshake(
        &self,
        server: &Server,
        tcp: TcpStream,
    ) -> Result<SslStream<TcpStream>, TlsFault> {
        let fault = |certificate, problem| TlsFault {
            server: server.clone(),
            trusted: self.trusted.clone(),
            certificate,
            problem,
        };
        let seen = Arc::new(Mutex::new(None));
        let ssl = self.session(server, seen.clone()).map_err(|error| fault(None, words(&error)))?;
        let mut stream = SslStream::new(ssl, tcp).map_err(|error| fault(None, words(&error)))?;
        match Pin::new(&mut stream).connect().await {
            Ok(()) => Ok(stream),
            Err(error) => {
                let certificate = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(fault(certificate, handshake_words(&error)))
            }
        }
    }

    fn session(&self, server: &Server, seen: Seen) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.context)?;
        name_of(&mut ssl, server)?;
        // RFC 6125: the name stands in subjectAltName; a CN is prose.
        ssl.param_mut().set_hostflags(
            X509CheckFlags::NEVER_CHECK_SUBJECT | X509CheckFlags::NO_PARTIAL_WILDCARDS,
        );
        ssl.set_verify_callback(SslVerifyMode::PEER, move |verified, chain| {
            if !verified {
                note(&seen, chain);
            }
            verified
        });
        Ok(ssl)
    }
}

/// The name that is asked for, and that the certificate must bear.
pub(crate) fn name_of(ssl: &mut Ssl, server: &Server) -> Result<(), ErrorStack> {
    match server.name.parse::<IpAddr>() {
        Ok(address) => ssl.param_mut().set_ip(address),
        Err(_) => {
            ssl.set_hostname(&server.name)?;
            ssl.param_mut().set_host(&server.name)
        }
    }
}

fn trust(config: &config::Tls) -> Result<(X509StoreBuilder, String), String> {
    let own = |error: ErrorStack| words(&error);
    let mut store = X509StoreBuilder::new().map_err(own)?;
    let mut trusted: Vec<String> = Vec::new();
    let system = config.ca_file.is_none() && config.ca_dirs.is_empty();
    let file = config.ca_file.clone().or_else(|| system.then(|| PathBuf::from(SYSTEM_STORE)));
    if let Some(file) = file {
        for certificate in read_certificates(&file)? {
            store.add_cert(certificate).map_err(own)?;
        }
        trusted.push(file.display().to_string());
    }
    for dir in &config.ca_dirs {
        let path = utf8(dir)?;
        let lookup = store.add_lookup(X509Lookup::hash_dir()).map_err(own)?;
        lookup.add_dir(path, SslFiletype::PEM).map_err(own)?;
        trusted.push(format!("the directory {path}"));
    }
    if let Some(file) = &config.crl_file {
        let lookup = store.add_lookup(X509Lookup::file()).map_err(own)?;
        lookup.load_crl_file(utf8(file)?, SslFiletype::PEM).map_err(|error| {
            format!("{} holds no revocation list in PEM form: {}", file.display(), words(&error))
        })?;
    }
    // A CA that the administrator named is trusted, whether it signed itself or another CA did:
    // so GnuTLS, which Debian's libldap uses, has always read TLS_CACERT.
    let mut flags = X509VerifyFlags::PARTIAL_CHAIN;
    match config.crl_check {
        CrlCheck::None => {}
        CrlCheck::Peer => flags |= X509VerifyFlags::CRL_CHECK,
        CrlCheck::All => flags |= X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL,
    }
    store.set_flags(flags).map_err(own)?;
    Ok((store, trusted.join(" and ")))
}

fn context(config: &config::Tls, store: X509StoreBuilder) -> Result<SslContext, ErrorStack> {
    // Not SslConnector: its builder loads OpenSSL's default paths, and with them SSL_CERT_FILE.
    let mut context = SslContextBuilder::new(SslMethod::tls_client())?;
    context.set_min_proto_version(Some(match config.minimum {
        TlsVersion::V1_2 => SslVersion::TLS1_2,
        TlsVersion::V1_3 => SslVersion::TLS1_3,
    }))?;
    context.set_verify(SslVerifyMode::PEER);
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_TICKET);
    context.set_cert_store(store.build());
    Ok(context.build())
}

fn read_certificates(file: &Path) -> Result<Vec<X509>, String> {
    let pem = std::fs::read(file)
        .map_err(|error| format!("the CA file {} cannot be read: {error}", file.display()))?;
    let certificates = X509::stack_from_pem(&pem)
        .map_err(|error| format!("the CA file {} is not PEM: {}", file.display(), words(&error)))?;
    match certificates.is_empty() {
        true => Err(format!("the CA file {} holds no certificate", file.display())),
        false => Ok(certificates),
    }
}

fn utf8(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("the path {} is not UTF-8", path.display()))
}

pub(crate) fn distinguished_name(name: &X509NameRef) -> String {
    let part = |entry: &openssl::x509::X509NameEntryRef| {
        let key = entry.object().nid().short_name().unwrap_or("?").to_owned();
        let value = entry.data().to_string().unwrap_or_default();
        format!("{key}={value}")
    };
    match name.entries().map(part).collect::<Vec<_>>() {
        parts if parts.is_empty() => "(no name)".to_owned(),
        parts => parts.join(", "),
    }
}

pub(crate) fn names_of(certificate: &X509Ref) -> Vec<String> {
    let alternatives = certificate.subject_alt_names();
    let names = alternatives.iter().flatten().filter_map(|name| match name.ipaddress() {
        Some(bytes) => address(bytes),
        None => name.dnsname().map(str::to_owned),
    });
    names.collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| v6()).ok().map(|address| address.to_string())
}

pub(crate) fn handshake_words(error: &openssl::ssl::Error) -> String {
    match (error.ssl_error(), error.io_error()) {
        (Some(stack), _) => words(stack),
        (None, Some(io)) => io.to_string(),
        (None, None) => "the server ended the connection during the handshake".to_owned(),
    }
}

/// OpenSSL's reasons without its source files and line numbers.
pub(crate) fn words(errors: &ErrorStack) -> String {
    let reasons: Vec<_> =
        errors.errors().iter().filter_map(openssl::error::Error::reason).collect();
    match reasons.is_empty() {
        true => "OpenSSL gives no reason".to_owned(),
        false => reasons.join("; "),
    }
}

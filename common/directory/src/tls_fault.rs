//! Why a TLS connection was not made: which certificate, what is wrong with it, what to do.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use openssl::x509::X509StoreContextRef;

use crate::server::Server;
use crate::tls::{SYSTEM_STORE, distinguished_name, names_of};

/// Why a TLS connection was not made.
#[derive(Debug, Clone)]
pub struct TlsFault {
    pub(crate) server: Server,
    /// What is trusted, in words.
    pub(crate) trusted: Arc<str>,
    pub(crate) certificate: Option<CertificateFault>,
    pub(crate) problem: String,
}

/// A certificate that failed verification.
#[derive(Debug, Clone)]
pub(crate) struct CertificateFault {
    depth: u32,
    code: i32,
    reason: String,
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: String,
    not_after: String,
}

/// The first fault that a verification met.
pub(crate) type Seen = Arc<Mutex<Option<CertificateFault>>>;

/// Keeps the first fault of a chain; later ones follow from it.
pub(crate) fn note(seen: &Seen, chain: &mut X509StoreContextRef) {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if let (None, Some(certificate)) = (seen.as_ref(), chain.current_cert()) {
        *seen = Some(CertificateFault {
            depth: chain.error_depth(),
            code: chain.error().as_raw(),
            reason: chain.error().error_string().to_owned(),
            subject: distinguished_name(certificate.subject_name()),
            issuer: distinguished_name(certificate.issuer_name()),
            names: names_of(certificate),
            not_before: certificate.not_before().to_string(),
            not_after: certificate.not_after().to_string(),
        });
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(certificate) = &self.certificate else {
            return write!(
                f,
                "TLS with {} failed: {}. Check that this port speaks LDAPS and TLS 1.2 or newer",
                self.server, self.problem
            );
        };
        let which = match certificate.depth {
            0 => "its certificate",
            _ => "a CA certificate above its own",
        };
        write!(
            f,
            "the server {} is not trusted: {which} ({}; issued by {}) ",
            self.server, certificate.subject, certificate.issuer
        )?;
        self.explain(f, certificate)
    }
}

/// OpenSSL's reasons where no version is common: our side refuses the server's, or the server ours.
const OLD_VERSION: &[&str] = &["unsupported protocol", "alert protocol version"];

/// What is at fault, for whoever wants to do more than show the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsReason {
    /// The handshake ended before there was a certificate.
    NoCertificate,
    /// The server speaks no version of TLS that is new enough.
    Version,
    /// A certificate whose time has not come.
    NotYetValid,
    /// A certificate whose time is over.
    Expired,
    /// The server's certificate is for other names.
    Name,
    /// The chain leads to no CA that is trusted here.
    Untrusted,
    /// Revoked, or not to be checked for that.
    Revocation,
    /// A key or a signature that OpenSSL does not take.
    Weak,
    /// A CA above that may not sign this name, or not sign at all, or not for servers.
    NotAllowed,
    /// Anything else.
    Other,
}

impl TlsFault {
    /// What is at fault.
    #[must_use]
    pub fn reason(&self) -> TlsReason {
        match self.certificate.as_ref().map(|certificate| certificate.code) {
            None if OLD_VERSION.iter().any(|words| self.problem.contains(words)) => {
                TlsReason::Version
            }
            None => TlsReason::NoCertificate,
            Some(9) => TlsReason::NotYetValid,
            Some(10) => TlsReason::Expired,
            Some(62 | 64) => TlsReason::Name,
            Some(2 | 7 | 18..=21) => TlsReason::Untrusted,
            Some(3 | 11 | 12 | 23) => TlsReason::Revocation,
            Some(66..=68) => TlsReason::Weak,
            Some(24..=26 | 47..=49 | 79) => TlsReason::NotAllowed,
            Some(_) => TlsReason::Other,
        }
    }

    /// How deep in the chain it is: 0 is the server's own certificate.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.certificate.as_ref().map_or(0, |certificate| certificate.depth)
    }

    /// A handshake that ended before there was a certificate to look at.
    pub(crate) fn without_certificate(server: &Server, problem: String) -> Self {
        Self { server: server.clone(), trusted: "".into(), certificate: None, problem }
    }

    /// The reasons are X509_V_ERR_* of OpenSSL's x509_vfy.h, which keep their numbers.
    fn explain(&self, f: &mut fmt::Formatter<'_>, it: &CertificateFault) -> fmt::Result {
        match it.code {
            9 => write!(
                f,
                "is not valid before {}. Check the clock of this host, then the certificate's dates",
                it.not_before
            ),
            10 => write!(
                f,
                "has expired on {}. Renew it on the domain controller (and check the clock of this \
                 host)",
                it.not_after
            ),
            62 | 64 => write!(
                f,
                "is for {}, not for {:?}. Write `uri` with a name that the certificate bears; where \
                 DNS does not know that name, give its address under [directory.address]",
                in_words(&it.names),
                self.server.name
            ),
            2 | 7 | 18..=21 => write!(
                f,
                "leads to no CA that is trusted here ({}). {}",
                it.reason,
                self.how_to_trust()
            ),
            23 => write!(f, "has been revoked. Have a new certificate issued for it"),
            3 => write!(
                f,
                "cannot be checked for revocation: there is no list of its issuer in the CRL file. \
                 Add it, or set `crl_check = \"none\"` under [tls]"
            ),
            12 => write!(
                f,
                "cannot be checked for revocation: the list of its issuer is out of date. Fetch a \
                 new one into the CRL file"
            ),
            _ => write!(
                f,
                "fails verification: {} (OpenSSL's reason {}). Trusted is {}",
                it.reason, it.code, self.trusted
            ),
        }
    }
}

impl TlsFault {
    /// The system's store is made by a program: what is pasted into it is gone with the next run.
    fn how_to_trust(&self) -> String {
        let named = "TLS_CACERT in ldap.conf, or `ca` under [tls]";
        match &*self.trusted == SYSTEM_STORE {
            true => format!(
                "Copy the certificate of the issuing CA, as PEM in a file that ends in .crt, to \
                 /usr/local/share/ca-certificates and run update-ca-certificates; or name its file \
                 with {named}. Then restart ldapsd"
            ),
            false => format!(
                "Put the certificate of the issuing CA into {}, or name the right file with \
                 {named}. Then restart ldapsd",
                self.trusted
            ),
        }
    }
}

fn in_words(names: &[String]) -> String {
    match names {
        [] => "no name at all (it has no subjectAltName)".to_owned(),
        names => names.join(", "),
    }
}

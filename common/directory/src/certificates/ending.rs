//! When what TLS rests on here expires: certificates and revocation lists.

use std::path::{Path, PathBuf};

use ldaps_core::config;
use openssl::ssl::SslRef;
use openssl::x509::{X509, X509Crl, X509Ref};

use super::facts::seconds;
use crate::server::Server;
use crate::tls::{SYSTEM_STORE, distinguished_name};

/// Where the distribution's own CAs are, which the distribution renews.
const SYSTEM_DIR: &str = "/etc/ssl/certs";
/// Certificates of a directory that are read: one with more is a whole system's store.
const FILES_MAX: usize = 200;
/// The line that a revocation list in PEM ends with.
const END_OF_CRL: &str = "-----END X509 CRL-----";

/// What something is that expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The certificate of a domain controller.
    Server,
    /// The certificate of a CA.
    Ca,
    /// A revocation list: after its day it revokes nobody, and with `crl_check` nobody is trusted.
    RevocationList,
}

/// Something that expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What it is.
    pub what: Ends,
    /// Whose it is.
    pub subject: String,
    /// Where it was met: a server, or a file.
    pub place: String,
    /// When, in seconds since 1970.
    pub at: i64,
}

/// The certificates by which a connection was verified: the server's, and those of CAs above it.
pub(crate) fn of_connection(ssl: &SslRef, server: &Server) -> Vec<Ending> {
    let chain = ssl.verified_chain();
    let what = |depth| if depth == 0 { Ends::Server } else { Ends::Ca };
    let one = |(depth, it): (usize, &X509Ref)| ending(what(depth), it, &server.to_string());
    chain.map(|chain| chain.iter().enumerate().map(one).collect()).unwrap_or_default()
}

/// The CAs and revocation lists that the configuration names. What cannot be read now was read when
/// the configuration came into force, and is left out.
#[must_use]
pub fn configured(tls: &config::Tls) -> Vec<Ending> {
    let mut endings = Vec::new();
    let own = tls.ca_file.iter().filter(|file| *file != Path::new(SYSTEM_STORE)).cloned();
    let in_dirs = tls.ca_dirs.iter().filter(|dir| *dir != Path::new(SYSTEM_DIR));
    for file in own.chain(in_dirs.flat_map(|dir| files_of(dir))) {
        let Ok(pem) = std::fs::read(&file) else { continue };
        let certificates = X509::stack_from_pem(&pem).unwrap_or_default();
        let place = file.display().to_string();
        endings.extend(certificates.iter().map(|it| ending(Ends::Ca, it, &place)));
    }
    endings.extend(tls.crl_file.iter().flat_map(|file| of_revocation_lists(file)));
    endings
}

fn ending(what: Ends, certificate: &X509Ref, place: &str) -> Ending {
    Ending {
        what,
        subject: distinguished_name(certificate.subject_name()),
        place: place.to_owned(),
        at: seconds(certificate.not_after()),
    }
}

/// OpenSSL looks at hashed names alone (openssl-rehash(1)): eight digits, a point, a number.
fn files_of(dir: &Path) -> Vec<PathBuf> {
    let is_hashed = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.split_once('.').is_some_and(|(hash, number)| {
            hash.len() == 8 && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_hashed).take(FILES_MAX).collect()
}

fn of_revocation_lists(file: &Path) -> Vec<Ending> {
    let pem = std::fs::read_to_string(file).unwrap_or_default();
    let lists = pem.split_inclusive(END_OF_CRL);
    let list = |text: &str| {
        let list = X509Crl::from_pem(text.as_bytes()).ok()?;
        Some(Ending {
            what: Ends::RevocationList,
            subject: distinguished_name(list.issuer_name()),
            place: file.display().to_string(),
            at: seconds(list.next_update()?),
        })
    };
    lists.filter_map(list).collect()
}

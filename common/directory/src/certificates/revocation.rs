//! Revocation lists: whose, and until when.

use openssl::asn1::Asn1TimeRef;
use openssl::x509::X509Crl;

use super::facts::seconds;
use crate::tls::distinguished_name;

const BEGIN: &str = "-----BEGIN X509 CRL-----";
const END: &str = "-----END X509 CRL-----";

/// One revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// The CA whose certificates it is about.
    pub issuer: String,
    /// Until when it is good, in seconds since 1970; None: it does not say.
    pub next_update: Option<i64>,
}

/// All revocation lists of a file in PEM; none where it holds none.
#[must_use]
pub fn revocation_lists(content: &[u8]) -> Vec<RevocationList> {
    let text = String::from_utf8_lossy(content);
    let blocks = text.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(END));
    let lists = blocks
        .filter_map(|(body, _)| X509Crl::from_pem(format!("{BEGIN}{body}{END}\n").as_bytes()).ok());
    let list = |list: X509Crl| RevocationList {
        issuer: distinguished_name(list.issuer_name()),
        next_update: list.next_update().map(|time: &Asn1TimeRef| seconds(time)),
    };
    lists.map(list).collect()
}

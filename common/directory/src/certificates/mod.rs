//! Certificates as files and servers give them, in any of the usual formats, and what they say.
//!
//! Nothing here trusts anything: to trust a certificate is to put it where [`crate::Tls`] looks.

mod der;
pub(crate) mod ending;
mod facts;
mod formats;
mod revocation;
mod sent;

pub use ending::{Ending, Ends, configured};
pub use facts::{Facts, Role};
pub use formats::{Contents, Format, Unreadable, read};
pub use revocation::{RevocationList, revocation_lists};
pub use sent::{Accepted, Sent, as_accepted, as_sent, servers};

use openssl::hash::MessageDigest;
use openssl::x509::X509;

/// One certificate.
#[derive(Clone)]
pub struct Certificate {
    x509: X509,
    facts: Facts,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.facts.fmt(f)
    }
}

/// The same certificate, byte for byte.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.facts.sha256 == other.facts.sha256
    }
}

impl Certificate {
    pub(crate) fn of(x509: X509) -> Self {
        let facts = Facts::of(&x509);
        Self { x509, facts }
    }

    /// What it says.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The certificate in PEM; empty only where OpenSSL has no memory left.
    #[must_use]
    pub fn pem(&self) -> Vec<u8> {
        self.x509.to_pem().unwrap_or_default()
    }

    /// Whether `issuer` has signed this one: the names and key identifiers fit, and so does the
    /// signature.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Certificate) -> bool {
        let fits = issuer.x509.issued(&self.x509).as_raw() == 0;
        let key = issuer.x509.public_key();
        fits && key.is_ok_and(|key| self.x509.verify(&key).unwrap_or(false))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fingerprint as Windows shows it ("Thumbprint", `certutil -hashfile`): hexadecimal digits in
/// lower case with nothing between them.
fn fingerprint(x509: &openssl::x509::X509Ref, digest: MessageDigest) -> String {
    x509.digest(digest).map(|bytes| hex(&bytes)).unwrap_or_default()
}

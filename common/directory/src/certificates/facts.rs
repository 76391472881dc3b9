//! What a certificate says, for people and for `--json`.

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::Id;
use openssl::x509::{X509ExtendedKeyUsage, X509KeyUsage, X509Ref};
use serde::Serialize;

use super::der::Extensions;
use super::{fingerprint, hex};
use crate::tls::{distinguished_name, names_of};

const DAY: i64 = 86_400;
/// Fewer bits are refused by Debian's and Ubuntu's OpenSSL (security level 2).
const RSA_BITS_MIN: u32 = 2048;
const EC_BITS_MIN: u32 = 224;

/// What a certificate is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A CA that has signed itself.
    RootCa,
    /// A CA that another CA has signed.
    IntermediateCa,
    /// A server (or a person) that a CA has signed.
    Leaf,
    /// A server that has signed itself.
    SelfSignedLeaf,
}

impl Role {
    /// Whether it may sign others.
    #[must_use]
    pub fn is_ca(self) -> bool {
        match self {
            Self::RootCa | Self::IntermediateCa => true,
            Self::Leaf | Self::SelfSignedLeaf => false,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::RootCa => "root CA",
            Self::IntermediateCa => "intermediate CA",
            Self::Leaf => "no CA: the certificate of a server or a person",
            Self::SelfSignedLeaf => "no CA: a server's certificate that it has signed itself",
        }
    }
}

/// What a certificate says. The names are as it bears them: not to be put on a terminal as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Whose it is.
    pub subject: String,
    /// Who has signed it.
    pub issuer: String,
    /// CA or not.
    pub role: Role,
    /// The DNS names and addresses in subjectAltName: what a server may be called.
    pub names: Vec<String>,
    /// Names that this CA may sign, or may not; empty: any.
    pub name_constraints: Vec<String>,
    /// Where its issuer's certificate can be had, says the certificate.
    pub issuer_at: Vec<String>,
    /// Valid from, in seconds since 1970.
    pub not_before: i64,
    /// Valid to, in seconds since 1970.
    pub not_after: i64,
    /// The kind of key and its length.
    pub key: String,
    /// How it was signed.
    pub signature: String,
    /// The serial number, in hexadecimal.
    pub serial: String,
    /// Windows' "thumbprint".
    pub sha1: String,
    /// What to compare by another channel.
    pub sha256: String,
    /// What is too weak for OpenSSL as Debian and Ubuntu set it, or wrong for its purpose.
    pub weaknesses: Vec<String>,
}

impl Facts {
    pub(super) fn of(x509: &X509Ref) -> Self {
        let extensions = Extensions::of(&x509.to_der().unwrap_or_default());
        let role = role(x509, &extensions);
        Self {
            subject: distinguished_name(x509.subject_name()),
            issuer: distinguished_name(x509.issuer_name()),
            role,
            names: names_of(x509),
            name_constraints: extensions.name_constraints,
            issuer_at: issuer_at(x509),
            not_before: seconds(x509.not_before()),
            not_after: seconds(x509.not_after()),
            key: key(x509),
            signature: signature(x509),
            serial: serial(x509),
            sha1: fingerprint(x509, MessageDigest::sha1()),
            sha256: fingerprint(x509, MessageDigest::sha256()),
            weaknesses: weaknesses(x509, role),
        }
    }

    /// Whole days until it expires; below zero: since it has.
    #[must_use]
    pub fn days_left(&self, now: i64) -> i64 {
        self.not_after.saturating_sub(now).div_euclid(DAY)
    }

    /// Whether it is past its last day.
    #[must_use]
    pub fn has_expired(&self, now: i64) -> bool {
        self.not_after < now
    }

    /// Whether its first day has not come.
    #[must_use]
    pub fn is_not_yet_valid(&self, now: i64) -> bool {
        self.not_before > now
    }
}

fn role(x509: &X509Ref, extensions: &Extensions) -> Role {
    let own = x509.public_key().is_ok_and(|key| x509.verify(&key).unwrap_or(false));
    // Version 1 (as 0) has no extensions: a root of that age signed itself, and is one.
    let ca = extensions.ca.unwrap_or(own && x509.version() == 0);
    match (ca, own) {
        (true, true) => Role::RootCa,
        (true, false) => Role::IntermediateCa,
        (false, true) => Role::SelfSignedLeaf,
        (false, false) => Role::Leaf,
    }
}

pub(super) fn seconds(time: &Asn1TimeRef) -> i64 {
    let since = Asn1Time::from_unix(0).and_then(|epoch| epoch.diff(time));
    since.map_or(0, |since| i64::from(since.days) * DAY + i64::from(since.secs))
}

/// 1.3.6.1.5.5.7.48.2 of the authority information access (RFC 5280 section 4.2.2.1).
fn issuer_at(x509: &X509Ref) -> Vec<String> {
    let places = x509.authority_info();
    let issuers = places.iter().flatten().filter(|it| it.method().nid() == Nid::AD_CA_ISSUERS);
    issuers.filter_map(|it| it.location().uri().map(str::to_owned)).collect()
}

fn key(x509: &X509Ref) -> String {
    let Ok(key) = x509.public_key() else {
        return "of a kind that OpenSSL does not know".to_owned();
    };
    let kind = match key.id() {
        Id::RSA => "RSA",
        Id::RSA_PSS => "RSA-PSS",
        Id::EC => "EC",
        Id::DSA => "DSA",
        Id::ED25519 => return "Ed25519".to_owned(),
        Id::ED448 => return "Ed448".to_owned(),
        _ => "another kind",
    };
    format!("{kind}, {} bits", key.bits())
}

fn signature(x509: &X509Ref) -> String {
    let nid = x509.signature_algorithm().object().nid();
    nid.long_name().unwrap_or("unknown").to_owned()
}

fn serial(x509: &X509Ref) -> String {
    x509.serial_number().to_bn().map(|number| hex(&number.to_vec())).unwrap_or_default()
}

fn weaknesses(x509: &X509Ref, role: Role) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(key) = x509.public_key() {
        let least = match key.id() {
            Id::RSA | Id::RSA_PSS | Id::DSA => RSA_BITS_MIN,
            Id::EC => EC_BITS_MIN,
            _ => 0,
        };
        if key.bits() < least {
            found.push(format!("the key has {} bits; OpenSSL takes {least} or more", key.bits()));
        }
    }
    let digest = x509.signature_algorithm().object().nid().signature_algorithms();
    let digest = digest.map(|algorithms| algorithms.digest);
    // Nobody verifies a root's own signature.
    if role != Role::RootCa && [Some(Nid::MD5), Some(Nid::SHA1)].contains(&digest) {
        found.push("it is signed with SHA-1 or MD5, which OpenSSL does not take".to_owned());
    }
    if role.is_ca()
        && x509.key_usage().is_some_and(|usage| !usage.contains(X509KeyUsage::KEY_CERT_SIGN))
    {
        found.push("its key usage does not let it sign certificates".to_owned());
    }
    let server = X509ExtendedKeyUsage::SSL_SERVER | X509ExtendedKeyUsage::ANYEKU;
    if !role.is_ca() && x509.extended_key_usage().is_some_and(|usage| !usage.intersects(server)) {
        found.push("its purposes leave out \"server authentication\"".to_owned());
    }
    found
}

//! The throw-away CA: a new one each time, so that no key is worth stealing and no certificate goes stale.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, CrlNumber, ExtendedKeyUsage, KeyUsage,
    SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509CrlBuilder, X509Name, X509NameBuilder, X509RevokedBuilder};

use crate::error::Error;

const DAY: i64 = 86_400;

/// A server certificate with its key, as a server presents it.
#[derive(Clone)]
pub struct Identity {
    pub(crate) certificate: X509,
    pub(crate) key: PKey<Private>,
    /// What is sent behind it.
    pub(crate) above: Vec<X509>,
}

impl Identity {
    /// Any certificate with its key, and what the server sends behind it.
    pub fn new(certificate: X509, key: PKey<Private>, above: Vec<X509>) -> Self {
        Self { certificate, key, above }
    }

    /// The certificate in PEM.
    ///
    /// # Errors
    /// OpenSSL's, when it cannot encode.
    pub fn certificate_pem(&self) -> Result<Vec<u8>, Error> {
        Ok(self.certificate.to_pem()?)
    }
}

/// A certificate authority and the DNS name that it vouches for.
#[derive(Clone)]
pub struct Pki {
    dns_name: String,
    certificate: X509,
    key: PKey<Private>,
}

/// What a certificate says, where it differs from a good one.
struct Request<'a> {
    dns_name: &'a str,
    valid_from_days: i64,
    valid_to_days: i64,
}

impl Pki {
    /// A new CA for a server called `dns_name`.
    ///
    /// # Errors
    /// OpenSSL's, when it cannot make a key or sign.
    pub fn new(dns_name: &str) -> Result<Self, Error> {
        let key = new_key()?;
        let name = common_name(&format!("Throw-away test CA of {dns_name}"))?;
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        builder.set_serial_number(random_serial()?.as_ref())?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        builder.set_pubkey(&key)?;
        builder.set_not_before(day_from_now(-1)?.as_ref())?;
        builder.set_not_after(day_from_now(30)?.as_ref())?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(identifier)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self { dns_name: dns_name.to_owned(), certificate: builder.build(), key })
    }

    /// The name good certificates are for.
    pub fn dns_name(&self) -> &str {
        &self.dns_name
    }

    /// The CA's certificate in PEM: what a client is to trust.
    ///
    /// # Errors
    /// OpenSSL's, when it cannot encode.
    pub fn ca_pem(&self) -> Result<Vec<u8>, Error> {
        Ok(self.certificate.to_pem()?)
    }

    /// Writes `DIR/ca.pem` and returns its path.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_ca(&self, dir: &Path) -> Result<PathBuf, Error> {
        let path = dir.join("ca.pem");
        fs::write(&path, self.ca_pem()?)
            .map_err(|error| Error::Io(format!("write {}", path.display()), error))?;
        Ok(path)
    }

    /// A certificate with nothing wrong: this CA, the right name, valid now.
    ///
    /// # Errors
    /// OpenSSL's.
    pub fn good(&self) -> Result<Identity, Error> {
        self.issue(&Request { dns_name: &self.dns_name, valid_from_days: -1, valid_to_days: 30 })
    }

    /// A good certificate that is sent with the CA's behind it.
    ///
    /// # Errors
    /// OpenSSL's.
    pub fn good_with_ca(&self) -> Result<Identity, Error> {
        Ok(Identity { above: vec![self.certificate.clone()], ..self.good()? })
    }

    /// A certificate that expired yesterday.
    ///
    /// # Errors
    /// OpenSSL's.
    pub fn expired(&self) -> Result<Identity, Error> {
        self.issue(&Request { dns_name: &self.dns_name, valid_from_days: -30, valid_to_days: -1 })
    }

    /// A certificate that is valid from tomorrow.
    ///
    /// # Errors
    /// OpenSSL's.
    pub fn not_yet_valid(&self) -> Result<Identity, Error> {
        self.issue(&Request { dns_name: &self.dns_name, valid_from_days: 1, valid_to_days: 30 })
    }

    /// A certificate for another server, `other.invalid`.
    ///
    /// # Errors
    /// OpenSSL's.
    pub fn wrong_name(&self) -> Result<Identity, Error> {
        self.for_name("other.invalid")
    }

    /// A certificate for a name of the caller's choice, valid now.
    ///
    /// # Errors
    /// OpenSSL's.
    pub fn for_name(&self, dns_name: &str) -> Result<Identity, Error> {
        self.issue(&Request { dns_name, valid_from_days: -1, valid_to_days: 30 })
    }

    /// A good certificate of another CA altogether, with the right name.
    ///
    /// # Errors
    /// OpenSSL's.
    pub fn wrong_ca(&self) -> Result<Identity, Error> {
        Self::new(&self.dns_name)?.good()
    }

    fn issue(&self, request: &Request<'_>) -> Result<Identity, Error> {
        let key = new_key()?;
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        builder.set_serial_number(random_serial()?.as_ref())?;
        builder.set_subject_name(common_name(request.dns_name)?.as_ref())?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.set_pubkey(&key)?;
        builder.set_not_before(day_from_now(request.valid_from_days)?.as_ref())?;
        builder.set_not_after(day_from_now(request.valid_to_days)?.as_ref())?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let alternative = SubjectAlternativeName::new().dns(request.dns_name).build(&context)?;
        let authority = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(alternative)?;
        builder.append_extension(authority)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(Identity { certificate: builder.build(), key, above: Vec::new() })
    }

    /// This CA's revocation list in PEM, naming the certificates in `revoked`.
    ///
    /// # Errors
    /// OpenSSL's.
    pub fn crl_pem(&self, revoked: &[&Identity]) -> Result<Vec<u8>, Error> {
        let mut list = X509CrlBuilder::new()?;
        list.set_issuer_name(self.certificate.subject_name())?;
        list.set_last_update(day_from_now(-1)?.as_ref())?;
        list.set_next_update(day_from_now(7)?.as_ref())?;
        for identity in revoked {
            let mut entry = X509RevokedBuilder::new()?;
            entry.set_serial_number(identity.certificate.serial_number())?;
            entry.set_revocation_date(day_from_now(-1)?.as_ref())?;
            list.add_revoked(entry.build())?;
        }
        let scratch = X509::builder()?;
        let context = scratch.x509v3_context(Some(&self.certificate), None);
        list.append_extension(AuthorityKeyIdentifier::new().keyid(true).build(&context)?)?;
        list.append_extension(CrlNumber::new(BigNum::from_u32(1)?)?.build()?)?;
        list.sort()?;
        list.sign(&self.key, MessageDigest::sha256())?;
        Ok(list.build()?.to_pem()?)
    }
}

/// A P-256 key: made in a millisecond, where RSA would cost every test a second.
fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn common_name(name: &str) -> Result<X509Name, ErrorStack> {
    let mut builder = X509NameBuilder::new()?;
    builder.append_entry_by_nid(Nid::COMMONNAME, name)?;
    Ok(builder.build())
}

fn random_serial() -> Result<Asn1Integer, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    serial.to_asn1_integer()
}

fn day_from_now(days: i64) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_unix(crate::clock::unix_now() + days * DAY)
}

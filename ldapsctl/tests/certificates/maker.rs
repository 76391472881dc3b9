//! Makes certificates, good ones and all the others.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::pkcs12::{Pkcs12, Pkcs12Builder};
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, CrlNumber, ExtendedKeyUsage, KeyUsage,
    SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509CrlBuilder, X509Extension, X509NameBuilder, X509RevokedBuilder};
use std::time::{SystemTime, UNIX_EPOCH};

/// A certificate and its key.
#[derive(Clone)]
pub struct Pair {
    pub x509: X509,
    pub key: PKey<Private>,
}

/// What is asked for, where it differs from a root CA of P-256 that is valid for a year.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub name: &'a str,
    pub ca: bool,
    pub from_days: i64,
    pub to_days: i64,
    /// 0: P-256.
    pub rsa_bits: u32,
    pub digest: fn() -> MessageDigest,
    pub dns_name: Option<&'a str>,
    pub permitted: Option<&'a str>,
    pub client_only: bool,
}

impl<'a> Request<'a> {
    pub fn ca(name: &'a str) -> Self {
        Self {
            name,
            ca: true,
            from_days: -1,
            to_days: 365,
            rsa_bits: 0,
            digest: MessageDigest::sha256,
            dns_name: None,
            permitted: None,
            client_only: false,
        }
    }

    pub fn server(dns_name: &'a str) -> Self {
        Self { ca: false, dns_name: Some(dns_name), ..Self::ca(dns_name) }
    }

    pub fn self_signed(self) -> Pair {
        self.made(None)
    }

    pub fn signed_by(self, issuer: &Pair) -> Pair {
        self.made(Some(issuer))
    }

    fn made(self, issuer: Option<&Pair>) -> Pair {
        let key = key(self.rsa_bits);
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let mut serial = BigNum::new().unwrap();
        serial.rand(127, MsbOption::MAYBE_ZERO, false).unwrap();
        builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, self.name).unwrap();
        let name = name.build();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(issuer.map_or(&name, |it| it.x509.subject_name())).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&day(self.from_days)).unwrap();
        builder.set_not_after(&day(self.to_days)).unwrap();
        for extension in self.extensions() {
            builder.append_extension(extension).unwrap();
        }
        let context = builder.x509v3_context(issuer.map(|it| &*it.x509), None);
        let identifier = SubjectKeyIdentifier::new().build(&context).unwrap();
        let names =
            self.dns_name.map(|it| SubjectAlternativeName::new().dns(it).build(&context).unwrap());
        builder.append_extension(identifier).unwrap();
        if let Some(names) = names {
            builder.append_extension(names).unwrap();
        }
        builder.sign(issuer.map_or(&key, |it| &it.key), (self.digest)()).unwrap();
        Pair { x509: builder.build(), key }
    }

    fn extensions(&self) -> Vec<X509Extension> {
        let mut basic = BasicConstraints::new();
        let mut usage = KeyUsage::new();
        if self.ca {
            basic.ca();
            usage.key_cert_sign().crl_sign();
        } else {
            usage.digital_signature();
        }
        let mut all = vec![basic.critical().build().unwrap(), usage.critical().build().unwrap()];
        if !self.ca {
            let mut purposes = ExtendedKeyUsage::new();
            match self.client_only {
                true => purposes.client_auth(),
                false => purposes.server_auth(),
            };
            all.push(purposes.build().unwrap());
        }
        if let Some(permitted) = self.permitted {
            #[allow(deprecated, reason = "there is no builder for name constraints")]
            let constraints =
                X509Extension::new_nid(None, None, Nid::NAME_CONSTRAINTS, permitted).unwrap();
            all.push(constraints);
        }
        all
    }
}

fn key(rsa_bits: u32) -> PKey<Private> {
    match rsa_bits {
        0 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        }
        bits => PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap(),
    }
}

/// An hour before a whole number of days, so that nothing ends on a day's edge.
fn day(days: i64) -> Asn1Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Asn1Time::from_unix(i64::try_from(now).unwrap() + days * 86_400 - 3600).unwrap()
}

impl Pair {
    pub fn pem(&self) -> Vec<u8> {
        self.x509.to_pem().unwrap()
    }

    pub fn der(&self) -> Vec<u8> {
        self.x509.to_der().unwrap()
    }

    pub fn sha256(&self) -> String {
        hex(&self.x509.digest(MessageDigest::sha256()).unwrap())
    }

    pub fn sha1(&self) -> String {
        hex(&self.x509.digest(MessageDigest::sha1()).unwrap())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A P7B of all of these.
pub fn p7b(pairs: &[&Pair]) -> Pkcs7 {
    let mut certificates = Stack::new().unwrap();
    for pair in &pairs[1..] {
        certificates.push(pair.x509.clone()).unwrap();
    }
    let (first, flags) = (pairs[0], Pkcs7Flags::DETACHED | Pkcs7Flags::NOATTR);
    Pkcs7::sign(&first.x509, &first.key, &certificates, b"", flags).unwrap()
}

/// A PFX of a server with its key and the CAs above it; None: with nothing for which Windows before
/// 2019 would not do.
pub fn pfx(server: &Pair, above: &[&Pair], password: &str, cipher: Option<Nid>) -> Vec<u8> {
    let mut certificates = Stack::new().unwrap();
    for pair in above {
        certificates.push(pair.x509.clone()).unwrap();
    }
    let mut builder: Pkcs12Builder = Pkcs12::builder();
    builder.name("dc1").pkey(&server.key).cert(&server.x509).ca(certificates);
    if let Some(cipher) = cipher {
        builder.cert_algorithm(cipher);
        builder
            .key_algorithm(Nid::PBE_WITHSHA1AND3_KEY_TRIPLEDES_CBC)
            .mac_md(MessageDigest::sha1());
    }
    builder.build2(password).unwrap().to_der().unwrap()
}

/// A revocation list of this CA's, in PEM, with nobody on it, that is good for so many seconds more.
pub fn revocation_list(ca: &Pair, seconds_left: i64, revoked: &[&Pair]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let mut list = X509CrlBuilder::new().unwrap();
    list.set_issuer_name(ca.x509.subject_name()).unwrap();
    list.set_last_update(&Asn1Time::from_unix(now - 86_400 * 9).unwrap()).unwrap();
    list.set_next_update(&Asn1Time::from_unix(now + seconds_left).unwrap()).unwrap();
    for pair in revoked {
        let mut entry = X509RevokedBuilder::new().unwrap();
        entry.set_serial_number(pair.x509.serial_number()).unwrap();
        entry.set_revocation_date(&Asn1Time::from_unix(now - 86_400).unwrap()).unwrap();
        list.add_revoked(entry.build()).unwrap();
    }
    let scratch = X509::builder().unwrap();
    let context = scratch.x509v3_context(Some(&ca.x509), None);
    let key = AuthorityKeyIdentifier::new().keyid(true).build(&context).unwrap();
    list.append_extension(key).unwrap();
    let number = CrlNumber::new(BigNum::from_u32(1).unwrap()).unwrap();
    list.append_extension(number.build().unwrap()).unwrap();
    list.sign(&ca.key, MessageDigest::sha256()).unwrap();
    String::from_utf8(list.build().unwrap().to_pem().unwrap()).unwrap()
}

//! Certificates in whatever the IT department has sent: PEM, DER, PKCS#7 (.p7b), PKCS#12 (.pfx),
//! one or several in a file.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::pkcs7::{Pkcs7, Pkcs7Ref};
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::provider::Provider;
use openssl::x509::{X509, X509Crl, X509Req};
use serde::Serialize;

use super::{Certificate, der};
use crate::tls::words;

/// In which form the certificates came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text between `-----BEGIN CERTIFICATE-----` and its end.
    Pem,
    /// Binary, as Windows exports a `.cer` unless told otherwise.
    Der,
    /// `.p7b`: certificates alone.
    Pkcs7,
    /// `.pfx`, `.p12`: a private key with its chain, encrypted.
    Pkcs12,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem => "PEM",
            Self::Der => "DER",
            Self::Pkcs7 => "PKCS#7",
            Self::Pkcs12 => "PKCS#12",
        })
    }
}

/// What a file held.
#[derive(Debug, Clone)]
pub struct Contents {
    /// Its format.
    pub format: Format,
    /// The certificates, each once, in the file's order. Never empty.
    pub certificates: Vec<Certificate>,
    /// Whether a private key lies beside them. It is never kept.
    pub private_key: bool,
}

/// Why no certificate was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It is a PKCS#12 file, and its password was not given.
    NeedsPassword,
    /// It is a PKCS#12 file with another password.
    WrongPassword,
    /// It is something else: what, and what to do.
    Other(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsPassword => f.write_str(
                "is a PKCS#12 (.pfx) file that is encrypted: its password is needed. Give it on the \
                 terminal or with --password-file",
            ),
            Self::WrongPassword => f.write_str(
                "is a PKCS#12 (.pfx) file, and this is not its password. Ask whoever has exported it",
            ),
            Self::Other(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads a file's content. The password is for PKCS#12 alone.
///
/// # Errors
/// [`Unreadable`]: a clause whose subject is the file.
pub fn read(content: &[u8], password: Option<&str>) -> Result<Contents, Unreadable> {
    let recoded = utf8_of_utf16(content);
    let content = recoded.as_deref().unwrap_or(content);
    let found = match contains(content, b"-----BEGIN ") {
        true => from_pem(content)?,
        false => from_binary(content, password)?,
    };
    let (format, x509s, private_key) = found;
    let mut certificates: Vec<Certificate> = Vec::new();
    for certificate in x509s.into_iter().map(Certificate::of) {
        if !certificates.contains(&certificate) {
            certificates.push(certificate);
        }
    }
    match certificates.is_empty() {
        true => Err(Unreadable::Other(format!("is {format} and holds no certificate"))),
        false => Ok(Contents { format, certificates, private_key }),
    }
}

type Found = (Format, Vec<X509>, bool);

/// PowerShell's `>` writes text as UTF-16.
fn utf8_of_utf16(content: &[u8]) -> Option<Vec<u8>> {
    let units = content.strip_prefix(&[0xff, 0xfe])?.chunks_exact(2);
    let units: Vec<u16> = units.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok().map(String::into_bytes)
}

/// A block of PEM: the label, the whole block, the number of its first line.
struct Block<'a> {
    label: &'a str,
    text: String,
    line: usize,
}

fn from_pem(content: &[u8]) -> Result<Found, Unreadable> {
    let text = String::from_utf8_lossy(content);
    let (mut certificates, mut private_key, mut format) = (Vec::new(), false, Format::Pem);
    let mut others = Vec::new();
    for block in blocks(&text)? {
        let damaged = |errors: ErrorStack| {
            Unreadable::Other(format!(
                "is PEM, and the block that begins in line {} is damaged ({}). Copy the file again, \
                 whole",
                block.line,
                words(&errors)
            ))
        };
        match block.label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                certificates.push(X509::from_pem(block.text.as_bytes()).map_err(damaged)?);
            }
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => {
                let text = block.text.replace(block.label, "PKCS7");
                let bag = Pkcs7::from_pem(text.as_bytes()).map_err(damaged)?;
                certificates.extend(in_pkcs7(&bag));
                format = Format::Pkcs7;
            }
            label if label.ends_with("PRIVATE KEY") => private_key = true,
            label => others.push(label.to_owned()),
        }
    }
    match (certificates.is_empty(), private_key, others.first().map(String::as_str)) {
        (false, _, _) => Ok((format, certificates, private_key)),
        (true, true, _) => Err(Unreadable::Other(
            "holds a private key and no certificate. Nobody but its owner should have it; ask for \
             the certificate of the CA"
                .to_owned(),
        )),
        (true, false, Some(label)) => Err(Unreadable::Other(instead(label))),
        (true, false, None) => Err(Unreadable::Other("holds no certificate".to_owned())),
    }
}

fn instead(label: &str) -> String {
    match label {
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "is a request for a certificate, not one. Ask for the certificate of the CA".to_owned()
        }
        "X509 CRL" => {
            "is a revocation list, not a certificate. It belongs to `crl` under [tls]".to_owned()
        }
        label => format!("holds no certificate, but a block {label:?}"),
    }
}

fn blocks(text: &str) -> Result<Vec<Block<'_>>, Unreadable> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(label) = marker(line, "-----BEGIN ") else { continue };
        let mut text = format!("-----BEGIN {label}-----\n");
        loop {
            let Some((_, line)) = lines.next() else {
                return Err(Unreadable::Other(format!(
                    "is PEM that is cut off: there is no end to the block that begins in line {}. \
                     Copy the file again, whole",
                    number + 1
                )));
            };
            if marker(line, "-----END ") == Some(label) {
                break;
            }
            text.push_str(line.trim());
            text.push('\n');
        }
        text.push_str(&format!("-----END {label}-----\n"));
        found.push(Block { label, text, line: number + 1 });
    }
    Ok(found)
}

fn marker<'a>(line: &'a str, begin: &str) -> Option<&'a str> {
    line.trim_start_matches('\u{feff}').trim().strip_prefix(begin)?.strip_suffix("-----")
}

fn from_binary(content: &[u8], password: Option<&str>) -> Result<Found, Unreadable> {
    if let Some(certificates) = in_der(content) {
        return Ok((Format::Der, certificates, false));
    }
    if let Ok(bag) = Pkcs7::from_der(content) {
        return Ok((Format::Pkcs7, in_pkcs7(&bag), false));
    }
    if let Ok(bag) = Pkcs12::from_der(content) {
        let parsed = in_pkcs12(&bag, password)?;
        let key = parsed.pkey.is_some();
        let certificates = parsed.cert.into_iter().chain(parsed.ca.into_iter().flatten());
        return Ok((Format::Pkcs12, certificates.collect(), key));
    }
    Err(Unreadable::Other(what_it_is(content).to_owned()))
}

/// One certificate behind the other; None where anything else is among them.
fn in_der(mut content: &[u8]) -> Option<Vec<X509>> {
    let mut certificates = Vec::new();
    while !content.is_empty() {
        let (_, _, rest) = der::field(content)?;
        let one = content.get(..content.len().checked_sub(rest.len())?)?;
        certificates.push(X509::from_der(one).ok()?);
        content = rest;
    }
    (!certificates.is_empty()).then_some(certificates)
}

fn in_pkcs7(bag: &Pkcs7Ref) -> Vec<X509> {
    let certificates = bag.signed().and_then(|signed| signed.certificates());
    certificates.map(|stack| stack.iter().map(ToOwned::to_owned).collect()).unwrap_or_default()
}

/// The reason of OpenSSL's PKCS12_R_MAC_VERIFY_FAILURE.
const WRONG_MAC: &str = "mac verify failure";

fn in_pkcs12(bag: &Pkcs12, password: Option<&str>) -> Result<ParsedPkcs12_2, Unreadable> {
    // A file may be encrypted with no password at all, and then none need be asked for.
    match (opened(bag, ""), password) {
        (Err(Unreadable::WrongPassword), None) => Err(Unreadable::NeedsPassword),
        // OpenSSL's binding panics at a NUL.
        (Err(Unreadable::WrongPassword), Some(given)) if !given.contains('\0') => {
            opened(bag, given)
        }
        (opened, _) => opened,
    }
}

fn opened(bag: &Pkcs12, password: &str) -> Result<ParsedPkcs12_2, Unreadable> {
    let first = match bag.parse2(password) {
        Ok(parsed) => return Ok(parsed),
        Err(errors) => errors,
    };
    if is_wrong_password(&first) {
        return Err(Unreadable::WrongPassword);
    }
    // Windows before 2019 encrypts with RC2-40, which OpenSSL 3 keeps apart. It opens a file that the
    // administrator has, and is gone again when this returns.
    let legacy = Provider::try_load(None, "legacy", true);
    let second = bag.parse2(password);
    drop(legacy);
    second.map_err(|errors| no_pkcs12(&errors))
}

fn is_wrong_password(errors: &ErrorStack) -> bool {
    errors.errors().iter().any(|error| error.reason() == Some(WRONG_MAC))
}

fn no_pkcs12(errors: &ErrorStack) -> Unreadable {
    Unreadable::Other(format!(
        "is a PKCS#12 (.pfx) file that OpenSSL cannot open ({}). If it is encrypted the old way \
         (RC2-40), install openssl-provider-legacy where there is such a package, or export it again \
         with AES256-SHA256; or ask for the CA's certificate alone, as .cer",
        words(errors)
    ))
}

fn what_it_is(content: &[u8]) -> &'static str {
    let start: Vec<u8> =
        content.iter().copied().skip_while(u8::is_ascii_whitespace).take(16).collect();
    let start = start.to_ascii_lowercase();
    if content.iter().all(u8::is_ascii_whitespace) {
        "is empty. Copy it again"
    } else if start.starts_with(b"<!doctype") || start.starts_with(b"<html") {
        "is a web page, not a certificate: perhaps the login page of where it was to be fetched from"
    } else if content.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) {
        "is a Java key store. Export the CA from it: keytool -exportcert -rfc -alias NAME -keystore FILE"
    } else if content.starts_with(b"PK\x03\x04") {
        "is a ZIP archive. Unpack it, and name the certificate in it"
    } else if X509Crl::from_der(content).is_ok() {
        "is a revocation list, not a certificate. It belongs to `crl` under [tls]"
    } else if X509Req::from_der(content).is_ok() {
        "is a request for a certificate, not one. Ask for the certificate of the CA"
    } else {
        "holds no certificate in any form that is known (PEM, DER, PKCS#7, PKCS#12)"
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

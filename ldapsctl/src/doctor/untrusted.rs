//! A server that answers and is not trusted: which of the causes, and what mends that one.
#![forbid(unsafe_code)]

use super::configuration::Known;
use super::servers::Unusable;
use crate::cert::words;
use ldaps_core::config::TlsVersion;
use ldaps_directory::certificates::{Certificate, Sent};
use ldaps_directory::{Server, TlsFault, TlsReason};
use std::path::{Path, PathBuf};

/// Names the cause.
pub fn why(server: &Server, sent: &Sent, fault: &TlsFault, known: &Known) -> Unusable {
    let name = &server.name;
    let own = sent.certificates.first().map(Certificate::facts);
    let (id, remedy) = match fault.reason() {
        TlsReason::Expired => (
            "expired",
            format!(
                "renew it on the domain controller (certlm.msc, Personal); the clock of this host says {}: \
                 timedatectl",
                words::day(words::now())
            ),
        ),
        TlsReason::NotYetValid => (
            "not-yet-valid",
            format!("the clock of this host says {}: timedatectl set-ntp true", words::day(words::now())),
        ),
        TlsReason::Name => ("name", rename(server, own.map(|facts| facts.names.as_slice()).unwrap_or_default())),
        TlsReason::Untrusted => ("untrusted", missing(server, sent, known)),
        TlsReason::Weak => (
            "weak",
            "have the CA issue a certificate with an RSA key of 2048 bits or more, signed with SHA-256; \
             `ldapsctl cert show ldaps://...` says which one is weak"
                .to_owned(),
        ),
        TlsReason::NotAllowed => (
            "not-allowed",
            format!("a CA in the chain may not sign this: ldapsctl cert show ldaps://{name}:{}", server.port),
        ),
        TlsReason::Revocation => (
            "revocation",
            "fetch the issuer's current list into the file that `crl` names; a revoked certificate has \
             to be replaced on the domain controller"
                .to_owned(),
        ),
        TlsReason::Version => ("old-tls", newer(known)),
        TlsReason::NoCertificate | TlsReason::Other => {
            ("tls", format!("ldapsctl cert show ldaps://{name}:{}", server.port))
        }
    };
    Unusable { area: "TLS", id, what: fault.to_string(), remedy }
}

/// What is wanted here, and where a domain controller has it switched off.
pub fn newer(known: &Known) -> String {
    let (wanted, own) = match known.tls.minimum {
        TlsVersion::V1_2 => ("1.2", ""),
        TlsVersion::V1_3 => (
            "1.3",
            "; or ask for less here: `minimum = \"1.2\"` under [tls] (TLS_PROTOCOL_MIN 3.3 in ldap.conf)",
        ),
    };
    format!(
        "this host wants TLS {wanted} at least: switch it on at the domain controller (in its registry, \
         HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\TLS {wanted}\\Server: \
         Enabled = 1, DisabledByDefault = 0; then restart it){own}"
    )
}

/// "hostname (ldap-x) does not match": the two ways.
fn rename(server: &Server, names: &[String]) -> String {
    let Some(better) = names.iter().find(|name| !name.contains('*')).or(names.first()) else {
        return "the certificate bears no name: have one issued with the server's name in subjectAltName"
            .to_owned();
    };
    let port = if server.port == 636 { String::new() } else { format!(":{}", server.port) };
    let address = server.address.map_or_else(|| "ITS-ADDRESS".to_owned(), |it| it.to_string());
    format!(
        "use the name that the certificate bears: uri = [\"ldaps://{better}{port}\"] under [directory]; where \
         DNS does not know that name, add under [directory.address]: \"{better}\" = \"{address}\" (and leave \
         /etc/hosts alone)"
    )
}

/// Which certificate is missing, from which file, and how to get it there.
fn missing(server: &Server, sent: &Sent, known: &Known) -> String {
    let Some(last) = sent.certificates.last().map(Certificate::facts) else { return String::new() };
    if last.subject == last.issuer && !last.role.is_ca() {
        return format!(
            "the server has signed its certificate itself: have the organisation's CA issue it one; or, \
             for this one server: {}",
            import(known, " --leaf")
        );
    }
    let sends = match sent.certificates.len() {
        1 => "the server sends no CA's certificate",
        _ => "the server sends the CA's certificate, too: ldapsctl cert fetch",
    };
    let form = if in_directory(known).is_some() { "in PEM" } else { "in any form" };
    format!(
        "the certificate of {} is missing in {} ({sends}). Get it from those who run that CA, {form}, and: {}; \
         then: sudo systemctl reload ldapsd; ldapsctl cert show ldaps://{}:{}",
        last.issuer,
        place(known),
        import(known, ""),
        server.name,
        server.port
    )
}

/// Where it is looked for: in the system's store only if nothing else is named.
fn place(known: &Known) -> String {
    let file = known.tls.ca_file.iter().map(|file| file.display().to_string());
    let dirs = known.tls.ca_dirs.iter().map(|dir| format!("the directory {}", dir.display()));
    let named: Vec<String> = file.chain(dirs).collect();
    match named.is_empty() {
        true => "the system's store".to_owned(),
        false => named.join(" and "),
    }
}

/// The directory that it has to be put into; a file that is named as well is simpler.
fn in_directory(known: &Known) -> Option<&Path> {
    let dirs = if known.tls.ca_file.is_some() { &[][..] } else { &known.tls.ca_dirs };
    dirs.first().map(PathBuf::as_path)
}

/// Puts FILE there. In a directory OpenSSL finds PEM alone, and by hashed names alone.
fn import(known: &Known, how: &str) -> String {
    if let Some(dir) = in_directory(known) {
        let dir = dir.display();
        return format!("sudo install -m 0644 FILE {dir}/NAME.pem; sudo openssl rehash {dir}");
    }
    let file = known.tls.ca_file.as_ref();
    let into = file.map(|file| format!(" --into {}", file.display())).unwrap_or_default();
    format!("sudo ldapsctl cert import FILE{how}{into}")
}

//! The domain controllers: name, route, port, TLS, trust; each told from the others.
#![forbid(unsafe_code)]

use super::configuration::Known;
use super::report::{
    Report,
    Severity::{Fault, Warning},
};
use super::{SOON_DAYS, addresses};
use crate::cert::words;
use ldaps_directory::certificates::{self, Certificate, Sent};
use ldaps_directory::{DirectoryError, Server, Tls, TlsFault, TlsReason};
use std::time::{Duration, Instant};

const NETWORK: &str = "network";
const TLS: &str = "TLS";
const PATIENCE: Duration = Duration::from_secs(4);
const NOBODY: &str = "while no server can be used, nobody can log in with a password";

/// Looks at every server; true if at least one can be used.
pub fn look(known: &Known, report: &mut Report) -> bool {
    let tls = match Tls::new(&known.tls) {
        Ok(tls) => Some(tls),
        Err(problem) => {
            report.add(
Fault,
                TLS,
                "ca-file",
                problem,
                NOBODY,
                "put the CA's certificate there: sudo ldapsctl cert import FILE --into THE-FILE-ABOVE; or \
                 leave `ca` and TLS_CACERT out and import it into the system's store",
            );
            None
        }
    };
    let mut usable = false;
    for server in candidates(known, report) {
        usable |= look_at(&server, tls.as_ref(), known, report);
    }
    usable
}

fn candidates(known: &Known, report: &mut Report) -> Vec<Server> {
    if let Some(config) = &known.config {
        let began = Instant::now();
        return match certificates::servers(&config.directory) {
            Ok(servers) => {
                let names: Vec<String> = servers.iter().map(ToString::to_string).collect();
                let what = format!(
                    "the servers are {} ({} ms)",
                    names.join(", "),
                    began.elapsed().as_millis()
                );
                report.fine(NETWORK, "discovery", what);
                servers
            }
            Err(error) => {
                let remedy = "name the servers: uri = [\"ldaps://...\"] under [directory]; or let this host \
                              ask the domain's DNS servers (resolvectl status; /etc/resolv.conf)";
                report.add(Fault, NETWORK, "discovery", error.to_string(), NOBODY, remedy);
                Vec::new()
            }
        };
    }
    let server = |uri: &ldaps_core::config::ServerUri| Server {
        name: uri.host.clone(),
        port: uri.port,
        address: known.addresses.get(&uri.host).copied(),
    };
    known.uris.iter().map(server).collect()
}

fn look_at(server: &Server, tls: Option<&Tls>, known: &Known, report: &mut Report) -> bool {
    if !addresses::look(server, report) {
        return false;
    }
    let sent = match certificates::as_sent(server, PATIENCE) {
        Ok(sent) => sent,
        Err(error) => {
            unreachable(server, &error, report);
            return false;
        }
    };
    let what =
        format!("{server} answers at {} ({} ms)", sent.address, sent.connected_in.as_millis());
    report.fine(NETWORK, "tcp", what);
    ending(server, &sent, report);
    let Some(tls) = tls else { return false };
    match certificates::as_accepted(server, tls, PATIENCE) {
        Ok(accepted) => {
            let by = accepted.chain.last().map(|it| words::common_name(it.facts()).to_owned());
            let what = format!(
                "{server} is trusted by {:?}, over {} ({} ms)",
                by.unwrap_or_default(),
                accepted.protocol,
                accepted.took.as_millis()
            );
            report.fine(TLS, "trust", what);
            true
        }
        Err(DirectoryError::Tls(fault)) => {
            untrusted(server, &sent, &fault, known, report);
            false
        }
        Err(error) => {
            unreachable(server, &error, report);
            false
        }
    }
}

/// "Can't contact LDAP server (-1)", taken apart.
fn unreachable(server: &Server, error: &DirectoryError, report: &mut Report) {
    let Server { name, port, .. } = server;
    let (id, remedy) = match error {
        DirectoryError::Resolve { .. } => (
            "name-unknown",
            format!(
                "getent ahosts {name}: correct the name in `uri`, or give its address: under \
                 [directory.address], the line \"{name}\" = \"ADDRESS\""
            ),
        ),
        DirectoryError::Connect { problem, .. } if problem.contains("refused") => (
            "port-closed",
            format!(
                "nothing listens on port {port} there: is it a domain controller, and is the port right \
                 (LDAPS is 636)?"
            ),
        ),
        DirectoryError::Connect { .. } => (
            "no-route",
            format!(
                "ip route get ADDRESS; let the firewalls between pass TCP port {port} to {name}"
            ),
        ),
        DirectoryError::Timeout { what, .. } if what.contains("TLS") => (
            "silent-tls",
            format!(
                "port {port} of {name} takes connections, so no firewall is in between: the domain controller \
                 hangs, or something else listens there. Look at it there, or name another one in `uri`"
            ),
        ),
        DirectoryError::Timeout { .. } => (
            "silent",
            format!(
                "a firewall drops what is sent to TCP port {port} of {name}, or the address is another's: \
                 let it pass, or correct the address"
            ),
        ),
        DirectoryError::Tls(_) => (
            "no-tls",
            format!(
                "the port is open and no TLS comes of it. Port 389 speaks none: use ldaps://{name} \
                 (636). A domain controller without a certificate closes 636 so: have the CA issue it \
                 one (certlm.msc, Personal, Request New Certificate, \"Domain Controller\")"
            ),
        ),
        _ => ("server", "look at the server's own log".to_owned()),
    };
    let area = if id == "no-tls" { TLS } else { NETWORK };
    report.add(Fault, area, id, error.to_string(), NOBODY, remedy);
}

/// What will end, of a chain that is good today.
fn ending(server: &Server, sent: &Sent, report: &mut Report) {
    let now = words::now();
    for facts in sent.certificates.iter().map(Certificate::facts) {
        if !facts.has_expired(now)
            && !facts.is_not_yet_valid(now)
            && facts.days_left(now) < SOON_DAYS
        {
            report.add(
                Warning,
                TLS,
                "expires-soon",
                format!("{server}: {:?}: {}", words::common_name(facts), words::left(facts, now)),
                "after that day nobody can log in with a password by this server",
                "have it renewed on the domain controller",
            );
        }
    }
}

fn untrusted(server: &Server, sent: &Sent, fault: &TlsFault, known: &Known, report: &mut Report) {
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
        TlsReason::NoCertificate | TlsReason::Other => {
            ("tls", format!("ldapsctl cert show ldaps://{name}:{}", server.port))
        }
    };
    report.add(Fault, TLS, id, fault.to_string(), NOBODY, remedy);
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
    let file = known.tls.ca_file.as_ref();
    let place =
        file.map_or_else(|| "the system's store".to_owned(), |file| file.display().to_string());
    let Some(last) = sent.certificates.last().map(Certificate::facts) else { return String::new() };
    let into = file.map(|file| format!(" --into {}", file.display())).unwrap_or_default();
    if last.subject == last.issuer && !last.role.is_ca() {
        return format!(
            "the server has signed its certificate itself: have the organisation's CA issue it one; or, \
             for this one server: sudo ldapsctl cert import FILE --leaf{into}"
        );
    }
    let sends = match sent.certificates.len() {
        1 => "the server sends no CA's certificate",
        _ => "the server sends the CA's certificate, too: ldapsctl cert fetch",
    };
    format!(
        "the certificate of {} is missing in {place} ({sends}). Get it from those who run that CA, in any \
         form, and: sudo ldapsctl cert import FILE{into}; then: sudo systemctl reload ldapsd; ldapsctl cert \
         show ldaps://{}:{}",
        last.issuer, server.name, server.port
    )
}

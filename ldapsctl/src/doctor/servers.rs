//! The domain controllers: name, route, port, TLS, trust; each told from the others.
#![forbid(unsafe_code)]

use super::configuration::Known;
use super::report::{
    Report,
    Severity::{Fault, Warning},
};
use super::{SOON_DAYS, addresses, untrusted};
use crate::cert::words;
use ldaps_directory::certificates::{self, Accepted, Certificate, Sent};
use ldaps_directory::{DirectoryError, Server, Tls, TlsReason};
use std::time::{Duration, Instant};

const NETWORK: &str = "network";
const TLS: &str = "TLS";
const PATIENCE: Duration = Duration::from_secs(4);
const NOBODY: &str = "while no server can be used, nobody can log in with a password";
const ANOTHER: &str = "people log in by another server that can be used; should that one fail, too, nobody can log in \
                       with a password";

/// Why a server cannot be used. How bad that is, the others decide.
pub struct Unusable {
    /// The room it is from.
    pub area: &'static str,
    /// What kind of thing it is.
    pub id: &'static str,
    /// What is the case.
    pub what: String,
    /// What mends it.
    pub remedy: String,
}

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
    let (mut usable, mut unusable) = (false, Vec::new());
    for server in candidates(known, report) {
        match look_at(&server, tls.as_ref(), known, report) {
            Ok(is_usable) => usable |= is_usable,
            Err(problem) => unusable.push(problem),
        }
    }
    let (severity, why) = if usable { (Warning, ANOTHER) } else { (Fault, NOBODY) };
    for Unusable { area, id, what, remedy } in unusable {
        report.add(severity, area, id, what, why, remedy);
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

/// False where it answers, and whom to trust is not known.
fn look_at(
    server: &Server,
    tls: Option<&Tls>,
    known: &Known,
    report: &mut Report,
) -> Result<bool, Unusable> {
    addresses::look(server, report)?;
    let sent = certificates::as_sent(server, PATIENCE)
        .map_err(|error| unreachable(server, &error, known))?;
    let what =
        format!("{server} answers at {} ({} ms)", sent.address, sent.connected_in.as_millis());
    report.fine(NETWORK, "tcp", what);
    ending(server, &sent, report);
    let Some(tls) = tls else { return Ok(false) };
    match certificates::as_accepted(server, tls, PATIENCE) {
        Ok(accepted) => {
            report.fine(TLS, "trust", trusted(server, &sent, &accepted, tls));
            Ok(true)
        }
        Err(DirectoryError::Tls(fault)) => Err(untrusted::why(server, &sent, &fault, known)),
        Err(error) => Err(unreachable(server, &error, known)),
    }
}

/// By whom, out of which file, over what; and what the server sends of that chain.
fn trusted(server: &Server, sent: &Sent, accepted: &Accepted, tls: &Tls) -> String {
    let name = |it: &Certificate| format!("{:?}", words::common_name(it.facts()));
    let by = accepted.chain.last().map(name).unwrap_or_default();
    let chain: Vec<String> = sent.certificates.iter().map(name).collect();
    let chain = match chain.as_slice() {
        [own] => format!("{own} alone"),
        chain => chain.join(", then "),
    };
    format!(
        "{server} is trusted by {by} out of {}, over {} ({} ms); it sends {chain}",
        tls.trusted(),
        accepted.protocol,
        accepted.took.as_millis()
    )
}

/// "Can't contact LDAP server (-1)", taken apart.
fn unreachable(server: &Server, error: &DirectoryError, known: &Known) -> Unusable {
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
        DirectoryError::Tls(fault) if fault.reason() == TlsReason::Version => {
            ("old-tls", untrusted::newer(known))
        }
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
    let area = if matches!(error, DirectoryError::Tls(_)) { TLS } else { NETWORK };
    Unusable { area, id, what: error.to_string(), remedy }
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

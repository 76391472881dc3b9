//! A server's name and addresses: what the resolver says, and whether each address takes a connection.
#![forbid(unsafe_code)]

use super::report::{Report, Severity::Warning};
use super::servers::Unusable;
use ldaps_directory::Server;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const AREA: &str = "network";
/// glibc asks each DNS server twice, 5 s each time (resolv.conf(5)).
const RESOLVING: Duration = Duration::from_secs(12);
const CONNECTING: Duration = Duration::from_secs(3);

/// Resolves the name. Where one of several addresses is dead, logins wait for it.
///
/// # Errors
/// What keeps everybody from the server.
pub fn look(server: &Server, report: &mut Report) -> Result<(), Unusable> {
    if server.address.is_some() {
        return Ok(());
    }
    let addresses = resolved(server).map_err(|problem| Unusable {
        area: AREA,
        id: "dns-silent",
        what: format!("the name {} has no address: {problem}", server.name),
        remedy: "resolvectl status; /etc/resolv.conf: name a DNS server that answers and knows the domain"
            .to_owned(),
    })?;
    // What is wrong with the name is said where it is connected to.
    if addresses.len() > 1 {
        each(server, &addresses, report);
    }
    Ok(())
}

/// An error where DNS gave no answer; nothing where the answer is no.
fn resolved(server: &Server) -> Result<Vec<SocketAddr>, String> {
    let (send, answer) = mpsc::channel();
    let (name, port) = (server.name.clone(), server.port);
    // The look-up cannot be stopped: it is left behind.
    thread::spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        let _gone = send.send(found.map(Iterator::collect));
    });
    let silent = format!("DNS did not answer within {} s", RESOLVING.as_secs());
    answered(answer.recv_timeout(RESOLVING).map_err(|_| silent)?)
}

/// The resolver's error is either that nobody answered it, or that there is no such name.
fn answered(found: io::Result<Vec<SocketAddr>>) -> Result<Vec<SocketAddr>, String> {
    match found {
        Ok(addresses) => Ok(addresses),
        // EAI_AGAIN (getaddrinfo(3)), in glibc's words.
        Err(error) if error.to_string().contains("Temporary failure") => {
            Err(format!("no DNS server answers ({error})"))
        }
        Err(_) => Ok(Vec::new()),
    }
}

/// Connects to each; where all fail, the cause is told elsewhere.
fn each(server: &Server, addresses: &[SocketAddr], report: &mut Report) {
    let mut unique: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if !unique.contains(address) {
            unique.push(*address);
        }
    }
    let tried: Vec<_> = unique
        .iter()
        .map(|address| {
            let began = Instant::now();
            (address, TcpStream::connect_timeout(address, CONNECTING), began.elapsed())
        })
        .collect();
    let (good, bad): (Vec<_>, Vec<_>) =
        tried.iter().partition(|(_, connected, _)| connected.is_ok());
    if good.is_empty() || bad.is_empty() {
        return;
    }
    let good: Vec<String> = good
        .iter()
        .map(|(address, _, took)| format!("{address} ({} ms)", took.as_millis()))
        .collect();
    for (address, connected, took) in bad {
        let Err(error) = connected else { continue };
        report.add(
            Warning,
            AREA,
            "dead-address",
            format!("{server}: DNS names {address}, too, which does not answer: {error} ({} ms)", took.as_millis()),
            format!("connecting waits for it now and then; {} does", good.join(", ")),
            "take the address out of DNS, or let the firewalls between pass it (an address behind NAT, or IPv6 without \
             a route?)",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_dns_server_that_is_dead_is_taken_for_a_name_that_is_not_there() {
        let failed = |words: &str| answered(Err(io::Error::other(words.to_owned())));
        let dead =
            failed("failed to lookup address information: Temporary failure in name resolution");
        assert!(dead.is_err_and(|problem| problem.starts_with("no DNS server answers")));
        let none = failed("failed to lookup address information: Name or service not known");
        assert_eq!(none, Ok(Vec::new()));
    }

    #[test]
    fn an_address_that_is_dead_beside_one_that_answers_is_not_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let alive = listener.local_addr().unwrap();
        let dead = SocketAddr::from(([127, 0, 0, 2], alive.port()));
        let server =
            Server { name: "dc1.corp.example".to_owned(), port: alive.port(), address: None };
        for (addresses, found) in [
            (vec![alive, dead], 1),
            (vec![alive, alive], 0),
            (vec![dead, dead], 0),
            (vec![alive], 0),
        ] {
            let mut report = Report::default();
            each(&server, &addresses, &mut report);
            assert_eq!(report.count(), found, "{addresses:?}");
        }
    }
}

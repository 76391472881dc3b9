use crate::host::Host;
use crate::{Row, each};
use openssl::ssl::SslVersion;
use std::net::TcpListener;
use test_directory::Fault;

#[test]
fn why_a_server_cannot_be_contacted_is_not_told_apart() {
    each(&[
        Row {
            what: "a name that DNS does not know",
            break_it: |host| host.configure(&host.uri("no-such-dc.invalid"), "", ""),
            found: &[("network", "name-unknown")],
            remedy: "\"no-such-dc.invalid\" = \"ADDRESS\"",
            mend: |host| host.configure(&host.uri(crate::host::DC), "", ""),
        },
        Row {
            what: "a port where nobody listens",
            break_it: |host| host.configure("uri = \"ldaps://dc1.corp.example:1\"", "", ""),
            found: &[("network", "port-closed")],
            remedy: "nothing listens on port 1",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "an address that no route leads to",
            // TCP has no way to a multicast address, whatever this machine's routes are.
            break_it: |host| {
                let toml = std::fs::read_to_string(host.path("ldaps.toml")).unwrap();
                host.write("ldaps.toml", &toml.replace("127.0.0.1", "224.0.0.1"));
            },
            found: &[("network", "no-route")],
            remedy: "ip route get ADDRESS; let the firewalls between pass TCP port",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "a server that says nothing",
            break_it: |host| host.server.fault(Fault::SilenceBeforeTls),
            found: &[("network", "silent-tls")],
            remedy: "takes connections, so no firewall is in between",
            mend: |host| host.server.fault(Fault::None),
        },
        Row {
            what: "a port that speaks no TLS",
            break_it: |host| {
                host.configure(&format!("uri = \"ldaps://dc1.corp.example:{}\"", no_tls()), "", "")
            },
            found: &[("TLS", "no-tls")],
            remedy: "A domain controller without a certificate closes 636 so",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "no DNS for the domain",
            break_it: |host| {
                host.configure("uri = []\ndomain = \"no-such-domain.invalid\"", "", "");
                let path = host.path("ldaps.toml");
                let text = std::fs::read_to_string(&path).unwrap().replace("uri = []\n", "");
                std::fs::write(path, text).unwrap();
            },
            found: &[("network", "discovery")],
            remedy: "uri = [",
            mend: |host| host.configure("", "", ""),
        },
    ]);
}

/// These and the one server that is there.
fn beside(host: &Host, uri: &str) {
    host.configure(&format!("uri = [{:?}, {uri:?}]", host.server.url()), "", "");
}

const NOBODY_THERE: &str = "ldaps://dc1.corp.example:1";

#[test]
fn one_of_several_servers_that_cannot_be_used_is_not_named() {
    each(&[
        Row {
            what: "one of two dead",
            break_it: |host| beside(host, NOBODY_THERE),
            found: &[("network", "port-closed")],
            remedy: "nothing listens on port 1",
            mend: |host| {
                let other = host.another(None);
                beside(host, &other);
            },
        },
        Row {
            what: "one of two too old",
            break_it: |host| {
                let other = host.another(Some(SslVersion::TLS1_1));
                beside(host, &other);
            },
            found: &[("TLS", "old-tls")],
            remedy: "this host wants TLS 1.2 at least",
            mend: |host| host.configure("", "", ""),
        },
    ]);
}

#[test]
fn a_server_that_speaks_no_tls_that_is_new_enough_is_taken_for_another_fault() {
    each(&[
        Row {
            what: "TLS 1.1 alone",
            break_it: |host| {
                let old = host.another(Some(SslVersion::TLS1_1));
                host.configure(&format!("uri = {old:?}"), "", "");
            },
            found: &[("TLS", "old-tls")],
            remedy: "Protocols\\TLS 1.2\\Server: Enabled = 1",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "TLS 1.2, where 1.3 is asked for",
            break_it: |host| {
                let old = host.another(Some(SslVersion::TLS1_2));
                host.configure(&format!("uri = {old:?}"), "minimum = \"1.3\"", "");
            },
            found: &[("TLS", "old-tls")],
            remedy: "ask for less here: `minimum = \"1.2\"`",
            mend: |host| host.configure("", "minimum = \"1.3\"", ""),
        },
    ]);
}

#[test]
fn a_server_that_others_stand_in_for_is_told_as_if_nobody_got_in() {
    let host = Host::new();
    for (uris, severity, why) in [
        ([host.server.url(), NOBODY_THERE.to_owned()], "warning", "by another server"),
        ([NOBODY_THERE.to_owned(), host.server.url()], "warning", "by another server"),
        ([NOBODY_THERE.to_owned(), "ldaps://dc1.corp.example:2".to_owned()], "fault", "nobody can"),
    ] {
        host.configure(&format!("uri = {uris:?}"), "", "");
        let findings = host.findings();
        let closed: Vec<_> = findings.iter().filter(|it| it.id == "port-closed").collect();
        assert!(!closed.is_empty(), "{findings:?}");
        for it in closed {
            assert_eq!(it.severity, severity, "{uris:?}");
            assert!(it.why.contains(why), "{}", it.why);
        }
    }
}

#[test]
fn which_servers_there_are_and_how_long_that_took_is_not_shown() {
    let host = Host::new();
    let other = host.another(None);
    beside(&host, &other);
    let (_, out) = host.ran(&[]);
    let line = out.lines().find(|line| line.contains("the servers are")).unwrap_or_default();
    let names = [host.server.url(), other].map(|uri| uri.replace("ldaps://", ""));
    assert!(names.iter().all(|name| line.contains(name.as_str())), "{line}");
    let ms = line.rsplit_once(" (").and_then(|(_, rest)| rest.strip_suffix(" ms)"));
    assert!(ms.is_some_and(|ms| ms.parse::<u32>().is_ok()), "{line}");
}

/// A port that hangs up on everybody, as 389 does on a TLS greeting.
fn no_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = std::io::Read::read(&mut stream.unwrap(), &mut [0; 512]);
        }
    });
    port
}

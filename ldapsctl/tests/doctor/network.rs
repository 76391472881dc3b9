use crate::{Row, each};
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

use crate::host::{DC, Host};
use crate::maker::{Pair, Request, revocation_list};
use crate::{Row, each};
use openssl::hash::MessageDigest;
use std::path::Path;

/// A good certificate again.
fn renew(host: &Host) {
    host.present(&Request::server(DC).signed_by(&host.ca), &[]);
}

fn trust_again(host: &Host) {
    host.trust(&[&host.ca]);
}

#[test]
fn what_is_wrong_with_a_certificate_is_not_named() {
    each(&[
        Row {
            what: "expired",
            break_it: |host| {
                host.present(
                    &Request { from_days: -9, to_days: -1, ..Request::server(DC) }
                        .signed_by(&host.ca),
                    &[],
                )
            },
            found: &[("TLS", "expired")],
            remedy: "renew it on the domain controller",
            mend: renew,
        },
        Row {
            what: "not yet valid",
            break_it: |host| {
                host.present(
                    &Request { from_days: 2, ..Request::server(DC) }.signed_by(&host.ca),
                    &[],
                )
            },
            found: &[("TLS", "not-yet-valid")],
            remedy: "timedatectl",
            mend: renew,
        },
        Row {
            what: "expires soon",
            break_it: |host| {
                host.present(
                    &Request { to_days: 9, ..Request::server(DC) }.signed_by(&host.ca),
                    &[],
                )
            },
            found: &[("TLS", "expires-soon")],
            remedy: "renewed on the domain controller",
            mend: renew,
        },
        Row {
            what: "asked for by an alias",
            break_it: |host| host.configure(&host.uri("alias.corp.example"), "", ""),
            found: &[("TLS", "name")],
            remedy: "uri = [\"ldaps://dc1.corp.example:",
            mend: |host| host.configure(&host.uri(DC), "", ""),
        },
        Row {
            what: "asked for by an alias, and the other way",
            break_it: |host| host.configure(&host.uri("alias.corp.example"), "", ""),
            found: &[("TLS", "name")],
            remedy: "add under [directory.address]: \"dc1.corp.example\" = \"127.0.0.1\" (and leave /etc/hosts alone)",
            // DNS does not know that name here, so that this is the only way.
            mend: |host| {
                host.configure(&host.uri(DC), "", "");
                let toml = std::fs::read_to_string(host.path("ldaps.toml")).unwrap();
                assert!(toml.contains("[directory.address]\n\"dc1.corp.example\" = \"127.0.0.1\""));
            },
        },
        Row {
            what: "asked for by its address",
            break_it: |host| host.configure(&host.uri("127.0.0.1"), "", ""),
            found: &[("TLS", "name"), ("configuration", "configuration-warning")],
            remedy: "\"dc1.corp.example\" = ",
            mend: |host| host.configure(&host.uri(DC), "", ""),
        },
        Row {
            what: "bears no name",
            break_it: |host| {
                host.present(
                    &Request { dns_name: None, ..Request::server(DC) }.signed_by(&host.ca),
                    &[],
                )
            },
            found: &[("TLS", "name")],
            remedy: "in subjectAltName",
            mend: renew,
        },
        Row {
            what: "another CA is trusted",
            break_it: |host| host.trust(&[&Request::ca("Other CA").self_signed()]),
            found: &[("TLS", "untrusted")],
            remedy: "the certificate of CN=Corp Root CA is missing in ",
            mend: trust_again,
        },
        Row {
            what: "another CA of the same name is trusted",
            break_it: |host| host.trust(&[&Request::ca("Corp Root CA").self_signed()]),
            found: &[("TLS", "untrusted")],
            remedy: "sudo ldapsctl cert import FILE --into ",
            mend: trust_again,
        },
        Row {
            what: "the issuing CA is not sent",
            break_it: |host| {
                let issuing = Request::ca("Corp Issuing CA").signed_by(&host.ca);
                host.write("issuing.pem", std::str::from_utf8(&issuing.pem()).unwrap());
                host.present(&Request::server(DC).signed_by(&issuing), &[]);
            },
            found: &[("TLS", "untrusted")],
            remedy: "the certificate of CN=Corp Issuing CA is missing in ",
            mend: |host| {
                let (ca, issuing) = (host.path("ca.pem"), host.path("issuing.pem"));
                import(&issuing, &ca);
            },
        },
        Row {
            what: "signed by itself",
            break_it: |host| host.present(&Request::server(DC).self_signed(), &[]),
            found: &[("TLS", "untrusted")],
            remedy: "have the organisation's CA issue it one",
            mend: renew,
        },
        Row {
            what: "a short key",
            break_it: |host| {
                host.present(
                    &Request { rsa_bits: 1024, ..Request::server(DC) }.signed_by(&host.ca),
                    &[],
                )
            },
            found: &[("TLS", "weak")],
            remedy: "2048 bits or more",
            mend: renew,
        },
        Row {
            what: "signed with SHA-1",
            break_it: |host| {
                let own = Request { digest: MessageDigest::sha1, ..Request::server(DC) };
                host.present(&own.signed_by(&host.ca), &[]);
            },
            found: &[("TLS", "weak")],
            remedy: "signed with SHA-256",
            mend: renew,
        },
        Row {
            what: "a CA that may not sign the name",
            break_it: |host| {
                let permitted = Some("critical,permitted;DNS:elsewhere.example");
                let small = Request { permitted, ..Request::ca("Small CA") }.signed_by(&host.ca);
                host.present(&Request::server(DC).signed_by(&small), &[&small]);
            },
            found: &[("TLS", "not-allowed")],
            remedy: "a CA in the chain may not sign this",
            mend: renew,
        },
        Row {
            what: "signed by what is no CA",
            break_it: |host| {
                let no_ca = Request::server("www.corp.example").signed_by(&host.ca);
                host.present(&Request::server(DC).signed_by(&no_ca), &[&no_ca]);
            },
            found: &[("TLS", "not-allowed")],
            remedy: "ldapsctl cert show",
            mend: renew,
        },
        Row {
            what: "for clients alone",
            break_it: |host| {
                host.present(
                    &Request { client_only: true, ..Request::server(DC) }.signed_by(&host.ca),
                    &[],
                )
            },
            found: &[("TLS", "not-allowed")],
            remedy: "ldapsctl cert show",
            mend: renew,
        },
        Row {
            what: "no revocation list of the issuer",
            break_it: |host| {
                let list =
                    test_directory::Pki::new("elsewhere.invalid").unwrap().crl_pem(&[]).unwrap();
                host.write("crl.pem", std::str::from_utf8(&list).unwrap());
                let tls = format!("crl = {:?}\ncrl_check = \"peer\"", host.path("crl.pem"));
                host.configure("", &tls, "");
            },
            found: &[("TLS", "revocation")],
            remedy: "into the file that `crl` names",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "a revocation list that ends within a day",
            break_it: |host| with_list(host, 3_600),
            found: &[("TLS", "list-ends")],
            remedy: "by a timer",
            mend: |host| with_list(host, 86_400 * 3),
        },
        Row {
            what: "a revocation list out of date",
            break_it: |host| with_list(host, -60),
            found: &[("TLS", "revocation")],
            remedy: "the issuer's current list",
            mend: |host| with_list(host, 86_400 * 3),
        },
        Row {
            what: "revoked",
            break_it: |host| {
                let own = Request::server(DC).signed_by(&host.ca);
                host.present(&own, &[]);
                with_list_of(host, 86_400 * 3, &[&own]);
            },
            found: &[("TLS", "revocation")],
            remedy: "a revoked certificate has to be replaced on the domain controller",
            mend: renew,
        },
        Row {
            what: "a CA that ends soon",
            break_it: |host| {
                let ca = Request { to_days: 9, ..Request::ca("Old Root CA") }.self_signed();
                host.present(&Request::server(DC).signed_by(&ca), &[]);
                host.trust(&[&host.ca, &ca]);
            },
            found: &[("TLS", "ca-ends")],
            remedy: "get the CA that replaces it",
            mend: |host| {
                renew(host);
                trust_again(host);
            },
        },
        Row {
            what: "a CA that has ended and nobody needs",
            break_it: |host| {
                let ca = Request { from_days: -9, to_days: -1, ..Request::ca("Old Root CA") };
                host.trust(&[&host.ca, &ca.self_signed()]);
            },
            found: &[("TLS", "ca-ends")],
            remedy: "ldapsctl cert import FILE",
            mend: trust_again,
        },
        Row {
            what: "a CA with a short key",
            break_it: |host| {
                let ca = Request { rsa_bits: 1024, ..Request::ca("Weak Root CA") }.self_signed();
                host.trust(&[&host.ca, &ca]);
            },
            found: &[("TLS", "ca-weak")],
            remedy: "by a stronger one",
            mend: trust_again,
        },
    ]);
}

fn with_list(host: &Host, seconds_left: i64) {
    with_list_of(host, seconds_left, &[]);
}

fn with_list_of(host: &Host, seconds_left: i64, revoked: &[&Pair]) {
    host.write("crl.pem", &revocation_list(&host.ca, seconds_left, revoked));
    let tls = format!("crl = {:?}\ncrl_check = \"peer\"", host.path("crl.pem"));
    host.configure("", &tls, "");
}

/// The remedy itself: `ldapsctl cert import`.
fn import(certificate: &Path, into: &Path) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
    command.args(["cert", "import", "--yes", "--into"]).arg(into).arg(certificate);
    assert!(command.output().unwrap().status.success());
}

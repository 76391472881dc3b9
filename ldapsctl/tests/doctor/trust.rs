use crate::host::{DC, Host};
use crate::maker::{Pair, Request};
use crate::{Row, each};

fn in_directory(host: &Host, ca: &Pair, name: &str) {
    host.write(&format!("cas/{name}"), std::str::from_utf8(&ca.pem()).unwrap());
}

/// A directory of CAs with Corp Root CA's hashed name, or another's.
fn hashed(host: &Host, ca: &Pair) {
    in_directory(host, ca, &format!("{:08x}.0", ca.x509.subject_name_hash()));
}

/// Without `ca` under [tls], nor anything else there but this.
fn without_ca(host: &Host, line: &str) {
    let text = std::fs::read_to_string(host.path("ldaps.toml")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("ca "));
    let kept =
        lines.map(|it| if it == "[tls]" { format!("[tls]\n{line}\n") } else { format!("{it}\n") });
    host.write("ldaps.toml", &kept.collect::<String>());
}

#[test]
fn a_directory_of_cas_is_taken_for_the_system_s_store_or_for_nothing() {
    each(&[
        Row {
            what: "the system's store is trusted, and lacks it",
            break_it: |host| without_ca(host, ""),
            found: &[("TLS", "untrusted")],
            remedy: "is missing in the system's store",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "a CA that ends soon, in a directory of them",
            break_it: |host| {
                let ca = Request { to_days: 9, ..Request::ca("Old Root CA") }.self_signed();
                in_directory(host, &ca, "0123abcd.0");
                hashed(host, &host.ca);
                host.configure("", &format!("ca_dir = {:?}", host.path("cas")), "");
            },
            found: &[("TLS", "ca-ends")],
            remedy: "get the CA that replaces it",
            mend: |host| host.remove("cas/0123abcd.0"),
        },
        Row {
            what: "a directory of CAs that lacks it",
            break_it: |host| {
                hashed(host, &Request::ca("Other CA").self_signed());
                without_ca(host, &format!("ca_dir = {:?}", host.path("cas")));
            },
            found: &[("TLS", "untrusted")],
            remedy: "sudo openssl rehash /",
            mend: |host| {
                in_directory(host, &host.ca, "corp-root.pem");
                let mut rehash = std::process::Command::new("openssl");
                let done = rehash.arg("rehash").arg(host.path("cas")).output().unwrap();
                assert!(done.status.success(), "{done:?}");
            },
        },
        Row {
            what: "a directory of CAs in ldap.conf that is right, beside no TOML",
            break_it: |host| {
                hashed(host, &host.ca);
                host.write("ldap.conf", &format!("tls_cacertdir {}\n", host.path("cas").display()));
                without_ca(host, "");
                let text = std::fs::read_to_string(host.path("ldaps.toml")).unwrap();
                host.write("ldaps.toml", &text.replace("[tls]", "[tls"));
            },
            found: &[("configuration", "configuration-error")],
            remedy: "",
            mend: |host| {
                let text = std::fs::read_to_string(host.path("ldaps.toml")).unwrap();
                host.write("ldaps.toml", &text.replace("[tls", "[tls]"));
            },
        },
        Row {
            what: "a directory of CAs that is right, beside no TOML",
            break_it: |host| {
                hashed(host, &host.ca);
                without_ca(host, &format!("ca_dir = [{:?}]\nminimum = 1.2.3", host.path("cas")));
            },
            found: &[("configuration", "configuration-error")],
            remedy: "",
            mend: |host| {
                let text = std::fs::read_to_string(host.path("ldaps.toml")).unwrap();
                host.write("ldaps.toml", &text.replace("minimum = 1.2.3\n", ""));
            },
        },
    ]);
}

#[test]
fn the_store_that_is_not_asked_is_named_or_the_directory_is_not() {
    let host = Host::new();
    hashed(&host, &Request::ca("Other CA").self_signed());
    without_ca(&host, &format!("ca_dir = {:?}", host.path("cas")));
    let findings = host.findings();
    let [one] = findings.as_slice() else { panic!("{findings:?}") };
    let dir = host.path("cas").display().to_string();
    let missing = format!("of CN=Corp Root CA is missing in the directory {dir} (");
    assert!(one.remedy.contains(&missing), "{}", one.remedy);
    assert!(one.remedy.contains(&format!("FILE {dir}/NAME.pem")), "{}", one.remedy);
    assert!(!one.remedy.contains("cert import"), "{}", one.remedy);
}

#[test]
fn by_whom_a_server_is_trusted_and_what_it_sends_is_not_shown() {
    let host = Host::new();
    let shown = |host: &Host| {
        let (_, out) = host.ran(&[]);
        out.lines().find(|line| line.contains("is trusted by")).unwrap_or_default().to_owned()
    };
    let file = format!("\"Corp Root CA\" out of {}, over TLSv1.3", host.path("ca.pem").display());
    let line = shown(&host);
    assert!(line.contains(&file), "{line}");
    assert!(line.ends_with(" ms); it sends \"dc1.corp.example\" alone"), "{line}");
    let issuing = Request::ca("Corp Issuing CA").signed_by(&host.ca);
    host.present(&Request::server(DC).signed_by(&issuing), &[&issuing]);
    let line = shown(&host);
    assert!(line.contains(&file), "{line}");
    assert!(line.ends_with("it sends \"dc1.corp.example\", then \"Corp Issuing CA\""), "{line}");
    hashed(&host, &host.ca);
    without_ca(&host, &format!("ca_dir = {:?}", host.path("cas")));
    let dir = format!("\"Corp Root CA\" out of the directory {}, over", host.path("cas").display());
    assert!(shown(&host).contains(&dir), "{}", shown(&host));
}

#[test]
fn a_ca_file_that_cannot_be_used_is_not_named() {
    each(&[
        Row {
            what: "no CA file",
            break_it: |host| host.remove("ca.pem"),
            found: &[("configuration", "configuration-error"), ("TLS", "ca-file")],
            remedy: "put the file there",
            mend: |host| host.trust(&[&host.ca]),
        },
        Row {
            what: "a CA file in DER",
            break_it: |host| std::fs::write(host.path("ca.pem"), host.ca.der()).unwrap(),
            found: &[("configuration", "configuration-error"), ("TLS", "ca-file")],
            remedy: "-inform der",
            mend: |host| host.trust(&[&host.ca]),
        },
    ]);
}

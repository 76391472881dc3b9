//! A server's certificates: shown, fetched, checked, and trusted by none of that.

use crate::maker::{Request, revocation_list};
use crate::rig::{Rig, names_in, says};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use test_directory::{Directory, Identity, Options, Pki, TestDirectory};

fn server(pki: &Pki, identity: Identity) -> TestDirectory {
    let options =
        Options { pki: Some(pki.clone()), identity: Some(identity), ..Options::default() };
    TestDirectory::start(Directory::corp_example(), options).unwrap()
}

fn pki() -> Pki {
    Pki::new("dc1.corp.example").unwrap()
}

/// A configuration that trusts this CA, and knows where the server is.
fn configure(rig: &Rig, server: &TestDirectory, ca: &[u8]) {
    let ca = rig.file("ca.pem", ca);
    let secret = rig.file("secret", b"Service.Pass.1");
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[directory]\nuri = {:?}\nbind_dn = \"svc@corp.example\"\nbind_secret = {secret:?}\n\
         [directory.address]\n\"dc1.corp.example\" = \"127.0.0.1\"\n[tls]\nca = {ca:?}\n",
        server.url()
    );
    rig.file("ldaps.toml", text.as_bytes());
}

#[test]
fn a_servers_chain_and_whether_it_is_trusted_is_not_told() {
    let pki = pki();
    let server = server(&pki, pki.good_with_ca().unwrap());
    let rig = Rig::new();
    let url = server.url();
    let (code, out, err) = rig.cert(&["show", &url, "--address", "127.0.0.1"]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    says(
        &out,
        &[
            "sends 2 certificates over TLSv1.3",
            "1. CN=dc1.corp.example",
            "2. CN=Throw-away test CA",
        ],
    );
    says(&out, &["NOT trusted here", "leads to no CA that is trusted here"]);

    configure(&rig, &server, &pki.ca_pem().unwrap());
    let (code, out, err) = rig.cert(&["show", &url]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    says(&out, &["Trusted here, by CN=Throw-away test CA of dc1.corp.example."]);
    let (code, out, _) = rig.cert(&["show", &url, "--json"]);
    assert_eq!(code, 0);
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&shown["trusted"], shown["certificates"].as_array().unwrap().len()),
        (&true.into(), 2)
    );

    server.present(&pki.wrong_name().unwrap()).unwrap();
    let (code, out, _) = rig.cert(&["show", &url]);
    assert_eq!(code, 1);
    says(
        &out,
        &[
            "sends one certificate",
            "is for other.invalid, not for",
            "does not send the certificate of",
        ],
    );
    server.present(&pki.expired().unwrap()).unwrap();
    says(&rig.cert(&["show", &url]).1, &["EXPIRED on", "NOT trusted here", "has expired on"]);
    assert_eq!(server.total_binds(), 0);
}

#[test]
fn a_fetched_ca_is_trusted_or_anything_but_the_issuer_fetched() {
    let pki = pki();
    let server = server(&pki, pki.good_with_ca().unwrap());
    let (rig, url) = (Rig::new(), server.url());
    let fetch =
        |more: &[&str]| rig.cert(&[&["fetch", &url, "--address", "127.0.0.1"], more].concat());
    let (code, out, err) = fetch(&[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let written = names_in(&rig.path("."));
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(fs::read(rig.path(&written[0])).unwrap(), pki.ca_pem().unwrap());
    says(
        &out,
        &[
            "NOT trusted by that",
            "Compare the fingerprint by another channel",
            "certutil -hashfile",
            &written[0],
        ],
    );
    // It is not overwritten, and the server is trusted no more than before.
    let (code, _, err) = fetch(&[]);
    assert_eq!(code, 1);
    says(&err, &["is there already", "--save"]);
    assert_eq!(rig.cert(&["show", &url, "--address", "127.0.0.1"]).0, 1);

    // The server alone; and with a CA behind it that is not its own.
    server.present(&pki.good().unwrap()).unwrap();
    let (code, _, err) = fetch(&["--save", "x.pem"]);
    assert_eq!(code, 1);
    says(&err, &["sends its own certificate alone", "issued by CN=Throw-away test CA"]);
    let stranger = Request::ca("Corp CA").self_signed();
    let own = Request::server("dc1.corp.example").signed_by(&Request::ca("Corp CA").self_signed());
    server.present(&Identity::new(own.x509, own.key, vec![stranger.x509])).unwrap();
    let (code, _, err) = fetch(&["--save", "x.pem"]);
    assert_eq!(code, 1, "a stranger's CA was taken for the issuer");
    says(&err, &["issued by CN=Corp CA"]);
    let own = Request::server("dc1.corp.example").self_signed();
    server.present(&Identity::new(own.x509, own.key, vec![])).unwrap();
    says(&fetch(&["--save", "x.pem"]).2, &["has signed its certificate itself"]);
    assert!(!rig.path("x.pem").exists());
}

#[test]
fn what_expires_soon_is_not_named() {
    let root = Request { to_days: 200, ..Request::ca("Corp Root CA") }.self_signed();
    let own = Request { to_days: 20, ..Request::server("dc1.corp.example") }.signed_by(&root);
    let server = server(&pki(), Identity::new(own.x509, own.key, vec![]));
    let rig = Rig::new();
    configure(&rig, &server, &root.pem());
    let check = |more: &[&str]| rig.cert(&[&["check", "--root", "none"], more].concat());
    let (code, out, err) = check(&[]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    says(
        &out,
        &[
            "SOON  19 days left: CN=dc1.corp.example  (dc1.corp.example:",
            "ok    199 days left: CN=Corp Root CA",
        ],
    );
    assert_eq!(check(&["--days", "10"]).0, 0);
    says(&check(&["--days", "250"]).1, &["SOON  199 days left: CN=Corp Root CA"]);
    let shown: serde_json::Value = serde_json::from_str(&check(&["--json"]).1).unwrap();
    assert_eq!(shown["certificates"][1]["soon"], true);
    drop(server);
    let (code, out, err) = check(&[]);
    assert_eq!(code, 3, "{out}");
    says(&err, &["cannot be reached"]);
}

#[test]
fn a_ca_in_a_directory_or_a_revocation_list_that_ends_is_not_named() {
    let root = Request::ca("Corp Root CA").self_signed();
    let own = Request::server("dc1.corp.example").signed_by(&root);
    let server = server(&pki(), Identity::new(own.x509, own.key, vec![]));
    let rig = Rig::new();
    configure(&rig, &server, &root.pem());
    let old = Request { to_days: 9, ..Request::ca("Old Root CA") }.self_signed();
    fs::create_dir(rig.path("cas")).unwrap();
    rig.file("cas/0123abcd.0", &old.pem());
    // OpenSSL looks at no other names.
    rig.file(
        "cas/other.pem",
        &Request { to_days: 8, ..Request::ca("Unseen CA") }.self_signed().pem(),
    );
    let toml = fs::read_to_string(rig.path("ldaps.toml")).unwrap();
    let check = |left| {
        let list = rig.file("crl.pem", revocation_list(&root, left, &[]).as_bytes());
        let more =
            format!("crl = {list:?}\ncrl_check = \"peer\"\nca_dir = {:?}\n", rig.path("cas"));
        rig.file("ldaps.toml", format!("{toml}{more}").as_bytes());
        rig.cert(&["check", "--root", "none", "--days", "5"])
    };
    let (code, out, err) = check(86_400 * 3);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    says(
        &out,
        &["ok    8 days left: CN=Old Root CA", "ok    the revocation list of CN=Corp Root CA"],
    );
    assert!(!out.contains("Unseen"), "{out}");
    let (code, out, _) = check(3_600);
    assert_eq!(code, 1, "{out}");
    says(&out, &["SOON  the revocation list of CN=Corp Root CA"]);
}

#[test]
fn what_is_no_ldaps_server_is_spoken_to() {
    let rig = Rig::new();
    for (url, code, words) in [
        ("ldap://dc1.corp.example", 1, "ldaps://"),
        ("https://dc1.corp.example", 1, "ldaps://"),
        ("ldaps://localhost:1", 3, "cannot be reached"),
        ("ldaps://no-such-host.invalid", 3, "has no address"),
    ] {
        for verb in ["show", "fetch"] {
            let (ran, out, err) = rig.cert(&[verb, url]);
            assert_eq!((ran, out.as_str()), (code, ""), "{verb} {url}: {err}");
            says(&err, &[words]);
        }
    }
}

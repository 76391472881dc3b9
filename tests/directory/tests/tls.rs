//! The certificates: a good one is believed, and each bad one is refused for its own reason.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use openssl::ssl::{SslConnector, SslMethod};
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509StoreContext};
use support::Client;
use test_directory::{Directory, Identity, Options, Pki, SslVersion, TestDirectory};

/// Why a client that trusts the CA does not connect; empty if it does.
fn complaint(server: &TestDirectory) -> String {
    Client::try_connect(server, server.url_host()).map_or_else(|error| error, |_| String::new())
}

#[test]
fn each_bad_certificate_is_refused_for_its_own_reason() {
    let server = TestDirectory::corp_example().unwrap();
    assert_eq!(complaint(&server), "");
    let pki = server.pki();
    for (identity, reason) in [
        (pki.expired(), "certificate has expired"),
        (pki.not_yet_valid(), "certificate is not yet valid"),
        (pki.wrong_name(), "ostname mismatch"),
        (pki.wrong_ca(), "unable to get local issuer certificate"),
        (pki.for_name("*.corp.example"), ""),
    ] {
        server.present(&identity.unwrap()).unwrap();
        let said = complaint(&server);
        assert!(
            said.contains(reason) && said.is_empty() == reason.is_empty(),
            "{said:?}, wanted {reason:?}"
        );
    }
    server.present(&pki.good().unwrap()).unwrap();
    assert_eq!(complaint(&server), "");
}

/// OpenSSL's verdict on a certificate under the CA and a revocation list of it.
fn verdict(pki: &Pki, identity: &Identity, list: &[u8]) -> String {
    let dir = tempfile();
    std::fs::write(dir.join("crl.pem"), list).unwrap();
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(X509::from_pem(&pki.ca_pem().unwrap()).unwrap()).unwrap();
    store.set_flags(X509VerifyFlags::CRL_CHECK).unwrap();
    let lookup = store.add_lookup(X509Lookup::file()).unwrap();
    lookup
        .load_crl_file(dir.join("crl.pem").to_str().unwrap(), openssl::ssl::SslFiletype::PEM)
        .unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let certificate = X509::from_pem(&identity.certificate_pem().unwrap()).unwrap();
    let (store, chain) = (store.build(), Stack::new().unwrap());
    let mut context = X509StoreContext::new().unwrap();
    context
        .init(&store, &certificate, &chain, |context| {
            context.verify_cert()?;
            Ok(context.error().error_string().to_owned())
        })
        .unwrap()
}

fn tempfile() -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("test-directory-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn a_revocation_list_revokes_what_it_names_and_nothing_else() {
    let pki = Pki::new("dc1.corp.example").unwrap();
    let (bad, good) = (pki.good().unwrap(), pki.good().unwrap());
    let list = pki.crl_pem(&[&bad]).unwrap();
    assert_eq!(verdict(&pki, &bad, &list), "certificate revoked");
    assert_eq!(verdict(&pki, &good, &list), "ok");
    assert_eq!(verdict(&pki, &bad, &pki.crl_pem(&[]).unwrap()), "ok");
}

#[test]
fn a_server_can_be_kept_at_an_old_tls_version() {
    let options = Options { max_tls: Some(SslVersion::TLS1_1), ..Options::default() };
    let server = TestDirectory::start(Directory::corp_example(), options).unwrap();
    let connect = |minimum| {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
        let ca = X509::from_pem(&server.ca_pem().unwrap()).unwrap();
        builder.cert_store_mut().add_cert(ca).unwrap();
        builder.set_security_level(0);
        builder.set_min_proto_version(Some(minimum)).unwrap();
        let tcp = std::net::TcpStream::connect(server.address()).unwrap();
        builder.build().connect("dc1.corp.example", tcp).map(|tls| tls.ssl().version_str())
    };
    assert_eq!(connect(SslVersion::TLS1_1).unwrap(), "TLSv1.1");
    assert!(connect(SslVersion::TLS1_2).is_err());
}

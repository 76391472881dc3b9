//! Whom the crate trusts, and what it says when it does not: which certificate, what is wrong with
//! it, what to do. There is no switch that would turn any of this off.

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::extension::{BasicConstraints, SubjectKeyIdentifier};
use openssl::x509::{X509, X509NameBuilder};
use test_directory::{Directory as Data, Identity, Options, Pki, SslVersion, TestDirectory};

use crate::rig::{Extra, Rig, directory_of, load, user};

/// The common name of the test directory's CA.
const CA: &str = "CN=Throw-away test CA of dc1.corp.example";

/// A certificate, and all the words that the error must have: the subject, the fault, the remedy.
type Bad = (&'static str, fn(&Pki) -> Identity, &'static [&'static str]);

const BAD_CERTIFICATES: &[Bad] = &[
    (
        "another CA",
        |pki| pki.wrong_ca().unwrap(),
        &[
            "CN=dc1.corp.example",
            CA,
            "leads to no CA that is trusted",
            "Put the certificate of the issuing CA",
        ],
    ),
    (
        "another name",
        |pki| pki.wrong_name().unwrap(),
        &[
            "CN=other.invalid",
            "is for other.invalid, not for \"dc1.corp.example\"",
            "[directory.address]",
        ],
    ),
    (
        "a name below the right one",
        |pki| pki.for_name("dc1.corp.example.evil.invalid").unwrap(),
        &["is for dc1.corp.example.evil.invalid", "Write `uri` with a name"],
    ),
    (
        "a wildcard for part of a label",
        |pki| pki.for_name("dc*.corp.example").unwrap(),
        &["is for dc*.corp.example", "Write `uri` with a name"],
    ),
    (
        "a wildcard for two labels",
        |pki| pki.for_name("*.example").unwrap(),
        &["is for *.example", "Write `uri` with a name"],
    ),
    (
        "expired",
        |pki| pki.expired().unwrap(),
        &["CN=dc1.corp.example", CA, "has expired on ", "Renew it on the domain controller"],
    ),
    (
        "not yet valid",
        |pki| pki.not_yet_valid().unwrap(),
        &["CN=dc1.corp.example", "is not valid before ", "Check the clock of this host"],
    ),
];

/// The error of a first question, in words.
async fn refused(rig: &Rig, extra: Extra<'_>) -> String {
    let error = rig.with(extra).user_by_name(&user("alice")).await.unwrap_err().to_string();
    assert_eq!(rig.server.total_binds(), 0, "a password was sent: {error}");
    error
}

async fn trusted(rig: &Rig, extra: Extra<'_>) {
    let found = rig.with(extra).user_by_name(&user("alice")).await;
    assert!(found.unwrap_or_else(|error| panic!("{error}")).is_some());
}

fn server(identity: Option<Identity>, pki: &Pki) -> TestDirectory {
    let options = Options { pki: Some(pki.clone()), identity, ..Options::default() };
    TestDirectory::start(Data::corp_example(), options).unwrap()
}

#[tokio::test]
async fn a_bad_certificate_is_trusted_or_badly_explained() {
    for (what, identity, words) in BAD_CERTIFICATES {
        let pki = Pki::new("dc1.corp.example").unwrap();
        let rig = Rig::around(server(Some(identity(&pki)), &pki));
        let error = refused(&rig, Extra::default()).await;
        for word in *words {
            assert!(error.contains(word), "{what}: {error:?} should say {word:?}");
        }
        assert!(error.contains(&format!("dc1.corp.example:{} (at 127.0.0.1)", rig.server.port())));
    }
}

#[tokio::test]
async fn a_good_certificate_is_not_trusted() {
    trusted(&Rig::new(), Extra::default()).await;
    let pki = Pki::new("dc1.corp.example").unwrap();
    let rig = Rig::around(server(Some(pki.for_name("*.corp.example").unwrap()), &pki));
    trusted(&rig, Extra::default()).await;
}

#[tokio::test]
async fn a_server_reached_by_its_address_is_verified_for_that_instead_of_its_name() {
    let rig = Rig::new();
    let uri = format!("uri = [\"ldaps://127.0.0.1:{}\"]", rig.server.port());
    let error = refused(&rig, Extra { directory: &uri, ..Extra::default() }).await;
    assert!(error.contains("is for dc1.corp.example, not for \"127.0.0.1\""), "{error}");
    assert!(error.contains("[directory.address]"), "{error}");
}

#[tokio::test]
async fn with_no_ca_named_another_than_the_systems_is_trusted() {
    let rig = Rig::new();
    let text = rig.toml(Extra::default());
    let no_ca: String =
        text.lines().filter(|l| !l.starts_with("ca =")).map(|l| format!("{l}\n")).collect();
    let config = load(&rig.file("no-ca.toml", no_ca.as_bytes()), &rig.path("none.conf"));
    let error = directory_of(&config).user_by_name(&user("alice")).await.unwrap_err().to_string();
    assert!(error.contains("leads to no CA that is trusted"), "{error}");
    assert!(error.contains("update-ca-certificates"), "{error}");
    assert_eq!(rig.server.total_binds(), 0);
}

#[tokio::test]
async fn ldap_conf_cannot_name_the_ca_or_turn_verification_off() {
    let rig = Rig::new();
    let text = rig.toml(Extra::default());
    let no_ca: String =
        text.lines().filter(|l| !l.starts_with("ca =")).map(|l| format!("{l}\n")).collect();
    let toml = rig.file("no-ca.toml", no_ca.as_bytes());
    let named = format!("TLS_CACERT {}\nTLS_REQCERT never\n", rig.path("ca.pem").display());
    let directory = directory_of(&load(&toml, &rig.file("ldap.conf", named.as_bytes())));
    assert!(directory.user_by_name(&user("alice")).await.unwrap().is_some());

    let config = load(&toml, &rig.file("never.conf", b"TLS_REQCERT never\n"));
    assert!(directory_of(&config).user_by_name(&user("alice")).await.is_err(), "it was obeyed");
}

/// What is checked for revocation, which list there is, and the words of the error; None: trusted.
type Revocation = (&'static str, fn(&Pki, &Identity) -> Vec<u8>, Option<&'static [&'static str]>);

const REVOCATIONS: &[Revocation] = &[
    ("peer", |pki, _| pki.crl_pem(&[]).unwrap(), None),
    ("all", |pki, _| pki.crl_pem(&[]).unwrap(), None),
    ("none", |pki, server| pki.crl_pem(&[server]).unwrap(), None),
    (
        "peer",
        |pki, server| pki.crl_pem(&[server]).unwrap(),
        Some(&["CN=dc1.corp.example", "has been revoked", "Have a new certificate issued"]),
    ),
    ("all", |pki, server| pki.crl_pem(&[server]).unwrap(), Some(&["has been revoked"])),
    // A list of another CA is no list of this one.
    (
        "peer",
        |_, _| Pki::new("elsewhere.invalid").unwrap().crl_pem(&[]).unwrap(),
        Some(&["CN=dc1.corp.example", "there is no list of its issuer", "crl_check = \"none\""]),
    ),
    (
        "all",
        |_, _| Pki::new("elsewhere.invalid").unwrap().crl_pem(&[]).unwrap(),
        Some(&["there is no list of its issuer"]),
    ),
];

#[tokio::test]
async fn a_revoked_certificate_is_trusted_or_one_in_force_refused() {
    for (at, (check, list, words)) in REVOCATIONS.iter().enumerate() {
        let pki = Pki::new("dc1.corp.example").unwrap();
        let identity = pki.good().unwrap();
        let rig = Rig::around(server(Some(identity.clone()), &pki));
        let crl = rig.file("crl.pem", &list(&pki, &identity));
        let tls = format!("crl = {:?}\ncrl_check = \"{check}\"", crl.display().to_string());
        let extra = Extra { tls: &tls, ..Extra::default() };
        let Some(words) = words else {
            trusted(&rig, extra).await;
            continue;
        };
        let error = refused(&rig, extra).await;
        for word in *words {
            assert!(error.contains(word), "row {at}: {error:?} should say {word:?}");
        }
    }
}

/// A certificate for the key and name of `pki`'s CA that another CA has signed: as an organisation's
/// intermediate CA is, when nobody has its root.
fn signed_by_another_ca(pki: &Pki) -> Vec<u8> {
    let own = X509::from_pem(&pki.ca_pem().unwrap()).unwrap();
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let root = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut root_name = X509NameBuilder::new().unwrap();
    root_name.append_entry_by_nid(Nid::COMMONNAME, "A root nobody has").unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(own.subject_name()).unwrap();
    builder.set_issuer_name(&root_name.build()).unwrap();
    builder.set_pubkey(&own.public_key().unwrap()).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None));
    builder.append_extension(identifier.unwrap()).unwrap();
    builder.sign(&root, MessageDigest::sha256()).unwrap();
    builder.build().to_pem().unwrap()
}

#[tokio::test]
async fn an_intermediate_ca_that_the_administrator_named_is_not_trusted() {
    let rig = Rig::new();
    rig.file("ca.pem", &signed_by_another_ca(rig.server.pki()));
    trusted(&rig, Extra::default()).await;
}

#[tokio::test]
async fn a_directory_of_cas_is_not_looked_into() {
    let rig = Rig::new();
    let pem = rig.server.ca_pem().unwrap();
    let hash = X509::from_pem(&pem).unwrap().subject_name_hash();
    std::fs::create_dir(rig.path("cas")).unwrap();
    rig.file(&format!("cas/{hash:08x}.0"), &pem);
    let tls = format!("ca_dir = [{:?}]", rig.path("cas").display().to_string());
    trusted(&rig, Extra { tls: &tls, ..Extra::default() }).await;

    let rig = Rig::new();
    rig.trust(&Pki::new("dc1.corp.example").unwrap());
    let both = format!("{tls}\nca = {:?}", rig.path("ca.pem").display().to_string());
    let error =
        rig.with(Extra { tls: &both, ..Extra::default() }).user_by_name(&user("alice")).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("ca.pem") && error.contains("/cas"), "what is trusted: {error}");
}

#[tokio::test]
async fn an_old_tls_version_is_spoken() {
    for (max_tls, minimum, good) in [
        (SslVersion::TLS1_1, "1.2", false),
        (SslVersion::TLS1_2, "1.2", true),
        (SslVersion::TLS1_2, "1.3", false),
        (SslVersion::TLS1_3, "1.3", true),
    ] {
        let rig = Rig::of(Options { max_tls: Some(max_tls), ..Options::default() });
        let tls = format!("minimum = \"{minimum}\"");
        let extra = Extra { tls: &tls, ..Extra::default() };
        if good {
            trusted(&rig, extra).await;
            continue;
        }
        let error = refused(&rig, extra).await;
        assert!(error.contains("TLS with dc1.corp.example"), "{error}");
        assert!(error.contains("Check that this port speaks LDAPS and TLS 1."), "{error}");
    }
}

#[tokio::test]
async fn plain_ldap_is_spoken_to_or_the_mistake_not_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let plain = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // What OpenLDAP and AD do on port 389 with a ClientHello: they close.
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 512]).await;
        }
    };
    let rig = Rig::new();
    let lines = format!("uri = [\"ldaps://localhost:{port}\"]");
    let ask = refused(&rig, Extra { directory: &lines, ..Extra::default() });
    let error = tokio::select! { () = plain => unreachable!(), error = ask => error };
    assert!(error.contains("Check that this port speaks LDAPS"), "{error}");
}

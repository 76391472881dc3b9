//! Files as they come by mail.

use crate::maker::{Request, p7b, pfx};
use crate::rig::{Rig, says};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::provider::Provider;
use openssl::x509::X509Req;

#[test]
fn a_form_in_which_certificates_are_sent_is_not_read() {
    let root = Request::ca("Corp Root CA").self_signed();
    let issuing = Request::ca("Corp Issuing CA").signed_by(&root);
    let server = Request::server("dc1.corp.example").signed_by(&issuing);
    let both = [root.pem(), issuing.pem()].concat();
    let prose = [b"subject=CN = Corp Root CA\r\n".to_vec(), root.pem(), b"\n".to_vec()].concat();
    let crlf = String::from_utf8(both.clone()).unwrap().replace('\n', "\r\n");
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(crlf.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let bag = p7b(&[&root, &issuing]);
    let cms = String::from_utf8(bag.to_pem().unwrap()).unwrap().replace("PKCS7", "CMS");
    let with_key = [root.key.private_key_to_pem_pkcs8().unwrap(), root.pem()].concat();
    let rig = Rig::new();
    rig.file("password", b"Pfx.Pass.1\r\n");
    for (name, content, format, count) in [
        ("one.pem", root.pem(), "PEM, one certificate\n", 1),
        ("prose.pem", prose, "PEM, one certificate\n", 1),
        ("twice.pem", [root.pem(), root.pem()].concat(), "PEM, one certificate\n", 1),
        ("two.pem", both, "PEM, 2 certificates\n", 2),
        ("windows.cer", crlf.into_bytes(), "PEM, 2 certificates\n", 2),
        ("powershell.cer", utf16, "PEM, 2 certificates\n", 2),
        ("key.pem", with_key, "PEM, one certificate, and a private key\n", 1),
        ("one.cer", root.der(), "DER, one certificate\n", 1),
        ("two.cer", [root.der(), issuing.der()].concat(), "DER, 2 certificates\n", 2),
        ("chain.p7b", bag.to_der().unwrap(), "PKCS#7, 2 certificates\n", 2),
        ("text.p7b", bag.to_pem().unwrap(), "PKCS#7, 2 certificates\n", 2),
        ("cms.p7b", cms.into_bytes(), "PKCS#7, 2 certificates\n", 2),
        (
            "no-password.pfx",
            pfx(&server, &[&root, &issuing], "", None),
            "PKCS#12, 3 certificates, and a private key\n",
            3,
        ),
        (
            "new.pfx",
            pfx(&server, &[&root, &issuing], "Pfx.Pass.1", None),
            "PKCS#12, 3 certificates, and a private key\n",
            3,
        ),
    ] {
        rig.file(name, &content);
        let (code, out, err) = rig.cert(&["show", name, "--password-file", "password"]);
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        says(&out, &[name, format, &root.sha256(), &root.sha1(), "CN=Corp Root CA"]);
        assert_eq!(out.matches("SHA-256").count(), count, "{name}:\n{out}");
    }
}

#[test]
fn a_pfx_from_an_older_windows_is_not_read() {
    let root = Request::ca("Corp Root CA").self_signed();
    let rig = Rig::new();
    rig.file("password", b"Pfx.Pass.1");
    // The test's own process needs it to write such a file.
    let Ok(_legacy) = Provider::try_load(None, "legacy", true) else {
        eprintln!("SKIPPED: there is no legacy provider here (openssl-provider-legacy)");
        return;
    };
    rig.file("old.pfx", &pfx(&root, &[], "Pfx.Pass.1", Some(Nid::PBE_WITHSHA1AND40BITRC2_CBC)));
    let (code, out, err) = rig.cert(&["show", "old.pfx", "--password-file", "password"]);
    assert_eq!(code, 0, "{err}");
    says(&out, &["PKCS#12", &root.sha256()]);
}

#[test]
fn a_file_that_is_no_certificate_is_read_or_not_told_what_it_is() {
    let root = Request::ca("Corp Root CA").self_signed();
    let pem = String::from_utf8(root.pem()).unwrap();
    let cut = pem.lines().take(4).collect::<Vec<_>>().join("\n");
    let damaged = pem.replacen("MII", "MIJ", 1);
    let mut request = X509Req::builder().unwrap();
    request.set_pubkey(&root.key).unwrap();
    request.sign(&root.key, MessageDigest::sha256()).unwrap();
    let request = request.build();
    let locked = pfx(&root, &[], "Pfx.Pass.1", None);
    let revoked = test_directory::Pki::new("dc1").unwrap().crl_pem(&[]).unwrap();
    let rig = Rig::new();
    rig.file("wrong", b"Pfx.Pass.2\n");
    rig.file("nul", b"Pfx\0Pass\n");
    for (name, content, more, words) in [
        ("empty", Vec::new(), &[][..], &["is empty"][..]),
        ("blank", b"\n \n".to_vec(), &[], &["is empty"]),
        ("garbage", b"\x00\x01\x02garbage".to_vec(), &[], &["holds no certificate in any form"]),
        ("short.der", root.der()[..100].to_vec(), &[], &["holds no certificate in any form"]),
        ("page.cer", b"<!DOCTYPE html><html>".to_vec(), &[], &["is a web page"]),
        ("store.jks", b"\xfe\xed\xfe\xed\x00".to_vec(), &[], &["keytool -exportcert"]),
        ("certs.zip", b"PK\x03\x04".to_vec(), &[], &["is a ZIP archive"]),
        ("cut.pem", cut.into_bytes(), &[], &["is cut off", "begins in line 1"]),
        ("damaged.pem", damaged.into_bytes(), &[], &["block that begins in line 1 is damaged"]),
        ("request.pem", request.to_pem().unwrap(), &[], &["is a request for a certificate"]),
        ("request.der", request.to_der().unwrap(), &[], &["is a request for a certificate"]),
        ("list.crl", revoked, &[], &["is a revocation list", "`crl` under [tls]"]),
        (
            "key.pem",
            root.key.private_key_to_pem_pkcs8().unwrap(),
            &[],
            &["holds a private key and no certificate"],
        ),
        ("locked.pfx", locked.clone(), &[], &["its password is needed", "--password-file"]),
        ("wrong.pfx", locked.clone(), &["--password-file", "wrong"], &["this is not its password"]),
        ("nul.pfx", locked, &["--password-file", "nul"], &["this is not its password"]),
    ] {
        rig.file(name, &content);
        let (code, out, err) = rig.cert(&[&["show", name], more].concat());
        assert_eq!((code, out.as_str()), (1, ""), "{name}: {err}");
        says(&err, &[&[name], words].concat());
        assert!(!err.contains("Pfx.Pass"), "{name}: {err}");
    }
    let (code, _, err) = rig.cert(&["show", "nowhere.pem"]);
    assert_eq!(code, 1);
    says(&err, &["nowhere.pem does not exist"]);
}

#[test]
fn what_is_wrong_with_a_certificate_is_not_said() {
    let root = Request::ca("Corp Root CA").self_signed();
    let rig = Rig::new();
    for (what, pair, words) in [
        (
            "expired",
            Request { from_days: -9, to_days: -2, ..Request::ca("Old CA") }.self_signed(),
            &["EXPIRED on ", "root CA"][..],
        ),
        (
            "early",
            Request { from_days: 2, ..Request::ca("New CA") }.self_signed(),
            &["NOT YET VALID: from "],
        ),
        (
            "short key",
            Request { rsa_bits: 1024, ..Request::ca("Short CA") }.self_signed(),
            &["RSA, 1024 bits", "WEAK", "2048 or more"],
        ),
        (
            "sha1",
            Request { digest: MessageDigest::sha1, ..Request::ca("Sha1 CA") }.signed_by(&root),
            &["intermediate CA", "WEAK", "SHA-1 or MD5"],
        ),
        (
            "constrained",
            Request {
                permitted: Some(
                    "critical,permitted;DNS:corp.example,excluded;DNS:evil.corp.example",
                ),
                ..Request::ca("Small CA")
            }
            .signed_by(&root),
            &["may sign", "only corp.example", "not evil.corp.example"],
        ),
        (
            "leaf",
            Request::server("dc1.corp.example").signed_by(&root),
            &["no CA", "names", "dc1.corp.example", "issued by  CN=Corp Root CA"],
        ),
        ("self", Request::server("dc1.corp.example").self_signed(), &["it has signed itself"]),
        (
            "client",
            Request { client_only: true, ..Request::server("alice") }.signed_by(&root),
            &["\"server authentication\""],
        ),
        (
            "nameless",
            Request { dns_name: None, ..Request::server("dc1") }.signed_by(&root),
            &["none (no subjectAltName)"],
        ),
        (
            "escape",
            Request::ca("\u{1b}]0;owned\u{7}CA").self_signed(),
            &["CN=\u{fffd}]0;owned\u{fffd}CA"],
        ),
    ] {
        rig.file("it.cer", &pair.der());
        let (code, out, err) = rig.cert(&["show", "it.cer"]);
        assert_eq!((code, err.as_str()), (0, ""), "{what}");
        says(&out, words);
    }
    // A root's own signature proves nothing, whatever its digest.
    rig.file(
        "it.cer",
        &Request { digest: MessageDigest::sha1, ..Request::ca("R") }.self_signed().der(),
    );
    assert!(!rig.cert(&["show", "it.cer"]).1.contains("WEAK"));
}

#[test]
fn json_does_not_say_the_same() {
    let root =
        Request { permitted: Some("permitted;DNS:corp.example"), ..Request::ca("Corp Root CA") };
    let root = root.self_signed();
    let rig = Rig::new();
    rig.file("ca.cer", &root.der());
    let (code, out, err) = rig.cert(&["show", "ca.cer", "--json"]);
    assert_eq!(code, 0, "{err}");
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    let one = &shown["certificates"][0];
    assert_eq!(shown["format"], "der");
    assert_eq!(one["sha256"], root.sha256());
    assert_eq!(one["role"], "root-ca");
    assert_eq!(one["name_constraints"][0], "only corp.example");
    assert_eq!(shown["trusted"], serde_json::Value::Null);
}

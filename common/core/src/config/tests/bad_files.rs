//! Files that others could read or change, that are absent, or that hold something else.

use super::super::{Sources, load};
use super::{CRL, DIRECTORY, Host, PEM, assert_one, without_directory};

/// Loads and gives the errors, for hosts whose files a test has spoilt.
fn errors(host: &Host, sources: &Sources) -> Vec<String> {
    let Err(errors) = load(sources) else { return Vec::new() };
    errors.errors().iter().map(|error| without_directory(error, host.dir.path())).collect()
}

#[test]
fn a_host_without_the_file_is_unconfigured_and_not_broken() {
    let host = Host::new();
    let errors = load(&host.sources()).unwrap_err();
    assert!(errors.is_unconfigured());
    assert!(errors.to_string().contains("examples/ldaps.toml"), "{errors}");
}

#[test]
fn a_configuration_that_others_can_change_is_refused() {
    for (mode, accepted) in [
        (0o644, true),
        (0o600, true),
        (0o640, true),
        (0o664, false),
        (0o646, false),
        (0o666, false),
    ] {
        for name in ["ldaps.toml", "ldap.conf"] {
            let host = Host::new();
            host.write("ldaps.toml", DIRECTORY, 0o644);
            host.write("ldap.conf", "BASE DC=corp,DC=example\n", 0o644);
            let content = std::fs::read(host.path(name)).unwrap();
            host.write(name, content, mode);
            let found = errors(&host, &host.sources());
            if accepted {
                assert_eq!(found, Vec::<String>::new(), "{name} {mode:04o}");
            } else {
                let mode = format!("its mode {mode:04o}");
                assert_one(&found, name, &[&mode, "run: chmod go-w "], name);
            }
        }
    }
}

#[test]
fn a_secret_that_others_can_read_or_change_is_refused() {
    for (mode, accepted) in [
        (0o600, true),
        (0o400, true),
        (0o640, true),
        (0o440, true),
        (0o644, false),
        (0o604, false),
        (0o660, false),
        (0o602, false),
        (0o641, false),
    ] {
        let host = Host::new();
        host.write("secret", "Service.Pass.1", mode);
        let toml = format!("{DIRECTORY}bind_secret = \"@@/secret\"\n");
        host.write("ldaps.toml", host.here(&toml), 0o644);
        let sources = Sources { credentials: None, ..host.sources() };
        let found = errors(&host, &sources);
        if accepted {
            assert_eq!(found, Vec::<String>::new(), "{mode:04o}");
        } else {
            let mode = format!("has mode {mode:04o}");
            let remedy = "run: chown root:ldapsd secret && chmod 0640 secret.";
            assert_one(&found, "ldaps.toml:4:15", &[&mode, remedy], &toml);
        }
    }
}

#[test]
fn a_secret_that_is_absent_or_no_file_is_named() {
    let host = Host::new();
    let sources = Sources { credentials: None, ..host.sources() };
    for (path, words) in [
        ("@@/none", &["none does not exist", "chown root:ldapsd none && chmod 0640 none"][..]),
        ("@@/ca.d", &["is no regular file"]),
    ] {
        let toml = host.here(&format!("{DIRECTORY}bind_secret = \"{path}\"\n"));
        host.write("ldaps.toml", &toml, 0o644);
        assert_one(&errors(&host, &sources), "ldaps.toml:4:15", words, &toml);
    }
}

#[test]
fn a_secret_of_another_user_or_group_is_refused() {
    let host = Host::new();
    let secret = host.path("secret");
    // Only root can give files away; elsewhere the rows of the other tests must do.
    if std::os::unix::fs::chown(&secret, Some(4321), None).is_err() {
        return;
    }
    let sources = Sources { credentials: None, ..host.sources() };
    let toml = host.here(&format!("{DIRECTORY}bind_secret = \"@@/secret\"\n"));
    host.write("ldaps.toml", &toml, 0o644);
    let words = &["belongs to uid 4321", "chown root:ldapsd"];
    assert_one(&errors(&host, &sources), "ldaps.toml:4:15", words, &toml);

    host.write("secret", "x", 0o640);
    std::os::unix::fs::chown(&secret, Some(0), Some(4321)).unwrap();
    let words = &["the group with gid 4321", "chown root:ldapsd"];
    assert_one(&errors(&host, &sources), "ldaps.toml:4:15", words, &toml);
}

#[test]
fn a_credential_of_systemd_goes_before_bind_secret() {
    let host = Host::new();
    let loaded = host.load(&format!("{DIRECTORY}bind_secret = \"@@/none\"\n"), "").unwrap();
    assert_eq!(loaded.config.directory.bind_secret, host.path("credentials/ldaps-secret"));
}

#[test]
fn a_ca_or_revocation_list_in_der_is_named_with_the_command_that_converts_it() {
    let der = [&[0x30, 0x82, 0x05, 0x00][..], &[0; 64]].concat();
    for (key, command) in [("ca", "openssl x509 -inform der"), ("crl", "openssl crl -inform der")] {
        let host = Host::new();
        host.write("x.der", &der, 0o644);
        let toml = host.here(&format!("{DIRECTORY}[tls]\n{key} = \"@@/x.der\"\n"));
        host.write("ldaps.toml", &toml, 0o644);
        let place = format!("ldaps.toml:5:{}", key.len() + 4);
        assert_one(&errors(&host, &host.sources()), &place, &["is in DER", command], &toml);
    }
}

#[test]
fn a_ca_that_others_can_change_is_refused() {
    for (name, key, content) in [("ca.pem", "ca", PEM), ("ca.crl.pem", "crl", CRL)] {
        let host = Host::new();
        host.write(name, content, 0o666);
        let toml = host.here(&format!("{DIRECTORY}[tls]\n{key} = \"@@/{name}\"\n"));
        host.write("ldaps.toml", &toml, 0o644);
        let place = format!("ldaps.toml:5:{}", key.len() + 4);
        assert_one(&errors(&host, &host.sources()), &place, &["0666", "chmod go-w"], &toml);
    }
}

#[test]
fn a_file_that_is_not_utf8_is_named_with_the_place() {
    let host = Host::new();
    let content = [DIRECTORY.as_bytes(), b"base = \"OU=B\xfcro\"\n"].concat();
    host.write("ldaps.toml", content, 0o644);
    assert_one(&errors(&host, &host.sources()), "ldaps.toml:4:13", &["not UTF-8", "iconv"], "");
}

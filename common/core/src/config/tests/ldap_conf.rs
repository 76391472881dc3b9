//! `/etc/ldap/ldap.conf`: what is taken, what is answered, what is left alone.

use super::super::*;
use super::{DIRECTORY, Host, assert_one, errors, loaded, without_directory};
use std::time::Duration;

/// Enough of ldaps.toml that ldap.conf must name the servers; nobody is warned of empty rules.
const WITHOUT_SERVERS: &str = "[directory]\nbind_dn = \"s@x.y\"\n[access]\nallow = [\"*\"]\n";

fn warnings(ldap_conf: &str) -> Vec<String> {
    let host = Host::new();
    let toml = format!("{DIRECTORY}[access]\nallow = [\"*\"]\n");
    let loaded = host.load(&toml, ldap_conf).unwrap_or_else(|errors| panic!("{errors}"));
    let dir = host.dir.path();
    loaded.warnings.iter().map(|warning| without_directory(warning, dir)).collect()
}

#[test]
fn everything_it_says_is_taken_where_ldaps_toml_is_silent() {
    let conf = "\
        URI ldaps://dc1.corp.example ldaps://dc2.corp.example:6636\n\
        BASE DC=corp,DC=example\n\
        TLS_CACERT @@/ca.pem\n\
        TLS_CACERTDIR @@/ca.d; @@/ca.d\n\
        TLS_CRLFILE @@/ca.crl.pem\n\
        TLS_CRLCHECK all\n\
        TLS_PROTOCOL_MIN 3.4\n\
        NETWORK_TIMEOUT 5\n\
        TIMEOUT 20\n";
    let host = Host::new();
    let config = host.load(WITHOUT_SERVERS, conf).unwrap().config;
    let Servers::Uris(uris) = &config.directory.servers else { panic!() };
    let uris: Vec<String> = uris.iter().map(ToString::to_string).collect();
    assert_eq!(uris, ["ldaps://dc1.corp.example", "ldaps://dc2.corp.example:6636"]);
    assert_eq!(config.directory.base.as_deref(), Some("DC=corp,DC=example"));
    assert_eq!(config.directory.connect_timeout, Duration::from_secs(5));
    assert_eq!(config.directory.operation_timeout, Duration::from_secs(20));
    let expected = Tls {
        ca_file: Some(host.path("ca.pem")),
        ca_dirs: vec![host.path("ca.d"), host.path("ca.d")],
        crl_file: Some(host.path("ca.crl.pem")),
        crl_check: CrlCheck::All,
        minimum: TlsVersion::V1_3,
    };
    assert_eq!(config.tls, expected);
}

#[test]
fn ldaps_toml_wins_where_both_speak() {
    let toml = "[directory]\nuri = \"ldaps://ours\"\nbind_dn = \"s@x.y\"\nbase = \"DC=ours\"\n\
                connect_timeout = \"1s\"\noperation_timeout = \"2s\"\n\
                [tls]\nca_dir = \"@@/ca.d\"\ncrl_check = \"none\"\nminimum = \"1.2\"\n";
    let conf = "URI ldaps://theirs\nBASE DC=theirs\nTLS_CACERT /does/not/exist\nNETWORK_TIMEOUT 9\n\
                TIMEOUT 9\nTLS_CRLCHECK all\nTLS_PROTOCOL_MIN 3.4\n";
    let host = Host::new();
    let config = host.load(toml, conf).unwrap().config;
    assert_eq!(config.directory.base.as_deref(), Some("DC=ours"));
    assert_eq!(config.directory.connect_timeout, Duration::from_secs(1));
    assert_eq!(config.directory.operation_timeout, Duration::from_secs(2));
    let expected = Tls { ca_dirs: vec![host.path("ca.d")], ..Tls::default() };
    assert_eq!(config.tls, expected);
}

#[test]
fn it_is_read_as_its_manual_page_says() {
    for (conf, expected) in [
        ("base DC=any-case", "DC=any-case"),
        ("BaSe\tDC=tab", "DC=tab"),
        ("  BASE DC=indented  ", "DC=indented"),
        ("BASE DC=first\nBASE DC=last", "DC=last"),
        ("# BASE DC=comment\nBASE DC=real", "DC=real"),
        ("BASE DC=real\n#BASE DC=comment", "DC=real"),
        ("BASE OU=a b,DC=spaces kept", "OU=a b,DC=spaces kept"),
        ("BASE DC=kept\nBASE", "DC=kept"),
        ("BASE OU=A #1,DC=no trailing comments", "OU=A #1,DC=no trailing comments"),
    ] {
        let config = loaded(DIRECTORY, conf).config;
        assert_eq!(config.directory.base.as_deref(), Some(expected), "{conf}");
    }
    // A '#' behind spaces begins no comment; "#BASE" is then an unknown keyword.
    assert_eq!(loaded(DIRECTORY, " #BASE DC=x").config.directory.base, None);
}

#[test]
fn what_belongs_to_other_programs_is_left_alone_silently() {
    let conf = "SASL_MECH GSSAPI\nSASL_NOCANON on\nSUDOERS_BASE ou=SUDOers\nBINDDN cn=x\nREFERRALS on\n\
                DEREF never\nTLS_CIPHER_SUITE NORMAL\nSIZELIMIT 5\nnonsense\n";
    assert_eq!(warnings(conf), Vec::<String>::new());
}

#[test]
fn weaker_verification_is_reported_and_not_obeyed() {
    for (line, words) in [
        ("TLS_REQCERT never", &["TLS_REQCERT never is not obeyed", "always verified"][..]),
        ("tls_reqcert allow", &["not obeyed"]),
        ("TLS_REQCERT try", &["not obeyed"]),
        ("TLS_REQSAN allow", &["TLS_REQSAN allow is not obeyed"]),
        ("TLS_PROTOCOL_MIN 3.1", &["TLS_PROTOCOL_MIN 3.1 is not obeyed", "TLS 1.2"]),
        ("TLS_CRLCHECK maybe", &["taken for \"all\""]),
        ("NETWORK_TIMEOUT 0", &["nothing waits for ever"]),
        ("TIMEOUT -1", &["nothing waits for ever"]),
        ("TIMEOUT 600", &["30 s is taken"]),
        ("BASE corp.example", &["not used", "no distinguished name"]),
    ] {
        // A hashed directory, so that asking for revocation is no error.
        let conf = format!("TLS_CACERTDIR @@/ca.d\n{line}\n");
        let column = line.find(' ').unwrap() + 2;
        assert_one(&warnings(&conf), &format!("ldap.conf:2:{column}"), words, line);
    }
    for line in ["TLS_REQCERT demand", "TLS_REQCERT HARD", "TLS_PROTOCOL_MIN 3.3", "TIMEOUT 30"] {
        assert_eq!(warnings(line), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn a_timeout_longer_than_any_login_waits_is_cut() {
    let directory = loaded(DIRECTORY, "TIMEOUT 600\nNETWORK_TIMEOUT 0\n").config.directory;
    assert_eq!(directory.operation_timeout, Duration::from_secs(30));
    assert_eq!(directory.connect_timeout, Duration::from_secs(3));
}

#[test]
fn plain_ldap_uris_are_left_out_where_there_are_others_and_an_error_where_there_are_none() {
    let host = Host::new();
    let uri = "URI ldap://dc1.corp.example ldaps://dc2.corp.example ldapi:///\n";
    let Loaded { config, warnings, .. } = host.load(WITHOUT_SERVERS, uri).unwrap();
    let Servers::Uris(uris) = config.directory.servers else { panic!() };
    assert_eq!(uris.len(), 1);
    assert_eq!(warnings.len(), 2);
    assert!(warnings.iter().all(|warning| warning.problem.ends_with("(left out)")));

    let uri = "URI ldap://dc1.corp.example\n";
    let words = &["only LDAPS is spoken", "write \"ldaps://dc1.corp.example\""];
    assert_one(&errors(WITHOUT_SERVERS, uri), "ldap.conf:1:5", words, uri);
    let words = &["no server is named"];
    assert_one(&errors(WITHOUT_SERVERS, "URI ,"), "ldaps.toml:1:1", words, "URI ,");
}

#[test]
fn servers_of_ldap_conf_do_not_matter_where_ldaps_toml_names_them() {
    assert_eq!(warnings("URI ldap://dc1.corp.example\n"), Vec::<String>::new());
}

#[test]
fn a_ca_of_ldap_conf_that_cannot_be_used_is_an_error_at_its_line() {
    for (line, words) in [
        ("TLS_CACERT /does/not/exist.pem", &["/does/not/exist.pem", "does not exist"][..]),
        ("TLS_CACERT ca.pem", &["TLS_CACERT", "no absolute path"]),
        ("TLS_CACERT @@/secret", &["contains no \"-----BEGIN CERTIFICATE-----\""]),
        ("TLS_CACERTDIR /does/not/exist", &["/does/not/exist cannot be read"]),
        ("TLS_CRLFILE @@/ca.pem", &["contains no \"-----BEGIN X509 CRL-----\""]),
    ] {
        let place = format!("ldap.conf:1:{}", line.find(' ').unwrap() + 2);
        assert_one(&errors(DIRECTORY, line), &place, words, line);
    }
}

#[test]
fn a_host_without_ldap_conf_is_fine() {
    let host = Host::new();
    host.write("ldaps.toml", DIRECTORY, 0o644);
    assert!(load(&host.sources()).is_ok());
}

//! Binds as AD answers them: name forms, sub-codes, lockout, the empty password.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use ldap3_proto::proto::LdapOp;
use ldap3_proto::proto::LdapResultCode::{InvalidCredentials, OperationsError, Success};
use support::{BASE, Client};
use test_directory::{Fault, On, TestDirectory, USER_PASSWORD};

/// The sub-code in a refusal's message, which ends with a NUL as AD's does.
fn sub_code(server: &TestDirectory, name: &str, password: &str) -> Option<String> {
    let result = Client::connect(server).bind(name, password);
    if result.code == Success {
        return None;
    }
    assert_eq!(result.code, InvalidCredentials);
    let message = result.message.strip_suffix('\0').expect("AD's messages end with a NUL");
    assert!(message.starts_with("80090308: LdapErr: DSID-"), "{message}");
    let (_, data) = message.split_once("data ").unwrap();
    Some(data.split_once(',').unwrap().0.to_owned())
}

#[test]
fn each_state_of_an_account_has_its_own_sub_code_and_only_for_the_right_password() {
    let server = TestDirectory::corp_example().unwrap();
    for (account, right, wrong) in [
        ("alice", None, "52e"),
        ("disabled", Some("533"), "52e"),
        ("expired", Some("701"), "52e"),
        ("pwexpired", Some("532"), "52e"),
        ("mustchange", Some("773"), "52e"),
        ("locked", Some("775"), "775"),
        ("nohours", Some("530"), "52e"),
        ("wrongstation", Some("531"), "52e"),
        ("restricted", Some("52f"), "52e"),
        ("toomany", Some("568"), "52e"),
        ("strange", Some("5ff"), "52e"),
        ("nosuch", Some("525"), "52e"),
        ("nouac", None, "52e"),
    ] {
        let dn = server.edit(|directory| directory.dn_of(account)).unwrap();
        assert_eq!(
            sub_code(&server, &dn, USER_PASSWORD).as_deref(),
            right,
            "{account}, right password"
        );
        assert_eq!(
            sub_code(&server, &dn, "wrong").as_deref(),
            Some(wrong),
            "{account}, wrong password"
        );
        assert_eq!(server.binds(account), 2, "{account}");
        assert_eq!(server.binds(&dn), 2, "{account} by DN");
    }
}

#[test]
fn a_disabled_account_is_called_disabled_before_anything_else() {
    let server = TestDirectory::corp_example().unwrap();
    for account in ["locked", "expired", "mustchange", "nohours"] {
        server.edit(|directory| directory.disable(account)).unwrap();
        let name = format!("{account}@corp.example");
        assert_eq!(sub_code(&server, &name, USER_PASSWORD).as_deref(), Some("533"), "{account}");
    }
}

#[test]
fn a_name_is_taken_in_every_form_that_ad_takes_and_in_no_other() {
    let server = TestDirectory::corp_example().unwrap();
    for (name, who) in [
        ("CN=Alice Archer,OU=People,DC=corp,DC=example", "u:CORP\\alice"),
        ("cn=smith\\2c john,ou=people,dc=CORP,dc=example", "u:CORP\\jsmith"),
        ("CN=\\#hash,OU=People,DC=corp,DC=example", "u:CORP\\hashy"),
        ("CN=Grace\\, Sales,OU=Sales\\, EMEA,DC=corp,DC=example", "u:CORP\\grace"),
        ("alice@corp.example", "u:CORP\\alice"),
        ("c.chen@corp.example", "u:CORP\\carol"),
        ("carol@CORP.example", "u:CORP\\carol"),
        ("CORP\\ALICE", "u:CORP\\alice"),
        ("corp.example\\alice", "u:CORP\\alice"),
        ("Carol Chen", "u:CORP\\carol"),
        ("S-1-5-21-123-456-789-1107", "u:CORP\\alice"),
    ] {
        let mut client = Client::connect(&server);
        assert_eq!(client.bind(name, USER_PASSWORD).code, Success, "{name}");
        assert_eq!(client.who_am_i(), who, "{name}");
    }
    for name in [
        "alice",
        "alice.archer@corp.example",
        "OTHER\\alice",
        "alice@other.example",
        "CN=Nobody,DC=corp,DC=example",
    ] {
        assert_eq!(sub_code(&server, name, USER_PASSWORD).as_deref(), Some("52e"), "{name}");
    }
}

#[test]
fn a_name_that_means_two_accounts_means_neither() {
    let server = TestDirectory::corp_example().unwrap();
    server
        .edit(|directory| directory.set_attribute("bob", "displayName", &["Alice Archer"]))
        .unwrap();
    assert_eq!(sub_code(&server, "Alice Archer", USER_PASSWORD).as_deref(), Some("52e"));
}

#[test]
fn an_empty_password_is_a_success_that_leaves_the_client_anonymous() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    assert_eq!(client.bind("alice@corp.example", "").code, Success);
    assert_eq!(client.who_am_i(), "");
    let found = client.find("(sAMAccountName=alice)", &[]);
    assert_eq!(found.result.code, OperationsError);
    assert!(found.result.message.starts_with("000004DC: LdapErr:"), "{}", found.result.message);
    assert_eq!(
        (server.binds("alice"), server.unauthenticated_binds(), server.anonymous_binds()),
        (0, 1, 0)
    );
    client.bind("", "");
    assert_eq!((server.total_binds(), server.anonymous_binds()), (1, 1));
}

#[test]
fn a_refused_bind_takes_the_earlier_identity_away() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    assert_eq!(client.find("(sAMAccountName=alice)", &[]).names(), ["alice"]);
    assert_eq!(client.bind("alice@corp.example", "wrong").code, InvalidCredentials);
    assert_eq!(client.find("(sAMAccountName=alice)", &[]).result.code, OperationsError);
}

#[test]
fn nothing_but_the_root_dse_is_shown_before_a_bind() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::connect(&server);
    let root = client.read("", &["defaultNamingContext", "dnshostname", "highestCommittedUSN"]);
    assert_eq!(root.one().text("defaultNamingContext"), [BASE]);
    assert_eq!(root.one().text("dnsHostName"), ["dc1.corp.example"]);
    assert_eq!(root.one().attributes.len(), 3);
    assert_eq!(client.read(BASE, &[]).result.code, OperationsError);
    assert_eq!(server.total_binds(), 0);
}

#[test]
fn wrong_passwords_lock_an_account_at_the_threshold_and_a_right_one_in_time_does_not() {
    let server = TestDirectory::corp_example().unwrap();
    server.edit(|directory| directory.set_policy("lockoutThreshold", 3));
    let bind = |password| sub_code(&server, "alice@corp.example", password);
    for _ in 0..2 {
        assert_eq!(bind("wrong").as_deref(), Some("52e"));
    }
    assert_eq!(bind(USER_PASSWORD), None, "the count starts anew");
    for _ in 0..3 {
        assert_eq!(bind("wrong").as_deref(), Some("52e"));
    }
    assert_eq!(bind("wrong").as_deref(), Some("775"));
    assert_eq!(bind(USER_PASSWORD).as_deref(), Some("775"));
    server.edit(|directory| directory.set_attribute("alice", "lockoutTime", &["0"])).unwrap();
    assert_eq!(bind(USER_PASSWORD), None);
}

#[test]
fn the_bind_log_holds_names_and_outcomes_in_order() {
    let server = TestDirectory::corp_example().unwrap();
    sub_code(&server, "alice@corp.example", "12345");
    sub_code(&server, "nobody@corp.example", "x");
    let log = server.bind_log();
    let seen: Vec<_> =
        log.iter().map(|bind| (bind.name.as_str(), bind.password_length, bind.sub_code)).collect();
    assert_eq!(
        seen,
        [("alice@corp.example", 5, Some(0x52e)), ("nobody@corp.example", 1, Some(0x52e))]
    );
    assert_ne!(log[0].connection, log[1].connection);
}

#[test]
fn a_live_edit_is_felt_by_the_next_bind() {
    let server = TestDirectory::corp_example().unwrap();
    let bind = || sub_code(&server, "CORP\\alice", USER_PASSWORD);
    assert_eq!(bind(), None);
    server.edit(|directory| directory.disable("alice")).unwrap();
    assert_eq!(bind().as_deref(), Some("533"));
    server.edit(|directory| directory.enable("alice")).unwrap();
    server.edit(|directory| directory.must_change("alice")).unwrap();
    assert_eq!(bind().as_deref(), Some("773"));
    server.edit(|directory| directory.set_password("alice", "Other.Pass.9")).unwrap();
    assert_eq!(bind().as_deref(), Some("52e"));
    server.edit(|directory| directory.delete("alice")).unwrap();
    assert_eq!(bind().as_deref(), Some("52e"));
}

#[test]
fn a_silent_bind_is_still_counted() {
    let server = TestDirectory::corp_example().unwrap();
    server.fault_on(On::Binds, Fault::Silence);
    let mut client = Client::connect(&server);
    client.patience(200);
    assert!(client.try_bind("alice@corp.example", USER_PASSWORD).is_err());
    assert_eq!(server.binds("alice"), 1);
}

#[test]
fn a_password_that_is_no_utf8_is_a_wrong_one_and_no_broken_request() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::connect(&server);
    let mut request =
        b"\x30\x1f\x02\x01\x01\x60\x1a\x02\x01\x03\x04\x12alice@corp.example\x80\x01".to_vec();
    request.push(0xE9);
    client.raw(&request);
    let answer = client.receive().unwrap();
    assert!(
        matches!(answer.op, LdapOp::BindResponse(response) if response.res.code == InvalidCredentials)
    );
    assert_eq!(server.binds("alice"), 1);
}

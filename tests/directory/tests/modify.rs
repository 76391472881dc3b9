//! Password changes as AD takes and refuses them, and everything else that a reader may not do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use ldap3_proto::proto::LdapModifyType::{Add, Delete, Replace};
use ldap3_proto::proto::LdapResultCode::{
    AttributeOrValueExists, CompareFalse, CompareTrue, ConstraintViolation,
    InsufficentAccessRights, InvalidCredentials, NoSuchAttribute, OperationsError, ProtocolError,
    Success, UnwillingToPerform,
};
use ldap3_proto::proto::*;
use support::Client;
use test_directory::{TestDirectory, USER_PASSWORD};

const ALICE: &str = "CN=Alice Archer,OU=People,DC=corp,DC=example";
const NEW: &str = "Much.Better.77";

#[test]
fn a_service_account_changes_the_password_of_a_user_who_must_change_it() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let dn = server.edit(|directory| directory.dn_of("mustchange")).unwrap();
    let changed = client.modify_password(&dn, &[(Delete, USER_PASSWORD), (Add, NEW)]);
    assert_eq!(changed.code, Success, "{changed:?}");
    assert_eq!(server.modifies(), 1);
    assert_eq!(Client::connect(&server).bind(&dn, NEW).code, Success);
}

#[test]
fn the_old_password_is_taken_for_an_hour_after_a_change_unless_that_is_turned_off() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    assert_eq!(client.modify_password(ALICE, &[(Delete, USER_PASSWORD), (Add, NEW)]).code, Success);
    assert_eq!(Client::connect(&server).bind(ALICE, USER_PASSWORD).code, Success);
    server.edit(|directory| directory.set_old_password_seconds(0));
    assert_eq!(Client::connect(&server).bind(ALICE, USER_PASSWORD).code, InvalidCredentials);
    assert_eq!(Client::connect(&server).bind(ALICE, NEW).code, Success);
}

#[test]
fn each_refusal_of_a_change_has_its_win32_code() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let mut change = |account: &str, old: &str, new: &str| {
        let dn = server.edit(|directory| directory.dn_of(account)).unwrap();
        let result = client.modify_password(&dn, &[(Delete, old), (Add, new)]);
        (result.code, result.message.split(':').next().unwrap().to_owned())
    };
    for (account, old, new, code, win32) in [
        ("alice", "wrong", NEW, ConstraintViolation, "00000056"),
        ("alice", USER_PASSWORD, "Ab.1", ConstraintViolation, "0000052D"),
        ("alice", USER_PASSWORD, "alllowercase", ConstraintViolation, "0000052D"),
        ("alice", USER_PASSWORD, "Xx.Alice.99", ConstraintViolation, "0000052D"),
        ("alice", USER_PASSWORD, USER_PASSWORD, ConstraintViolation, "0000052D"),
        ("locked", USER_PASSWORD, NEW, ConstraintViolation, "00000775"),
        ("nochange", USER_PASSWORD, NEW, InsufficentAccessRights, "00002098"),
        ("alice", USER_PASSWORD, NEW, Success, ""),
        ("alice", NEW, "Again.And.8", ConstraintViolation, "0000052D"),
    ] {
        assert_eq!(change(account, old, new), (code, win32.to_owned()), "{account} {old} {new}");
    }
}

#[test]
fn a_wrong_old_password_counts_towards_the_lockout() {
    let server = TestDirectory::corp_example().unwrap();
    server.edit(|directory| directory.set_policy("lockoutThreshold", 2));
    let mut client = Client::service(&server);
    for _ in 0..2 {
        client.modify_password(ALICE, &[(Delete, "wrong"), (Add, NEW)]);
    }
    let refused = Client::connect(&server).bind(ALICE, USER_PASSWORD);
    assert!(refused.message.contains("data 775,"), "{refused:?}");
}

#[test]
fn other_forms_of_a_change_are_refused_as_ad_refuses_them() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    assert_eq!(client.modify_password(ALICE, &[(Delete, USER_PASSWORD)]).code, NoSuchAttribute);
    assert_eq!(client.modify_password(ALICE, &[(Add, NEW)]).code, AttributeOrValueExists);
    assert_eq!(client.modify_password(ALICE, &[(Replace, NEW)]).code, InsufficentAccessRights);
    let plain = |operation, value: &str| LdapModify {
        operation,
        modification: LdapPartialAttribute {
            atype: "unicodePwd".to_owned(),
            vals: vec![value.into()],
        },
    };
    let changes = vec![plain(Delete, USER_PASSWORD), plain(Add, NEW)];
    let unquoted = client.modify(LdapModifyRequest { dn: ALICE.to_owned(), changes });
    assert_eq!(unquoted.code, UnwillingToPerform);
    assert!(unquoted.message.starts_with("0000001F"), "{unquoted:?}");
    assert_eq!(
        Client::connect(&server).bind(ALICE, USER_PASSWORD).code,
        Success,
        "nothing has changed"
    );
}

#[test]
fn nobody_writes_anything_else_and_anonymous_clients_nothing_at_all() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let title = LdapModify {
        operation: Replace,
        modification: LdapPartialAttribute {
            atype: "title".to_owned(),
            vals: vec![b"King".to_vec()],
        },
    };
    let request = LdapModifyRequest { dn: ALICE.to_owned(), changes: vec![title] };
    assert_eq!(client.modify(request.clone()).code, InsufficentAccessRights);
    client.send(LdapOp::DelRequest(ALICE.to_owned()), vec![], None);
    assert!(
        matches!(client.receive().unwrap().op, LdapOp::DelResponse(result) if result.code == InsufficentAccessRights)
    );
    let mut anonymous = Client::connect(&server);
    assert_eq!(anonymous.modify(request).code, OperationsError);
    assert_eq!(
        anonymous.modify_password(ALICE, &[(Delete, USER_PASSWORD), (Add, NEW)]).code,
        OperationsError
    );
}

#[test]
fn compare_and_unknown_extended_requests_get_proper_answers() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    for (value, expected) in [("ALICE", CompareTrue), ("bob", CompareFalse)] {
        let request = LdapCompareRequest {
            dn: ALICE.to_owned(),
            atype: "sAMAccountName".to_owned(),
            val: value.into(),
        };
        client.send(LdapOp::CompareRequest(request), vec![], None);
        assert!(
            matches!(client.receive().unwrap().op, LdapOp::CompareResult(result) if result.code == expected)
        );
    }
    for (name, expected) in
        [("1.2.3.4", ProtocolError), ("1.3.6.1.4.1.1466.20037", OperationsError)]
    {
        client.send(
            LdapOp::ExtendedRequest(LdapExtendedRequest { name: name.to_owned(), value: None }),
            vec![],
            None,
        );
        assert!(
            matches!(client.receive().unwrap().op, LdapOp::ExtendedResponse(reply) if reply.res.code == expected)
        );
    }
}

//! A search that tells of changes, as AD takes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::LdapOp;
use ldap3_proto::proto::LdapResultCode::UnwillingToPerform;
use ldap3_proto::proto::LdapSearchScope::{self, Base, OneLevel, Subtree};
use support::{BASE, Client};
use test_directory::TestDirectory;

fn watch(client: &mut Client, base: &str, scope: LdapSearchScope, filter: &str) -> i32 {
    let oid = "1.2.840.113556.1.4.528".to_owned();
    let control = LdapControl::Unknown { oid, criticality: true, value: None };
    client.send_search(base, scope, filter, &["sAMAccountName"], vec![control])
}

#[test]
fn a_change_is_not_told_of_or_something_else_is() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let id = watch(&mut client, BASE, Subtree, "(objectClass=*)");
    // Answered behind it: it is under way.
    assert_eq!(client.who_am_i(), "u:CORP\\svc-linux");
    server.edit(|data| data.set_attribute("alice", "displayName", &["A"])).unwrap();
    server.edit(|data| data.add_to_group("alice", "empty")).unwrap();
    for name in
        ["CN=Alice Archer,OU=People,DC=corp,DC=example", "CN=empty,OU=Groups,DC=corp,DC=example"]
    {
        let message = client.receive().unwrap();
        let LdapOp::SearchResultEntry(entry) = message.op else { panic!("{message:?}") };
        assert_eq!((message.msgid, entry.dn.as_str()), (id, name));
    }
    client.patience(300);
    assert!(client.receive().is_err(), "more than what has changed");
}

#[test]
fn what_ad_refuses_to_watch_is_watched() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let people = "OU=People,DC=corp,DC=example";
    for (base, scope, filter) in [
        (BASE, Subtree, "(sAMAccountName=alice)"),
        (BASE, Subtree, "(objectClass=user)"),
        (people, Subtree, "(objectClass=*)"),
    ] {
        let id = watch(&mut client, base, scope, filter);
        assert_eq!(client.collect(id).unwrap().result.code, UnwillingToPerform, "{base} {filter}");
    }
    for number in 0..6 {
        let scope = if number == 0 { Base } else { OneLevel };
        let id = watch(&mut client, people, scope, "(objectClass=*)");
        if number == 5 {
            assert_eq!(client.collect(id).unwrap().result.code, UnwillingToPerform);
        }
    }
}

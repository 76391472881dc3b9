//! SSH public keys: whose, which, for whom, and what is left of them while no server answers.

use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::client::{NSS_DEADLINE, Socket, ask};
use test_directory::Fault;

use crate::asking::as_uid;
use crate::logins::RULES;
use crate::stage::{Extra, Stage};

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
/// Nobody's, as far as the host goes: sshd's AuthorizedKeysCommandUser.
const NOBODY: u32 = 65_534;

fn request(name: &str) -> AdminRequest {
    AdminRequest::SshKeys(name.to_owned())
}

fn keys(stage: &Stage, name: &str) -> Vec<String> {
    match stage.admin(&request(name)) {
        AdminReply::SshKeys(keys) => keys,
        other => panic!("{name}: {other:?}"),
    }
}

fn give(stage: &Stage, attribute: &str, values: &[&str]) {
    stage.server.edit(|data| data.set_attribute("alice", attribute, values)).unwrap();
}

#[test]
fn a_key_reaches_sshd_that_should_not_or_one_does_not_that_should() {
    let stage = Stage::new(RULES);
    assert_eq!(keys(&stage, "alice"), [""; 0]);
    let (good, options) =
        (format!("SSHKey:{ED25519} a"), format!("SSHKey:command=\"x\" {ED25519}"));
    give(&stage, "altSecurityIdentities", &[&good, &options, "Kerberos:alice@X", ED25519]);
    let line = format!("{ED25519} a");
    for name in ["alice", "ALICE", "alice@corp.example", "CORP\\alice"] {
        assert_eq!(keys(&stage, name), [line.as_str()], "{name}");
    }
    for name in ["bob", "root", "zz-nobody", "a:b", "", "CORP\\root"] {
        assert_eq!(keys(&stage, name), [""; 0], "{name}");
    }
    let run_dir = stage.run_dir();
    let asked = || ask(&run_dir, Socket::Admin, &request("alice"), NSS_DEADLINE);
    if let Some(answer) = as_uid(NOBODY, asked) {
        let answer: AdminReply = answer.unwrap();
        assert_eq!(answer, AdminReply::SshKeys(vec![line]));
    }
    give(&stage, "altSecurityIdentities", &[]);
    assert_eq!(keys(&stage, "alice"), [""; 0], "taken away");
}

#[test]
fn an_outage_takes_the_keys_away() {
    let stage = Stage::new(Extra { directory: "operation_timeout = \"300ms\"\n", ..RULES });
    give(&stage, "altSecurityIdentities", &[&format!("SSHKey:{ED25519}")]);
    assert_eq!(keys(&stage, "alice"), [ED25519]);
    stage.server.fault(Fault::Silence);
    assert_eq!(keys(&stage, "alice"), [ED25519]);
    stage.reload_unready();
    assert_eq!(keys(&stage, "alice"), [ED25519], "after a reload too");
    let unknown = stage.admin(&request("bob"));
    assert!(matches!(unknown, AdminReply::Unavailable(_)), "{unknown:?}");
}

#[test]
fn another_attribute_is_not_read() {
    let sections = format!("{}[ssh]\nattribute = \"description\"\n", RULES.sections);
    let stage = Stage::new(Extra { sections: &sections, ..RULES });
    give(&stage, "description", &[ED25519]);
    give(&stage, "altSecurityIdentities", &[&format!("SSHKey:{ED25519} other")]);
    assert_eq!(keys(&stage, "alice"), [ED25519]);
}

#[test]
fn a_key_of_whoever_has_the_place_of_a_known_person_by_now_is_that_persons() {
    let sections = format!("{}[cache]\npoll = \"60s\"\n", RULES.sections);
    let stage = Stage::new(Extra { sections: &sections, ..RULES });
    assert_eq!(keys(&stage, "alice"), [""; 0]);
    stage.server.edit(|data| {
        let place = data.dn_of("alice").unwrap();
        data.move_to("alice", "CN=Alice,OU=Elsewhere,DC=corp,DC=example").unwrap();
        data.move_to("bob", &place).unwrap();
        let key = format!("SSHKey:{ED25519}");
        data.set_attribute("bob", "altSecurityIdentities", &[&key]).unwrap();
    });
    assert_eq!(keys(&stage, "alice"), [""; 0], "bob's key opens alice's account");
}

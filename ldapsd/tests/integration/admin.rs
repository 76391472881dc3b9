//! What `ldapsctl` is told: how the daemon is, and what it makes of a user.

use ldaps_core::protocol::admin::{AdminReply, AdminRequest, UserReport};
use test_directory::Fault;

use crate::asking::FIRST_ID;
use crate::logins::RULES;
use crate::stage::{Extra, Stage};

fn report(stage: &Stage, name: &str) -> UserReport {
    match stage.admin(&AdminRequest::User(name.to_owned())) {
        AdminReply::User(report) => report,
        other => panic!("{name}: {other:?}"),
    }
}

/// A user and the words about the state; None: nothing against it.
const STATES: &[(&str, Option<&str>)] = &[
    ("alice", None),
    ("carol", None),
    ("disabled", Some("disabled")),
    ("expired", Some("expired")),
    ("nohours", Some("logon hours")),
    ("locked", Some("locked")),
    ("nouac", Some("may not read userAccountControl")),
    ("notokens", Some("may not read tokenGroups")),
];

/// A name, and why there is nobody of that name here.
const NOBODY: &[(&str, &str)] = &[
    ("zz-nobody", "no user \"zz-nobody\""),
    ("root", "a user of this host itself"),
    ("CORP\\root", "this host has its own \"root\""),
    ("a:b", "contains ':'"),
    ("dc1$", "no user \"dc1$\""),
];

#[test]
fn the_administrator_is_told_something_else_than_a_login_would_meet() {
    let stage = Stage::new(RULES);
    let bob = report(&stage, "BOB@corp.example");
    assert_eq!((bob.entry.name.as_str(), bob.entry.uid), ("bob", FIRST_ID + 1108));
    assert_eq!(bob.dn, "CN=Bob Baker,OU=People,DC=corp,DC=example");
    assert_eq!(bob.sid, "S-1-5-21-123-456-789-1108");
    assert!(bob.groups.contains(&(FIRST_ID + 1201, "linux-admins".to_owned())), "{bob:?}");
    let access = |user: &str| {
        let yes = |(service, allowed): &(String, bool)| allowed.then(|| service.clone());
        report(&stage, user).access.iter().filter_map(yes).collect::<Vec<_>>()
    };
    assert_eq!(access("bob"), ["sudo", "any other"]);
    assert_eq!(access("erin"), ["any other"]);
    assert_eq!(access("dave"), [""; 0]);
    for (name, words) in STATES {
        let state = report(&stage, name).state;
        match words {
            None => assert_eq!(state, None, "{name}"),
            Some(words) => {
                assert!(state.as_ref().is_some_and(|s| s.contains(words)), "{name}: {state:?}")
            }
        }
    }
    for (name, words) in NOBODY {
        match stage.admin(&AdminRequest::User((*name).to_owned())) {
            AdminReply::NoSuchUser(why) => assert!(why.contains(words), "{name}: {why}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(stage.server.total_binds(), 1, "the service account's");
}

#[test]
fn the_status_hides_an_outage() {
    let stage = Stage::new(Extra { directory: "operation_timeout = \"300ms\"\n", ..RULES });
    let status = stage.status();
    let domain = status.domain.unwrap();
    assert_eq!(
        (domain.base.as_str(), domain.sid.as_str()),
        ("DC=corp,DC=example", "S-1-5-21-123-456-789")
    );
    assert_eq!(domain.netbios.as_deref(), Some("corp"));
    assert!(domain.ranges.contains(&(FIRST_ID, FIRST_ID + 199_999)), "{:?}", domain.ranges);
    assert!(status.servers[0].connected && status.servers[0].server.contains("dc1.corp.example"));
    assert_eq!(status.last_error, None);

    stage.server.fault(Fault::Silence);
    match stage.admin(&AdminRequest::User("alice".to_owned())) {
        AdminReply::Unavailable(why) => assert!(why.contains("did not answer"), "{why}"),
        other => panic!("{other:?}"),
    }
    let status = stage.status();
    assert!(!status.servers[0].connected, "{status:?}");
    assert!(status.last_error.unwrap().0.contains("did not answer"));
}

/// A question, and the whole sentence about it: the journal hides everything that is not in it.
#[test]
fn the_journal_says_that_somebody_is_left_out_and_not_who() {
    let stage = Stage::new(Extra {
        directory: "",
        sections: "[access]\nallow = [\"*\"]\n[users.login]\nat = [\"mail\"]\n",
    });
    let server = stage.server.url().replace("ldaps://", "");
    assert_eq!(stage.user("nosid"), None);
    assert_eq!(stage.user("twins@corp.example"), None);
    for sentence in [
        format!("{server} (at 127.0.0.1) is asked from now on"),
        "CN=No Sid Readable,OU=People,DC=corp,DC=example is left out: ".to_owned(),
        "2 accounts have the same mail, ".to_owned(),
    ] {
        assert!(stage.daemon.log().contains(&sentence), "no {sentence:?}: {}", stage.daemon.log());
    }
}

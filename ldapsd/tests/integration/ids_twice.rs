//! An id that comes out twice is nobody's, whoever is asked for first and however.

use ldaps_core::protocol::messages::{NssReply, NssRequest, Verdict};

use crate::asking::FIRST_ID;
use crate::stage::{EVERYBODY, Extra, Stage};

const POSIX: &str = "[ids]\nmapping = \"posix\"\n";

fn stage(sections: &str) -> Stage {
    Stage::new(Extra { sections, ..EVERYBODY })
}

/// alice's and bob's numbers, and dave with alice's uidNumber.
fn with_a_twin(stage: &Stage) {
    stage.server.edit(|data| {
        data.set_attribute("dave", "uidNumber", &["20107"]).unwrap();
        data.set_attribute("dave", "gidNumber", &["20000"]).unwrap();
    });
}

/// How somebody can be asked for.
type Ask = fn(&Stage) -> Option<String>;

const ALICE: Ask = |stage| stage.user("alice").map(|user| user.name);
const DAVE: Ask = |stage| stage.user("DAVE@corp.example").map(|user| user.name);
const UID: Ask = |stage| stage.user_by_id(20107).map(|user| user.name);

#[test]
fn who_of_two_with_one_uid_is_asked_for_first_is_served() {
    for order in [[ALICE, DAVE, UID], [DAVE, ALICE, UID], [UID, ALICE, DAVE], [UID, DAVE, ALICE]] {
        let stage = stage(POSIX);
        with_a_twin(&stage);
        for ask in order {
            assert_eq!(ask(&stage), None);
        }
        assert_eq!(stage.gids("alice"), None);
        let log = stage.daemon.log();
        assert!(log.contains("the id 20107 came out twice"), "{log}");
        assert!(log.contains("CN=Alice Archer,OU=People") && log.contains("CN=Dave Drummond"));
        assert_eq!(stage.user("bob").map(|user| user.uid), Some(20108));
    }
}

#[test]
fn who_was_served_before_the_other_came_is_served_on() {
    for ask in [DAVE, UID] {
        let stage = stage(&format!("{POSIX}[cache]\npositive = \"1h\"\n"));
        assert_eq!((ALICE(&stage), UID(&stage)), (Some("alice".into()), Some("alice".into())));
        with_a_twin(&stage);
        // What is in memory is not asked again; the first search that sees both ends it.
        assert_eq!(DAVE(&stage), None);
        assert_eq!((ask(&stage), ALICE(&stage), UID(&stage)), (None, None, None));
    }
}

#[test]
fn a_twin_logs_in() {
    let Some(stage) = Stage::for_logins(Extra { sections: POSIX_EVERYBODY, ..EVERYBODY }) else {
        return;
    };
    assert_eq!(stage.account("alice", "sshd").verdict, Verdict::Granted);
    with_a_twin(&stage);
    for name in ["alice", "dave"] {
        assert_eq!(stage.account_as(name, 20107, "sshd").verdict, Verdict::NotOurs, "{name}");
    }
}

const POSIX_EVERYBODY: &str = "[ids]\nmapping = \"posix\"\n[access]\nallow = [\"*\"]\n";

#[test]
fn twins_are_listed() {
    let stage = stage(&format!("{POSIX}[nss]\nenumerate = true\n"));
    with_a_twin(&stage);
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let NssReply::Users(users, next) = stage.nss(&NssRequest::Users(cursor)) else { panic!() };
        names.extend(users.into_iter().map(|user| user.name));
        if next.is_none() {
            break;
        }
        cursor = next;
    }
    assert_eq!(names, ["bob"], "alice and dave are one uid, and nobody else has one");
}

#[test]
fn an_override_does_not_part_twins() {
    let stage = stage(&format!("{POSIX}[users.override]\ndave = {{ uid = 20110 }}\n"));
    with_a_twin(&stage);
    for (uid, name) in [(20107, "alice"), (20110, "dave")] {
        assert_eq!(stage.user_by_id(uid).map(|user| user.name).as_deref(), Some(name));
        assert_eq!(stage.user(name).map(|user| user.uid), Some(uid));
    }
}

#[test]
fn one_of_two_groups_with_one_gid_is_served_or_its_members_are_in_both() {
    let stage = stage(POSIX);
    stage.server.edit(|data| {
        for (group, gid) in [("linux-users", "20500"), ("engineers", "20500"), ("empty", "20501")] {
            data.set_attribute(group, "gidNumber", &[gid]).unwrap();
        }
        data.add_to_group("alice", "empty").unwrap();
    });
    assert_eq!(stage.gids("alice"), Some(vec![20501]));
    assert_eq!(stage.gids("bob"), Some(vec![]));
    assert_eq!((stage.group("engineers"), stage.group("linux-users")), (None, None));
    assert_eq!(stage.group_by_id(20500), None);
    assert!(stage.group_by_id(20501).is_some());
    let log = stage.daemon.log();
    assert!(log.contains("the id 20500 came out twice, for CN=engineers,"), "{log}");
}

#[test]
fn an_id_given_to_one_and_anothers_by_its_sid_is_somebodys() {
    let (bobs, admins) = (FIRST_ID + 1108, FIRST_ID + 1201);
    let sections = format!(
        "[users.override]\nalice = {{ uid = {bobs} }}\nzz-nobody = {{ uid = {} }}\n\
         [groups.override]\nengineers = {{ gid = {admins} }}\n",
        FIRST_ID + 1110
    );
    for by_name_first in [true, false] {
        let stage = stage(&sections);
        for step in 0..2 {
            if by_name_first == (step == 0) {
                assert_eq!((stage.user("alice"), stage.user("bob")), (None, None));
                assert_eq!((stage.group("engineers"), stage.group("linux-admins")), (None, None));
            } else {
                assert_eq!((stage.user_by_id(bobs), stage.group_by_id(admins)), (None, None));
            }
        }
        // Who could be meant by a name that nobody has, keeps the uid.
        assert_eq!(stage.user("dave").map(|user| user.uid), Some(FIRST_ID + 1110));
        assert!(!stage.gids("erin").unwrap().contains(&admins), "a member of engineers");
        assert!(stage.daemon.log().contains("came out twice"));
    }
}

#[test]
fn a_uid_that_is_a_gid_too_is_taken_for_one_that_came_out_twice() {
    let stage = stage(POSIX);
    stage.server.edit(|data| data.set_attribute("empty", "gidNumber", &["20107"])).unwrap();
    assert!(stage.user("alice").is_some() && stage.group_by_id(20107).is_some());
}

#[test]
fn somebodys_private_group_is_a_group_of_the_directory() {
    let stage = stage(&format!("{POSIX}[users]\nprimary_group = \"private\"\n"));
    stage.server.edit(|data| {
        data.set_attribute("linux-users", "gidNumber", &["20107"]).unwrap();
        data.set_attribute("engineers", "gidNumber", &["20500"]).unwrap();
    });
    assert_eq!((stage.user("alice"), stage.group("alice")), (None, None));
    assert_eq!((stage.group("linux-users"), stage.group_by_id(20107)), (None, None));
    assert_eq!(stage.gids("bob"), Some(vec![]), "a member of linux-users");
    let bobs = stage.group_by_id(20108).map(|group| group.name);
    assert_eq!(bobs.as_deref(), Some("bob"));
    assert_eq!(stage.gids("erin"), None, "without a uidNumber");
    assert!(stage.group("engineers").is_some());
}

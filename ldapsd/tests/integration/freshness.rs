//! What changes in the directory is seen: within a poll what uSNChanged shows, within the rotation
//! what it does not.

use std::time::{Duration, Instant};

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;
use test_directory::{Directory, Error, Fault};

use crate::asking::FIRST_ID;
use crate::stage::{EVERYBODY, Extra, Stage};

/// The times are those of a test; what is held otherwise for ten minutes is held for hours here, so
/// that nothing but the poll can have seen a change.
const POLLED: Extra<'static> = Extra {
    directory: "",
    sections: "[cache]\npoll = \"1s\"\npositive = \"1h\"\nnegative = \"1h\"\n\
               [access]\nallow = [\"*\"]\n[users]\nbase = \"OU=People,DC=corp,DC=example\"\n",
};
/// A poll takes place every 0.8 to 1.2 s, here.
pub const SOON: Duration = Duration::from_secs(3);

pub type Edit = fn(&mut Directory) -> Result<(), Error>;
pub type Look = fn(&Stage) -> String;

fn members(stage: &Stage, group: &str) -> String {
    format!("{:?}", stage.group(group).map(|group| group.members))
}

fn is_in(stage: &Stage, user: &str, rid: u32) -> String {
    format!("{:?}", stage.gids(user).map(|gids| gids.contains(&(FIRST_ID + rid))))
}

fn name(stage: &Stage, user: &str) -> String {
    format!("{:?}", stage.user(user).map(|user| user.name))
}

/// What changes, where it is looked for, what is to be seen before and after.
pub const CHANGES: &[(&str, Edit, Look, &str, &str)] = &[
    (
        "somebody comes into a group",
        |data| data.add_to_group("alice", "linux-admins"),
        |stage| is_in(stage, "alice", 1201),
        "Some(false)",
        "Some(true)",
    ),
    (
        "and is listed there",
        |data| data.add_to_group("dave", "linux-admins"),
        |stage| members(stage, "linux-admins"),
        "Some([\"bob\"])",
        "Some([\"bob\", \"dave\"])",
    ),
    (
        "somebody leaves a group",
        |data| data.remove_from_group("bob", "linux-admins"),
        |stage| is_in(stage, "bob", 1201),
        "Some(true)",
        "Some(false)",
    ),
    (
        "a group comes into a group",
        |data| data.add_to_group("engineers", "empty"),
        |stage| is_in(stage, "erin", 1244),
        "Some(false)",
        "Some(true)",
    ),
    (
        "and its members are listed there",
        |data| data.add_to_group("engineers", "empty"),
        |stage| members(stage, "empty"),
        "Some([])",
        "Some([\"erin\", \"frank\"])",
    ),
    (
        "somebody comes into a group inside a group",
        |data| data.add_to_group("dave", "engineers"),
        |stage| format!("{}", members(stage, "linux-users").contains("dave")),
        "false",
        "true",
    ),
    (
        "and is in the outer one",
        |data| data.add_to_group("dave", "engineers"),
        |stage| is_in(stage, "dave", 1200),
        "Some(false)",
        "Some(true)",
    ),
    (
        "a user is renamed",
        |data| data.set_attribute("dave", "sAMAccountName", &["david"]),
        |stage| name(stage, "dave"),
        "Some(\"dave\")",
        "None",
    ),
    (
        "and found by id",
        |data| data.set_attribute("dave", "sAMAccountName", &["david"]),
        |stage| format!("{:?}", stage.user_by_id(FIRST_ID + 1110).map(|user| user.name)),
        "Some(\"dave\")",
        "Some(\"david\")",
    ),
    (
        "another name that was asked for is another's, or nobody's",
        |data| data.set_attribute("alice", "userPrincipalName", &["al@corp.example"]),
        |stage| name(stage, "alice@corp.example"),
        "Some(\"alice\")",
        "None",
    ),
    (
        "a name that nobody had is somebody's",
        |data| data.add_user("newcomer", 4711),
        |stage| name(stage, "newcomer"),
        "None",
        "Some(\"newcomer\")",
    ),
    (
        "and an id",
        |data| data.add_user("newcomer", 4711),
        |stage| format!("{:?}", stage.user_by_id(FIRST_ID + 4711).map(|user| user.name)),
        "None",
        "Some(\"newcomer\")",
    ),
    (
        "a full name",
        |data| data.set_attribute("alice", "displayName", &["Alice Ax"]),
        |stage| format!("{:?}", stage.user("alice").map(|user| user.gecos)),
        "Some(\"Alice Archer\")",
        "Some(\"Alice Ax\")",
    ),
    (
        "a primary group",
        |data| data.set_attribute("alice", "primaryGroupID", &["1201"]),
        |stage| is_in(stage, "alice", 1201),
        "Some(false)",
        "Some(true)",
    ),
    (
        "a group is renamed",
        |data| data.set_attribute("engineers", "sAMAccountName", &["builders"]),
        |stage| members(stage, "engineers"),
        "Some([\"erin\", \"frank\"])",
        "None",
    ),
    (
        "and found by id",
        |data| data.set_attribute("engineers", "sAMAccountName", &["builders"]),
        |stage| format!("{:?}", stage.group_by_id(FIRST_ID + 1202).map(|group| group.name)),
        "Some(\"engineers\")",
        "Some(\"builders\")",
    ),
    (
        "somebody is moved out of the base",
        |data| data.move_to("dave", "CN=Dave,OU=Groups,DC=corp,DC=example"),
        |stage| name(stage, "dave"),
        "Some(\"dave\")",
        "None",
    ),
];

#[test]
fn a_change_in_the_directory_is_not_seen() {
    std::thread::scope(|scope| {
        for rows in CHANGES.chunks(5) {
            scope.spawn(move || {
                for (what, edit, look, before, after) in rows {
                    let stage = Stage::new(POLLED);
                    assert_eq!(look(&stage), *before, "{what}");
                    stage.server.edit(*edit).unwrap();
                    let start = Instant::now();
                    while look(&stage) != *after {
                        let seen = look(&stage);
                        assert!(start.elapsed() < SOON, "{what}: {seen} after {SOON:?}");
                        std::thread::sleep(Duration::from_millis(50));
                    }
                }
            });
        }
    });
}

#[test]
fn a_disabled_account_gets_in_until_the_memory_has_forgotten_it() {
    let Some(stage) = Stage::for_logins(POLLED) else { return };
    assert_eq!(stage.account("bob", "sshd").verdict, Verdict::Granted);
    stage.server.edit(|data| data.disable("bob")).unwrap();
    let answer = stage.account("bob", "sshd");
    assert_eq!(answer.verdict, Verdict::Refused(Refusal::AccountDisabled), "{}", answer.line);
}

/// Nothing but the rotation sees these. `positive` is as short as a test can wait.
const ROTATED: Extra<'static> = Extra {
    directory: "",
    sections: "[cache]\npoll = \"1s\"\npositive = \"6s\"\n[access]\nallow = [\"*\"]\n\
               [users]\nbase = \"OU=People,DC=corp,DC=example\"\n",
};

#[test]
fn who_is_gone_is_held_on_to() {
    let stage = Stage::new(ROTATED);
    for user in ["alice", "bob", "carol", "dave"] {
        assert!(stage.user(user).is_some() && stage.gids(user).is_some(), "{user}");
    }
    for group in ["engineers", "linux-admins"] {
        assert!(stage.group(group).is_some(), "{group}");
    }
    let held = || (stage.status().counters.users, stage.status().counters.groups);
    assert_eq!(held(), (4, 2));
    stage.server.edit(|data| {
        data.delete("alice").unwrap();
        data.delete("engineers").unwrap();
        data.move_to("bob", "CN=Bob,OU=Groups,DC=corp,DC=example").unwrap();
    });
    let start = Instant::now();
    // Nobody asks for them: they go by themselves, from the file, too.
    stage.daemon.wait_for("the rotation", || held() == (2, 1));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert_eq!(
        (stage.user("alice"), stage.user("bob"), stage.group("engineers")),
        Default::default()
    );
    assert!(stage.user("carol").is_some() && stage.user("dave").is_some());
    assert!(stage.freshness().verified >= 6, "{:?}", stage.freshness());
}

#[test]
fn what_changed_while_another_server_was_asked_is_never_seen() {
    let stage = Stage::new(POLLED);
    assert_eq!(name(&stage, "alice"), "Some(\"alice\")");
    let before = stage.freshness();
    assert_eq!(before.anew, 1, "{before:?}");
    // Another copy, whose numbers are lower, so that no search of changes would find anything.
    stage.server.edit(|data| {
        data.set_attribute("alice", "displayName", &["Alice Ax"]).unwrap();
        data.set_host("dc2.corp.example", 5);
    });
    stage.server.drop_connections();
    let gecos = || stage.user("alice").map(|user| user.gecos);
    stage.daemon.wait_for("the change", || gecos().as_deref() == Some("Alice Ax"));
    stage.daemon.wait_for("the new beginning", || stage.freshness().anew == 2);
    // The same copy over a new connection goes on where it was.
    stage.server.drop_connections();
    stage.server.edit(|data| data.set_attribute("alice", "displayName", &["Alice B."])).unwrap();
    stage.daemon.wait_for("the change", || gecos().as_deref() == Some("Alice B."));
    assert_eq!(stage.freshness().anew, 2);
}

#[test]
fn what_changed_during_an_outage_is_never_seen() {
    let extra = "connect_timeout = \"300ms\"\noperation_timeout = \"300ms\"\n";
    let stage = Stage::new(Extra { directory: extra, ..POLLED });
    assert_eq!(name(&stage, "alice"), "Some(\"alice\")");
    stage.go_offline();
    stage.server.edit(|data| data.set_attribute("alice", "displayName", &["Alice Ax"])).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(name(&stage, "alice"), "Some(\"alice\")", "not even the old one");
    stage.server.fault(Fault::None);
    let gecos = || stage.user("alice").map(|user| user.gecos);
    stage.daemon.wait_for("the change", || gecos().as_deref() == Some("Alice Ax"));
    assert_eq!(stage.freshness().anew, 1, "the numbers go on over an outage");
}

#[test]
fn a_quiet_directory_is_asked_for_more_than_its_number() {
    let sections = "[cache]\npoll = \"1s\"\n[access]\nallow = [\"*\"]\n";
    let stage = Stage::new(Extra { sections, ..EVERYBODY });
    for user in 1..=50 {
        assert!(stage.user(&format!("u{user:04}")).is_some());
    }
    stage.server.forget_searches();
    let before = stage.freshness();
    std::thread::sleep(Duration::from_secs(6));
    let (after, log) = (stage.freshness(), stage.server.search_log());
    let polls = after.polls - before.polls;
    // Fewer on a busy machine: a poll that is dear is made more seldom.
    assert!((1..=8).contains(&polls), "{polls} polls in 6 s");
    assert_eq!(after.searches, before.searches);
    assert!(log.iter().all(|search| search.base.is_empty()), "{log:?}");
    assert!(log.len() as u64 <= polls + 1, "{} questions for {polls} polls", log.len());

    // Somebody whom nobody here knows changes all the time: one search more for each poll.
    stage.server.forget_searches();
    let before = stage.freshness();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        stage.server.edit(|data| data.set_attribute("zoe", "displayName", &["Zoe"])).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    let (after, log) = (stage.freshness(), stage.server.search_log());
    let polls = after.polls - before.polls;
    let of_changes =
        log.iter().filter(|search| search.filter.contains("uSNChanged")).count() as u64;
    assert!(of_changes > 0 && of_changes <= polls + 1, "{of_changes} searches, {polls} polls");
    let others = log.iter().filter(|search| !search.base.is_empty()).count() as u64 - of_changes;
    assert_eq!(others, 0, "{log:?}");
}

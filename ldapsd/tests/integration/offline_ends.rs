//! What is saved for offline logins, what ends it, and what does not.

use std::path::PathBuf;
use std::time::Duration;

use ldaps_core::protocol::admin::AdminRequest;
use ldaps_core::protocol::messages::Verdict;
use ldaps_core::protocol::tools::Whom;
use ldaps_core::refusal::Refusal;
use test_directory::{Directory, Fault, GroupKind};

use crate::offline::{ALICE, LAPTOP, NEW, RIGHT, WRONG, WRONG_OFFLINE, now};
use crate::stage::{Extra, Stage};

/// Something that happens in AD, and what the person then does while it answers.
type Event = (&'static str, fn(&mut Directory), fn(&Stage) -> Verdict, Verdict);

const WRONG_ONLINE: Verdict = Verdict::Refused(Refusal::WrongPassword);
const DISABLED: Verdict = Verdict::Refused(Refusal::AccountDisabled);
const EXPIRED: Verdict = Verdict::Refused(Refusal::AccountExpired);
const NOT_ALLOWED: Verdict = Verdict::Refused(Refusal::NotAllowed);

fn by_password(stage: &Stage) -> Verdict {
    stage.offline_auth("alice", ALICE, RIGHT).verdict
}

fn by_key(stage: &Stage) -> Verdict {
    stage.account_as("alice", ALICE, "sshd").verdict
}

/// What ends a saved password.
const ENDS: &[Event] = &[
    ("533", |d| d.disable("alice").unwrap(), by_password, DISABLED),
    ("533 seen by a key", |d| d.disable("alice").unwrap(), by_key, DISABLED),
    (
        "701",
        |d| d.set_attribute("alice", "accountExpires", &["1000"]).unwrap(),
        by_password,
        EXPIRED,
    ),
    (
        "701 seen by a key",
        |d| d.set_attribute("alice", "accountExpires", &["1000"]).unwrap(),
        by_key,
        EXPIRED,
    ),
    (
        "the rules",
        |d| d.remove_from_group("alice", "linux-users").unwrap(),
        by_password,
        NOT_ALLOWED,
    ),
    (
        "the rules, by a key",
        |d| d.remove_from_group("alice", "linux-users").unwrap(),
        by_key,
        NOT_ALLOWED,
    ),
    ("another password", |d| d.set_password("alice", NEW).unwrap(), by_password, WRONG_ONLINE),
    (
        "another password, seen by a key",
        |d| d.set_password("alice", NEW).unwrap(),
        by_key,
        Verdict::Granted,
    ),
    ("must change", |d| d.must_change("alice").unwrap(), by_password, Verdict::ChangeFirst),
    ("52e for that very password", wrong_without_a_trace, by_password, WRONG_ONLINE),
    ("Protected Users", protect, by_key, Verdict::Granted),
    (
        "Protected Users refused",
        refuse_protected,
        by_password,
        Verdict::Refused(Refusal::Restriction),
    ),
    (
        "a smart card",
        |d| d.set_attribute("alice", "userAccountControl", &["262656"]).unwrap(),
        by_key,
        Verdict::Granted,
    ),
    ("deleted", |d| d.delete("alice").unwrap(), by_key, Verdict::NotOurs),
];

/// The old password is good for an hour after a change; here it is not, and nothing shows why.
fn wrong_without_a_trace(directory: &mut Directory) {
    directory.refuse_with("alice", Some(0x52e)).unwrap();
}

/// As Samba refuses them.
fn refuse_protected(directory: &mut Directory) {
    protect(directory);
    directory.refuse_with("alice", Some(0x52f)).unwrap();
}

fn protect(directory: &mut Directory) {
    directory.add_group("Protected Users", 525, GroupKind::Global).unwrap();
    directory.add_to_group("alice", "Protected Users").unwrap();
}

#[test]
fn what_ad_says_against_an_account_does_not_end_its_saved_password() {
    for (event, change, act, verdict) in ENDS {
        let Some(stage) = Stage::for_logins(LAPTOP) else { return };
        assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
        assert_eq!(stage.saved().len(), 1, "{event}");
        stage.server.edit(change);
        assert_eq!(act(&stage), *verdict, "{event}");
        assert_eq!(stage.saved(), Vec::<PathBuf>::new(), "{event}: {}", stage.daemon.log());
        stage.go_offline();
        let answer = stage.offline_auth("alice", ALICE, RIGHT);
        assert_ne!(answer.verdict, Verdict::Granted, "{event}: {}", answer.line);
    }
}

/// The name is nobody's then, and so is never tried again.
#[test]
fn what_is_saved_of_a_deleted_account_stays_when_a_look_up_finds_it_gone_or_the_copy_of_everybody()
{
    for sync in ["asked", "all"] {
        let sections = format!("{}[cache]\nsync = \"{sync}\"\npoll = \"1s\"\n", LAPTOP.sections);
        let Some(stage) = Stage::for_logins(Extra { sections: &sections, ..LAPTOP }) else {
            return;
        };
        for user in ["alice", "grace"] {
            assert_eq!(stage.auth(user, "sshd", RIGHT).verdict, Verdict::Granted, "{sync}");
        }
        stage.server.edit(|d| d.delete("alice").unwrap());
        stage.admin(&AdminRequest::Refresh(Whom::User("alice".to_owned())));
        let ended =
            |user| stage.daemon.log().contains(&format!("{user} can no longer log in offline"));
        stage.daemon.wait_for("end of it", || ended("alice"));
        assert_eq!(stage.saved().len(), 1, "{sync}: {}", stage.daemon.log());
        assert!(!ended("grace"), "{sync}: {}", stage.daemon.log());
    }
}

/// What does not.
const GOES_ON: &[Event] = &[
    ("a wrong password", |_| {}, |s| s.offline_auth("alice", ALICE, WRONG).verdict, WRONG_ONLINE),
    ("sudo's own rules", |_| {}, |s| s.auth_as("alice", ALICE, "sudo", RIGHT).verdict, NOT_ALLOWED),
    ("a lockout", |d| d.lock("alice").unwrap(), by_password, Verdict::Refused(Refusal::LockedOut)),
    (
        "the hour",
        |d| d.refuse_with("alice", Some(0x530)).unwrap(),
        by_password,
        Verdict::Refused(Refusal::LogonHours),
    ),
];

#[test]
fn what_says_nothing_of_the_password_ends_it() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    for (event, change, act, verdict) in GOES_ON {
        assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted, "{event}");
        stage.server.edit(change);
        assert_eq!(act(&stage), *verdict, "{event}");
        assert_eq!(stage.saved().len(), 1, "{event}: {}", stage.daemon.log());
        stage.server.edit(|d| {
            d.refuse_with("alice", None).unwrap();
            d.set_attribute("alice", "lockoutTime", &["0"]).unwrap();
        });
    }
}

#[test]
fn a_password_is_saved_that_should_not_be() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    let ago = |minutes: u64| {
        // From 1601, in tenths of a microsecond.
        ((now() - minutes * 60 + 11_644_473_600) * 10_000_000).to_string()
    };
    stage.server.edit(protect);
    stage.server.edit(|d| {
        d.set_attribute("bob", "pwdLastSet", &[&ago(55)]).unwrap();
        d.set_attribute("erin", "pwdLastSet", &[&ago(65)]).unwrap();
    });
    let rows = [
        ("alice", false, "Protected Users"),
        ("bob", false, "less than an hour old"),
        ("erin", true, ""),
        ("grace", true, ""),
    ];
    for (user, saved, words) in rows {
        let before = stage.saved().len();
        assert_eq!(stage.auth(user, "sshd", RIGHT).verdict, Verdict::Granted, "{user}");
        assert_eq!(stage.saved().len() - before, usize::from(saved), "{user}");
        let log = stage.daemon.log();
        assert!(saved || log.contains(&format!("of {user} is not saved")), "{user}: {log}");
        assert!(log.contains(words), "{user}: {log}");
    }
    // Switched off, nothing is saved, and what was is gone.
    stage.configure(Extra { sections: "[access]\nallow = [\"*\"]\n", ..LAPTOP });
    assert_eq!(stage.saved(), Vec::<PathBuf>::new());
    assert_eq!(stage.auth("erin", "sshd", RIGHT).verdict, Verdict::Granted);
    assert_eq!(stage.saved(), Vec::<PathBuf>::new());
}

#[test]
fn after_a_change_here_the_old_password_opens_or_the_new_one_does_not() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    let changed = stage.change("alice", RIGHT, NEW.as_bytes());
    assert_eq!(changed.verdict, Verdict::Granted, "{}", changed.line);
    // For an hour AD takes the old one, too: that must not put it in the place of the new one.
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted, "AD's grace");
    stage.go_offline();
    assert_eq!(stage.offline_auth("alice", ALICE, RIGHT).verdict, WRONG_OFFLINE);
    assert_eq!(stage.offline_auth("alice", ALICE, NEW.as_bytes()).verdict, Verdict::Granted);
}

#[test]
fn a_try_that_is_held_opens_what_was_ended_meanwhile() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    stage.go_offline();
    // The fifth try is held for four seconds.
    for _ in 0..4 {
        assert_eq!(stage.offline_auth("alice", ALICE, WRONG).verdict, WRONG_OFFLINE);
    }
    std::thread::scope(|scope| {
        let held = scope.spawn(|| stage.offline_auth("alice", ALICE, RIGHT));
        // It is held as soon as no server has answered it.
        std::thread::sleep(Duration::from_millis(700));
        stage.server.edit(|d| d.disable("alice").unwrap());
        stage.server.fault(Fault::None);
        while by_key(&stage) != DISABLED {
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(!held.is_finished(), "it was not held");
        let answer = held.join().unwrap();
        assert_eq!(answer.verdict, WRONG_OFFLINE, "{}", answer.line);
    });
    assert_eq!(stage.saved(), Vec::<PathBuf>::new(), "{}", stage.daemon.log());
}

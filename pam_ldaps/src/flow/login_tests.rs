//! Logins on a host that writes down what it is asked for.
#![forbid(unsafe_code)]

use std::io;

use ldaps_core::entries::PasswdEntry;
use ldaps_core::protocol::client::AskError;
use ldaps_core::protocol::frame::FrameError;
use ldaps_core::protocol::messages::{NssReply, Verdict};
use ldaps_core::refusal::Refusal;
use pam::constants::PamResultCode::{self, *};

use super::super::recording::*;
use super::{account, authenticate, set_credentials};
use crate::host::{Host, Resolved, Tone};
use crate::report::Level;
use crate::words::{CHANGE_FIRST, NOT_JUDGED};

#[test]
fn the_steps_of_a_login_happen_in_another_order() {
    let mut host = host();
    assert_eq!(authenticate(&mut host), PAM_SUCCESS);
    assert_eq!(host.steps, after_recognition(&["prompt", "password sent"]));
    assert_eq!(host.logged[0].0, Level::Info);
    host.steps.clear();
    assert_eq!(account(&mut host), PAM_SUCCESS);
    assert_eq!(host.steps, after_recognition(&["account asked"]));
    assert!(host.told.is_empty());
}

/// One host that is not as usual, the last step each phase takes there, and its code.
type Case = (fn(&mut Recording), &'static [&'static str], PamResultCode, PamResultCode);

#[test]
fn somebody_else_than_a_user_of_the_directory_is_asked_or_judged() {
    let table: &[Case] = &[
        (|h| h.local = || Ok(true), &["local?"], PAM_IGNORE, PAM_IGNORE),
        (|h| h.user = c"\xff\xfe", &[], PAM_IGNORE, PAM_IGNORE),
        (|h| h.user = c"a/b", &[], PAM_IGNORE, PAM_IGNORE),
        (|h| h.user = c"10513", &[], PAM_IGNORE, PAM_IGNORE),
        (|h| h.user = c"", &[], PAM_IGNORE, PAM_IGNORE),
        (|h| h.daemon = Daemon::Unconfigured, &["local?", "page"], PAM_IGNORE, PAM_IGNORE),
        (|h| h.resolved = Resolved::NotFound, &RECOGNISED[..3], PAM_IGNORE, PAM_IGNORE),
        (|h| h.resolved = found("alice", 5000), &RECOGNISED[..3], PAM_IGNORE, PAM_IGNORE),
        (a_page_that_claims_the_hosts_ids, &RECOGNISED[..3], PAM_IGNORE, PAM_IGNORE),
        (|h| h.daemon = Daemon::WithoutPage, &RECOGNISED[..3], PAM_IGNORE, PAM_IGNORE),
        // From here on the id is the directory's: the account phase refuses what it cannot place.
        (|h| h.held = || Ok(NssReply::NotFound), RECOGNISED, PAM_IGNORE, PAM_PERM_DENIED),
        (|h| h.held = another_uid, RECOGNISED, PAM_IGNORE, PAM_PERM_DENIED),
        (|h| h.held = another_name, RECOGNISED, PAM_IGNORE, PAM_PERM_DENIED),
    ];
    for (row, (change, steps, auth, acct)) in table.iter().enumerate() {
        for (phase, expected) in [(authenticate as fn(&mut dyn Host) -> _, auth), (account, acct)] {
            let mut host = host();
            change(&mut host);
            assert_eq!(&phase(&mut host), expected, "row {row}");
            assert_eq!(&host.steps, steps, "row {row}");
            assert!(host.told.is_empty(), "row {row}");
        }
    }
}

fn a_page_that_claims_the_hosts_ids(host: &mut Recording) {
    host.ranges = vec![0..=u32::MAX];
    host.resolved = found("alice", 999);
}

fn another_uid() -> Result<NssReply, AskError> {
    Ok(NssReply::User(PasswdEntry { uid: ALICE + 1, ..alice() }))
}

fn another_name() -> Result<NssReply, AskError> {
    Ok(NssReply::User(PasswdEntry { name: "alice2".into(), ..alice() }))
}

#[test]
fn a_daemon_that_cannot_answer_lets_somebody_in_or_has_them_type_a_password_for_nothing() {
    let table: &[(fn(&mut Recording), &[&str])] = &[
        (|h| h.held = || Err(AskError::NotRunning), RECOGNISED),
        (|h| h.held = || Err(AskError::Impostor(1000)), RECOGNISED),
        (|h| h.held = || Ok(NssReply::Unavailable), RECOGNISED),
        (|h| h.held = || Ok(NssReply::Gids(vec![])), RECOGNISED),
        (|h| h.held = damaged, RECOGNISED),
        (|h| h.resolved = Resolved::Failed(libc::EAGAIN), &RECOGNISED[..3]),
        (nobody_there, &RECOGNISED[..3]),
    ];
    for (row, (change, steps)) in table.iter().enumerate() {
        for phase in [authenticate as fn(&mut dyn Host) -> _, account] {
            let mut host = host();
            change(&mut host);
            assert_eq!(phase(&mut host), PAM_AUTHINFO_UNAVAIL, "row {row}");
            assert_eq!(&host.steps, steps, "row {row}");
            assert_eq!(host.logged.last().unwrap().0, Level::Error, "row {row}");
        }
    }
}

fn damaged() -> Result<NssReply, AskError> {
    Ok(NssReply::User(PasswdEntry { home: "a:b".into(), ..alice() }))
}

fn nobody_there(host: &mut Recording) {
    host.daemon = Daemon::WithoutPage;
    host.resolved = Resolved::Failed(libc::EAGAIN);
}

#[test]
fn a_daemon_that_is_lost_in_the_middle_lets_somebody_in() {
    let lost: [fn() -> Result<Verdict, AskError>; 3] = [
        || Err(AskError::Deadline),
        || Err(AskError::Frame(FrameError::Short)),
        || Ok(Verdict::Unavailable),
    ];
    for decision in lost {
        let mut host = Recording { decision, ..host() };
        assert_eq!(authenticate(&mut host), PAM_AUTHINFO_UNAVAIL);
        assert!(host.told.is_empty() && host.granted.is_none());
        assert_eq!(account(&mut host), PAM_AUTHINFO_UNAVAIL);
        assert_eq!(host.told, [(Tone::Error, NOT_JUDGED.to_owned())]);
    }
}

#[test]
fn a_password_that_must_not_be_sent_is_sent() {
    let long: &'static [u8] = &[b'a'; 4096];
    let unusable: [&[u8]; 5] = [b"", long, b"\xff", b"a\0b", b"\x08\n\r\x7fINCORRECT\x08\n"];
    for typed in unusable {
        let mut host = Recording { typed: Ok(typed), ..host() };
        assert_eq!(authenticate(&mut host), PAM_AUTH_ERR, "{typed:?}");
        assert_eq!(host.steps, after_recognition(&["prompt", "delay"]), "{typed:?}");
        assert_eq!(host.logged[0].0, Level::Notice);
    }
}

#[test]
fn a_conversation_without_a_password_is_a_login() {
    let codes: [fn() -> PamResultCode; 3] = [|| PAM_AUTH_ERR, || PAM_AUTHTOK_ERR, || PAM_CONV_ERR];
    for code in codes {
        let mut host = Recording { typed: Err(code), ..host() };
        assert_eq!(authenticate(&mut host), code());
        assert_eq!(host.steps, after_recognition(&["prompt"]));
    }
}

#[test]
fn a_refusal_is_neither_told_nor_delayed_nor_logged() {
    let refused = || Ok(Verdict::Refused(Refusal::AccountDisabled));
    let mut host = Recording { decision: refused, ..host() };
    assert_eq!(authenticate(&mut host), PAM_ACCT_EXPIRED);
    assert_eq!(host.steps.last(), Some(&"delay"));
    let line = Refusal::AccountDisabled.for_the_person().unwrap();
    assert_eq!(host.told, [(Tone::Error, line.to_owned())]);
    let (level, line) = &host.logged[0];
    assert_eq!(*level, Level::Notice);
    assert!(line.contains("data 533") && line.contains("request=00000007"), "{line}");

    host.steps.clear();
    assert_eq!(account(&mut host), PAM_ACCT_EXPIRED);
    assert_eq!(host.steps, after_recognition(&["account asked"]), "no delay where nobody guesses");
}

#[test]
fn a_wrong_password_tells_a_guesser_something() {
    let wrong = || Ok(Verdict::Refused(Refusal::WrongPassword));
    let mut host = Recording { decision: wrong, ..host() };
    assert_eq!(authenticate(&mut host), PAM_AUTH_ERR);
    assert!(host.told.is_empty());
}

#[test]
fn the_daemon_is_told_of_an_authentication_that_was_none() {
    let mut host = host();
    assert_eq!(account(&mut host), PAM_SUCCESS);
    assert_eq!(host.asked_as_authenticated, Some(false), "with a key");
    assert_eq!(authenticate(&mut host), PAM_SUCCESS);
    assert_eq!(account(&mut host), PAM_SUCCESS);
    assert_eq!(host.asked_as_authenticated, Some(true), "with a password");
    host.decision = || Ok(Verdict::Refused(Refusal::WrongPassword));
    assert_eq!(authenticate(&mut host), PAM_AUTH_ERR);
    account(&mut host);
    assert_eq!(host.asked_as_authenticated, Some(false), "after a refusal on the same handle");
}

#[test]
fn an_unreadable_etc_passwd_locks_root_out_or_lets_anybody_in() {
    let unreadable = || Err(io::ErrorKind::PermissionDenied.into());
    let table = [
        (found("root", 0), PAM_IGNORE),
        (found("daemon", 999), PAM_IGNORE),
        (found("alice", ALICE), PAM_SYSTEM_ERR),
        (found("bob", 1000), PAM_SYSTEM_ERR),
        (Resolved::NotFound, PAM_SYSTEM_ERR),
    ];
    for (resolved, code) in table {
        let mut host = Recording { local: unreadable, resolved, ..host() };
        assert_eq!(account(&mut host), code, "{:?}", host.resolved);
        assert_eq!(host.steps, ["local?", "getpwnam_r"]);
        host.steps.clear();
        assert_eq!(authenticate(&mut host), PAM_IGNORE);
        assert_eq!(host.steps, ["local?"]);
    }
}

#[test]
fn setcred_breaks_a_login_of_ours_or_jumps_over_another_modules_credentials() {
    let table: &[(fn(&mut Recording), PamResultCode)] = &[
        (|_| {}, PAM_SUCCESS),
        (|h| h.local = || Ok(true), PAM_IGNORE),
        (|h| h.local = || Err(io::ErrorKind::PermissionDenied.into()), PAM_IGNORE),
        (|h| h.resolved = found("alice", 5000), PAM_IGNORE),
        (|h| h.resolved = Resolved::NotFound, PAM_IGNORE),
        (|h| h.daemon = Daemon::WithoutPage, PAM_IGNORE),
        (|h| h.daemon = Daemon::Unconfigured, PAM_IGNORE),
        (a_page_that_claims_the_hosts_ids, PAM_IGNORE),
        (|h| h.user = c"\xff", PAM_IGNORE),
        (|h| h.granted = Some("alice".into()), PAM_SUCCESS),
    ];
    for (row, (change, code)) in table.iter().enumerate() {
        let mut host = host();
        change(&mut host);
        assert_eq!(&set_credentials(&mut host), code, "row {row}");
        assert!(!host.steps.contains(&"look up"), "row {row}: setcred asked the daemon");
    }
}

#[test]
fn another_sources_user_is_locked_out_where_ids_are_not_the_directorys_alone() {
    const ASKED: &[&str] = &["local?", "page", "getpwnam_r", "look up", "look up uid"];
    let somebody = || Ok(NssReply::User(PasswdEntry { name: "carol".into(), ..alice() }));
    let table: &[Case] = &[
        (|_| {}, ASKED, PAM_IGNORE, PAM_IGNORE),
        // Whose the uid is, nobody else can be, or nobody can say: that lets nobody in.
        (|h| h.exclusive = true, RECOGNISED, PAM_IGNORE, PAM_PERM_DENIED),
        (|h| h.uid_held = || Err(AskError::Deadline), ASKED, PAM_IGNORE, PAM_PERM_DENIED),
        (|h| h.uid_held = || Ok(NssReply::Unavailable), ASKED, PAM_IGNORE, PAM_PERM_DENIED),
    ];
    for (row, (change, steps, auth, acct)) in table.iter().enumerate() {
        for (phase, expected) in [(authenticate as fn(&mut dyn Host) -> _, auth), (account, acct)] {
            let mut host =
                Recording { exclusive: false, held: || Ok(NssReply::NotFound), ..host() };
            change(&mut host);
            assert_eq!(&phase(&mut host), expected, "row {row}");
            assert_eq!(&host.steps, steps, "row {row}");
        }
    }
    let held = || Ok(NssReply::NotFound);
    let mut host = Recording { exclusive: false, held, uid_held: somebody, ..host() };
    assert_eq!(account(&mut host), PAM_PERM_DENIED);
}

#[test]
fn a_password_that_has_to_be_changed_lets_somebody_in_or_is_lost_before_the_change() {
    let mut host = Recording { decision: || Ok(Verdict::ChangeFirst), ..host() };
    assert_eq!(authenticate(&mut host), PAM_SUCCESS);
    assert!(host.told.is_empty());
    assert_eq!(host.kept.as_ref().unwrap().expose(), CURRENT);
    assert_eq!(account(&mut host), PAM_NEW_AUTHTOK_REQD);
    assert_eq!(host.asked_as_authenticated, Some(true));
    assert_eq!(host.told, [(Tone::Info, CHANGE_FIRST.to_owned())]);
    assert!(host.kept.is_some(), "the change comes after the account phase");
}

#[test]
fn the_daemons_word_that_a_password_has_to_be_changed_is_dropped_without_our_authentication() {
    let mut host = Recording { decision: || Ok(Verdict::ChangeFirst), ..host() };
    assert_eq!(account(&mut host), PAM_NEW_AUTHTOK_REQD);
    assert_eq!(host.asked_as_authenticated, Some(false));
}

#[test]
fn a_password_is_kept_that_need_not_be_changed() {
    let later: [fn(&mut Recording); 5] = [
        |h| h.decision = || Ok(Verdict::Granted),
        |h| h.decision = || Ok(Verdict::Refused(Refusal::WrongPassword)),
        |h| h.decision = || Err(AskError::Deadline),
        |h| h.typed = Err(|| PAM_CONV_ERR),
        |h| h.user = c"10513",
    ];
    for (row, change) in later.into_iter().enumerate() {
        let mut host = Recording { decision: || Ok(Verdict::ChangeFirst), ..host() };
        authenticate(&mut host);
        assert!(host.kept.is_some());
        change(&mut host);
        authenticate(&mut host);
        assert!(host.kept.is_none(), "row {row}: after a later authentication on the handle");
    }
}

#[test]
fn a_password_is_kept_for_as_long_as_a_session() {
    let mut host = Recording { decision: || Ok(Verdict::ChangeFirst), ..host() };
    assert_eq!(authenticate(&mut host), PAM_SUCCESS);
    assert_eq!(set_credentials(&mut host), PAM_SUCCESS);
    assert!(host.kept.is_none());
    assert!(host.granted.is_some(), "she stays authenticated");
}

#[test]
fn the_daemons_words_reach_nobody_or_sound_like_a_refusal_to_who_may_go_on() {
    let notice = Some("Your password expires in 5 days.\x1b[2J");
    let shown = "Your password expires in 5 days. [2J".to_owned();
    let mut host = Recording { notice, ..host() };
    assert_eq!(account(&mut host), PAM_SUCCESS);
    assert_eq!(host.told, [(Tone::Info, shown.clone())]);
    host.told.clear();
    host.decision = || Ok(Verdict::Refused(Refusal::AccountDisabled));
    assert_eq!(account(&mut host), PAM_ACCT_EXPIRED);
    assert_eq!(host.told, [(Tone::Error, shown)], "in place of the usual words");
}

//! Password changes on a host that writes down what it is asked for.
#![forbid(unsafe_code)]

use std::io;

use ldaps_core::entries::PasswdEntry;
use ldaps_core::protocol::client::AskError;
use ldaps_core::protocol::frame::FrameError;
use ldaps_core::protocol::messages::{NssReply, Verdict};
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use pam::constants::PamResultCode::{self, *};

use super::super::recording::*;
use super::{change_password, check_current_password};
use crate::host::{Host, Resolved, Tone};
use crate::report::Level;
use crate::words::{NOT_CHANGEABLE, PERHAPS_CHANGED, SAME_PASSWORD};

/// alice, who has just been authenticated with a password that has to be changed.
fn pending() -> Recording {
    let kept = Some(Password::parse(CURRENT).unwrap());
    Recording { granted: Some("alice".into()), kept, ..host() }
}

#[test]
fn the_steps_of_a_change_happen_in_another_order() {
    let mut host = host();
    assert_eq!(check_current_password(&mut host), PAM_SUCCESS);
    assert_eq!(host.steps, after_recognition(&["current?", "current password sent"]));
    host.steps.clear();
    assert_eq!(change_password(&mut host), PAM_SUCCESS);
    assert_eq!(host.steps, after_recognition(&["current?", "new?", "change sent"]));
    assert!(host.told.is_empty());
    let lines: Vec<&str> = host.logged.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines.len(), 2, "one line for each half");
    assert!(lines[1].starts_with("alice has changed the password; uid="), "{lines:?}");
}

#[test]
fn who_comes_from_a_login_is_asked_for_the_password_again_or_it_is_tried_again() {
    let mut host = pending();
    assert_eq!(check_current_password(&mut host), PAM_SUCCESS);
    assert_eq!(host.steps, RECOGNISED);
    assert!(host.kept.is_some());
    host.steps.clear();
    assert_eq!(change_password(&mut host), PAM_SUCCESS);
    assert_eq!(host.steps, after_recognition(&["new?", "change sent"]));
    assert!(host.kept.is_none());
}

#[test]
fn a_password_outlives_the_change() {
    let ends: [fn(&mut Recording); 7] = [
        |h| h.decision = || Ok(Verdict::Refused(Refusal::NewPasswordRejected)),
        |h| h.decision = || Err(AskError::Deadline),
        |h| h.chosen = Ok(b""),
        |h| h.chosen = Ok(CURRENT),
        |h| h.chosen = Err(|| PAM_TRY_AGAIN),
        |h| h.local = || Ok(true),
        |h| h.granted = Some("bob".into()),
    ];
    for (row, change) in ends.into_iter().enumerate() {
        let mut host = pending();
        change(&mut host);
        change_password(&mut host);
        assert!(host.kept.is_none(), "row {row}");
    }
}

#[test]
fn the_password_of_somebody_else_is_taken_for_this_one() {
    let mut host = Recording { granted: Some("bob".into()), ..pending() };
    assert_eq!(check_current_password(&mut host), PAM_SUCCESS);
    assert_eq!(host.steps, after_recognition(&["current?", "current password sent"]));
    host.steps.clear();
    change_password(&mut host);
    assert_eq!(host.steps, after_recognition(&["current?", "new?", "change sent"]));
}

/// A host that is not as usual, the last step there, and the code of both halves.
type Case = (fn(&mut Recording), &'static [&'static str], PamResultCode);

#[test]
fn the_password_of_somebody_who_is_not_the_directorys_is_asked_for() {
    let table: &[Case] = &[
        (|h| h.local = || Ok(true), &["local?"], PAM_IGNORE),
        (|h| h.local = || Err(io::ErrorKind::PermissionDenied.into()), &["local?"], PAM_IGNORE),
        (|h| h.user = c"a/b", &[], PAM_IGNORE),
        (|h| h.daemon = Daemon::Unconfigured, &["local?", "page"], PAM_IGNORE),
        (|h| h.resolved = Resolved::NotFound, &RECOGNISED[..3], PAM_IGNORE),
        (|h| h.resolved = found("alice", 5000), &RECOGNISED[..3], PAM_IGNORE),
        (|h| h.held = || Ok(NssReply::NotFound), RECOGNISED, PAM_IGNORE),
        (|h| h.held = another_uid, RECOGNISED, PAM_IGNORE),
    ];
    for (row, (change, steps, code)) in table.iter().enumerate() {
        for half in [check_current_password as fn(&mut dyn Host) -> _, change_password] {
            let mut host = host();
            change(&mut host);
            assert_eq!(&half(&mut host), code, "row {row}");
            assert_eq!(&host.steps, steps, "row {row}");
            assert!(host.told.is_empty(), "row {row}");
        }
    }
}

fn another_uid() -> Result<NssReply, AskError> {
    Ok(NssReply::User(PasswdEntry { uid: ALICE + 1, ..alice() }))
}

#[test]
fn without_a_daemon_a_password_is_asked_for_or_nobody_says_why_not() {
    let table: &[(fn(&mut Recording), &[&str], PamResultCode, PamResultCode)] = &[
        (|h| h.held = || Err(AskError::NotRunning), RECOGNISED, PAM_TRY_AGAIN, PAM_AUTHTOK_ERR),
        (
            |h| h.resolved = Resolved::Failed(libc::EAGAIN),
            &RECOGNISED[..3],
            PAM_AUTHINFO_UNAVAIL,
            PAM_AUTHINFO_UNAVAIL,
        ),
    ];
    for (row, (change, steps, old, new)) in table.iter().enumerate() {
        for (half, code) in
            [(check_current_password as fn(&mut dyn Host) -> _, old), (change_password, new)]
        {
            let mut host = host();
            change(&mut host);
            assert_eq!(&half(&mut host), code, "row {row}");
            assert_eq!(&host.steps, steps, "row {row}");
            assert_eq!(host.told, [(Tone::Error, NOT_CHANGEABLE.to_owned())], "row {row}");
            assert_eq!(host.logged.last().unwrap().0, Level::Error, "row {row}");
        }
    }
}

#[test]
fn a_change_whose_end_nobody_knows_is_called_one_that_was_not_made() {
    let table: [(fn() -> Result<Verdict, AskError>, &str); 5] = [
        (|| Err(AskError::Deadline), PERHAPS_CHANGED),
        (|| Err(AskError::Frame(FrameError::Short)), PERHAPS_CHANGED),
        (|| Err(AskError::NotRunning), NOT_CHANGEABLE),
        (|| Ok(Verdict::Unavailable), NOT_CHANGEABLE),
        (|| Ok(Verdict::ChangeFirst), NOT_CHANGEABLE),
    ];
    for (row, (decision, line)) in table.into_iter().enumerate() {
        let mut host = Recording { decision, ..host() };
        assert_eq!(change_password(&mut host), PAM_AUTHTOK_ERR, "row {row}");
        assert_eq!(host.told, [(Tone::Error, line.to_owned())], "row {row}");
    }
}

#[test]
fn a_wrong_current_password_is_neither_told_nor_delayed_nor_logged() {
    let mut host =
        Recording { decision: || Ok(Verdict::Refused(Refusal::WrongPassword)), ..host() };
    assert_eq!(check_current_password(&mut host), PAM_AUTH_ERR);
    assert_eq!(host.steps.last(), Some(&"delay"));
    assert_eq!(host.told, [(Tone::Error, "The current password is wrong.".to_owned())]);
    let (level, line) = &host.logged[0];
    assert_eq!(*level, Level::Notice);
    assert!(line.starts_with("alice password not changed: wrong password"), "{line}");
}

#[test]
fn an_expired_password_stops_its_own_change() {
    let mut host = Recording { decision: || Ok(Verdict::ChangeFirst), ..host() };
    assert_eq!(check_current_password(&mut host), PAM_SUCCESS);
    assert!(host.told.is_empty());
}

#[test]
fn a_current_password_that_must_not_be_sent_is_sent() {
    let long: &'static [u8] = &[b'a'; 4096];
    let unusable: [&[u8]; 4] = [b"", long, b"\xff", b"a\0b"];
    for typed in unusable {
        let mut host = Recording { typed: Ok(typed), ..host() };
        assert_eq!(check_current_password(&mut host), PAM_AUTH_ERR, "{typed:?}");
        assert_eq!(host.steps, after_recognition(&["current?", "delay"]), "{typed:?}");
    }
}

#[test]
fn a_new_password_that_need_not_be_tried_is_sent_or_refused_without_a_word() {
    let long: &'static [u8] = &[b'a'; 4096];
    let table: [(&[u8], &str); 5] = [
        (b"", "No new password was given."),
        (long, "The new password is longer"),
        (b"\xff", "The new password has characters"),
        (b"a\0b", "The new password has characters"),
        (CURRENT, SAME_PASSWORD),
    ];
    for (chosen, words) in table {
        let mut host = Recording { chosen: Ok(chosen), ..host() };
        assert_eq!(change_password(&mut host), PAM_AUTHTOK_ERR, "{chosen:?}");
        assert_eq!(host.steps, after_recognition(&["current?", "new?"]), "{chosen:?}");
        assert!(host.told[0].1.starts_with(words), "{:?}", host.told);
        assert_eq!(host.logged.len(), 1);
    }
}

#[test]
fn a_conversation_without_a_password_is_a_change() {
    let codes: [fn() -> PamResultCode; 3] = [|| PAM_AUTHTOK_ERR, || PAM_TRY_AGAIN, || PAM_CONV_ERR];
    for code in codes {
        let mut host = Recording { typed: Err(code), ..host() };
        assert_eq!(check_current_password(&mut host), code());
        assert_eq!(change_password(&mut host), code());
        let mut host = Recording { chosen: Err(code), ..pending() };
        assert_eq!(change_password(&mut host), code());
        assert_eq!(host.steps, after_recognition(&["new?"]));
    }
}

#[test]
fn the_reason_of_a_refused_change_does_not_reach_the_person() {
    let rejected = || Ok(Verdict::Refused(Refusal::NewPasswordRejected));
    let line = "The new password is too short: at least 12 characters, this has 9.";
    let mut host = Recording { decision: rejected, notice: Some(line), ..pending() };
    assert_eq!(change_password(&mut host), PAM_AUTHTOK_ERR);
    assert_eq!(host.told, [(Tone::Error, line.to_owned())]);
    assert_eq!(host.steps.last(), Some(&"change sent"), "no delay where nobody guesses");

    let forbidden = || Ok(Verdict::Refused(Refusal::ChangeForbidden));
    let mut host = Recording { decision: forbidden, ..pending() };
    assert_eq!(change_password(&mut host), PAM_PERM_DENIED);
    let line = Refusal::ChangeForbidden.for_the_person().unwrap();
    assert_eq!(host.told, [(Tone::Error, line.to_owned())]);
}

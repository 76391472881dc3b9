//! Passwords that expire, and passwords that are changed.

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;

use crate::logins::RULES;
use crate::offline::now;
use crate::stage::{EVERYBODY, Extra, Stage};

const OLD: &[u8] = b"Secret.123";
const NEW: &[u8] = "Grüße.世界.456".as_bytes();

fn refused(refusal: Refusal) -> Verdict {
    Verdict::Refused(refusal)
}

#[test]
fn who_must_change_a_password_is_kept_out_or_let_in_without() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    for user in ["pwexpired", "mustchange"] {
        let before = stage.server.total_binds();
        assert_eq!(stage.auth(user, "sshd", OLD).verdict, Verdict::ChangeFirst, "{user}");
        assert_eq!(stage.server.total_binds(), before + 1, "{user}");
        let wrong = stage.auth(user, "sshd", b"Wrong.Secret.99").verdict;
        assert_eq!(wrong, refused(Refusal::WrongPassword), "{user}");
        assert_eq!(stage.account_after_auth(user, "sshd").verdict, Verdict::ChangeFirst, "{user}");

        let by_key = stage.account(user, "sshd");
        assert_eq!(by_key.verdict, Verdict::Granted, "{user}");
        assert!(by_key.line.contains("for its password"), "{}", by_key.line);
    }
}

#[test]
fn who_logs_in_again_is_not_warned_or_of_the_day_of_another_password() {
    const DAY: i64 = 24 * 3600;
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    let set_days_ago = |days: i64| {
        let at = (now() as i64 - days * DAY - 60 + 11_644_473_600) * 10_000_000;
        stage.server.edit(|d| d.set_attribute("alice", "pwdLastSet", &[&at.to_string()])).unwrap();
    };
    let notice = || {
        assert_eq!(stage.auth("alice", "sshd", OLD).verdict, Verdict::Granted);
        let account = stage.account_after_auth("alice", "sshd");
        assert_eq!(account.verdict, Verdict::Granted, "{}", account.line);
        account.notice
    };
    stage.server.edit(|directory| directory.set_policy("maxPwdAge", -42 * DAY * 10_000_000));
    set_days_ago(37);
    for login in ["the first", "the second", "the third"] {
        assert_eq!(notice().as_deref(), Some("Your password expires in 4 days."), "{login}");
    }
    set_days_ago(38);
    assert_eq!(notice().as_deref(), Some("Your password expires in 3 days."), "another password");
    set_days_ago(0);
    assert_eq!((notice(), notice()), (None, None), "a new one");
    // Whatever is remembered, AD says it.
    set_days_ago(43);
    assert_eq!(stage.auth("alice", "sshd", OLD).verdict, Verdict::ChangeFirst);
    assert_eq!(stage.account_after_auth("alice", "sshd").verdict, Verdict::ChangeFirst);
    set_days_ago(0);
    stage.server.edit(|directory| directory.lock("alice")).unwrap();
    assert_eq!(stage.auth("alice", "sshd", OLD).verdict, refused(Refusal::LockedOut));
}

/// Whatever an earlier login left, and whatever attributes of another server say.
#[test]
fn who_has_to_change_a_password_first_is_let_in_without_by_what_is_remembered() {
    let Some(stage) = Stage::for_logins(RULES) else { return };
    let both = |expected: Verdict| {
        let auth = stage.auth("alice", "sshd", OLD);
        assert_eq!(auth.verdict, expected, "{}", auth.line);
        let account = stage.account_after_auth("alice", "sshd");
        assert_eq!(account.verdict, expected, "{}", account.line);
    };
    both(Verdict::Granted);
    for sub_code in [0x532, 0x773] {
        stage.server.edit(|data| data.refuse_with("alice", Some(sub_code))).unwrap();
        both(Verdict::ChangeFirst);
    }
    stage.server.edit(|data| data.refuse_with("alice", None)).unwrap();
    both(Verdict::Granted);
    stage.server.edit(|data| data.set_policy("maxPwdAge", -1));
    both(Verdict::ChangeFirst);
}

#[test]
fn the_state_of_a_password_denies_a_key_only_where_that_is_wanted() {
    let sections = "[pam]\npassword_state_without_auth = \"deny\"\n[access]\nallow = [\"*\"]\n";
    let Some(stage) = Stage::for_logins(Extra { sections, ..Extra::default() }) else { return };
    let table = [
        ("alice", Verdict::Granted),
        ("pwexpired", refused(Refusal::PasswordExpired)),
        ("mustchange", refused(Refusal::PasswordMustChange)),
        ("locked", refused(Refusal::LockedOut)),
    ];
    for (user, verdict) in table {
        assert_eq!(stage.account(user, "sshd").verdict, verdict, "{user}");
    }
}

#[test]
fn an_old_password_is_judged_by_anything_but_one_bind() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    let table: &[(&str, &[u8], Verdict, u64)] = &[
        ("alice", OLD, Verdict::Granted, 1),
        ("alice", b"Wrong.Secret.99", refused(Refusal::WrongPassword), 1),
        ("alice", b"", refused(Refusal::UnusablePassword), 0),
        ("mustchange", OLD, Verdict::ChangeFirst, 1),
        ("disabled", OLD, refused(Refusal::AccountDisabled), 1),
    ];
    for (user, old, verdict, binds) in table {
        let before = stage.server.total_binds();
        assert_eq!(stage.check_old(user, old).verdict, *verdict, "{user}");
        assert_eq!(stage.server.total_binds() - before, *binds, "{user}");
    }
}

#[test]
fn a_changed_password_is_not_the_new_one() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    for user in ["alice", "mustchange", "pwexpired"] {
        stage.server.edit(|directory| directory.set_old_password_seconds(0));
        let before = (stage.server.total_binds(), stage.server.modifies());
        let changed = stage.change(user, OLD, NEW);
        assert_eq!(changed.verdict, Verdict::Granted, "{user}: {}", changed.line);
        assert_eq!(stage.server.total_binds(), before.0, "{user}: a bind for a change");
        assert_eq!(stage.server.modifies(), before.1 + 1, "{user}");
        assert_eq!(stage.auth(user, "sshd", NEW).verdict, Verdict::Granted, "{user}");
        assert_eq!(stage.account_after_auth(user, "sshd").verdict, Verdict::Granted, "{user}");
        let old = stage.auth(user, "sshd", OLD).verdict;
        assert_eq!(old, refused(Refusal::WrongPassword), "{user}");
    }
}

#[test]
fn a_change_that_ad_refuses_is_explained_by_another_reason() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    stage.server.edit(|directory| directory.set_policy("minPwdLength", 12));
    let table: &[(&str, &[u8], &[u8], Verdict, &str)] = &[
        (
            "alice",
            b"Wrong.Secret.99",
            b"Long.Enough.12",
            refused(Refusal::WrongPassword),
            "The current password is wrong.",
        ),
        (
            "alice",
            OLD,
            b"Short.456",
            refused(Refusal::NewPasswordRejected),
            "at least 12 characters; this one has 9",
        ),
    ];
    for (user, old, new, verdict, words) in table {
        let answer = stage.change(user, old, new);
        assert_eq!(answer.verdict, *verdict, "{}", answer.line);
        let notice = answer.notice.unwrap_or_default();
        assert!(notice.contains(words), "{notice}");
        assert_eq!(stage.auth(user, "sshd", OLD).verdict, Verdict::Granted, "it was changed");
    }
    for unusable in [&b""[..], b"a\0b", b"\xff", &[b'a'; 4096]] {
        let before = stage.server.modifies();
        let answer = stage.change("alice", OLD, unusable);
        assert_eq!(answer.verdict, refused(Refusal::UnusablePassword));
        assert_eq!(stage.server.modifies(), before, "it was sent");
    }
}

#[test]
fn who_may_not_change_at_all_is_told_apart_from_what_ad_does_not_take() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    let may_not = Refusal::ChangeForbidden.for_the_person();
    // MS-ERREF's number in AD's answer, words in the journal, the line for the person where it is
    // another than the refusal's own.
    let table = [
        (0x216c, "\"User cannot change password\"", None),
        (5, "the right \"Change Password\" on CN=Alice", None),
        (0x1f, "AD does not take the change as it was made", Some("could not be changed")),
        (0x51f, "AD refused: ConstraintViolation 0000051F", Some("could not be changed")),
    ];
    for (code, words, told) in table {
        stage.server.edit(|directory| directory.refuse_changes_with("alice", Some(code))).unwrap();
        let answer = stage.change("alice", OLD, b"Long.Enough.12");
        assert_eq!(answer.verdict, refused(Refusal::ChangeForbidden), "{code:x}: {}", answer.line);
        assert!(answer.line.contains(words), "{code:x}: {}", answer.line);
        let shown = answer.notice.as_deref().or(may_not).unwrap_or_default().to_owned();
        let wanted = told.or(may_not).unwrap_or_default();
        assert!(shown.contains(wanted), "{code:x}: {shown}");
    }
}

#[test]
fn an_account_is_locked_by_guesses_at_this_host() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    stage.server.edit(|directory| {
        directory.set_policy("lockoutThreshold", 5);
        directory.set_policy("lockOutObservationWindow", -18_000_000_000);
    });
    stage.reload();
    for at in 0..3 {
        let answer = stage.auth("alice", "sshd", b"Wrong.Secret.99");
        assert_eq!(answer.verdict, refused(Refusal::WrongPassword), "try {at}");
    }
    let before = stage.server.total_binds();
    let answer = stage.auth("alice", "sshd", b"Wrong.Secret.99");
    assert_eq!(answer.verdict, refused(Refusal::TooManyAttempts));
    assert!(answer.line.contains("AD locks the account at 5"), "{}", answer.line);
    assert_eq!(stage.check_old("alice", b"x").verdict, refused(Refusal::TooManyAttempts));
    assert_eq!(stage.change("alice", b"x", NEW).verdict, refused(Refusal::TooManyAttempts));
    stage.reload();
    assert_eq!(stage.auth("alice", "sshd", OLD).verdict, refused(Refusal::TooManyAttempts));
    assert_eq!(stage.server.binds("alice"), 3, "AD was asked again");
    assert_eq!(stage.server.total_binds(), before + 1, "the service account's after the reload");
    assert_eq!(stage.auth("bob", "sshd", OLD).verdict, Verdict::Granted, "another account");
}

#[test]
fn guesses_that_come_at_once_are_all_sent() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    stage.server.edit(|directory| {
        directory.set_policy("lockoutThreshold", 5);
        directory.set_policy("lockOutObservationWindow", -18_000_000_000);
    });
    stage.reload();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| stage.auth("alice", "sshd", b"Wrong.Secret.99"));
        }
    });
    assert_eq!(stage.server.binds("alice"), 3);
    let all_in = std::thread::scope(|scope| {
        let logins: Vec<_> =
            (0..10).map(|_| scope.spawn(|| stage.auth("bob", "sshd", OLD))).collect();
        logins.into_iter().all(|login| login.join().unwrap().verdict == Verdict::Granted)
    });
    assert!(all_in, "somebody was kept out by logins of the same person");
}

#[test]
fn a_change_that_no_server_can_make_is_not_said_to_be_that() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    stage.server.edit(|directory| directory.set_read_only(true));
    stage.reload();
    let log = stage.daemon.log();
    assert!(log.contains("is a read-only domain controller, and no writable one"), "{log}");
    let shown = stage.status().servers;
    assert!(shown[0].connected && shown[0].server.ends_with(", read-only"), "{shown:?}");
    // Everything else goes on.
    assert_eq!(stage.auth("alice", "sshd", OLD).verdict, Verdict::Granted);
    assert_eq!(stage.account("alice", "sshd").verdict, Verdict::Granted);
    assert_eq!(stage.check_old("alice", OLD).verdict, Verdict::Granted);
    let answer = stage.change("alice", OLD, NEW);
    assert_eq!(answer.verdict, Verdict::Unavailable, "{}", answer.line);
    let notice = answer.notice.unwrap_or_default();
    assert!(notice.contains("no domain controller that changes passwords"), "{notice}");
    for words in ["password change", "dc1.corp.example:", "read-only domain controller"] {
        assert!(answer.line.contains(words), "{words:?} in {}", answer.line);
    }
    assert_eq!(stage.server.modifies(), 0, "it was sent");
    stage.server.edit(|directory| directory.set_read_only(false));
    stage.reload();
    assert_eq!(stage.change("alice", OLD, NEW).verdict, Verdict::Granted);
    assert!(!stage.status().servers[0].server.contains("read-only"));
}

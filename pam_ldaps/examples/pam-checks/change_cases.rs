//! The table of password changes: who tries what on which host, and what must come of it.
#![forbid(unsafe_code)]

use std::ffi::CStr;

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;

use crate::cases::{
    AUTH_ERR, AUTHINFO_UNAVAIL, AUTHTOK_ERR, IGNORED, PERM_DENIED, SILENT, SUCCESS, TRY_AGAIN,
};
use crate::daemon::{Mode, NEXT, RIGHT};
use crate::ffi::Answer;

/// One change through the module alone.
pub struct Change {
    /// What is tried.
    pub what: &'static str,
    /// PAM_USER.
    pub user: &'static CStr,
    /// What stands behind the module in the PAM file.
    pub arguments: &'static str,
    /// PAM's flags.
    pub flags: i32,
    /// Whether she has just logged in, on the same handle, with a password that has to be changed.
    pub logged_in: bool,
    /// How the conversation answers the prompts.
    pub typed: Vec<Answer>,
    /// How it answers a message.
    pub message: Answer,
    /// How the daemon is.
    pub mode: Mode,
    /// What it decides: about right passwords, or about the new one alone.
    pub verdict: Verdict,
    /// The code of pam_chauthtok.
    pub code: i32,
    /// How many current passwords the daemon is asked to check, each of them a bind.
    pub checked: usize,
    /// How many changes it is asked for.
    pub changed: usize,
    /// How many prompts the person sees in the change.
    pub prompts: usize,
    /// The lines of ours they see in it: the first words of each.
    pub lines: &'static [&'static str],
    /// What a line of the log says; None where the module has nothing to say.
    pub logged: Option<&'static str>,
}

/// The whole table.
pub fn all() -> Vec<Change> {
    [current(), new(), after_a_login(), conversations(), verdicts(), daemons(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn bytes(typed: &[u8]) -> Answer {
    Answer::Bytes(typed.to_vec())
}

/// alice changes her password and all is well; the rows say what is otherwise.
fn alice() -> Change {
    Change {
        what: "change: the right current password",
        user: c"alice",
        arguments: "",
        flags: 0,
        logged_in: false,
        typed: vec![bytes(RIGHT), bytes(NEXT), bytes(NEXT)],
        message: Answer::Nothing,
        mode: Mode::Running,
        verdict: Verdict::Granted,
        code: SUCCESS,
        checked: 1,
        changed: 1,
        prompts: 3,
        lines: &[],
        logged: Some("alice has changed the password"),
    }
}

/// alice, who has just logged in with a password that has to be changed.
fn pending() -> Change {
    Change {
        what: "change: after a login",
        flags: 0x20,
        logged_in: true,
        verdict: Verdict::ChangeFirst,
        typed: vec![bytes(RIGHT), bytes(NEXT), bytes(NEXT)],
        checked: 0,
        prompts: 2,
        ..alice()
    }
}

/// A current password that is refused: nobody is asked for a new one.
fn old(what: &'static str, typed: &[u8], checked: usize, logged: &'static str) -> Change {
    Change {
        what,
        typed: vec![bytes(typed)],
        code: AUTH_ERR,
        checked,
        changed: 0,
        prompts: 1,
        lines: &["The current password is wrong."],
        logged: Some(logged),
        ..alice()
    }
}

fn current() -> Vec<Change> {
    vec![
        alice(),
        old("change: a wrong current password", b"Secret.124", 1, "data 52e"),
        old("change: an empty current password", b"", 0, "the password is empty"),
        old("change: a NUL in the current password", b"Secret\0.123", 1, "data 52e"),
        old("change: a current password of 4 KiB", &[b'x'; 4096], 0, "longer than any"),
        old("change: a current password not UTF-8", b"Secret\xff123", 0, "not UTF-8"),
        Change {
            what: "change: with a password that has expired",
            verdict: Verdict::ChangeFirst,
            ..alice()
        },
    ]
}

/// A new password that is not even sent.
fn unsent(what: &'static str, typed: &[u8], lines: &'static [&'static str]) -> Change {
    Change {
        what,
        typed: vec![bytes(RIGHT), bytes(typed), bytes(typed)],
        code: AUTHTOK_ERR,
        changed: 0,
        lines,
        logged: Some("alice password not changed"),
        ..alice()
    }
}

fn new() -> Vec<Change> {
    vec![
        unsent("change: an empty new password", b"", &["No new password was given."]),
        unsent("change: a new password of 4 KiB", &[b'x'; 4096], &["The new password is longer"]),
        unsent("change: a new password not UTF-8", b"Next\xff123", &["The new password has char"]),
        unsent("change: the same password again", RIGHT, &["The new password is the same"]),
        Change {
            what: "change: a new password in other scripts",
            typed: vec![bytes(RIGHT), bytes("Gr\u{fc}\u{df}e \u{4e16}\u{754c}".as_bytes())],
            ..alice()
        },
        Change {
            what: "change: a new password typed once in another way",
            typed: vec![bytes(RIGHT), bytes(NEXT), bytes(b"Next.Secret.5")],
            code: TRY_AGAIN,
            changed: 0,
            logged: Some("alice gave no new password"),
            ..alice()
        },
    ]
}

fn after_a_login() -> Vec<Change> {
    vec![
        pending(),
        Change {
            what: "change: after a login, a new password that AD does not take",
            verdict: Verdict::Refused(Refusal::NewPasswordRejected),
            code: AUTHTOK_ERR,
            lines: &["At least 20 characters, this has 13. [2J"],
            logged: Some("password not changed"),
            ..pending()
        },
        Change {
            what: "change: after a login, an empty new password",
            typed: vec![bytes(RIGHT), bytes(b"")],
            code: AUTHTOK_ERR,
            changed: 0,
            lines: &["No new password was given."],
            logged: Some("password not changed"),
            ..pending()
        },
        Change {
            what: "change: after a login, use_authtok and no new password before it",
            arguments: "use_authtok",
            ..without_new("", Answer::Nothing)
        },
        Change {
            what: "change: after a login, a prompt answered with an error",
            prompts: 1,
            ..without_new("", Answer::Failure)
        },
    ]
}

/// A conversation that ends before there is a new password.
fn without_new(what: &'static str, answer: Answer) -> Change {
    Change {
        what,
        typed: vec![bytes(RIGHT), answer],
        code: AUTHTOK_ERR,
        changed: 0,
        prompts: 0,
        logged: Some("alice gave no new password"),
        ..pending()
    }
}

fn conversations() -> Vec<Change> {
    let cut = |what, given: usize, answer: Answer| {
        let mut typed = vec![bytes(RIGHT), bytes(NEXT)];
        typed.truncate(given);
        typed.push(answer);
        Change {
            what,
            prompts: typed.len(),
            typed,
            code: AUTHTOK_ERR,
            checked: usize::from(given > 0),
            changed: 0,
            logged: Some("gave no"),
            ..alice()
        }
    };
    let rejected = |what, message| Change {
        what,
        message,
        verdict: Verdict::Refused(Refusal::NewPasswordRejected),
        code: AUTHTOK_ERR,
        lines: &["At least 20"],
        logged: Some("password not changed"),
        ..alice()
    };
    vec![
        cut("change: the first prompt answered with no reply", 0, Answer::NoReply),
        cut("change: the first prompt answered with no text", 0, Answer::Nothing),
        cut("change: the first prompt answered with an error", 0, Answer::Failure),
        cut("change: the second prompt answered with no reply", 1, Answer::NoReply),
        cut("change: the second prompt answered with no text", 1, Answer::Nothing),
        cut("change: the second prompt answered with an error", 1, Answer::Failure),
        cut("change: the third prompt answered with no reply", 2, Answer::NoReply),
        cut("change: the third prompt answered with no text", 2, Answer::Nothing),
        cut("change: the third prompt answered with an error", 2, Answer::Failure),
        rejected("change: a message answered with no reply", Answer::NoReply),
        rejected("change: a message answered with an error", Answer::Failure),
        rejected("change: a message answered with a text", bytes(b"what?")),
        Change { flags: SILENT, lines: &[], ..rejected("change: PAM_SILENT", Answer::Nothing) },
        Change {
            what: "change: use_authtok and no new password before it",
            arguments: "use_authtok",
            prompts: 1,
            ..cut("", 1, Answer::Nothing)
        },
        Change { what: "change: try_first_pass", arguments: "try_first_pass debug", ..alice() },
    ]
}

fn verdicts() -> Vec<Change> {
    let stopped = |what, verdict, code, line: &'static [&'static str], logged| Change {
        what,
        verdict,
        code,
        changed: 0,
        prompts: 1,
        lines: line,
        logged: Some(logged),
        ..alice()
    };
    vec![
        Change {
            what: "change: one that AD forbids",
            verdict: Verdict::Refused(Refusal::ChangeForbidden),
            code: PERM_DENIED,
            lines: &["You may not change this password."],
            logged: Some("does not let the account change"),
            ..alice()
        },
        stopped(
            "change: a disabled account",
            Verdict::Refused(Refusal::AccountDisabled),
            PERM_DENIED,
            &["Your account is disabled."],
            "data 533",
        ),
        stopped(
            "change: a locked account",
            Verdict::Refused(Refusal::LockedOut),
            PERM_DENIED,
            &["Your account is locked"],
            "data 775",
        ),
        stopped(
            "change: no domain controller",
            Verdict::Unavailable,
            TRY_AGAIN,
            &["Your password cannot be changed now."],
            "without an answer",
        ),
        stopped(
            "change: an entry that is the daemon's no more",
            Verdict::NotOurs,
            IGNORED,
            &[],
            "left to other modules",
        ),
    ]
}

fn daemons() -> Vec<Change> {
    // Lost with the current password on its way: nothing can have been changed.
    let lost = |what, mode, checked, logged| Change {
        what,
        mode,
        code: TRY_AGAIN,
        checked,
        changed: 0,
        prompts: 1,
        lines: &["Your password cannot be changed now."],
        logged: Some(logged),
        ..alice()
    };
    let without = |what, mode, logged| Change {
        what,
        mode,
        code: AUTHINFO_UNAVAIL,
        prompts: 0,
        checked: 0,
        logged: Some(logged),
        ..lost("", Mode::Running, 0, "")
    };
    vec![
        without("change: a stopped daemon", Mode::Stopped, "NSS cannot say who"),
        without("change: a hung daemon", Mode::Hung, "NSS cannot say who"),
        without("change: a daemon never started", Mode::NeverStarted, "is not there"),
        lost("change: a daemon that closes", Mode::Closing, 1, "closed without an answer"),
        lost("change: a daemon that says rubbish", Mode::Garbage, 1, "not of ldapsd's protocol"),
        lost("change: somebody in the daemon's place", Mode::Impostor, 0, "runs as uid 1000"),
        Change {
            mode: Mode::Unconfigured,
            ..stranger("change: a host that nobody has configured", c"alice")
        },
    ]
}

/// Somebody who is not the directory's: nothing is asked, of them or about them.
fn stranger(what: &'static str, user: &'static CStr) -> Change {
    Change {
        what,
        user,
        code: IGNORED,
        checked: 0,
        changed: 0,
        prompts: 0,
        logged: None,
        ..alice()
    }
}

fn others() -> Vec<Change> {
    vec![
        stranger("change: root", c"root"),
        stranger("change: a local user", c"bob"),
        Change { mode: Mode::Hung, ..stranger("change: a local user, daemon hung", c"bob") },
        stranger("change: somebody nobody knows", c"nobody-of-this-name"),
        stranger("change: a name that is no name", c"a/b"),
        Change {
            logged: Some("twoface left to other modules"),
            ..stranger("change: NSS and the daemon disagree", c"twoface")
        },
    ]
}

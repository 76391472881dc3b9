//! The table: who tries what on which host, and what must come of it.
#![forbid(unsafe_code)]

use std::ffi::CStr;

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;

use crate::daemon::{Mode, RIGHT};
use crate::ffi::Answer;

/// The codes that the table speaks of (security/_pam_types.h).
pub const SUCCESS: i32 = 0;
pub const PERM_DENIED: i32 = 6;
pub const AUTH_ERR: i32 = 7;
pub const AUTHINFO_UNAVAIL: i32 = 9;
pub const MAXTRIES: i32 = 11;
pub const NEW_AUTHTOK_REQD: i32 = 12;
pub const ACCT_EXPIRED: i32 = 13;
pub const AUTHTOK_ERR: i32 = 20;
pub const TRY_AGAIN: i32 = 24;
pub const AUTHTOK_EXPIRED: i32 = 27;
/// What the stack returns where our module has returned PAM_IGNORE: PAM_NO_MODULE_DATA, which no
/// module gives of itself.
pub const IGNORED: i32 = 18;

/// PAM_SILENT.
pub const SILENT: i32 = 0x8000;

/// One login through the module alone.
pub struct Case {
    /// What is tried.
    pub what: &'static str,
    /// PAM_USER.
    pub user: &'static CStr,
    /// What stands behind the module in the PAM file.
    pub arguments: &'static str,
    /// PAM's flags.
    pub flags: i32,
    /// How the conversation answers a prompt.
    pub prompt: Answer,
    /// How the conversation answers a message.
    pub message: Answer,
    /// How the daemon is.
    pub mode: Mode,
    /// What it decides about right passwords and about accounts.
    pub verdict: Verdict,
    /// The code of pam_authenticate, and of pam_acct_mgmt on the same handle.
    pub codes: (i32, i32),
    /// How many passwords reach the daemon.
    pub sent: usize,
    /// How many prompts the person sees.
    pub prompts: usize,
    /// How many lines of ours the person sees, in both phases together.
    pub lines: usize,
    /// Whether libpam is asked to hold the refusal back.
    pub delayed: bool,
    /// Whether the daemon's page may be looked at at all.
    pub page_opened: bool,
    /// What a line of the log says; None where the module has nothing to say.
    pub logged: Option<&'static str>,
}

/// alice logs in and all is well; the rows say what is otherwise.
fn alice() -> Case {
    Case {
        what: "the right password",
        user: c"alice",
        arguments: "",
        flags: 0,
        prompt: Answer::Bytes(RIGHT.to_vec()),
        message: Answer::Nothing,
        mode: Mode::Running,
        verdict: Verdict::Granted,
        codes: (SUCCESS, SUCCESS),
        sent: 1,
        prompts: 1,
        lines: 0,
        delayed: false,
        page_opened: true,
        logged: Some("alice authenticated"),
    }
}

/// A password that is refused; the account phase, which asks without one, is not concerned.
fn typed(what: &'static str, password: &[u8], sent: usize, logged: &'static str) -> Case {
    let prompt = Answer::Bytes(password.to_vec());
    let codes = (AUTH_ERR, SUCCESS);
    Case { what, prompt, codes, sent, delayed: true, logged: Some(logged), ..alice() }
}

/// A daemon that decides this about alice.
fn refused(what: &'static str, refusal: Refusal, codes: (i32, i32), lines: usize) -> Case {
    let verdict = Verdict::Refused(refusal);
    Case { what, verdict, codes, lines, delayed: true, logged: Some("alice refused"), ..alice() }
}

/// A daemon that is not to be asked: nobody is prompted for nothing.
fn without(what: &'static str, mode: Mode, code: i32, logged: &'static str) -> Case {
    let logged = Some(logged);
    Case { what, mode, codes: (code, code), sent: 0, prompts: 0, logged, ..alice() }
}

/// A daemon that is lost when the password has been sent.
fn lost(what: &'static str, mode: Mode, sent: usize, logged: &'static str) -> Case {
    let codes = (AUTHINFO_UNAVAIL, AUTHINFO_UNAVAIL);
    Case { what, mode, codes, sent, lines: 1, logged: Some(logged), ..alice() }
}

/// Somebody who is not the directory's: nothing is asked, of them or about them, nothing logged.
fn stranger(what: &'static str, user: &'static CStr, mode: Mode) -> Case {
    let codes = (IGNORED, IGNORED);
    Case { what, user, mode, codes, sent: 0, prompts: 0, logged: None, ..alice() }
}

/// Somebody of whom that is known from /etc/passwd or the name alone.
fn local(what: &'static str, user: &'static CStr, mode: Mode) -> Case {
    Case { page_opened: false, ..stranger(what, user, mode) }
}

/// The whole table.
pub fn all() -> Vec<Case> {
    [passwords(), conversations(), verdicts(), daemons(), others()].into_iter().flatten().collect()
}

fn passwords() -> Vec<Case> {
    vec![
        alice(),
        typed("a wrong password", b"Secret.124", 1, "data 52e"),
        typed("an empty password", b"", 0, "the password is empty"),
        // C ends the string at the NUL, so this is just another wrong password.
        typed("a NUL in the password", b"Secret\0.123", 1, "data 52e"),
        typed("a password of 4 KiB", &[b'x'; 4096], 0, "longer than any"),
        typed("a password that is not UTF-8", b"Secret\xff123", 0, "not UTF-8"),
        typed("sshd's junk", b"\x08\n\r\x7fINCORRECT\x08\n\r", 0, "sshd had refused"),
    ]
}

fn conversations() -> Vec<Case> {
    let broken = |what, prompt| Case {
        what,
        prompt,
        codes: (AUTHTOK_ERR, SUCCESS),
        sent: 0,
        logged: Some("gave no password"),
        ..alice()
    };
    let disabled = |what, message| Case {
        message,
        ..refused(what, Refusal::AccountDisabled, (ACCT_EXPIRED, ACCT_EXPIRED), 2)
    };
    vec![
        broken("a prompt answered with no reply", Answer::NoReply),
        broken("a prompt answered with no text", Answer::Nothing),
        broken("a prompt answered with an error", Answer::Failure),
        disabled("a message answered with no reply", Answer::NoReply),
        disabled("a message answered with an error", Answer::Failure),
        disabled("a message answered with a text", Answer::Bytes(b"what?".to_vec())),
        Case { flags: SILENT, lines: 0, ..disabled("PAM_SILENT", Answer::Nothing) },
        Case {
            arguments: "use_first_pass",
            codes: (AUTH_ERR, SUCCESS),
            prompts: 0,
            ..broken("use_first_pass and no first pass", Answer::Nothing)
        },
        Case { what: "try_first_pass", arguments: "try_first_pass debug", ..alice() },
        Case {
            what: "an argument nobody knows",
            arguments: "use_frist_pass",
            logged: Some("the argument \"use_frist_pass\" is not known"),
            ..alice()
        },
    ]
}

fn verdicts() -> Vec<Case> {
    vec![
        refused("a disabled account", Refusal::AccountDisabled, (ACCT_EXPIRED, ACCT_EXPIRED), 2),
        refused(
            "an expired password",
            Refusal::PasswordExpired,
            (AUTHTOK_EXPIRED, AUTHTOK_EXPIRED),
            2,
        ),
        Case {
            what: "a password that has to be changed",
            verdict: Verdict::ChangeFirst,
            codes: (SUCCESS, NEW_AUTHTOK_REQD),
            lines: 1,
            logged: Some("has to change the password first"),
            ..alice()
        },
        refused("a locked account", Refusal::LockedOut, (MAXTRIES, PERM_DENIED), 2),
        refused("somebody not allowed", Refusal::NotAllowed, (PERM_DENIED, PERM_DENIED), 0),
        refused("an account gone from AD", Refusal::NoSuchUser, (AUTH_ERR, PERM_DENIED), 0),
        Case {
            what: "no domain controller",
            verdict: Verdict::Unavailable,
            ..lost("", Mode::Running, 1, "refused, not judged")
        },
        Case {
            what: "an entry that is the daemon's no more",
            verdict: Verdict::NotOurs,
            codes: (IGNORED, PERM_DENIED),
            logged: Some("left to other modules"),
            ..alice()
        },
    ]
}

fn daemons() -> Vec<Case> {
    vec![
        // The NSS module cannot say who alice is, so this one cannot know that she is ours.
        without("a stopped daemon", Mode::Stopped, AUTHINFO_UNAVAIL, "NSS cannot say who"),
        without("a hung daemon", Mode::Hung, AUTHINFO_UNAVAIL, "NSS cannot say who"),
        without("a daemon never started", Mode::NeverStarted, AUTHINFO_UNAVAIL, "is not there"),
        Case {
            logged: None,
            ..without("a host that nobody has configured", Mode::Unconfigured, IGNORED, "")
        },
        lost("a daemon that closes", Mode::Closing, 1, "closed without an answer"),
        lost("a daemon that says rubbish", Mode::Garbage, 1, "not of ldapsd's protocol"),
        lost("somebody in the daemon's place", Mode::Impostor, 0, "runs as uid 1000"),
    ]
}

fn others() -> Vec<Case> {
    vec![
        local("root, daemon running", c"root", Mode::Running),
        local("root, daemon stopped", c"root", Mode::Stopped),
        local("root, daemon hung", c"root", Mode::Hung),
        local("root, daemon never started", c"root", Mode::NeverStarted),
        local("root, unconfigured", c"root", Mode::Unconfigured),
        local("a local user, daemon running", c"bob", Mode::Running),
        local("a local user, daemon stopped", c"bob", Mode::Stopped),
        local("a local user, daemon hung", c"bob", Mode::Hung),
        stranger("somebody nobody knows", c"nobody-of-this-name", Mode::Running),
        local("a name that is no name", c"a/b", Mode::Running),
        local("a name that is not UTF-8", c"\xff\xfe", Mode::Running),
        local("a name of digits", c"200001", Mode::Running),
        Case {
            codes: (IGNORED, PERM_DENIED),
            logged: Some("twoface left to other modules"),
            ..stranger("NSS and the daemon disagree", c"twoface", Mode::Running)
        },
    ]
}

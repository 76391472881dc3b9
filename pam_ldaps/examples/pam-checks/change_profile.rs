//! Password changes through the stacks that pam-auth-update makes of our profile: `passwd` and what
//! a login asks for, for users of the directory and for local ones.
#![forbid(unsafe_code)]

use std::ffi::CStr;

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;

use crate::cases::{AUTHTOK_ERR, NEW_AUTHTOK_REQD, SUCCESS};
use crate::daemon::{Daemon, Mode, NEXT, RIGHT};
use crate::ffi::{Answer, Conversation, Login};
use crate::{Count, Faults, same};

/// PAM_CHANGE_EXPIRED_AUTHTOK.
const EXPIRED: i32 = 0x20;
/// What bob chooses: root is not asked for the one he has.
const LOCAL_NEXT: &[u8] = b"Local.Other.2";
/// A module that has the new password typed and looks at it, before ours, as pam_pwquality does;
/// this one comes with libpam itself.
const BEHIND_ANOTHER: &str = "password requisite pam_pwhistory.so\n\
                              password [success=done ignore=ignore default=die] pam_ldaps.so use_authtok\n\
                              password requisite pam_deny.so\n";

/// One change.
struct Row {
    what: &'static str,
    service: &'static str,
    user: &'static CStr,
    typed: &'static [&'static [u8]],
    mode: Mode,
    verdict: Verdict,
    code: i32,
    /// How many prompts the person sees.
    prompts: usize,
    /// How many current passwords are checked and how many changes asked for.
    asked: (usize, usize),
}

const ALICE: Row = Row {
    what: "passwd: alice",
    service: "ldaps-profile",
    user: c"alice",
    typed: &[RIGHT, NEXT, NEXT],
    mode: Mode::Running,
    verdict: Verdict::Granted,
    code: SUCCESS,
    prompts: 3,
    asked: (1, 1),
};

const ROWS: &[Row] = &[
    ALICE,
    Row {
        what: "passwd: alice, a wrong current password",
        typed: &[b"Secret.124"],
        code: AUTHTOK_ERR,
        prompts: 1,
        asked: (1, 0),
        ..ALICE
    },
    // The first half has succeeded; the second must not end at pam_permit for that.
    Row {
        what: "passwd: alice, a new password that AD does not take",
        verdict: Verdict::Refused(Refusal::NewPasswordRejected),
        code: AUTHTOK_ERR,
        ..ALICE
    },
    Row {
        what: "passwd: alice, no domain controller",
        verdict: Verdict::Unavailable,
        code: AUTHTOK_ERR,
        prompts: 1,
        asked: (1, 0),
        ..ALICE
    },
    Row { what: "passwd: alice, another module before ours", service: "ldaps-behind", ..ALICE },
    Row {
        what: "passwd: alice, another module before ours, and AD does not take it",
        service: "ldaps-behind",
        verdict: Verdict::Refused(Refusal::NewPasswordRejected),
        code: AUTHTOK_ERR,
        ..ALICE
    },
    local("passwd: bob, local, daemon running", Mode::Running),
    local("passwd: bob, local, daemon stopped", Mode::Stopped),
    local("passwd: bob, local, daemon hung", Mode::Hung),
    local("passwd: bob, local, unconfigured", Mode::Unconfigured),
];

/// A local user, of whose change the daemon hears nothing, and whom it could not stop.
const fn local(what: &'static str, mode: Mode) -> Row {
    let typed: &[&[u8]] = &[LOCAL_NEXT];
    let verdict = Verdict::Refused(Refusal::ChangeForbidden);
    Row { what, user: c"bob", typed, mode, verdict, prompts: 2, asked: (0, 0), ..ALICE }
}

/// Goes through the rows, and through a login that leads to a change.
pub fn check(count: &mut Count) {
    let profile = "@include common-auth\n@include common-account\n@include common-password\n";
    for (service, file) in [("ldaps-profile", profile), ("ldaps-behind", BEHIND_ANOTHER)] {
        if let Err(error) = std::fs::write(format!("/etc/pam.d/{service}"), file) {
            return count.check("passwd: the PAM files", &vec![error.to_string()]);
        }
    }
    for row in ROWS {
        count.check(row.what, &run(row).unwrap_or_else(|error| vec![error]));
    }
    for (what, verdict, code) in [
        ("login: a password that has to be changed, and is", Verdict::ChangeFirst, SUCCESS),
        (
            "login: a password that has to be changed, and AD does not take the new one",
            Verdict::Refused(Refusal::NewPasswordRejected),
            AUTHTOK_ERR,
        ),
    ] {
        count.check(what, &log_in(verdict, code).unwrap_or_else(|error| vec![error]));
    }
}

fn start(service: &str, user: &CStr, typed: &[&[u8]]) -> Result<Login, String> {
    let to_prompts = typed.iter().map(|typed| Answer::Bytes(typed.to_vec())).collect();
    let conversation = Conversation { to_prompts, ..Conversation::typing(b"") };
    let login = Login::start(service, user, None, conversation);
    Ok(login.map_err(|code| format!("pam_start gives {code}"))?.without_delay())
}

fn run(row: &Row) -> Result<Faults, String> {
    let mut daemon = Daemon::start(row.mode, row.verdict).map_err(|error| error.to_string())?;
    let mut faults = Faults::new();
    let mut login = start(row.service, row.user, row.typed)?;
    same(&mut faults, "chauthtok's code", &login.change_password(0), &row.code);
    same(&mut faults, "the number of prompts", &login.seen().prompts, &row.prompts);
    let asked = daemon.asked();
    let counts = (asked.checks.len(), asked.changes.len());
    same(&mut faults, "passwords checked and changed", &counts, &row.asked);
    if row.user == c"bob" {
        same(&mut faults, "whether the page was opened", &daemon.page_was_opened(), &false);
    }
    Ok(faults)
}

/// What login(1), su(1) and sshd's keyboard-interactive authentication do, one call after another.
fn log_in(verdict: Verdict, code: i32) -> Result<Faults, String> {
    let daemon = Daemon::start(Mode::Running, verdict).map_err(|error| error.to_string())?;
    let mut faults = Faults::new();
    let mut login = start("ldaps-profile", c"alice", &[RIGHT, NEXT, NEXT])?;
    same(&mut faults, "auth's code", &login.authenticate(0), &SUCCESS);
    same(&mut faults, "account's code", &login.account(0), &NEW_AUTHTOK_REQD);
    same(&mut faults, "chauthtok's code", &login.change_password(EXPIRED), &code);
    same(&mut faults, "the number of prompts", &login.seen().prompts, &3);
    let asked = daemon.asked();
    same(&mut faults, "the number of binds", &asked.passwords.len(), &1);
    same(&mut faults, "passwords checked", &asked.checks.len(), &0);
    let change = vec![(RIGHT.to_vec(), NEXT.to_vec())];
    same(&mut faults, "the change", &asked.changes, &change);
    if code == SUCCESS {
        same(&mut faults, "setcred's code", &login.set_credentials(2), &SUCCESS);
    }
    Ok(faults)
}

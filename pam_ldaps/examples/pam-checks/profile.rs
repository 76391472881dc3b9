//! The stacks that pam-auth-update makes of our profile, beside pam_unix: what is IGNORE for the
#![forbid(unsafe_code)]
//! module alone must be no more and no less than nothing here.

use std::ffi::CStr;

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;

use crate::cases::{ACCT_EXPIRED, AUTH_ERR, AUTHINFO_UNAVAIL, SUCCESS};
use crate::daemon::{Daemon, Mode, RIGHT};
use crate::ffi::{Conversation, Login};
use crate::{Count, Faults, open_descriptors, same};

/// PAM_ESTABLISH_CRED.
const ESTABLISH: i32 = 2;
/// bob's password, in the sandbox's /etc/shadow (`tests/host/pam-checks-setup`).
const LOCAL: &[u8] = b"Local.Pass.1";

/// One login through common-auth and common-account.
struct Row {
    what: &'static str,
    user: &'static CStr,
    typed: &'static [u8],
    mode: Mode,
    verdict: Verdict,
    /// The codes of pam_authenticate and of pam_acct_mgmt after it; pam_setcred after an
    /// authentication that succeeded always succeeds.
    codes: (i32, i32),
    /// The code of pam_acct_mgmt with nothing before it, as with an SSH key.
    key: i32,
    /// How many passwords reach the daemon.
    sent: usize,
}

const DISABLED: Verdict = Verdict::Refused(Refusal::AccountDisabled);

const ROWS: &[Row] = &[
    Row {
        what: "profile: alice, the right password",
        user: c"alice",
        typed: RIGHT,
        mode: Mode::Running,
        verdict: Verdict::Granted,
        codes: (SUCCESS, SUCCESS),
        key: SUCCESS,
        sent: 1,
    },
    Row {
        what: "profile: alice, a wrong password",
        user: c"alice",
        typed: b"Secret.124",
        mode: Mode::Running,
        verdict: Verdict::Granted,
        codes: (AUTH_ERR, SUCCESS),
        key: SUCCESS,
        sent: 1,
    },
    Row {
        what: "profile: alice, disabled, with a password and with a key",
        user: c"alice",
        typed: RIGHT,
        mode: Mode::Running,
        verdict: DISABLED,
        codes: (AUTH_ERR, ACCT_EXPIRED),
        key: ACCT_EXPIRED,
        sent: 1,
    },
    Row {
        what: "profile: alice, no domain controller",
        user: c"alice",
        typed: RIGHT,
        mode: Mode::Running,
        verdict: Verdict::Unavailable,
        codes: (AUTH_ERR, AUTHINFO_UNAVAIL),
        key: AUTHINFO_UNAVAIL,
        sent: 1,
    },
    local("profile: bob, local, daemon running", LOCAL, Mode::Running, SUCCESS),
    local("profile: bob, local, daemon stopped", LOCAL, Mode::Stopped, SUCCESS),
    local("profile: bob, local, daemon hung", LOCAL, Mode::Hung, SUCCESS),
    local("profile: bob, local, unconfigured", LOCAL, Mode::Unconfigured, SUCCESS),
    local("profile: bob, local, a wrong password", RIGHT, Mode::Running, AUTH_ERR),
];

/// A local user, whose account is in order whatever was typed.
const fn local(what: &'static str, typed: &'static [u8], mode: Mode, auth: i32) -> Row {
    let (user, verdict, codes) = (c"bob", DISABLED, (auth, SUCCESS));
    Row { what, user, typed, mode, verdict, codes, key: SUCCESS, sent: 0 }
}

/// Goes through the rows.
pub fn check(count: &mut Count) {
    let file = "@include common-auth\n@include common-account\n";
    if let Err(error) = std::fs::write("/etc/pam.d/ldaps-profile", file) {
        return count.check("profile: the PAM file", &vec![error.to_string()]);
    }
    for row in ROWS {
        let faults = run(row).unwrap_or_else(|error| vec![error]);
        count.check(row.what, &faults);
    }
    count.check("a thousand logins leave no descriptor open", &descriptors());
}

fn start(user: &CStr, typed: &[u8]) -> Result<Login, String> {
    let login = Login::start("ldaps-profile", user, None, Conversation::typing(typed));
    Ok(login.map_err(|code| format!("pam_start gives {code}"))?.without_delay())
}

fn run(row: &Row) -> Result<Faults, String> {
    let daemon = Daemon::start(row.mode, row.verdict).map_err(|error| error.to_string())?;
    let mut faults = Faults::new();
    let mut login = start(row.user, row.typed)?;
    same(&mut faults, "auth's code", &login.authenticate(0), &row.codes.0);
    same(&mut faults, "the number of prompts", &login.seen().prompts, &1);
    same(&mut faults, "account's code", &login.account(0), &row.codes.1);
    if row.codes.0 == SUCCESS {
        same(&mut faults, "setcred's code", &login.set_credentials(ESTABLISH), &SUCCESS);
    }
    let mut key = start(row.user, b"")?;
    same(&mut faults, "account's code with a key", &key.account(0), &row.key);
    same(&mut faults, "setcred's code with a key", &key.set_credentials(ESTABLISH), &SUCCESS);
    same(&mut faults, "passwords sent", &daemon.asked().passwords.len(), &row.sent);
    Ok(faults)
}

fn descriptors() -> Faults {
    let mut faults = Faults::new();
    let Ok(_daemon) = Daemon::start(Mode::Running, Verdict::Granted) else {
        return vec!["the daemon does not start".to_owned()];
    };
    let mut before = 0;
    for round in 0..1000 {
        let Ok(mut login) = start(c"alice", RIGHT) else { return vec!["no login".to_owned()] };
        login.authenticate(0);
        login.account(0);
        drop(login);
        // The first round opens what libpam and the C library keep for themselves.
        if round == 0 {
            before = open_descriptors();
        }
    }
    same(&mut faults, "the number of open descriptors", &open_descriptors(), &before);
    faults
}

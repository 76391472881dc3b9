//! The module on ldapsd and the test directory: what AD says of an account reaches the program,
//! and how many binds that took.
#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::client::{Socket, ask};
use ldaps_core::run_dir::{BUILT_IN, RunDir};

use crate::cases::{
    ACCT_EXPIRED, AUTH_ERR, AUTHINFO_UNAVAIL, AUTHTOK_ERR, IGNORED, MAXTRIES, NEW_AUTHTOK_REQD,
    PERM_DENIED, SUCCESS,
};
use crate::daemon::{NEXT, RIGHT};
use crate::ffi::{Answer, Conversation, Login};
use crate::scripted::said_by_us;
use crate::{Count, Faults, product, same, write_pam_files};

/// Where `tests/host/domain` keeps the daemon's process id.
const LDAPSD_PID: &str = "/run/domain/ldapsd.pid";
/// Longer than any heartbeat may be old.
const STALE: Duration = Duration::from_millis(3_500);
/// What a local user may wait at most, whatever the daemon does.
const LOCAL_SPEED: Duration = Duration::from_millis(200);

/// PAM_USER, what is typed, the codes of pam_authenticate and of pam_acct_mgmt alone (as with an
/// SSH key), and how many binds AD sees.
type Row = (&'static CStr, &'static [u8], i32, i32, u64);

const WRONG: &[u8] = b"Secret.124";

/// The accounts are those of `tests/directory/src/population.rs`.
const ROWS: &[Row] = &[
    (c"alice", RIGHT, SUCCESS, SUCCESS, 1),
    (c"ALICE", RIGHT, SUCCESS, SUCCESS, 1),
    (c"alice@corp.example", RIGHT, SUCCESS, SUCCESS, 1),
    (c"CORP\\alice", RIGHT, SUCCESS, SUCCESS, 1),
    (c"jos\u{e9}", RIGHT, SUCCESS, SUCCESS, 1),
    (c"joe blogs", RIGHT, SUCCESS, SUCCESS, 1),
    (c"jsmith", RIGHT, SUCCESS, SUCCESS, 1),
    (c"alice", WRONG, AUTH_ERR, SUCCESS, 1),
    (c"alice", b"", AUTH_ERR, SUCCESS, 0),
    (c"alice", b"\x08\n\r\x7fINCORRECT", AUTH_ERR, SUCCESS, 0),
    (c"alice", &[b'x'; 4096], AUTH_ERR, SUCCESS, 0),
    (c"alice", b"Secret\xff123", AUTH_ERR, SUCCESS, 0),
    // Not of @linux-users, which the rules are about.
    (c"dave", RIGHT, PERM_DENIED, PERM_DENIED, 0),
    (c"disabled", RIGHT, ACCT_EXPIRED, ACCT_EXPIRED, 1),
    (c"expired", RIGHT, ACCT_EXPIRED, ACCT_EXPIRED, 1),
    (c"nohours", RIGHT, PERM_DENIED, PERM_DENIED, 1),
    // What is wrong with a password does not concern a key; with the password itself the account
    // phase says so (`CHANGES`).
    (c"pwexpired", RIGHT, SUCCESS, SUCCESS, 1),
    (c"mustchange", RIGHT, SUCCESS, SUCCESS, 1),
    (c"pwexpired", WRONG, AUTH_ERR, SUCCESS, 1),
    (c"locked", RIGHT, MAXTRIES, SUCCESS, 1),
    // What only a bind shows.
    (c"restricted", RIGHT, PERM_DENIED, SUCCESS, 1),
    (c"toomany", RIGHT, PERM_DENIED, SUCCESS, 1),
    (c"strange", RIGHT, PERM_DENIED, SUCCESS, 1),
    (c"nouac", RIGHT, PERM_DENIED, PERM_DENIED, 0),
    // Nobody of the directory's.
    (c"root", RIGHT, IGNORED, IGNORED, 0),
    (c"daemon", RIGHT, IGNORED, IGNORED, 0),
    (c"DC1$", RIGHT, IGNORED, IGNORED, 0),
    (c"no-such-person", RIGHT, IGNORED, IGNORED, 0),
    (c"*", RIGHT, IGNORED, IGNORED, 0),
    (c"a)(b", RIGHT, IGNORED, IGNORED, 0),
];

/// One change after another: PAM_USER, whether it begins with a login, what is typed, the code of
/// pam_chauthtok, how many binds AD sees in it (that of the login aside), and the first words of
/// the line shown. Every password stays as the row before has left it.
type Change = (&'static CStr, bool, [&'static [u8]; 3], i32, u64, &'static str);

const CHANGES: &[Change] = &[
    (c"pwexpired", true, [RIGHT, b"Sh0.t", b"Sh0.t"], AUTHTOK_ERR, 0, "The new password"),
    (c"pwexpired", true, [RIGHT, NEXT, NEXT], SUCCESS, 0, ""),
    (c"mustchange", false, [WRONG, b"", b""], AUTH_ERR, 1, "The current password is wrong."),
    (c"mustchange", false, [b"", b"", b""], AUTH_ERR, 0, "The current password is wrong."),
    (c"mustchange", false, [RIGHT, NEXT, NEXT], SUCCESS, 1, ""),
    (c"disabled", false, [RIGHT, b"", b""], PERM_DENIED, 1, "Your account is disabled."),
    (c"root", false, [RIGHT, NEXT, NEXT], IGNORED, 0, ""),
];

/// Goes through the rows, then stops the daemon in several ways.
pub fn check(count: &mut Count) {
    // First, while every account is as it was made.
    product::check(count);
    for row in ROWS {
        let typed = row.1.get(..16).unwrap_or(row.1).escape_ascii();
        let what = format!("domain: {:?} types \"{typed}\"", row.0);
        count.check(&what, &run(row).unwrap_or_else(|error| vec![error]));
    }
    for (number, change) in CHANGES.iter().enumerate() {
        let what = format!("domain: change {number}, {:?}", change.0);
        count.check(&what, &run_change(change).unwrap_or_else(|error| vec![error]));
    }
    let faults = slow_typist().unwrap_or_else(|error| vec![error]);
    count.check("domain: somebody who thinks before each answer", &faults);
    for (what, signal) in [("hung", "STOP"), ("going on", "CONT"), ("killed", "KILL")] {
        let faults = after_signal(signal).unwrap_or_else(|error| vec![error]);
        count.check(&format!("domain: ldapsd {what}"), &faults);
    }
}

fn run(&(user, typed, auth, account, binds): &Row) -> Result<Faults, String> {
    let mut faults = Faults::new();
    let before = binds_seen()?;
    same(&mut faults, "auth's code", &start(user, typed)?.authenticate(0), &auth);
    same(&mut faults, "the number of binds", &(binds_seen()? - before), &binds);
    same(&mut faults, "account's code", &start(user, b"")?.account(0), &account);
    Ok(faults)
}

/// With a login before it, what is typed first is typed there and is not asked for again.
fn run_change(&(user, with_login, typed, code, binds, words): &Change) -> Result<Faults, String> {
    let mut faults = Faults::new();
    let to_prompts = typed.map(|typed| Answer::Bytes(typed.to_vec())).to_vec();
    let mut login = converse(user, Conversation { to_prompts, ..Conversation::typing(b"") })?;
    if with_login {
        same(&mut faults, "auth's code", &login.authenticate(0), &SUCCESS);
        same(&mut faults, "account's code", &login.account(0), &NEW_AUTHTOK_REQD);
    }
    let (before, seen) = (binds_seen()?, login.seen().messages.len());
    same(&mut faults, "chauthtok's code", &login.change_password(0), &code);
    same(&mut faults, "the number of binds", &(binds_seen()? - before), &binds);
    let lines: Vec<&String> =
        login.seen().messages.iter().skip(seen).filter(|line| said_by_us(line)).collect();
    match (lines.as_slice(), words) {
        ([], "") => {}
        ([line], words) if !words.is_empty() && line.starts_with(words) => {}
        _ => faults.push(format!("the lines shown are {lines:?}, wanted {words:?}")),
    }
    drop(login);
    if code == SUCCESS {
        let mut next = start(user, NEXT)?;
        let codes = (next.authenticate(0), next.account(0));
        same(&mut faults, "the codes with the new password", &codes, &(SUCCESS, SUCCESS));
    }
    Ok(faults)
}

/// A person is slower than a heartbeat; programs that type for them are not.
fn slow_typist() -> Result<Faults, String> {
    let mut faults = Faults::new();
    let slowly = |typed: &[&[u8]]| {
        let to_prompts = typed.iter().map(|typed| Answer::Bytes(typed.to_vec())).collect();
        converse(c"erin", Conversation { to_prompts, typing: STALE, ..Conversation::typing(b"") })
    };
    let mut login = slowly(&[RIGHT])?;
    let codes = (login.authenticate(0), login.account(0));
    same(&mut faults, "the codes of the login", &codes, &(SUCCESS, SUCCESS));
    let changed = slowly(&[RIGHT, NEXT, NEXT])?.change_password(0);
    same(&mut faults, "chauthtok's code", &changed, &SUCCESS);
    Ok(faults)
}

fn start(user: &CStr, typed: &[u8]) -> Result<Login, String> {
    converse(user, Conversation::typing(typed))
}

pub fn converse(user: &CStr, conversation: Conversation) -> Result<Login, String> {
    let files = write_pam_files("").map_err(|error| error.to_string())?;
    let login = Login::start("ldaps-module", user, Some(files), conversation);
    Ok(login.map_err(|code| format!("pam_start gives {code}"))?.without_delay())
}

/// How many binds ldapsd has sent for somebody who logs in.
fn binds_seen() -> Result<u64, String> {
    let run_dir = RunDir::at(Path::new(BUILT_IN)).map_err(|error| error.to_string())?;
    let patience = Duration::from_secs(5);
    match ask(&run_dir, Socket::Admin, &AdminRequest::Status, patience) {
        Ok(AdminReply::Status(status)) => Ok(status.counters.binds),
        Ok(other) => Err(format!("ldapsd's status is {other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// root is as ever, at local speed; alice comes in if and only if the daemon runs, and is not
/// prompted where it does not.
fn after_signal(signal: &str) -> Result<Faults, String> {
    let pid = std::fs::read_to_string(LDAPSD_PID).map_err(|error| error.to_string())?;
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(pid.trim()).status();
    sent.map_err(|error| error.to_string())?;
    std::thread::sleep(STALE);
    let (code, prompts) = match signal {
        "CONT" => (SUCCESS, 1),
        _ => (AUTHINFO_UNAVAIL, 0),
    };
    let mut faults = Faults::new();
    let before = Instant::now();
    let mut root = start(c"root", RIGHT)?;
    same(
        &mut faults,
        "root's codes",
        &(root.authenticate(0), root.account(0)),
        &(IGNORED, IGNORED),
    );
    same(&mut faults, "root waited long", &(before.elapsed() > LOCAL_SPEED), &false);
    let mut alice = start(c"alice", RIGHT)?;
    same(&mut faults, "alice's codes", &(alice.authenticate(0), alice.account(0)), &(code, code));
    same(&mut faults, "alice's prompts", &alice.seen().prompts, &prompts);
    Ok(faults)
}

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
    ACCT_EXPIRED, AUTH_ERR, AUTHINFO_UNAVAIL, AUTHTOK_EXPIRED, IGNORED, MAXTRIES, PERM_DENIED,
    SUCCESS,
};
use crate::daemon::RIGHT;
use crate::ffi::{Conversation, Login};
use crate::{Count, Faults, same, write_pam_files};

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
    // What is wrong with a password does not concern a key.
    (c"pwexpired", RIGHT, AUTHTOK_EXPIRED, SUCCESS, 1),
    (c"mustchange", RIGHT, AUTHTOK_EXPIRED, SUCCESS, 1),
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

/// Goes through the rows, then stops the daemon in several ways.
pub fn check(count: &mut Count) {
    for row in ROWS {
        let typed = row.1.get(..16).unwrap_or(row.1).escape_ascii();
        let what = format!("domain: {:?} types \"{typed}\"", row.0);
        count.check(&what, &run(row).unwrap_or_else(|error| vec![error]));
    }
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

fn start(user: &CStr, typed: &[u8]) -> Result<Login, String> {
    let files = write_pam_files("").map_err(|error| error.to_string())?;
    let login = Login::start("ldaps-module", user, Some(files), Conversation::typing(typed));
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

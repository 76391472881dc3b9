//! What is left of passwords in ldapsd's memory and in its log at the most verbose level, once the
//! requests that they came in have ended. gdb writes the memory down, as gcore does, with all that
//! the daemon asks the kernel to leave out.
#![forbid(unsafe_code)]

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ldaps_core::protocol::client::{Socket, ask};
use ldaps_core::protocol::frame;
use ldaps_core::protocol::messages::{Login as Who, PamReply, PamRequest, Verdict};
use ldaps_core::refusal::Refusal;
use ldaps_core::run_dir::{BUILT_IN, RunDir};

use crate::cases::{AUTH_ERR, AUTHTOK_ERR, NEW_AUTHTOK_REQD, SUCCESS};
use crate::daemon::RIGHT;
use crate::domain::converse;
use crate::ffi::{Answer, Conversation};
use crate::traces::{Trace, traces};
use crate::{Count, Faults, same};

const LDAPSD_PID: &str = "/run/domain/ldapsd.pid";
const DIRECTORY_PID: &str = "/run/domain/directory.pid";
const LDAPSD_LOG: &str = "/run/domain/ldapsd.log";
const CORE: &str = "/run/core";
/// What the daemon keeps, because it must: with it it connects again. One copy, in a buffer that is
/// wiped when the configuration is loaded anew.
const SERVICE: &[u8] = b"Service.Pass.1";
/// Long enough for a task to have dropped what it held when its reply was read.
const DROPPED: Duration = Duration::from_millis(300);

// None has seven characters in a row that stand in any program.
const WRONG: &[u8] = b"Wq7kz-Vupjx-Ohwzt-7731";
const WRONG_OLD: &[u8] = b"Ojx5b-Tvzwq-Uykdp-5527";
const NEXT: &[u8] = b"Fz8ry-Qxavt-Wjkoe-8142-\xc3\xb6\xc3\x9f";
const TOO_SIMPLE: &[u8] = b"qzvwjxkuyphqtzgwblmrq";
const NOT_UTF8: &[u8] = b"Lw4uq-\xff-Ogxzk-4410";
const WITH_NUL: &[u8] = b"Bk9pz-Tuxwj-91\0Aq2yv-Vzkob-92";
const TOO_LONG_PART: &[u8] = b"Ov6xq-Zjwty-Hpukz-6603;";
const OF_ANOTHER: &[u8] = b"Nk1vx-Bqzuw-Jsyoh-13";
const CUT_SHORT: &[u8] = b"Hc5qy-Kvwzx-Lojtu-58";
const MALFORMED: &[u8] = b"Nt7zx-Mwqjb-Ohvky-77";
const OFFLINE: &[u8] = b"Of2wz-Xkvqu-Ajpyt-24";

/// Every kind of request with a password in it, and then the search.
pub fn check(count: &mut Count) {
    let steps: [(&str, fn() -> Result<Faults, String>); 4] = [
        ("memory: logins with right and wrong passwords", logins),
        ("memory: passwords changed and not", changes),
        ("memory: requests that are refused as they come", refused_requests),
        ("memory: logins without a directory", offline),
    ];
    // After each, before the next can have written over what is left.
    for (what, step) in steps {
        let found = step().and_then(|mut faults| {
            faults.extend(search()?);
            Ok(faults)
        });
        count.check(what, &found.unwrap_or_else(|error| vec![error]));
    }
}

fn typing(passwords: &[&[u8]]) -> Conversation {
    let to_prompts = passwords.iter().map(|typed| Answer::Bytes(typed.to_vec())).collect();
    Conversation { to_prompts, ..Conversation::typing(b"") }
}

fn logins() -> Result<Faults, String> {
    let mut faults = Faults::new();
    for (typed, code) in [(RIGHT, SUCCESS), (WRONG, AUTH_ERR), (RIGHT, SUCCESS)] {
        let mut login = converse(c"alice", typing(&[typed]))?;
        same(&mut faults, "auth's code", &login.authenticate(0), &code);
    }
    Ok(faults)
}

fn changes() -> Result<Faults, String> {
    let mut faults = Faults::new();
    let mut wrong = converse(c"ch-good", typing(&[WRONG_OLD]))?;
    same(&mut faults, "a wrong old one's code", &wrong.change_password(0), &AUTH_ERR);
    let mut simple = converse(c"ch-good", typing(&[RIGHT, TOO_SIMPLE, TOO_SIMPLE]))?;
    same(&mut faults, "a refused one's code", &simple.change_password(0), &AUTHTOK_ERR);
    let mut login = converse(c"mustchange", typing(&[RIGHT, NEXT, NEXT]))?;
    same(&mut faults, "auth's code", &login.authenticate(0), &SUCCESS);
    same(&mut faults, "account's code", &login.account(0), &NEW_AUTHTOK_REQD);
    same(&mut faults, "chauthtok's code", &login.change_password(0), &SUCCESS);
    drop(login);
    let mut next = converse(c"mustchange", typing(&[NEXT]))?;
    same(&mut faults, "the new one's code", &next.authenticate(0), &SUCCESS);
    Ok(faults)
}

/// What the module would never send, and what ends in the middle.
fn refused_requests() -> Result<Faults, String> {
    let mut faults = Faults::new();
    let run_dir = RunDir::at(Path::new(BUILT_IN)).map_err(|error| error.to_string())?;
    let uid = 1_842_601_107;
    let login = |uid| Who { user: "alice", uid, service: "check", rhost: "", tty: "", ruser: "" };
    let too_long = TOO_LONG_PART.repeat(100);
    let unusable = Verdict::Refused(Refusal::UnusablePassword);
    let rows: [(u32, &[u8], Verdict); 4] = [
        (uid, NOT_UTF8, unusable),
        (uid, WITH_NUL, unusable),
        (uid, &too_long, unusable),
        (uid + 1, OF_ANOTHER, Verdict::NotOurs),
    ];
    for (uid, password, verdict) in rows {
        let request = PamRequest::Authenticate { login: login(uid), password };
        let reply: Result<PamReply, _> =
            ask(&run_dir, Socket::Pam, &request, Duration::from_secs(10));
        let reply = reply.map_err(|error| error.to_string())?;
        same(&mut faults, "the verdict", &reply.verdict, &verdict);
    }
    let whole = |password| {
        let request = PamRequest::Authenticate { login: login(uid), password };
        frame::encode(&request, frame::REQUEST_MAX).map_err(|error| error.to_string())
    };
    let cut = whole(CUT_SHORT)?;
    send(&run_dir, cut.get(..cut.len() - 1).unwrap_or_default())?;
    let mut malformed = whole(MALFORMED)?;
    // The first byte of the message says which request it is; there is none of this number.
    if let Some(kind) = malformed.get_mut(frame::HEADER_LEN) {
        *kind = 99;
    }
    send(&run_dir, &malformed)?;
    Ok(faults)
}

/// Sends bytes and hangs up.
fn send(run_dir: &RunDir, bytes: &[u8]) -> Result<(), String> {
    let stream = UnixStream::connect(run_dir.join(Socket::Pam.file()));
    let sent = stream.and_then(|mut stream| stream.write_all(bytes));
    sent.map_err(|error| error.to_string())
}

/// With the directory gone: the saved password opens, another does not, and neither stays.
fn offline() -> Result<Faults, String> {
    run(Command::new("kill").arg("-KILL").arg(pid(DIRECTORY_PID)?))?;
    let mut faults = Faults::new();
    for (typed, code) in [(RIGHT, SUCCESS), (OFFLINE, AUTH_ERR)] {
        let mut login = converse(c"alice", typing(&[typed]))?;
        same(&mut faults, "auth's code offline", &login.authenticate(0), &code);
    }
    Ok(faults)
}

/// Looks for all of them in memory and log.
fn search() -> Result<Faults, String> {
    std::thread::sleep(DROPPED);
    let core = dump()?;
    let log = std::fs::read(LDAPSD_LOG).map_err(|error| format!("{LDAPSD_LOG}: {error}"))?;
    let mut faults = Faults::new();
    let all: [&[u8]; 12] = [
        RIGHT,
        WRONG,
        WRONG_OLD,
        NEXT,
        TOO_SIMPLE,
        NOT_UTF8,
        WITH_NUL,
        TOO_LONG_PART,
        OF_ANOTHER,
        CUT_SHORT,
        MALFORMED,
        OFFLINE,
    ];
    for (place, bytes) in [("memory", &core), ("the log", &log)] {
        let found = traces(bytes, &all);
        if !found.is_empty() {
            faults.push(format!("in {place} are {}", shown(&found)));
        }
    }
    // That the search finds at all what is there: the one secret that has to stay, once.
    let (kept, logged) = (of_service(&core), of_service(&log));
    if kept.len() != 1 || kept.iter().any(|trace| trace.form != "UTF-8") {
        faults.push(format!("the service account's own password: {}", shown(&kept)));
    }
    same(&mut faults, "the times that its password is logged", &logged.len(), &0);
    let started_as = format!("/proc/{}/cmdline", pid(LDAPSD_PID)?);
    let started_as = std::fs::read(started_as).map_err(|error| error.to_string())?;
    if !String::from_utf8_lossy(&started_as).contains("trace") {
        faults.push("the daemon does not log at its most verbose level".to_owned());
    }
    Ok(faults)
}

/// Its first half is a word that stands in every program.
fn of_service(heap: &[u8]) -> Vec<Trace<'static>> {
    let mut found = traces(heap, &[SERVICE]);
    found.retain(|trace| trace.length > SERVICE.len() / 2 + 1);
    found
}

fn shown(found: &[Trace<'_>]) -> String {
    let first: Vec<String> = found.iter().take(6).map(Trace::to_string).collect();
    format!("{} traces: {}", found.len(), first.join(", "))
}

/// The daemon's memory, stacks and registers too, but for the files that it only reads.
fn dump() -> Result<Vec<u8>, String> {
    let orders = ["set dump-excluded-mappings on", "generate-core-file /run/core", "detach"];
    let mut gdb = Command::new("gdb");
    gdb.args(["--batch", "--nx", "-p"]).arg(pid(LDAPSD_PID)?);
    gdb.args(orders.iter().flat_map(|order| ["-ex", order]));
    run(&mut gdb)?;
    let core = std::fs::read(CORE).map_err(|error| format!("{CORE}: {error}"))?;
    std::fs::remove_file(CORE).map_err(|error| format!("{CORE}: {error}"))?;
    Ok(core)
}

fn pid(file: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    Ok(text.trim().to_owned())
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

//! The table of cases, one after the other, against a daemon that answers as each says.
#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::time::Instant;

use ldaps_core::protocol::client::PAM_DEADLINE;
use ldaps_core::protocol::messages::Verdict;

use crate::cases::{self, Case};
use crate::daemon::{Asked, Daemon, Mode, RIGHT};
use crate::ffi::{Answer, Conversation, Login};
use crate::log::Log;
use crate::{Count, Faults, same, write_pam_files};

/// Goes through the table, and through what fits in no row.
pub fn check(count: &mut Count) {
    let log = Log::open().ok();
    if log.is_none() {
        count.skip("the lines of the log: /dev/log cannot be taken here");
    }
    for case in cases::all() {
        let faults = run(&case, log.as_ref()).unwrap_or_else(|error| vec![error]);
        count.check(case.what, &faults);
    }
    // Nobody reads it from here on, and syslog(3) waits for a reader.
    drop(log);
    count.check("a program without a conversation", &no_conversation());
    count.check("a daemon that takes the password and is silent", &silent());
}

/// One case: authenticate and account on one handle, and on another account alone.
fn run(case: &Case, log: Option<&Log>) -> Result<Faults, String> {
    let mut daemon = Daemon::start(case.mode, case.verdict).map_err(|error| error.to_string())?;
    let files = write_pam_files(case.arguments).map_err(|error| error.to_string())?;
    let mut faults = Faults::new();
    let mut login = start(case, files)?;
    same(&mut faults, "auth's code", &login.authenticate(case.flags), &case.codes.0);
    same(&mut faults, "account's code", &login.account(case.flags), &case.codes.1);
    let asked = daemon.asked();
    check_asked(&mut faults, case, &asked);
    same(&mut faults, "the number of prompts", &login.seen().prompts, &case.prompts);
    let lines = login.seen().messages.iter().filter(|line| said_by_us(line)).count();
    same(&mut faults, "the number of lines shown", &lines, &case.lines);
    same(&mut faults, "whether it was held back", &(login.seen().delays > 0), &case.delayed);
    drop(login);

    let mut alone = start(case, files)?;
    same(&mut faults, "account's code alone", &alone.account(case.flags), &case.codes.1);
    same(&mut faults, "prompts of account alone", &alone.seen().prompts, &0);
    if !case.page_opened {
        same(&mut faults, "whether the page was opened", &daemon.page_was_opened(), &false);
    }
    if let Some(log) = log {
        check_log(&mut faults, case, &log.lines());
    }
    Ok(faults)
}

/// A program that has no conversation at all gets no password out of anybody.
fn no_conversation() -> Faults {
    let mut faults = Faults::new();
    let tried = Daemon::start(Mode::Running, Verdict::Granted).map_err(|error| error.to_string());
    let tried = tried.and_then(|daemon| {
        let files = write_pam_files("").map_err(|error| error.to_string())?;
        let login =
            Login::start("ldaps-module", c"alice", Some(files), Conversation::typing(RIGHT));
        let mut login =
            login.map_err(|code| format!("pam_start gives {code}"))?.without_conversation();
        same(&mut faults, "auth's code", &login.authenticate(0), &cases::AUTHTOK_ERR);
        same(&mut faults, "account's code", &login.account(0), &cases::SUCCESS);
        same(&mut faults, "passwords sent", &daemon.asked().passwords.len(), &0);
        Ok(())
    });
    faults.extend(tried.err());
    faults
}

/// The one deadline of a login ends the waiting, and nobody is let in.
fn silent() -> Faults {
    let mut faults = Faults::new();
    let tried = Daemon::start(Mode::Silent, Verdict::Granted).map_err(|error| error.to_string());
    let tried = tried.and_then(|_daemon| {
        let files = write_pam_files("").map_err(|error| error.to_string())?;
        let login =
            Login::start("ldaps-module", c"alice", Some(files), Conversation::typing(RIGHT));
        let mut login = login.map_err(|code| format!("pam_start gives {code}"))?.without_delay();
        let start = Instant::now();
        same(&mut faults, "auth's code", &login.authenticate(0), &cases::AUTHINFO_UNAVAIL);
        let waited = start.elapsed().as_secs();
        same(&mut faults, "the whole seconds waited", &waited, &PAM_DEADLINE.as_secs());
        Ok(())
    });
    faults.extend(tried.err());
    faults
}

/// pam_debug, behind the module, says what it was told to return; libpam says of its own that a
/// password was not had, or not typed twice. None of it is ours.
pub fn said_by_us(line: &str) -> bool {
    !["no_module_data", "Password change", "do not match"].iter().any(|other| line.contains(other))
}

fn start(case: &Case, files: &'static CStr) -> Result<Login, String> {
    let conversation = Conversation {
        to_prompts: vec![case.prompt.clone()],
        to_messages: case.message.clone(),
        ..Conversation::typing(b"")
    };
    let login = Login::start("ldaps-module", case.user, Some(files), conversation);
    Ok(login.map_err(|code| format!("pam_start gives {code}"))?.without_delay())
}

fn check_asked(faults: &mut Faults, case: &Case, asked: &Asked) {
    same(faults, "the number of passwords sent", &asked.passwords.len(), &case.sent);
    let Answer::Bytes(typed) = &case.prompt else { return };
    if let (Some(sent), false) = (asked.passwords.first(), typed.contains(&0)) {
        same(faults, "the password sent", sent, typed);
    }
    if let [authenticated] = asked.accounts[..] {
        same(faults, "\"authenticated\"", &authenticated, &(case.codes.0 == 0));
    }
}

fn check_log(faults: &mut Faults, case: &Case, lines: &[String]) {
    let ours: Vec<&String> = lines.iter().filter(|line| line.contains("pam_ldaps(")).collect();
    match case.logged {
        Some(words) if ours.iter().any(|line| line.contains(words)) => {}
        Some(words) => faults.push(format!("no line of the log says {words:?}: {ours:?}")),
        None if ours.is_empty() => {}
        None => faults.push(format!("the log has lines about it: {ours:?}")),
    }
    if let Answer::Bytes(typed) = &case.prompt {
        let typed = String::from_utf8_lossy(typed);
        if typed.len() > 4 && lines.iter().any(|line| line.contains(&*typed)) {
            faults.push("the password is in the log".to_owned());
        }
    }
}

//! The table of password changes, one after the other, against a daemon that answers as each says.
#![forbid(unsafe_code)]

use std::ffi::CStr;

use ldaps_core::protocol::messages::Verdict;

use crate::cases::{NEW_AUTHTOK_REQD, SUCCESS};
use crate::change_cases::{self, Change};
use crate::daemon::{Daemon, Mode, NEXT, RIGHT};
use crate::ffi::{Answer, Conversation, Login};
use crate::log::Log;
use crate::scripted::said_by_us;
use crate::{Count, Faults, open_descriptors, same, write_pam_files};

/// PAM_CHANGE_EXPIRED_AUTHTOK.
const EXPIRED: i32 = 0x20;

/// Goes through the table, and through what fits in no row.
pub fn check(count: &mut Count) {
    let log = Log::open().ok();
    if log.is_none() {
        count.skip("the log's lines about changes: /dev/log cannot be taken here");
    }
    for case in change_cases::all() {
        let faults = run(&case, log.as_ref()).unwrap_or_else(|error| vec![error]);
        count.check(case.what, &faults);
    }
    // Nobody reads it from here on, and syslog(3) waits for a reader.
    drop(log);
    type Check = fn() -> Result<Faults, String>;
    let checks: [(&str, Check); 5] = [
        ("change: a second change on one handle", second),
        ("change: after a login, in another process", in_a_child),
        ("change: after a login, for another user", for_another),
        ("change: after a login and its credentials", after_credentials),
        ("change: two hundred leave no descriptor open", descriptors),
    ];
    for (what, check) in checks {
        count.check(what, &check().unwrap_or_else(|error| vec![error]));
    }
}

fn run(case: &Change, log: Option<&Log>) -> Result<Faults, String> {
    let daemon = Daemon::start(case.mode, case.verdict).map_err(|error| error.to_string())?;
    let files = write_pam_files(case.arguments).map_err(|error| error.to_string())?;
    let mut faults = Faults::new();
    let to_prompts = case.typed.clone();
    let to_messages = case.message.clone();
    let conversation = Conversation { to_prompts, to_messages, ..Conversation::typing(b"") };
    let mut login = match case.logged_in {
        true => logged_in(case, files, conversation, &mut faults)?,
        false => start(case.user, files, conversation)?,
    };
    let before = (login.seen().prompts, login.seen().messages.len());
    // Of the way to the change nothing is looked at here.
    daemon.asked();
    drop(log.map(Log::lines));

    same(&mut faults, "chauthtok's code", &login.change_password(case.flags), &case.code);
    let asked = daemon.asked();
    same(&mut faults, "the number of passwords checked", &asked.checks.len(), &case.checked);
    same(&mut faults, "the number of changes", &asked.changes.len(), &case.changed);
    same(&mut faults, "the number of logins", &asked.passwords.len(), &0);
    if let (Some((old, new)), Some(Answer::Bytes(typed))) =
        (asked.changes.first(), case.typed.get(1))
    {
        same(&mut faults, "the current password sent", &old.as_slice(), &RIGHT);
        same(&mut faults, "the new password sent", new, typed);
    }
    let prompts = login.seen().prompts.saturating_sub(before.0);
    same(&mut faults, "the number of prompts", &prompts, &case.prompts);
    check_lines(&mut faults, case, login.seen().messages.get(before.1..).unwrap_or_default());
    if let Some(log) = log {
        check_log(&mut faults, case, &log.lines());
    }
    Ok(faults)
}

/// alice, as far as pam_acct_mgmt has let her.
fn logged_in(
    case: &Change,
    files: &'static CStr,
    conversation: Conversation,
    faults: &mut Faults,
) -> Result<Login, String> {
    let mut login = start(case.user, files, conversation)?;
    same(faults, "auth's code", &login.authenticate(0), &SUCCESS);
    same(faults, "account's code", &login.account(0), &NEW_AUTHTOK_REQD);
    Ok(login)
}

fn start(user: &CStr, files: &'static CStr, conversation: Conversation) -> Result<Login, String> {
    let login = Login::start("ldaps-module", user, Some(files), conversation);
    Ok(login.map_err(|code| format!("pam_start gives {code}"))?.without_delay())
}

fn check_lines(faults: &mut Faults, case: &Change, messages: &[String]) {
    let lines: Vec<&String> = messages.iter().filter(|line| said_by_us(line)).collect();
    same(faults, "the number of lines shown", &lines.len(), &case.lines.len());
    for (line, words) in lines.iter().zip(case.lines) {
        if !line.starts_with(words) || line.contains(char::is_control) {
            faults.push(format!("the line shown is {line:?}, wanted {words:?}"));
        }
    }
}

fn check_log(faults: &mut Faults, case: &Change, lines: &[String]) {
    let ours: Vec<&String> = lines.iter().filter(|line| line.contains("pam_ldaps(")).collect();
    match case.logged {
        Some(words) if ours.iter().any(|line| line.contains(words)) => {}
        Some(words) => faults.push(format!("no line of the log says {words:?}: {ours:?}")),
        None if ours.is_empty() => {}
        None => faults.push(format!("the log has lines about it: {ours:?}")),
    }
    for answer in &case.typed {
        let Answer::Bytes(typed) = answer else { continue };
        let typed = String::from_utf8_lossy(typed);
        if typed.len() > 4 && lines.iter().any(|line| line.contains(&*typed)) {
            faults.push("a password is in the log".to_owned());
        }
    }
}

/// What is typed in turn by who is asked for all three.
fn three() -> Conversation {
    let to_prompts = [RIGHT, NEXT, NEXT].map(|typed| Answer::Bytes(typed.to_vec())).to_vec();
    Conversation { to_prompts, ..Conversation::typing(b"") }
}

/// A daemon that says ChangeFirst, and alice, who has logged in there and types `answers` next.
fn alice(answers: &[&[u8]]) -> Result<(Daemon, Login), String> {
    let daemon = Daemon::start(Mode::Running, Verdict::ChangeFirst);
    let daemon = daemon.map_err(|error| error.to_string())?;
    let files = write_pam_files("").map_err(|error| error.to_string())?;
    let mut to_prompts = vec![Answer::Bytes(RIGHT.to_vec())];
    to_prompts.extend(answers.iter().map(|typed| Answer::Bytes(typed.to_vec())));
    let conversation = Conversation { to_prompts, ..Conversation::typing(b"") };
    let mut login = start(c"alice", files, conversation)?;
    match login.authenticate(0) {
        SUCCESS => Ok((daemon, login)),
        code => Err(format!("auth's code is {code}")),
    }
}

/// The password that was kept is there for one change; a second one asks for it.
fn second() -> Result<Faults, String> {
    let mut faults = Faults::new();
    let (daemon, mut login) = alice(&[NEXT, NEXT, RIGHT, NEXT, NEXT])?;
    same(&mut faults, "the first code", &login.change_password(EXPIRED), &SUCCESS);
    same(&mut faults, "prompts of login and change", &login.seen().prompts, &3);
    same(&mut faults, "the second code", &login.change_password(EXPIRED), &SUCCESS);
    same(&mut faults, "prompts in all", &login.seen().prompts, &6);
    let asked = daemon.asked();
    same(&mut faults, "the passwords checked", &asked.checks, &vec![RIGHT.to_vec()]);
    same(&mut faults, "the number of changes", &asked.changes.len(), &2);
    Ok(faults)
}

/// A process that a fork has made has no password kept for it.
fn in_a_child() -> Result<Faults, String> {
    let mut faults = Faults::new();
    let (daemon, mut login) = alice(&[RIGHT, NEXT, NEXT])?;
    let code = login.change_password_in_a_child(EXPIRED);
    same(&mut faults, "the child's code", &code, &Some(SUCCESS));
    let asked = daemon.asked();
    same(&mut faults, "the passwords checked", &asked.checks, &vec![RIGHT.to_vec()]);
    same(&mut faults, "the number of changes", &asked.changes.len(), &1);
    Ok(faults)
}

/// Nor has another name on the same handle.
fn for_another() -> Result<Faults, String> {
    let mut faults = Faults::new();
    let (daemon, login) = alice(&[RIGHT, NEXT, NEXT])?;
    let mut login = login.renamed(c"carol");
    same(&mut faults, "the code", &login.change_password(EXPIRED), &SUCCESS);
    same(&mut faults, "the passwords checked", &daemon.asked().checks, &vec![RIGHT.to_vec()]);
    Ok(faults)
}

/// The password is kept up to there and not for the session.
fn after_credentials() -> Result<Faults, String> {
    let mut faults = Faults::new();
    let (daemon, mut login) = alice(&[RIGHT, NEXT, NEXT])?;
    same(&mut faults, "setcred's code", &login.set_credentials(2), &SUCCESS);
    same(&mut faults, "the code", &login.change_password(EXPIRED), &SUCCESS);
    same(&mut faults, "the passwords checked", &daemon.asked().checks, &vec![RIGHT.to_vec()]);
    Ok(faults)
}

fn descriptors() -> Result<Faults, String> {
    let mut faults = Faults::new();
    let daemon = Daemon::start(Mode::Running, Verdict::Granted);
    let _daemon = daemon.map_err(|error| error.to_string())?;
    let files = write_pam_files("").map_err(|error| error.to_string())?;
    let mut before = 0;
    for round in 0..200 {
        let mut login = start(c"alice", files, three())?;
        login.change_password(0);
        drop(login);
        // The first round opens what libpam and the C library keep for themselves.
        if round == 0 {
            before = open_descriptors();
        }
    }
    same(&mut faults, "the number of open descriptors", &open_descriptors(), &before);
    Ok(faults)
}

//! The steps of a login and of a password change, in their order: who it is about, before
//! anything else, and what becomes of the daemon's verdict.
//!
//! The order is the safety of it: a local name is known from /etc/passwd before the daemon's page
//! is even opened, the person must be the directory's before anything is asked of them, and the
//! daemon must hold the same entry as NSS before a password leaves the process.
#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::io;

use ldaps_core::entries::{LOWEST_ID, check_id};
use ldaps_core::names::UserName;
use ldaps_core::presence::{Absence, Presence};
use ldaps_core::protocol::client::AskError;
use ldaps_core::protocol::messages::{Login, NssReply, NssRequest, PamReply, Verdict};
use ldaps_core::protocol::request_id::RequestId;
use pam::constants::PamResultCode::{self, *};

use crate::codes::{Phase, code};
use crate::host::{Host, Page, Place, Resolved, Tone};
use crate::report::{self, Level};
use crate::words;

mod login;
mod password;

pub use login::{account, authenticate, set_credentials};
pub use password::{change_password, check_current_password};

/// Somebody whom NSS and the daemon know as the same user of the directory.
struct Person {
    user: String,
    uid: u32,
    place: Place,
    page: Page,
    phase: Phase,
}

impl Person {
    fn login(&self) -> Login<'_> {
        Login {
            user: &self.user,
            uid: self.uid,
            service: &self.place.service,
            rhost: &self.place.rhost,
            tty: &self.place.tty,
            ruser: &self.place.ruser,
        }
    }
}

/// Whether PAM_USER is the directory's; the code to return where not.
///
/// Everybody of whom it is certain that they are not is `PAM_IGNORE`: root, local users, users of
/// other sources, names that no account can have, everybody on a host that nobody has configured.
fn recognise(host: &mut dyn Host, phase: Phase) -> Result<Person, PamResultCode> {
    let user = host.user()?;
    let Some(name) = directory_name(&user) else { return Err(PAM_IGNORE) };
    match host.is_local(user.to_bytes()) {
        Ok(true) => return Err(PAM_IGNORE),
        Ok(false) => {}
        Err(error) => return Err(without_local_names(host, phase, &user, &error)),
    }
    let page = match host.presence() {
        Presence::Unconfigured => return Err(PAM_IGNORE),
        Presence::Unavailable(absence) => return Err(without_page(host, phase, &user, &absence)),
        Presence::Page(run_dir, ctl) => Page { run_dir, ctl },
    };
    let (pw_name, uid) = match host.resolve(&user) {
        Resolved::Found { name, uid } => (name, uid),
        Resolved::NotFound => return Err(left_alone(host, name, "no source of NSS has the name")),
        Resolved::Failed(errno) => return Err(unresolved(host, phase, name, errno)),
    };
    // The second half: no page makes this module judge an id of the host's own.
    if !page.ctl.holds_id(uid) || check_id(uid).is_err() {
        return Err(left_alone(host, name, "its uid is not one of the directory's"));
    }
    let place = host.place();
    let person = Person { user: name.to_owned(), uid, place, page, phase };
    let held = host.look_up(&person.page, &NssRequest::UserByName(person.user.clone()));
    if matches!(held, Ok(NssReply::NotFound)) && is_another_sources(host, &person) {
        return Err(left_alone(host, name, "another source of NSS has the name and the uid"));
    }
    match same_entry(held, &pw_name, uid) {
        Ok(()) => Ok(person),
        Err((verdict, why)) => Err(conclude(host, &person, verdict, &Details::why(&why))),
    }
}

/// PAM_USER as text, if an account of a directory can have that name at all.
fn directory_name(user: &CStr) -> Option<&str> {
    UserName::parse(user.to_bytes()).ok()?;
    user.to_str().ok()
}

/// Whether somebody whose name the directory does not know is another source's user. That can be
/// where ids are not the directory's alone (`posix`), and is certain if it does not know the uid
/// either.
fn is_another_sources(host: &mut dyn Host, person: &Person) -> bool {
    let by_uid = NssRequest::UserById(person.uid);
    !person.page.ctl.exclusive
        && matches!(host.look_up(&person.page, &by_uid), Ok(NssReply::NotFound))
}

/// Whether the daemon holds what `getpwnam_r` gave.
///
/// Where it does not, the id is one of the directory's and yet nobody's whom the directory knows:
/// a deleted account in some cache, or another source that gives out the directory's ids. In auth
/// that is another module's matter, and no password is sent. In the account phase it is refused
/// (see [`code`]): to ignore it would let in whom nobody has judged.
fn same_entry(
    held: Result<NssReply, AskError>,
    pw_name: &[u8],
    uid: u32,
) -> Result<(), (Verdict, String)> {
    match held {
        Ok(NssReply::User(entry)) if entry.check().is_err() => {
            Err((Verdict::Unavailable, "ldapsd holds a damaged entry".to_owned()))
        }
        Ok(NssReply::User(entry)) if entry.uid == uid && entry.name.as_bytes() == pw_name => Ok(()),
        Ok(NssReply::User(entry)) => {
            let pw_name = String::from_utf8_lossy(pw_name);
            let why = format!("NSS says {pw_name} ({uid}), ldapsd {} ({})", entry.name, entry.uid);
            Err((Verdict::NotOurs, report::shown(&why)))
        }
        Ok(NssReply::NotFound) => Err((Verdict::NotOurs, "ldapsd knows no such user".to_owned())),
        Ok(NssReply::Unavailable) => {
            Err((Verdict::Unavailable, "no domain controller could be asked".to_owned()))
        }
        Ok(
            NssReply::Group(_)
            | NssReply::Gids(_)
            | NssReply::GidsAndLocal(..)
            | NssReply::Users(..)
            | NssReply::Groups(..),
        ) => Err((Verdict::Unavailable, "ldapsd answered another question".to_owned())),
        Err(error) => Err((Verdict::Unavailable, error.to_string())),
    }
}

/// /etc/passwd cannot be read, so a local name cannot be told from others. In auth, and for a
/// password to be changed, other modules go on. In the account phase root and the system's users, whose ids no directory gives, are not
/// to be locked out by it; for anybody else nothing is certain.
fn without_local_names(
    host: &mut dyn Host,
    phase: Phase,
    user: &CStr,
    error: &io::Error,
) -> PamResultCode {
    host.log(Level::Error, &format!("/etc/passwd cannot be read: {error}"));
    match phase {
        Phase::Auth | Phase::OldPassword | Phase::NewPassword => PAM_IGNORE,
        Phase::Account => match host.resolve(user) {
            Resolved::Found { uid, .. } if uid < LOWEST_ID => PAM_IGNORE,
            Resolved::Found { .. } | Resolved::NotFound | Resolved::Failed(_) => PAM_SYSTEM_ERR,
        },
    }
}

/// The host is configured and the daemon's page cannot be had, so nobody knows which ids are the
/// directory's. Our NSS module is in the same position and gives no entry to anybody: who does
/// resolve is another source's user, and is left to it.
fn without_page(
    host: &mut dyn Host,
    phase: Phase,
    user: &CStr,
    absence: &Absence,
) -> PamResultCode {
    let user_shown = user.to_string_lossy();
    match host.resolve(user) {
        Resolved::Found { .. } | Resolved::NotFound => {
            let line = format!("{user_shown} cannot be judged: {absence} ({PAM_IGNORE:?})");
            host.log(Level::Warning, &line);
            PAM_IGNORE
        }
        Resolved::Failed(_) => {
            unknown(host, phase, &format!("{user_shown} cannot be judged: {absence}"))
        }
    }
}

/// No source of NSS gave the name, and one could not be asked: with the daemon stopped or hung
/// that one is ours. Programs resolve a name before they come here, so this is somebody whose
/// entry has just become unreachable, and whether they are the directory's is unknown: refused.
fn unresolved(host: &mut dyn Host, phase: Phase, user: &str, errno: i32) -> PamResultCode {
    let error = io::Error::from_raw_os_error(errno);
    unknown(host, phase, &format!("{user} cannot be judged: NSS cannot say who it is: {error}"))
}

/// Whether somebody is the directory's is not known. Who wants a new password hears that they
/// cannot have it now; at a login the program has its own words for that.
fn unknown(host: &mut dyn Host, phase: Phase, line: &str) -> PamResultCode {
    host.log(Level::Error, &format!("{line} ({PAM_AUTHINFO_UNAVAIL:?})"));
    if phase.is_change() {
        host.tell(Tone::Error, words::NOT_CHANGEABLE);
    }
    PAM_AUTHINFO_UNAVAIL
}

fn left_alone(host: &mut dyn Host, user: &str, why: &str) -> PamResultCode {
    host.log(Level::Debug, &format!("{user} is left to other modules: {why}"));
    PAM_IGNORE
}

/// The daemon's answer as a code.
fn judge(
    host: &mut dyn Host,
    person: &Person,
    answer: &Result<PamReply, AskError>,
) -> PamResultCode {
    match answer {
        Ok(PamReply { verdict, request, notice }) => {
            let details = Details { request: Some(*request), notice: notice.as_deref(), why: None };
            conclude(host, person, *verdict, &details)
        }
        Err(error) => {
            conclude(host, person, Verdict::Unavailable, &Details::why(&error.to_string()))
        }
    }
}

/// What there is to say of a verdict beside it.
#[derive(Default)]
struct Details<'a> {
    /// For the log.
    why: Option<&'a str>,
    /// For the person.
    notice: Option<&'a str>,
    /// The name in the daemon's log.
    request: Option<RequestId>,
}

impl<'a> Details<'a> {
    fn why(why: &'a str) -> Self {
        Self { why: Some(why), ..Self::default() }
    }
}

/// Logs a verdict, tells the person what they may know of it, and gives its code.
fn conclude(
    host: &mut dyn Host,
    person: &Person,
    verdict: Verdict,
    details: &Details<'_>,
) -> PamResultCode {
    let code = code(person.phase, verdict);
    let login = report::Login {
        user: &person.user,
        uid: person.uid,
        place: &person.place,
        phase: person.phase,
    };
    let (why, request) = (details.why, details.request);
    let (level, line) = report::verdict_line(&login, verdict, &code, why, request);
    host.log(level, &line);
    if let Some(line) = words::line(person.phase, verdict, details.notice) {
        let tone = match code {
            PAM_SUCCESS | PAM_NEW_AUTHTOK_REQD => Tone::Info,
            _ => Tone::Error,
        };
        host.tell(tone, &line);
    }
    // Where a password was tried, and only there: nobody guesses at the others.
    if matches!(verdict, Verdict::Refused(_))
        && matches!(person.phase, Phase::Auth | Phase::OldPassword)
    {
        host.delay_refusal();
    }
    code
}

#[cfg(test)]
mod recording;

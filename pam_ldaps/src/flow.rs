//! The steps of a login, in their order.
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
use ldaps_core::protocol::messages::{Login, NssReply, NssRequest, PamReply, PamRequest, Verdict};
use ldaps_core::refusal::Refusal;
use pam::constants::PamResultCode::{self, *};

use crate::codes::{Phase, code};
use crate::host::{Host, NoPassword, Page, Place, Resolved};
use crate::report::{self, Level};

/// What somebody reads who has been recognised and cannot be judged: they are not at fault.
const NOT_JUDGED: &str = "Your account cannot be checked now. Please try again later.";

/// `pam_sm_authenticate`.
pub fn authenticate(host: &mut dyn Host) -> PamResultCode {
    host.note_granted(None);
    let person = match recognise(host, Phase::Auth) {
        Ok(person) => person,
        Err(code) => return code,
    };
    let password = match host.password() {
        Ok(password) => password,
        Err(NoPassword::Unusable(error)) => {
            let verdict = Verdict::Refused(Refusal::UnusablePassword);
            return conclude(host, &person, verdict, Some(&error.to_string()), None);
        }
        Err(NoPassword::Pam(code)) => {
            host.log(Level::Notice, &format!("{} gave no password ({code:?})", person.user));
            return code;
        }
    };
    let request = PamRequest::Authenticate { login: person.login(), password: password.expose() };
    let answer = host.decide(&person.page, &request);
    let code = judge(host, &person, answer);
    if code == PAM_SUCCESS {
        host.note_granted(Some(&person.user));
    }
    code
}

/// `pam_sm_acct_mgmt`. It needs no authentication before it: sshd comes here with a key, and cron
/// with nothing.
pub fn account(host: &mut dyn Host) -> PamResultCode {
    let person = match recognise(host, Phase::Account) {
        Ok(person) => person,
        Err(code) => return code,
    };
    let authenticated = host.has_granted(&person.user);
    let request = PamRequest::Account { login: person.login(), authenticated };
    let answer = host.decide(&person.page, &request);
    judge(host, &person, answer)
}

/// `pam_sm_setcred`: there are no credentials to set, only an answer to give that breaks no chain.
///
/// libpam walks the auth block again, along the jumps of `pam_authenticate` where there was one.
/// For our users that must not end at `pam_deny`, as it would in a block of this module alone if
/// this were `PAM_IGNORE`: with an SSH key there was no `pam_authenticate`, and sshd's
/// keyboard-interactive authentication happens in another process. For everybody else it must be
/// `PAM_IGNORE`, or the jump would pass over the module that does have credentials for them.
pub fn set_credentials(host: &mut dyn Host) -> PamResultCode {
    let Ok(user) = host.user() else { return PAM_IGNORE };
    if user.to_str().is_ok_and(|user| host.has_granted(user)) {
        return PAM_SUCCESS;
    }
    if UserName::parse(user.to_bytes()).is_err()
        || !matches!(host.is_local(user.to_bytes()), Ok(false))
    {
        return PAM_IGNORE;
    }
    let Presence::Page(_, ctl) = host.presence() else { return PAM_IGNORE };
    match host.resolve(&user) {
        Resolved::Found { uid, .. } if ctl.holds_id(uid) && check_id(uid).is_ok() => PAM_SUCCESS,
        Resolved::Found { .. } | Resolved::NotFound | Resolved::Failed(_) => PAM_IGNORE,
    }
}

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
        Presence::Unavailable(absence) => return Err(without_page(host, &user, &absence)),
        Presence::Page(run_dir, ctl) => Page { run_dir, ctl },
    };
    let (pw_name, uid) = match host.resolve(&user) {
        Resolved::Found { name, uid } => (name, uid),
        Resolved::NotFound => return Err(left_alone(host, name, "no source of NSS has the name")),
        Resolved::Failed(errno) => return Err(unresolved(host, name, errno)),
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
        Err((verdict, why)) => Err(conclude(host, &person, verdict, Some(&why), None)),
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
        Ok(NssReply::Group(_) | NssReply::Gids(_) | NssReply::Users(..) | NssReply::Groups(..)) => {
            Err((Verdict::Unavailable, "ldapsd answered another question".to_owned()))
        }
        Err(error) => Err((Verdict::Unavailable, error.to_string())),
    }
}

/// /etc/passwd cannot be read, so a local name cannot be told from others. In auth other modules
/// go on. In the account phase root and the system's users, whose ids no directory gives, are not
/// to be locked out by it; for anybody else nothing is certain.
fn without_local_names(
    host: &mut dyn Host,
    phase: Phase,
    user: &CStr,
    error: &io::Error,
) -> PamResultCode {
    host.log(Level::Error, &format!("/etc/passwd cannot be read: {error}"));
    match phase {
        Phase::Auth => PAM_IGNORE,
        Phase::Account => match host.resolve(user) {
            Resolved::Found { uid, .. } if uid < LOWEST_ID => PAM_IGNORE,
            Resolved::Found { .. } | Resolved::NotFound | Resolved::Failed(_) => PAM_SYSTEM_ERR,
        },
    }
}

/// The host is configured and the daemon's page cannot be had, so nobody knows which ids are the
/// directory's. Our NSS module is in the same position and gives no entry to anybody: who does
/// resolve is another source's user, and is left to it.
fn without_page(host: &mut dyn Host, user: &CStr, absence: &Absence) -> PamResultCode {
    let (code, level) = match host.resolve(user) {
        Resolved::Found { .. } | Resolved::NotFound => (PAM_IGNORE, Level::Warning),
        Resolved::Failed(_) => (PAM_AUTHINFO_UNAVAIL, Level::Error),
    };
    let user = user.to_string_lossy();
    host.log(level, &format!("{user} cannot be judged: {absence} ({code:?})"));
    code
}

/// No source of NSS gave the name, and one could not be asked: with the daemon stopped or hung
/// that one is ours. Programs resolve a name before they come here, so this is somebody whose
/// entry has just become unreachable, and whether they are the directory's is unknown: refused.
fn unresolved(host: &mut dyn Host, user: &str, errno: i32) -> PamResultCode {
    let error = io::Error::from_raw_os_error(errno);
    let line = format!("{user} cannot be judged: NSS cannot say who it is: {error}");
    host.log(Level::Error, &line);
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
    answer: Result<PamReply, AskError>,
) -> PamResultCode {
    match answer {
        Ok(reply) => conclude(host, person, reply.verdict, None, Some(reply.request)),
        Err(error) => conclude(host, person, Verdict::Unavailable, Some(&error.to_string()), None),
    }
}

/// Logs a verdict, tells the person what they may know of it, and gives its code.
fn conclude(
    host: &mut dyn Host,
    person: &Person,
    verdict: Verdict,
    why: Option<&str>,
    request: Option<u64>,
) -> PamResultCode {
    let code = code(person.phase, verdict);
    let login = report::Login {
        user: &person.user,
        uid: person.uid,
        place: &person.place,
        phase: person.phase,
    };
    let (level, line) = report::verdict_line(&login, verdict, &code, why, request);
    host.log(level, &line);
    match (verdict, person.phase) {
        (Verdict::Refused(refusal), phase) => {
            if let Some(line) = refusal.for_the_person() {
                host.tell(line);
            }
            if phase == Phase::Auth {
                host.delay_refusal();
            }
        }
        // Only here: before the password is checked it would tell a guesser whose name is whose.
        (Verdict::Unavailable, Phase::Account) => host.tell(NOT_JUDGED),
        (Verdict::Unavailable, Phase::Auth) | (Verdict::Granted | Verdict::NotOurs, _) => {}
    }
    code
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;

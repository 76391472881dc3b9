//! `ldapsctl test USER`: a login as a program would do it, through libpam and this host's own stack
//! for the service, each step timed; and what the daemon did for it.
#![deny(unsafe_code)]

mod codes;
mod ffi;
mod person;
mod shown;

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use clap::Args;
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::tools::Decisions;

use self::ffi::Handle;
use self::person::{Answers, Heard, Somebody};
use self::shown::{OfDaemon, Shown, Step, answer};
use crate::output::print_error;
use crate::terminal::Progress;
use crate::{NOT_KNOWN, daemon};

/// Where libpam looks for a service's lines (pam.d(5)).
const PAM_DIRS: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// What a terminal is shown while nobody is asked anything.
const WAITING: &str = "Waiting for what PAM says";

/// `ldapsctl test`
#[derive(Args)]
pub struct Test {
    /// The name as one would type it at a login.
    name: String,
    /// The PAM service: the name of a file in /etc/pam.d.
    #[arg(long, value_name = "NAME", default_value = "sshd")]
    service: String,
    /// Take the password from standard input, a line for each question, and not from the terminal.
    #[arg(long)]
    password_stdin: bool,
    /// Say that the login comes from this host or address.
    #[arg(long, value_name = "HOST")]
    rhost: Option<String>,
    /// Open a session, too, and close it: a home directory may be made by that.
    #[arg(long)]
    session: bool,
    /// The daemon's run directory, where it is not in its usual place.
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Tries it. 0: who has this password gets in; 1: not; 3: it could not be found out.
pub fn run(test: &Test) -> ExitCode {
    let tried = check(test).and_then(|(user, service)| attempt(test, &user, &service));
    let (shown, code) = match tried {
        Ok(tried) => tried,
        Err(problem) => {
            print_error(&format!("{problem}\n"));
            return ExitCode::from(NOT_KNOWN);
        }
    };
    let printed = crate::show(test.json, &shown, shown::describe);
    match shown.lets_in {
        true => printed,
        false if nobody_can_say(&shown, code) => ExitCode::from(NOT_KNOWN),
        false => ExitCode::FAILURE,
    }
}

/// Whether the no is for want of somebody who could say yes: without the daemon, of all but local users.
fn nobody_can_say(shown: &Shown, code: i32) -> bool {
    let passwd = || std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let is_local =
        || passwd().lines().any(|line| line.split(':').next() == Some(shown.user.as_str()));
    code == codes::AUTHINFO_UNAVAIL || (shown.without_daemon.is_some() && !is_local())
}

/// What has to be so before anybody is asked for a password.
fn check(test: &Test) -> Result<(CString, CString), String> {
    if !rustix::process::geteuid().is_root() {
        return Err(
            "A login is tried as programs do it that run as root. Run: sudo ldapsctl test".into()
        );
    }
    let service = &test.service;
    let is_there = |dir: &str| Path::new(dir).join(service).is_file();
    if service.contains('/') || !PAM_DIRS.into_iter().any(is_there) {
        return Err(format!(
            "There is no PAM service {service:?}: no such file in /etc/pam.d. Name one of those."
        ));
    }
    let c_string = |text: &str| CString::new(text).map_err(|_| "A name holds no NUL.".to_owned());
    Ok((c_string(&test.name)?, c_string(service)?))
}

fn attempt(test: &Test, user: &CString, service: &CString) -> Result<(Shown, i32), String> {
    let mut shown =
        Shown { user: test.name.clone(), service: test.service.clone(), ..Shown::default() };
    let progress = Rc::new(Progress::begin("Looking the name up"));
    let began = Instant::now();
    let resolved = ffi::resolve(user);
    let (name, uid) =
        resolved.map(|(name, uid)| (name.to_string_lossy().into_owned(), uid)).unzip();
    let meaning = match (&name, uid) {
        (Some(name), Some(uid)) => format!("{name}, uid {uid}"),
        _ => "nobody here has that name: getent passwd finds nothing".to_owned(),
    };
    let took_us = microseconds(began.elapsed());
    shown.steps.push(Step { what: "NSS".to_owned(), took_us, meaning, ..Step::default() });
    (shown.name, shown.uid) = (name, uid);

    let (told, hears) = channel();
    let answers = if test.password_stdin { Answers::StandardInput } else { Answers::Terminal };
    let began = Instant::now();
    let somebody = Somebody { answers, told, progress: progress.clone() };
    let started = Handle::start(service, user, Box::new(somebody));
    let code = started.as_ref().err().copied().unwrap_or(codes::SUCCESS);
    let took_us = microseconds(began.elapsed());
    shown.steps.push(Step { took_us, ..answer("pam_start", code) });
    let Ok(mut handle) = started else { return Ok((finished(shown, code), code)) };
    if let Some(host) = test.rhost.as_ref().and_then(|host| CString::new(host.as_str()).ok()) {
        handle.set_remote_host(&host);
    }
    progress.now("Waiting for ldapsd");
    let mut login = Login { handle, hears, eyes: Eyes::new(test), progress, shown };
    let code = login.walk(test.session);
    Ok((finished(login.shown, code), code))
}

fn finished(mut shown: Shown, code: i32) -> Shown {
    let (name, meaning) = codes::of(code);
    shown.lets_in = matches!(code, codes::SUCCESS | codes::NEW_AUTHTOK_REQD);
    let meaning = match !shown.lets_in && nobody_can_say(&shown, code) {
        true => codes::of(codes::AUTHINFO_UNAVAIL).1,
        false => meaning,
    };
    (shown.code, shown.meaning) = (name.to_owned(), meaning.to_owned());
    shown
}

/// A login, step by step.
struct Login {
    handle: Handle,
    hears: Receiver<Heard>,
    eyes: Eyes,
    progress: Rc<Progress>,
    shown: Shown,
}

impl Login {
    /// The code that decides.
    fn walk(&mut self, with_session: bool) -> i32 {
        let code = self.step("authenticate", Handle::authenticate);
        if code != codes::SUCCESS {
            return code;
        }
        let code = self.step("acct_mgmt", Handle::account);
        if code != codes::SUCCESS || !with_session {
            return code;
        }
        let code = self.step("setcred", Handle::establish_credentials);
        if code != codes::SUCCESS {
            return code;
        }
        let code = self.step("open_session", Handle::open_session);
        self.step("close_session", Handle::close_session);
        code
    }

    fn step(&mut self, what: &str, call: fn(&mut Handle) -> i32) -> i32 {
        self.progress.now(WAITING);
        let began = Instant::now();
        let code = call(&mut self.handle);
        let took = began.elapsed();
        let (typing, held_back) = self.handle.waited();
        let decided = self.eyes.look(&mut self.shown);
        let mut told = Vec::new();
        for heard in self.hears.try_iter() {
            match heard {
                Heard::Words(words) => told.push(words),
                Heard::Question => self.shown.questions += 1,
            }
        }
        self.shown.steps.push(Step {
            took_us: microseconds(took.saturating_sub(typing)),
            held_back_us: microseconds(held_back),
            told,
            decided,
            ..answer(what, code)
        });
        code
    }
}

/// What looks at the daemon meanwhile. That it is away is no end of the test: what PAM then does is
/// what is wanted.
struct Eyes {
    run_dir: Option<PathBuf>,
    /// The last decision before; None: the daemon does not say.
    after: Option<u64>,
}

impl Eyes {
    fn new(test: &Test) -> Self {
        let mut eyes = Self { run_dir: test.run_dir.clone(), after: None };
        // There is no decision of so high a number: only the last one's is answered.
        eyes.after = eyes.ask(u64::MAX).ok().map(|decisions| decisions.last);
        eyes
    }

    /// The decisions since the last look that this process has asked for.
    fn look(&mut self, shown: &mut Shown) -> Vec<OfDaemon> {
        let Decisions { last, decided } = match self.ask(self.after.unwrap_or(0)) {
            Ok(decisions) => decisions,
            Err(why) => {
                shown.without_daemon = Some(why);
                return Vec::new();
            }
        };
        self.after = Some(last);
        let pid = i32::try_from(std::process::id()).ok();
        let own: Vec<OfDaemon> =
            decided.into_iter().filter(|it| it.pid == pid).map(OfDaemon::from).collect();
        for decided in &own {
            if !shown.requests.contains(&decided.request) {
                shown.requests.push(decided.request.clone());
            }
        }
        own
    }

    fn ask(&self, after: u64) -> Result<Decisions, String> {
        match daemon::ask_daemon(self.run_dir.as_deref(), &AdminRequest::Decisions(after)) {
            Ok(AdminReply::Decisions(decisions)) => Ok(decisions),
            Ok(AdminReply::Denied(why)) => Err(format!("{why}.")),
            Ok(_) => Err("ldapsd answered another question.".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_nobody_could_judge_is_called_wrong() {
        const AUTH_ERR: i32 = 7;
        let without = Some("ldapsd does not run".to_owned());
        for (user, without_daemon, meaning) in [
            ("no-such-user", without.clone(), "not known"),
            ("no-such-user", None, "no: the name and the password"),
            ("root", without, "no: the name and the password"),
        ] {
            let shown = Shown { user: user.to_owned(), without_daemon, ..Shown::default() };
            let shown = finished(shown, AUTH_ERR);
            assert!(shown.meaning.starts_with(meaning), "{user}: {}", shown.meaning);
        }
    }
}

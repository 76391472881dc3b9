//! A host that writes down what it is asked for, for the tests of the steps.
#![forbid(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use ldaps_core::ctl::{Ctl, CtlError, State};
use ldaps_core::entries::PasswdEntry;
use ldaps_core::presence::{Absence, Presence};
use ldaps_core::protocol::client::AskError;
use ldaps_core::protocol::messages::{NssReply, NssRequest, PamReply, PamRequest, Verdict};
use ldaps_core::protocol::request_id::RequestId;
use ldaps_core::run_dir::RunDir;
use ldaps_core::secret::Password;
use pam::constants::PamResultCode;

use crate::host::{Host, NoPassword, Page, Place, Resolved, Tone, Which};
use crate::report::Level;

/// alice's uid.
pub const ALICE: u32 = 1_842_601_107;
/// Every step up to the daemon's decision, as the host writes them down.
pub const RECOGNISED: &[&str] = &["local?", "page", "getpwnam_r", "look up"];

/// alice's password.
pub const CURRENT: &[u8] = b"Secret.123";
/// The one she chooses next.
pub const NEXT: &[u8] = b"Next.Secret.4";

/// Which absence of the daemon's page.
#[derive(Clone, Copy)]
pub enum Daemon {
    Unconfigured,
    WithoutPage,
    Page,
}

/// A host on which alice logs in, all is well, and every answer can be changed.
pub struct Recording {
    pub user: &'static CStr,
    pub local: fn() -> io::Result<bool>,
    pub daemon: Daemon,
    pub resolved: Resolved,
    pub held: fn() -> Result<NssReply, AskError>,
    pub decision: fn() -> Result<Verdict, AskError>,
    pub notice: Option<&'static str>,
    /// What is typed as the password at a login, and as the current one.
    pub typed: Result<&'static [u8], fn() -> PamResultCode>,
    /// What is typed as the new password.
    pub chosen: Result<&'static [u8], fn() -> PamResultCode>,
    pub ranges: Vec<RangeInclusive<u32>>,
    pub exclusive: bool,
    /// Whether the daemon knows somebody else by the uid.
    pub uid_held: fn() -> Result<NssReply, AskError>,
    pub granted: Option<String>,
    /// The password kept on the handle.
    pub kept: Option<Password>,
    pub steps: Vec<&'static str>,
    pub told: Vec<(Tone, String)>,
    pub logged: Vec<(Level, String)>,
    pub asked_as_authenticated: Option<bool>,
    pub dir: tempfile::TempDir,
}

pub fn alice() -> PasswdEntry {
    PasswdEntry {
        name: "alice".into(),
        uid: ALICE,
        gid: ALICE,
        gecos: String::new(),
        home: "/home/alice".into(),
        shell: "/bin/sh".into(),
    }
}

pub fn found(name: &str, uid: u32) -> Resolved {
    Resolved::Found { name: name.into(), uid }
}

pub fn host() -> Recording {
    Recording {
        user: c"alice",
        local: || Ok(false),
        daemon: Daemon::Page,
        resolved: found("alice", ALICE),
        held: || Ok(NssReply::User(alice())),
        decision: || Ok(Verdict::Granted),
        notice: None,
        typed: Ok(CURRENT),
        chosen: Ok(NEXT),
        ranges: vec![1_842_600_000..=1_842_799_999],
        exclusive: true,
        uid_held: || Ok(NssReply::NotFound),
        granted: None,
        kept: None,
        steps: Vec::new(),
        told: Vec::new(),
        logged: Vec::new(),
        asked_as_authenticated: None,
        dir: tempfile::tempdir().unwrap(),
    }
}

impl Host for Recording {
    fn user(&mut self) -> Result<CString, PamResultCode> {
        Ok(self.user.to_owned())
    }

    fn place(&mut self) -> Place {
        Place { service: "sshd".into(), ..Place::default() }
    }

    fn is_local(&mut self, _: &[u8]) -> io::Result<bool> {
        self.steps.push("local?");
        (self.local)()
    }

    fn presence(&mut self) -> Presence {
        self.steps.push("page");
        let ranges = self.ranges.clone();
        match self.daemon {
            Daemon::Unconfigured => Presence::Unconfigured,
            Daemon::WithoutPage => {
                Presence::Unavailable(Absence::Page(CtlError::Damaged("ctl".into())))
            }
            Daemon::Page => Presence::Page(
                RunDir::at(self.dir.path()).unwrap(),
                Ctl {
                    state: State::Running,
                    heartbeat: Duration::ZERO,
                    ranges,
                    exclusive: self.exclusive,
                },
            ),
        }
    }

    fn resolve(&mut self, _: &CStr) -> Resolved {
        self.steps.push("getpwnam_r");
        self.resolved.clone()
    }

    fn look_up(&mut self, _: &Page, request: &NssRequest) -> Result<NssReply, AskError> {
        if request == &NssRequest::UserById(ALICE) {
            self.steps.push("look up uid");
            return (self.uid_held)();
        }
        assert_eq!(request, &NssRequest::UserByName("alice".into()));
        self.steps.push("look up");
        (self.held)()
    }

    fn decide(&mut self, _: &Page, request: &PamRequest<'_>) -> Result<PamReply, AskError> {
        let login = match request {
            PamRequest::Authenticate { login, password } => {
                assert_eq!(Ok(*password), self.typed.map_err(drop));
                self.steps.push("password sent");
                login
            }
            PamRequest::Account { login, authenticated } => {
                self.asked_as_authenticated = Some(*authenticated);
                self.steps.push("account asked");
                login
            }
            PamRequest::CheckOldPassword { login, old } => {
                assert_eq!(Ok(*old), self.typed.map_err(drop));
                self.steps.push("current password sent");
                login
            }
            PamRequest::ChangePassword { login, old, new } => {
                assert_eq!(*old, CURRENT);
                assert_eq!(Ok(*new), self.chosen.map_err(drop));
                self.steps.push("change sent");
                login
            }
        };
        assert_eq!((login.user, login.uid, login.service), ("alice", ALICE, "sshd"));
        let notice = self.notice.map(str::to_owned);
        (self.decision)().map(|verdict| PamReply {
            verdict,
            request: RequestId::from_random(7),
            notice,
        })
    }

    fn password(&mut self, which: Which) -> Result<Password, NoPassword> {
        let (step, typed) = match which {
            Which::Login => ("prompt", self.typed),
            Which::Current => ("current?", self.typed),
            Which::New => ("new?", self.chosen),
        };
        self.steps.push(step);
        match typed {
            Ok(typed) => Password::parse(typed).map_err(NoPassword::Unusable),
            Err(code) => Err(NoPassword::Pam(code())),
        }
    }

    fn tell(&mut self, tone: Tone, line: &str) {
        self.told.push((tone, line.to_owned()));
    }

    fn log(&mut self, level: Level, line: &str) {
        for secret in ["Secret.123", "Next.Secret"] {
            assert!(!line.contains(secret), "a password in the log: {line}");
        }
        self.logged.push((level, line.to_owned()));
    }

    fn delay_refusal(&mut self) {
        self.steps.push("delay");
    }

    fn note_granted(&mut self, user: &str, to_change: Option<Password>) {
        self.granted = Some(user.to_owned());
        self.kept = to_change;
    }

    fn forget_granted(&mut self) {
        self.granted = None;
        self.kept = None;
    }

    fn has_granted(&mut self, user: &str) -> bool {
        self.granted.as_deref() == Some(user)
    }

    fn offer_kept(&mut self, user: &str) -> bool {
        self.has_granted(user) && self.kept.is_some()
    }

    fn take_kept(&mut self, user: Option<&str>) -> Option<Password> {
        let kept = self.kept.take();
        kept.filter(|_| user.is_some() && self.granted.as_deref() == user)
    }
}

/// The steps of a phase, all of those before the last ones being [`RECOGNISED`].
pub fn after_recognition(last: &[&'static str]) -> Vec<&'static str> {
    [RECOGNISED, last].concat()
}

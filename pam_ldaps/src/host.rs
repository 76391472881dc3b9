//! What the steps of a login need from outside, so that their order can be tested.
#![forbid(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;

use ldaps_core::ctl::Ctl;
use ldaps_core::presence::Presence;
use ldaps_core::protocol::client::AskError;
use ldaps_core::protocol::messages::{NssReply, NssRequest, PamReply, PamRequest};
use ldaps_core::run_dir::RunDir;
use ldaps_core::secret::{Password, PasswordError};
use pam::constants::PamResultCode;

use crate::report::Level;

/// The host a login happens on.
///
/// Everything the module learns and does goes through here; nothing of it fails in a way that
/// would have to be a panic.
pub trait Host {
    /// PAM_USER, asked for if nobody has yet.
    ///
    /// # Errors
    /// libpam's code, never `PAM_SUCCESS`.
    fn user(&mut self) -> Result<CString, PamResultCode>;

    /// What else PAM knows of the login.
    fn place(&mut self) -> Place;

    /// Whether /etc/passwd has the name.
    ///
    /// # Errors
    /// The error of reading the file.
    fn is_local(&mut self, name: &[u8]) -> io::Result<bool>;

    /// Whether there is a daemon to ask.
    fn presence(&mut self) -> Presence;

    /// Who the name is for every program of the host: `getpwnam_r`.
    fn resolve(&mut self, name: &CStr) -> Resolved;

    /// One look-up at the daemon.
    ///
    /// # Errors
    /// [`AskError`]; nothing is known then.
    fn look_up(&mut self, page: &Page, request: &NssRequest) -> Result<NssReply, AskError>;

    /// One decision of the daemon's.
    ///
    /// # Errors
    /// [`AskError`]; nothing was decided then.
    fn decide(&mut self, page: &Page, request: &PamRequest<'_>) -> Result<PamReply, AskError>;

    /// A password: what an earlier module has asked for, or what the person types now.
    ///
    /// # Errors
    /// [`NoPassword`], where there is none that may be sent on.
    fn password(&mut self, which: Which) -> Result<Password, NoPassword>;

    /// Shows the person one line. Whether that works changes nothing.
    fn tell(&mut self, tone: Tone, line: &str);

    /// Writes one line to the host's log.
    fn log(&mut self, level: Level, line: &str);

    /// Has libpam wait a little before the program hears of a refusal.
    fn delay_refusal(&mut self);

    /// Notes on the PAM handle that we have authenticated this user, and keeps the password there
    /// where it has to be changed next: libpam wipes its own copy when `pam_authenticate` returns.
    fn note_granted(&mut self, user: &str, to_change: Option<Password>);

    /// Takes the note away, and with it the password.
    fn forget_granted(&mut self);

    /// Whether this process has noted on this PAM handle that we have authenticated this user.
    fn has_granted(&mut self, user: &str) -> bool;

    /// Gives the password that this process has kept for this user to libpam as the current one,
    /// for the modules that compare the new one with it; false where none is kept.
    fn offer_kept(&mut self, user: &str) -> bool;

    /// Takes the kept password off the PAM handle, whoever's it is; it is there no more
    /// afterwards. None where none is kept by this process for this user.
    fn take_kept(&mut self, user: Option<&str>) -> Option<Password>;
}

/// Which password is asked for: libpam has a place and a question for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one to log in with.
    Login,
    /// The one that is to be changed.
    Current,
    /// The one to come, typed twice.
    New,
}

/// How a line is meant that the person sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// They may go on.
    Info,
    /// They may not.
    Error,
}

/// The daemon's directory, checked, and its page.
#[derive(Debug)]
pub struct Page {
    /// Where its sockets are.
    pub run_dir: RunDir,
    /// What it says of itself.
    pub ctl: Ctl,
}

/// What `getpwnam_r` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// An entry.
    Found {
        /// pw_name, which need not be what was asked for.
        name: Vec<u8>,
        /// pw_uid.
        uid: u32,
    },
    /// No source has the name, and all that were asked could be.
    NotFound,
    /// No source has the name, and one of them could not be asked; the errno.
    Failed(i32),
}

/// Why there is no password to send.
#[derive(Debug, PartialEq, Eq)]
pub enum NoPassword {
    /// There is one, and it must not be sent.
    Unusable(PasswordError),
    /// libpam has none, and this is its code; never `PAM_SUCCESS`.
    Pam(PamResultCode),
}

/// Where a login comes from and through which program: PAM's items, empty where not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// PAM_SERVICE.
    pub service: String,
    /// PAM_RHOST.
    pub rhost: String,
    /// PAM_TTY.
    pub tty: String,
    /// PAM_RUSER.
    pub ruser: String,
}

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

    /// The password: what an earlier module has asked for, or what the person types now.
    ///
    /// # Errors
    /// [`NoPassword`], where there is none that may be sent on.
    fn password(&mut self) -> Result<Password, NoPassword>;

    /// Shows the person one line. Whether that works changes nothing.
    fn tell(&mut self, line: &str);

    /// Writes one line to the host's log.
    fn log(&mut self, level: Level, line: &str);

    /// Has libpam wait a little before the program hears of a refusal.
    fn delay_refusal(&mut self);

    /// Notes on the PAM handle that we have authenticated this user; None takes the note away.
    fn note_granted(&mut self, user: Option<&str>);

    /// Whether this process has noted on this PAM handle that we have authenticated this user.
    fn has_granted(&mut self, user: &str) -> bool;
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

//! The host as it is: libpam, the C library, the daemon.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::io;

use ldaps_core::local::is_local_user;
use ldaps_core::presence::{Presence, daemon_page};
use ldaps_core::protocol::client::{AskError, NSS_DEADLINE, PAM_DEADLINE, Socket, ask};
use ldaps_core::protocol::messages::{NssReply, NssRequest, PamReply, PamRequest};
use ldaps_core::run_dir::RunDir;
use ldaps_core::secret::Password;
use pam::constants::{PAM_SILENT, PamFlag, PamResultCode};
use pam::items::{Item, RHost, RUser, Service, Tty, User};
use pam::module::PamHandle;

use crate::ffi::{self, Granted};
use crate::host::{Host, NoPassword, Page, Place, Resolved, Tone, Which};
use crate::report::Level;

/// How long a refusal is held back: what `pam_unix` asks for too (2 s), and libpam takes the
/// longest that any module asks for.
const REFUSAL_DELAY_US: u32 = 2_000_000;
/// Longest item that is passed on, in bytes: a host name has at most 253, and what is longer is
/// somebody's attempt to fill a log or a request.
const ITEM_MAX: usize = 1024;

/// One call of libpam's.
pub struct Live<'a> {
    handle: &'a mut PamHandle,
    silent: bool,
    debug: bool,
}

impl<'a> Live<'a> {
    /// Takes the handle for the length of the call.
    pub fn new(handle: &'a mut PamHandle, flags: PamFlag, debug: bool) -> Self {
        Self { handle, silent: flags & PAM_SILENT != 0, debug }
    }

    fn item<'b, I>(&'b self) -> String
    where
        I: Item<'b> + std::ops::Deref<Target = &'b CStr>,
    {
        match self.handle.get_item::<I>() {
            Ok(Some(item)) => limited(item.to_bytes()),
            Ok(None) | Err(_) => String::new(),
        }
    }
}

impl Host for Live<'_> {
    fn user(&mut self) -> Result<CString, PamResultCode> {
        // This asks for the name where nobody has yet. Its own result has to be UTF-8; the item
        // holds the bytes as they are.
        let asked = self.handle.get_user(None).map(drop);
        match self.handle.get_item::<User>()? {
            Some(user) => Ok(user.0.to_owned()),
            None => Err(asked.err().unwrap_or(PamResultCode::PAM_USER_UNKNOWN)),
        }
    }

    fn place(&mut self) -> Place {
        Place {
            service: self.item::<Service<'_>>(),
            rhost: self.item::<RHost<'_>>(),
            tty: self.item::<Tty<'_>>(),
            ruser: self.item::<RUser<'_>>(),
        }
    }

    fn is_local(&mut self, name: &[u8]) -> io::Result<bool> {
        is_local_user(name)
    }

    fn presence(&mut self) -> Presence {
        daemon_page(RunDir::built_in())
    }

    fn resolve(&mut self, name: &CStr) -> Resolved {
        ffi::resolve(name)
    }

    // Its page is read anew each time: somebody may have taken minutes to type what is sent now, and
    // the heartbeat of then would be one that has stopped.
    fn look_up(&mut self, page: &Page, request: &NssRequest) -> Result<NssReply, AskError> {
        ask(&page.run_dir, Socket::Nss, request, NSS_DEADLINE)
    }

    fn decide(&mut self, page: &Page, request: &PamRequest<'_>) -> Result<PamReply, AskError> {
        ask(&page.run_dir, Socket::Pam, request, PAM_DEADLINE)
    }

    fn password(&mut self, which: Which) -> Result<Password, NoPassword> {
        ffi::password(self.handle, which)
    }

    fn tell(&mut self, tone: Tone, line: &str) {
        if !self.silent {
            ffi::tell(self.handle, tone, &c_string(line));
        }
    }

    fn log(&mut self, level: Level, line: &str) {
        let priority = match level {
            Level::Error => libc::LOG_ERR,
            Level::Warning => libc::LOG_WARNING,
            Level::Notice => libc::LOG_NOTICE,
            Level::Info => libc::LOG_INFO,
            Level::Debug if self.debug => libc::LOG_DEBUG,
            Level::Debug => return,
        };
        ffi::log(self.handle, priority, &c_string(line));
    }

    fn delay_refusal(&mut self) {
        ffi::delay_failure(self.handle, REFUSAL_DELAY_US);
    }

    fn note_granted(&mut self, user: &str, to_change: Option<Password>) {
        let process = std::process::id();
        let to_change = Cell::new(to_change);
        let note = Granted { user: Some(user.to_owned()), process, to_change };
        ffi::keep_granted(self.handle, note);
    }

    fn forget_granted(&mut self) {
        if ffi::granted(self.handle).is_some() {
            let process = std::process::id();
            let note = Granted { user: None, process, to_change: Cell::new(None) };
            ffi::keep_granted(self.handle, note);
        }
    }

    fn has_granted(&mut self, user: &str) -> bool {
        ffi::granted(self.handle).is_some_and(|note| is_of(note, user))
    }

    fn offer_kept(&mut self, user: &str) -> bool {
        let note = ffi::granted(self.handle).filter(|note| is_of(note, user));
        let Some(password) = note.and_then(|note| note.to_change.take()) else { return false };
        ffi::offer_current(self.handle, &password);
        self.note_granted(user, Some(password));
        true
    }

    fn take_kept(&mut self, user: Option<&str>) -> Option<Password> {
        let note = ffi::granted(self.handle)?;
        let password = note.to_change.take()?;
        user.is_some_and(|user| is_of(note, user)).then_some(password)
    }
}

/// Whether a note is this user's and of this process: one that a fork has left behind is not.
fn is_of(note: &Granted, user: &str) -> bool {
    note.user.as_deref() == Some(user) && note.process == std::process::id()
}

/// Text for C; what stands behind a NUL is lost, and no text here has one.
fn c_string(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().take_while(|byte| *byte != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

/// An item as text, cut at [`ITEM_MAX`].
fn limited(bytes: &[u8]) -> String {
    let cut = bytes.get(..ITEM_MAX).unwrap_or(bytes);
    String::from_utf8_lossy(cut).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_any_length_and_kind_is_sent_on_whole() {
        assert_eq!(limited(b"10.0.0.9"), "10.0.0.9");
        assert_eq!(limited(&[b'x'; 5000]).len(), ITEM_MAX);
        assert_eq!(limited(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn a_nul_in_a_line_ends_in_a_panic() {
        assert_eq!(c_string("a\0b").as_bytes(), b"a");
    }
}

//! Everything unsafe: libpam's calls that `pam-bindings` lacks, `getpwnam_r`, errno, and the
//! entry points. Each function here is safe to call and leaves nothing to its caller.
//!
//! `pam-bindings` stays for the entry points (argument checks, no panic across the boundary), the
//! handle, the items and the data on the handle. Not used of it: its conversation, which takes an
//! application's NULL reply to a message for an error (libpam's own `pam_prompt` does not).

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use ldaps_core::secret::Password;
use pam::constants::{PAM_ERROR_MSG, PAM_TEXT_INFO, PamResultCode};
use pam::module::PamHandle;
use zeroize::Zeroizing;

use crate::hooks::Ldaps;
use crate::host::{NoPassword, Resolved, Tone, Which};

/// `pam_get_authtok`'s items (security/_pam_types.h).
const PAM_AUTHTOK: c_int = 6;
const PAM_OLDAUTHTOK: c_int = 7;
/// What `getpwnam_r` is first given: glibc's own suggestion (`_SC_GETPW_R_SIZE_MAX`).
const ENTRY_FIRST: usize = 1024;
/// And the most: far above any entry of passwd(5), and small enough for any process.
const ENTRY_MAX: usize = 1 << 20;

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_get_authtok(
        pamh: *mut PamHandle,
        item: c_int,
        authtok: *mut *const c_char,
        prompt: *const c_char,
    ) -> c_int;
    fn pam_prompt(
        pamh: *mut PamHandle,
        style: c_int,
        response: *mut *mut c_char,
        format: *const c_char,
        ...
    ) -> c_int;
    fn pam_syslog(pamh: *const PamHandle, priority: c_int, format: *const c_char, ...);
    fn pam_set_item(pamh: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_fail_delay(pamh: *mut PamHandle, microseconds: c_uint) -> c_int;
}

#[allow(clippy::undocumented_unsafe_blocks, reason = "written by pam-bindings, which documents it")]
mod entry {
    use super::Ldaps;
    pam::pam_hooks!(Ldaps);
}

/// A password: what an earlier module asked for, or what the person types now; libpam obeys
/// `use_first_pass` and its kin, has a new one typed twice, and keeps it for the modules behind.
///
/// # Errors
/// [`NoPassword`]: libpam's code, or why the password must not be sent.
pub fn password(handle: &mut PamHandle, which: Which) -> Result<Password, NoPassword> {
    // NULL asks for libpam's own words; for the current password those differ between versions.
    let (item, prompt) = match which {
        Which::Login | Which::New => (PAM_AUTHTOK, ptr::null()),
        Which::Current => (PAM_OLDAUTHTOK, c"Current password: ".as_ptr()),
    };
    let mut token: *const c_char = ptr::null();
    // SAFETY: pam_get_authtok(3): the handle is the one libpam has just called us with; `token` is
    // a place for one pointer; the prompt is NULL or ends in a NUL.
    let code = unsafe { pam_get_authtok(handle, item, &raw mut token, prompt) };
    if code != 0 {
        let code = PamResultCode::try_from(code).unwrap_or(PamResultCode::PAM_SERVICE_ERR);
        return Err(NoPassword::Pam(code));
    }
    if token.is_null() {
        return Err(NoPassword::Pam(PamResultCode::PAM_AUTH_ERR));
    }
    // SAFETY: pam_get_authtok(3): after PAM_SUCCESS a pointer that is not NULL is to a string that
    // ends in a NUL. It is libpam's own and is not changed before the next call to libpam, and the
    // handle stays borrowed until the copy is made.
    let token = unsafe { CStr::from_ptr(token) };
    Password::parse(token.to_bytes()).map_err(NoPassword::Unusable)
}

/// Shows the person one line. Whatever the application answers, libpam frees it; whether it was
/// shown changes nothing for the caller.
pub fn tell(handle: &mut PamHandle, tone: Tone, line: &CStr) {
    let style = match tone {
        Tone::Info => PAM_TEXT_INFO,
        Tone::Error => PAM_ERROR_MSG,
    };
    // SAFETY: pam_prompt(3): the handle is libpam's; NULL for the response says that none is
    // wanted; the format takes exactly one string, which is given and ends in a NUL.
    unsafe {
        pam_prompt(handle, style, ptr::null_mut(), c"%s".as_ptr(), line.as_ptr());
    }
}

/// Writes a line to the host's log; libpam puts the module and the service before it.
pub fn log(handle: &PamHandle, priority: c_int, line: &CStr) {
    // SAFETY: pam_syslog(3): the handle is libpam's and is only read; the format takes exactly one
    // string, which is given and ends in a NUL.
    unsafe { pam_syslog(handle, priority, c"%s".as_ptr(), line.as_ptr()) }
}

/// Has libpam wait about so long before the program hears of a failure.
pub fn delay_failure(handle: &mut PamHandle, microseconds: u32) {
    // SAFETY: pam_fail_delay(3) only writes the number down in libpam's handle. Its failure means
    // no delay, and there is nothing to be done about that.
    unsafe { pam_fail_delay(handle, microseconds) };
}

/// The note on the PAM handle that our `pam_sm_authenticate` has succeeded.
pub struct Granted {
    /// For this PAM_USER; None where the note was taken away.
    pub user: Option<String>,
    /// In this process.
    pub process: u32,
    /// The password, where it has to be changed before anything else. It is wiped when it is taken
    /// out and dropped, and with the note: when that is replaced, and at `pam_end`.
    pub to_change: Cell<Option<Password>>,
}

/// Where the note stands; the number changes with its layout.
const GRANTED: &str = "ldaps-login.pam_ldaps.granted.2";

/// The note, if there is one.
pub fn granted(handle: &PamHandle) -> Option<&Granted> {
    // SAFETY: PamHandle::get_data: what stands under this key has this type. Only `keep_granted`
    // writes there: the key is private to this file and names this module.
    unsafe { handle.get_data::<Granted>(GRANTED) }.ok()
}

/// Puts the note there, in place of an earlier one.
pub fn keep_granted(handle: &mut PamHandle, note: Granted) {
    // Where there is no room for it, the daemon judges the account as one that came with a key,
    // and the current password is asked for.
    let _ = handle.set_data(GRANTED, Box::new(note));
}

/// Gives libpam a password as the current one; it makes a copy, and wipes that when
/// `pam_chauthtok` returns.
pub fn offer_current(handle: &mut PamHandle, password: &Password) {
    let bytes = password.expose();
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len().saturating_add(1)));
    text.extend_from_slice(bytes);
    text.push(0);
    // SAFETY: pam_set_item(3): the handle is libpam's; the value of PAM_OLDAUTHTOK is a string,
    // which ends in a NUL and is copied. Its failure means that modules behind ask again.
    unsafe { pam_set_item(handle, PAM_OLDAUTHTOK, text.as_ptr().cast()) };
}

/// `getpwnam_r`, with a buffer that grows as it asks.
pub fn resolve(name: &CStr) -> Resolved {
    let mut size = ENTRY_FIRST;
    loop {
        match resolve_within(name, size) {
            Resolved::Failed(libc::ERANGE) if size < ENTRY_MAX => size = size.saturating_mul(2),
            Resolved::Failed(libc::EINTR) => {}
            resolved => return resolved,
        }
    }
}

fn resolve_within(name: &CStr, size: usize) -> Resolved {
    let mut buffer: Vec<c_char> = vec![0; size];
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    let mut found: *mut libc::passwd = ptr::null_mut();
    // SAFETY: getpwnam_r(3): the name ends in a NUL; the entry and the buffer are ours, the buffer
    // as long as said; `found` is a place for one pointer.
    let code = unsafe {
        libc::getpwnam_r(
            name.as_ptr(),
            entry.as_mut_ptr(),
            buffer.as_mut_ptr(),
            buffer.len(),
            &raw mut found,
        )
    };
    match code {
        // Not found has four more names among the implementations; of these glibc passes on what
        // a service of nsswitch.conf left behind (getpwnam_r(3), ERRORS).
        0 | libc::ENOENT | libc::ESRCH if found.is_null() => return Resolved::NotFound,
        0 if !found.is_null() => {}
        code => return Resolved::Failed(code),
    }
    // SAFETY: getpwnam_r(3): it has returned 0 and `found` is not NULL, so the entry is filled in.
    let entry = unsafe { entry.assume_init() };
    if entry.pw_name.is_null() {
        return Resolved::Failed(libc::EINVAL);
    }
    // SAFETY: getpwnam_r(3): pw_name of an entry that was found is a string in our buffer that
    // ends in a NUL, and the buffer lives to the end of this function.
    let name = unsafe { CStr::from_ptr(entry.pw_name) };
    Resolved::Found { name: name.to_bytes().to_vec(), uid: entry.pw_uid }
}

/// The caller's errno, put back when this is dropped: what a module does inside is not to be seen
/// there, and a panic makes no exception.
pub struct KeptErrno(c_int);

impl KeptErrno {
    /// Remembers errno as it is.
    pub fn new() -> Self {
        Self(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

impl Drop for KeptErrno {
    fn drop(&mut self) {
        // SAFETY: glibc's __errno_location takes nothing and gives this thread's own errno.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: the pointer is to this thread's errno and valid as long as the thread lives.
        unsafe { *errno = self.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errno() -> Option<i32> {
        std::io::Error::last_os_error().raw_os_error()
    }

    #[test]
    fn a_call_leaves_its_errno_with_the_program() {
        assert!(std::fs::File::open("/dev/null/nothing").is_err());
        let before = errno();
        let kept = KeptErrno::new();
        assert!(std::fs::read_to_string("/").is_err());
        assert_ne!(errno(), before, "the test needs a second error");
        drop(kept);
        assert_eq!(errno(), before);
    }

    #[test]
    fn a_name_is_resolved_to_somebody_else() {
        assert_eq!(resolve(c"root"), Resolved::Found { name: b"root".to_vec(), uid: 0 });
        assert_eq!(resolve(c"no-user-of-this-name"), Resolved::NotFound);
    }

    #[test]
    fn a_buffer_that_is_too_short_looks_like_no_user() {
        assert_eq!(resolve_within(c"root", 1), Resolved::Failed(libc::ERANGE));
    }
}

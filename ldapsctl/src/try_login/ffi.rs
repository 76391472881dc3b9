//! The application's side of libpam, as pam(3) has it, and one look-up by the C library: everything
//! unsafe that `ldapsctl test` needs.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// What PAM wants to say or to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// An answer that is not shown while it is typed.
    Hidden,
    /// An answer that is.
    Shown,
    /// Nothing: an error is told.
    Error,
    /// Nothing: something is told.
    Info,
}

/// Whoever talks to PAM. None: no answer, and PAM is told that the conversation failed.
pub trait Person {
    /// Answers, or takes note.
    fn hear(&mut self, style: Style, text: &str) -> Option<Zeroizing<Vec<u8>>>;
}

/// What the conversation has to do with, at an address that does not change.
struct Talk {
    person: Box<dyn Person>,
    /// How long the person has taken.
    thinking: Duration,
    /// How long libpam would have held a refusal back.
    delay: Duration,
}

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

type Converse =
    unsafe extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int;

#[repr(C)]
struct Conv {
    converse: Option<Converse>,
    data: *mut c_void,
}

const SUCCESS: c_int = 0;
const CONV_ERR: c_int = 19;
const BUF_ERR: c_int = 5;
/// `_pam_types.h`, as all numbers here.
const RHOST: c_int = 4;
const FAIL_DELAY: c_int = 10;
const DISALLOW_NULL_AUTHTOK: c_int = 1;
const ESTABLISH_CRED: c_int = 2;
const DELETE_CRED: c_int = 4;
/// PAM_MAX_NUM_MSG.
const MESSAGES_MAX: usize = 32;

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conv: *const Conv,
        handle: *mut *mut c_void,
    ) -> c_int;
    fn pam_end(handle: *mut c_void, status: c_int) -> c_int;
    fn pam_authenticate(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_setcred(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_open_session(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_close_session(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_set_item(handle: *mut c_void, item: c_int, value: *const c_void) -> c_int;
}

/// A login under way.
pub struct Handle {
    handle: *mut c_void,
    talk: *mut Talk,
    status: c_int,
}

impl Handle {
    /// pam_start.
    ///
    /// # Errors
    /// PAM's code.
    pub fn start(service: &CStr, user: &CStr, person: Box<dyn Person>) -> Result<Self, i32> {
        let talk = Talk { person, thinking: Duration::ZERO, delay: Duration::ZERO };
        let talk = Box::into_raw(Box::new(talk));
        let conv = Conv { converse: Some(converse), data: talk.cast() };
        let mut login = Self { handle: ptr::null_mut(), talk, status: SUCCESS };
        let (service, user) = (service.as_ptr(), user.as_ptr());
        // SAFETY: pam_start(3): both strings end in a NUL and are copied, as the conversation is; its
        // data lives as long as the handle does, for `login` owns both.
        let code = unsafe { pam_start(service, user, &raw const conv, &raw mut login.handle) };
        if code != SUCCESS || login.handle.is_null() {
            login.handle = ptr::null_mut();
            return Err(code);
        }
        let delay: unsafe extern "C" fn(c_int, c_uint, *mut c_void) = count_delay;
        // SAFETY: pam_set_item(3): PAM_FAIL_DELAY is a pointer to a function of this type.
        unsafe { pam_set_item(login.handle, FAIL_DELAY, delay as *const c_void) };
        Ok(login)
    }

    /// Says from where the person comes.
    pub fn set_remote_host(&mut self, host: &CStr) {
        // SAFETY: pam_set_item(3): PAM_RHOST is a string that ends in a NUL, which libpam copies.
        unsafe { pam_set_item(self.handle, RHOST, host.as_ptr().cast()) };
    }

    /// pam_authenticate; an empty password is nobody's.
    pub fn authenticate(&mut self) -> i32 {
        // SAFETY: pam_authenticate(3): the handle is of pam_start and not yet ended.
        self.status = unsafe { pam_authenticate(self.handle, DISALLOW_NULL_AUTHTOK) };
        self.status
    }

    /// pam_acct_mgmt.
    pub fn account(&mut self) -> i32 {
        // SAFETY: pam_acct_mgmt(3): the handle is of pam_start and not yet ended.
        self.status = unsafe { pam_acct_mgmt(self.handle, DISALLOW_NULL_AUTHTOK) };
        self.status
    }

    /// pam_setcred, to give credentials.
    pub fn establish_credentials(&mut self) -> i32 {
        // SAFETY: pam_setcred(3): the handle is of pam_start and not yet ended.
        self.status = unsafe { pam_setcred(self.handle, ESTABLISH_CRED) };
        self.status
    }

    /// pam_open_session.
    pub fn open_session(&mut self) -> i32 {
        // SAFETY: pam_open_session(3): the handle is of pam_start and not yet ended.
        self.status = unsafe { pam_open_session(self.handle, 0) };
        self.status
    }

    /// pam_close_session, and pam_setcred to take the credentials away.
    pub fn close_session(&mut self) -> i32 {
        // SAFETY: pam_close_session(3): the handle is of pam_start and not yet ended.
        self.status = unsafe { pam_close_session(self.handle, 0) };
        // SAFETY: pam_setcred(3): as above.
        unsafe { pam_setcred(self.handle, DELETE_CRED) };
        self.status
    }

    /// How long the person has taken to answer, and how long a refusal would have been held back,
    /// since this was last asked.
    pub fn waited(&mut self) -> (Duration, Duration) {
        // SAFETY: the Talk is this handle's own, and libpam uses it during a call only.
        let talk = unsafe { &mut *self.talk };
        (std::mem::take(&mut talk.thinking), std::mem::take(&mut talk.delay))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: pam_end(3): once, and nothing uses the handle afterwards.
            unsafe { pam_end(self.handle, self.status) };
        }
        // SAFETY: the Talk was a Box, and libpam, which alone knew of it, has ended.
        drop(unsafe { Box::from_raw(self.talk) });
    }
}

unsafe extern "C" fn count_delay(_: c_int, microseconds: c_uint, data: *mut c_void) {
    // SAFETY: libpam gives the conversation's data: the handle's own Talk, used by nobody else during
    // the call.
    if let Some(talk) = unsafe { data.cast::<Talk>().as_mut() } {
        talk.delay += Duration::from_micros(u64::from(microseconds));
    }
}

unsafe extern "C" fn converse(
    count: c_int,
    messages: *mut *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    // SAFETY: as in `count_delay`.
    let talk = unsafe { data.cast::<Talk>().as_mut() };
    let count = usize::try_from(count).unwrap_or(0);
    let (Some(talk), 1..=MESSAGES_MAX) = (talk, count) else { return CONV_ERR };
    // SAFETY: calloc(3) has no conditions.
    let answers = unsafe { libc::calloc(count, size_of::<Response>()) }.cast::<Response>();
    if answers.is_null() {
        return BUF_ERR;
    }
    for index in 0..count {
        // SAFETY: pam_conv(3): on Linux `messages` is an array of `count` pointers to messages.
        let message = unsafe { messages.wrapping_add(index).read() };
        // SAFETY: the pointer is to a message that stays for the length of this call.
        let Some(text) = (unsafe { hear(talk, message) }) else {
            // SAFETY: `answers` was allocated for `count` responses, all zero or written below.
            unsafe { forget(answers, count) };
            return CONV_ERR;
        };
        // SAFETY: within the `count` responses that were allocated above.
        unsafe { answers.wrapping_add(index).write(Response { text, code: 0 }) };
    }
    // SAFETY: pam_conv(3): `responses` is a place for one pointer, and libpam frees what it is given.
    unsafe { responses.write(answers) };
    SUCCESS
}

/// Has the person hear one message; the answer as libpam wants it, NULL where none is due. None:
/// the person does not answer.
///
/// # Safety
/// `message` is NULL or to a message whose text is NULL or ends in a NUL.
unsafe fn hear(talk: &mut Talk, message: *const Message) -> Option<*mut c_char> {
    // SAFETY: the caller's promise.
    let message = unsafe { message.as_ref() }?;
    let text = match message.text.is_null() {
        true => String::new(),
        // SAFETY: the caller's promise.
        false => unsafe { CStr::from_ptr(message.text) }.to_string_lossy().into_owned(),
    };
    let style = match message.style {
        1 => Style::Hidden,
        2 => Style::Shown,
        3 => Style::Error,
        4 => Style::Info,
        _ => return None,
    };
    let began = Instant::now();
    let answer = talk.person.hear(style, &text);
    talk.thinking += began.elapsed();
    match style {
        Style::Error | Style::Info => Some(ptr::null_mut()),
        Style::Hidden | Style::Shown => allocated(&answer?),
    }
}

/// The bytes and a NUL, in memory that libpam wipes and frees.
fn allocated(bytes: &[u8]) -> Option<*mut c_char> {
    // SAFETY: calloc(3) has no conditions.
    let memory = unsafe { libc::calloc(bytes.len() + 1, 1) }.cast::<u8>();
    if memory.is_null() {
        return None;
    }
    // SAFETY: the memory was just allocated for this many bytes and one more, and is nobody's yet.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) };
    Some(memory.cast())
}

/// Wipes and frees answers that libpam does not get.
///
/// # Safety
/// `answers` is of calloc(3), for `count` responses, whose texts are NULL or of calloc(3).
unsafe fn forget(answers: *mut Response, count: usize) {
    for index in 0..count {
        // SAFETY: the caller's promise.
        let text = unsafe { answers.wrapping_add(index).read() }.text;
        if text.is_null() {
            continue;
        }
        // SAFETY: `allocated` has ended it in a NUL.
        let length = unsafe { libc::strlen(text) };
        // SAFETY: so long is the text.
        unsafe { libc::explicit_bzero(text.cast(), length) };
        // SAFETY: of calloc(3), and nobody else's.
        unsafe { libc::free(text.cast()) };
    }
    // SAFETY: as above.
    unsafe { libc::free(answers.cast()) };
}

/// What getpwnam(3) gives: the name and the uid.
#[must_use]
pub fn resolve(name: &CStr) -> Option<(CString, u32)> {
    // SAFETY: getpwnam(3): the name ends in a NUL; nobody else in this program, which has one
    // thread, uses the static entry.
    let entry = unsafe { libc::getpwnam(name.as_ptr()) };
    // SAFETY: NULL, or an entry that stays until the next look-up.
    let entry = unsafe { entry.as_ref() }?;
    // SAFETY: getpwnam(3): the name of an entry ends in a NUL.
    let name = unsafe { CStr::from_ptr(entry.pw_name) };
    Some((name.to_owned(), entry.pw_uid))
}

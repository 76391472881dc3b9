//! libpam, as a program that logs people in has it: the two phases that `doctor` plays.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

type Converse =
    unsafe extern "C" fn(c_int, *mut *const c_void, *mut *mut Response, *mut c_void) -> c_int;

#[repr(C)]
struct Conv {
    converse: Option<Converse>,
    data: *mut c_void,
}

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conv: *const Conv,
        confdir: *const c_char,
        handle: *mut *mut c_void,
    ) -> c_int;
    fn pam_end(handle: *mut c_void, status: c_int) -> c_int;
    fn pam_authenticate(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut c_void, flags: c_int) -> c_int;
}

#[link(name = "c")]
unsafe extern "C" {
    fn calloc(count: usize, size: usize) -> *mut c_void;
}

/// What libpam itself makes of a service whose file is in this directory: the codes of
/// pam_authenticate and pam_acct_mgmt; the code of pam_start for both, where that fails.
pub fn codes(directory: &CStr, service: &CStr) -> (c_int, c_int) {
    let conv = Conv { converse: Some(say_nothing), data: ptr::null_mut() };
    let mut handle = ptr::null_mut();
    let (service, user) = (service.as_ptr(), c"nobody".as_ptr());
    // SAFETY: pam_start_confdir(3): all strings end in a NUL; the conversation is copied, and has no data.
    let code = unsafe {
        pam_start_confdir(service, user, &raw const conv, directory.as_ptr(), &raw mut handle)
    };
    if code != 0 {
        return (code, code);
    }
    // SAFETY: pam_authenticate(3): the handle is of pam_start and not yet ended.
    let auth = unsafe { pam_authenticate(handle, 0) };
    // SAFETY: pam_acct_mgmt(3): the same.
    let account = unsafe { pam_acct_mgmt(handle, 0) };
    // SAFETY: pam_end(3): once, and nothing uses the handle afterwards.
    unsafe { pam_end(handle, account) };
    (auth, account)
}

unsafe extern "C" fn say_nothing(
    count: c_int,
    _: *mut *const c_void,
    responses: *mut *mut Response,
    _: *mut c_void,
) -> c_int {
    // SAFETY: calloc(3) has no conditions; pam_conv(3) has the caller free it.
    let response = unsafe { calloc(count.unsigned_abs() as usize, size_of::<Response>()) };
    // SAFETY: pam_conv(3): `responses` is a place for one pointer.
    unsafe { responses.write(response.cast()) };
    0
}

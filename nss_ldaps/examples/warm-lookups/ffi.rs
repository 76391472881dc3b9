//! The module's calls as glibc makes them.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use nss_ldaps::ffi;
use nss_ldaps::module::Module;

/// `NSS_STATUS_SUCCESS` and `NSS_STATUS_NOTFOUND` of nss.h.
pub const SUCCESS: libc::c_int = 1;
pub const NOTFOUND: libc::c_int = 0;

/// The status of getpwnam_r with a buffer that is large enough.
pub fn getpwnam(module: &Module<'_>, name: &CStr) -> libc::c_int {
    let (mut result, mut buffer) = (MaybeUninit::uninit(), [MaybeUninit::<u8>::uninit(); 1024]);
    let mut errnop = 0;
    let (at, room) = (buffer.as_mut_ptr().cast(), buffer.len());
    // SAFETY: nss.h: a C string, and pointers to what may be written.
    unsafe { ffi::getpwnam(module, name.as_ptr(), result.as_mut_ptr(), at, room, &raw mut errnop) }
}

/// The status of getgrnam_r with a buffer that is large enough.
pub fn getgrnam(module: &Module<'_>, name: &CStr) -> libc::c_int {
    let (mut result, mut buffer) = (MaybeUninit::uninit(), [MaybeUninit::<u8>::uninit(); 4096]);
    let mut errnop = 0;
    let (at, room) = (buffer.as_mut_ptr().cast(), buffer.len());
    // SAFETY: nss.h: a C string, and pointers to what may be written.
    unsafe { ffi::getgrnam(module, name.as_ptr(), result.as_mut_ptr(), at, room, &raw mut errnop) }
}

/// How many gids initgroups_dyn appends to an array that had room for them.
pub fn initgroups(module: &Module<'_>, name: &CStr) -> libc::c_long {
    const ROOM: libc::c_long = 64;
    let (mut start, mut size, mut errnop) = (0, ROOM, 0);
    // SAFETY: malloc(3).
    let mut groups: *mut libc::gid_t = unsafe { libc::malloc(64 * 4) }.cast();
    // SAFETY: nss.h: a C string, an array from malloc with room for `size`, none of it set.
    unsafe {
        ffi::initgroups(
            module,
            name.as_ptr(),
            1_842_600_513,
            &raw mut start,
            &raw mut size,
            &raw mut groups,
            -1,
            &raw mut errnop,
        )
    };
    // SAFETY: from malloc or realloc.
    unsafe { libc::free(groups.cast()) };
    start
}

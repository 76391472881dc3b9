//! The functions that glibc calls, as nss.h and `nss/nss_files` of glibc define them: pointers
//! become slices here, and outcomes become status and errno.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::slice;

use libc::{c_char, c_int, c_long, gid_t, size_t, uid_t};

use crate::guard::silently;
use crate::lookup::Gids;
use crate::module::{MODULE, Module, Slot};
use crate::status::{Miss, to_glibc};
use crate::sys::SavedErrno;

/// Room for gids in an array that had none: about what a person has.
const SMALLEST_ARRAY: usize = 16;

/// One call: no panic comes out of it, errno is kept, and `*errnop` says what the status means.
///
/// # Safety
/// `errnop` is null or may be written.
unsafe fn call(errnop: *mut c_int, body: impl FnOnce() -> Result<(), Miss>) -> c_int {
    let saved = SavedErrno::now();
    let outcome = silently(body).unwrap_or(Err(Miss::Unavailable));
    // First errno, then *errnop, which glibc makes point to errno.
    drop(saved);
    let (status, errno) = to_glibc(outcome);
    if let (Some(errno), false) = (errno, errnop.is_null()) {
        // SAFETY: the caller's promise, and it is not null.
        unsafe { errnop.write(errno) };
    }
    status
}

/// # Safety
/// `name` is null or a C string that stays as it is for `'a`.
unsafe fn text<'a>(name: *const c_char) -> Result<&'a [u8], Miss> {
    if name.is_null() {
        return Err(Miss::BadArgument);
    }
    // SAFETY: the caller's promise, and it is not null.
    Ok(unsafe { CStr::from_ptr(name) }.to_bytes())
}

/// # Safety
/// `result` is null or may be written, `buffer` is null or has `length` bytes that may be written,
/// both by nobody else for `'c`.
unsafe fn slot<'c, T>(
    result: *mut T,
    buffer: *mut c_char,
    length: size_t,
) -> Result<Slot<'c, T>, Miss> {
    if result.is_null() {
        return Err(Miss::BadArgument);
    }
    // sssd met a glibc that gave no buffer at all; a larger one is what it needs.
    if buffer.is_null() || length == 0 {
        return Err(Miss::ShortBuffer);
    }
    // No object is longer than this, so neither is the buffer.
    let length = length.min(isize::MAX.unsigned_abs());
    // SAFETY: the caller's promise; it is not null, and MaybeUninit promises nothing of content.
    let result = unsafe { &mut *result.cast::<MaybeUninit<T>>() };
    // SAFETY: as above.
    let buffer = unsafe { slice::from_raw_parts_mut(buffer.cast::<MaybeUninit<u8>>(), length) };
    Ok(Slot { result, buffer })
}

/// Where a call for one entry writes: the arguments that all of them end with.
struct Target<T> {
    result: *mut T,
    buffer: *mut c_char,
    length: size_t,
    errnop: *mut c_int,
}

/// A call for one entry.
///
/// # Safety
/// As for [`slot`] and [`call`].
unsafe fn entry<T>(target: Target<T>, body: impl FnOnce(Slot<'_, T>) -> Result<(), Miss>) -> c_int {
    let Target { result, buffer, length, errnop } = target;
    // SAFETY: the caller's promise.
    let slot = unsafe { slot(result, buffer, length) };
    // SAFETY: the caller's promise.
    unsafe { call(errnop, || body(slot?)) }
}

/// The caller's array of gids, which is grown as it needs: the four arguments of initgroups_dyn.
struct GroupArray {
    /// How many gids are in it.
    start: *mut c_long,
    /// How many fit.
    size: *mut c_long,
    /// The array, from malloc(3).
    groups: *mut *mut gid_t,
    /// How many may ever fit; no limit if it is not positive.
    limit: c_long,
}

impl GroupArray {
    /// The gids that are set.
    ///
    /// # Safety
    /// The pointers are null, or as glibc gives them: `*groups` from malloc with room for `*size`,
    /// of which `*start` are set.
    unsafe fn get<'a>(&self) -> Result<&'a [gid_t], Miss> {
        if self.start.is_null() || self.size.is_null() || self.groups.is_null() {
            return Err(Miss::BadArgument);
        }
        // SAFETY: the caller's promise.
        let start = unsafe { *self.start };
        // SAFETY: the caller's promise.
        let size = unsafe { *self.size };
        // SAFETY: the caller's promise.
        let groups = unsafe { *self.groups };
        match usize::try_from(start) {
            Ok(0) if size >= 0 => Ok(&[]),
            // SAFETY: the caller's promise.
            Ok(set) if start <= size && !groups.is_null() => unsafe {
                Ok(slice::from_raw_parts(groups, set))
            },
            _ => Err(Miss::BadArgument),
        }
    }

    /// Appends the gids that are not there and not `primary`, up to the limit; what is beyond it is
    /// left out, as glibc's own modules do.
    ///
    /// # Safety
    /// As for [`Self::get`].
    unsafe fn append(&self, gids: Gids<'_>, primary: gid_t) -> Result<(), Miss> {
        // SAFETY: the caller's promise.
        let has = unsafe { self.get() }?.len();
        // SAFETY: the caller's promise; no slice of the array is left.
        let size = unsafe { self.make_room(has.saturating_add(gids.len())) }?;
        // SAFETY: the caller's promise.
        let groups = unsafe { *self.groups };
        let spare = groups.wrapping_add(has).cast::<MaybeUninit<gid_t>>();
        // SAFETY: the array has room for `size`, and nobody else writes there.
        let spare = unsafe { slice::from_raw_parts_mut(spare, size.saturating_sub(has)) };
        // SAFETY: the caller's promise; what is spare begins behind these.
        let has = unsafe { self.get() }?;
        let mut appended = 0;
        let added = gids.filter(|gid| *gid != primary && !has.contains(gid));
        for (place, gid) in spare.iter_mut().zip(added) {
            place.write(gid);
            appended += 1;
        }
        // SAFETY: the caller's promise; so many more are set now.
        unsafe { *self.start += appended };
        Ok(())
    }

    /// Makes room for so many gids, or as many as the limit allows; how many there is room for now.
    ///
    /// # Safety
    /// As for [`Self::get`], of which no slice is used after this.
    unsafe fn make_room(&self, wanted: usize) -> Result<usize, Miss> {
        let limit = usize::try_from(self.limit).ok().filter(|limit| *limit > 0);
        let limit = limit.unwrap_or(usize::MAX);
        // SAFETY: the caller's promise.
        let size = usize::try_from(unsafe { *self.size }).map_err(|_| Miss::BadArgument)?;
        if wanted.min(limit) <= size {
            return Ok(size);
        }
        let size = wanted.max(size.saturating_mul(2)).max(SMALLEST_ARRAY).min(limit);
        let bytes = size.checked_mul(size_of::<gid_t>()).ok_or(Miss::NoMemory)?;
        // SAFETY: the caller's promise.
        let groups = unsafe { *self.groups };
        // SAFETY: realloc(3): the array is null or from malloc, and if this succeeds the old
        // pointer is not used again.
        let grown = unsafe { libc::realloc(groups.cast(), bytes) };
        if grown.is_null() {
            return Err(Miss::NoMemory);
        }
        // SAFETY: the caller's promise.
        unsafe { *self.groups = grown.cast() };
        // SAFETY: the caller's promise.
        unsafe { *self.size = c_long::try_from(size).map_err(|_| Miss::NoMemory)? };
        Ok(size)
    }
}

/// initgroups_dyn of any module, for the tests as well.
///
/// # Safety
/// As for [`_nss_ldaps_initgroups_dyn`].
#[allow(clippy::too_many_arguments, reason = "nss.h has these eight")]
pub unsafe fn initgroups(
    module: &Module<'_>,
    user: *const c_char,
    group: gid_t,
    start: *mut c_long,
    size: *mut c_long,
    groups: *mut *mut gid_t,
    limit: c_long,
    errnop: *mut c_int,
) -> c_int {
    let array = GroupArray { start, size, groups, limit };
    // SAFETY: the caller's promise.
    let user = unsafe { text(user) };
    let append = || {
        // SAFETY: the caller's promise.
        unsafe { array.get() }?;
        // SAFETY: the caller's promise.
        module.groups(user?, |gids| unsafe { array.append(gids, group) })
    };
    // SAFETY: the caller's promise.
    unsafe { call(errnop, append) }
}

/// getpwnam_r of any module, for the tests as well.
///
/// # Safety
/// As for [`_nss_ldaps_getpwnam_r`].
pub unsafe fn getpwnam(
    module: &Module<'_>,
    name: *const c_char,
    result: *mut libc::passwd,
    buffer: *mut c_char,
    length: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    let name = unsafe { text(name) };
    // SAFETY: the caller's promise.
    unsafe { entry(Target { result, buffer, length, errnop }, |slot| module.getpwnam(name?, slot)) }
}

/// getgrnam_r of any module, for the tests as well.
///
/// # Safety
/// As for [`_nss_ldaps_getgrnam_r`].
pub unsafe fn getgrnam(
    module: &Module<'_>,
    name: *const c_char,
    result: *mut libc::group,
    buffer: *mut c_char,
    length: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    let name = unsafe { text(name) };
    // SAFETY: the caller's promise.
    unsafe { entry(Target { result, buffer, length, errnop }, |slot| module.getgrnam(name?, slot)) }
}

/// # Safety
/// nss.h: `name` is a C string, the other pointers may be written, `buffer` for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_getpwnam_r(
    name: *const c_char,
    result: *mut libc::passwd,
    buffer: *mut c_char,
    length: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: nss.h.
    unsafe { getpwnam(&MODULE, name, result, buffer, length, errnop) }
}

/// # Safety
/// nss.h: the pointers may be written, `buffer` for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_getpwuid_r(
    uid: uid_t,
    result: *mut libc::passwd,
    buffer: *mut c_char,
    length: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: nss.h.
    unsafe { entry(Target { result, buffer, length, errnop }, |slot| MODULE.getpwuid(uid, slot)) }
}

/// # Safety
/// nss.h: `name` is a C string, the other pointers may be written, `buffer` for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_getgrnam_r(
    name: *const c_char,
    result: *mut libc::group,
    buffer: *mut c_char,
    length: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: nss.h.
    unsafe { getgrnam(&MODULE, name, result, buffer, length, errnop) }
}

/// # Safety
/// nss.h: the pointers may be written, `buffer` for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_getgrgid_r(
    gid: gid_t,
    result: *mut libc::group,
    buffer: *mut c_char,
    length: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: nss.h.
    unsafe { entry(Target { result, buffer, length, errnop }, |slot| MODULE.getgrgid(gid, slot)) }
}

/// Appends the gids of a user's groups to the caller's array, all but `group`, which it has.
///
/// # Safety
/// nss.h: `user` is a C string; `*groups` is from malloc and has room for `*size` gids, of which
/// `*start` are set; all four pointers may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_initgroups_dyn(
    user: *const c_char,
    group: gid_t,
    start: *mut c_long,
    size: *mut c_long,
    groups: *mut *mut gid_t,
    limit: c_long,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: nss.h.
    unsafe { initgroups(&MODULE, user, group, start, size, groups, limit, errnop) }
}

/// # Safety
/// None is needed; the type is nss.h's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_setpwent(_stayopen: c_int) -> c_int {
    // SAFETY: no pointer is given.
    unsafe { call(std::ptr::null_mut(), || MODULE.reset_users()) }
}

/// # Safety
/// nss.h: the pointers may be written, `buffer` for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_getpwent_r(
    result: *mut libc::passwd,
    buffer: *mut c_char,
    length: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: nss.h.
    unsafe { entry(Target { result, buffer, length, errnop }, |slot| MODULE.getpwent(slot)) }
}

/// # Safety
/// None is needed; the type is nss.h's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_endpwent() -> c_int {
    // SAFETY: no pointer is given.
    unsafe { call(std::ptr::null_mut(), || MODULE.reset_users()) }
}

/// # Safety
/// None is needed; the type is nss.h's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_setgrent(_stayopen: c_int) -> c_int {
    // SAFETY: no pointer is given.
    unsafe { call(std::ptr::null_mut(), || MODULE.reset_groups()) }
}

/// # Safety
/// nss.h: the pointers may be written, `buffer` for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_getgrent_r(
    result: *mut libc::group,
    buffer: *mut c_char,
    length: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: nss.h.
    unsafe { entry(Target { result, buffer, length, errnop }, |slot| MODULE.getgrent(slot)) }
}

/// # Safety
/// None is needed; the type is nss.h's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_ldaps_endgrent() -> c_int {
    // SAFETY: no pointer is given.
    unsafe { call(std::ptr::null_mut(), || MODULE.reset_groups()) }
}

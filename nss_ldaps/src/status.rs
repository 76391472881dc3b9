//! What a call ends as: `enum nss_status` and errno, decided in one place.
#![forbid(unsafe_code)]

use libc::c_int;

/// Why a call gives no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// There is none, and that is certain; or the enumeration is at its end.
    NotFound,
    /// Whether there is one is unknown.
    Unavailable,
    /// The entry does not fit into the caller's buffer.
    ShortBuffer,
    /// The caller's array of groups cannot grow.
    NoMemory,
    /// The caller gave a null pointer where glibc never does.
    BadArgument,
}

/// The values of glibc's `enum nss_status` (nss.h) that are used here.
const TRYAGAIN: c_int = -2;
const UNAVAIL: c_int = -1;
const NOTFOUND: c_int = 0;
const SUCCESS: c_int = 1;

/// What glibc is told: the status, and the errno that goes with it; none with success, which
/// leaves errno as it was.
///
/// TRYAGAIN with ERANGE means to every caller "come again with a larger buffer", so it stands for
/// that and nothing else. "Unavailable" is EIO, which getpwnam(3) documents; the errnos that
/// getpwnam(3) lists for "not found" (ENOENT, ESRCH, EBADF, EPERM) must not stand for it.
#[must_use]
pub fn to_glibc(outcome: Result<(), Miss>) -> (c_int, Option<c_int>) {
    match outcome {
        Ok(()) => (SUCCESS, None),
        Err(Miss::NotFound) => (NOTFOUND, Some(libc::ENOENT)),
        Err(Miss::Unavailable) => (UNAVAIL, Some(libc::EIO)),
        Err(Miss::ShortBuffer) => (TRYAGAIN, Some(libc::ERANGE)),
        Err(Miss::NoMemory) => (TRYAGAIN, Some(libc::ENOMEM)),
        Err(Miss::BadArgument) => (UNAVAIL, Some(libc::EINVAL)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_buffer_makes_glibc_come_again_with_a_larger_one() {
        for miss in [Miss::NotFound, Miss::Unavailable, Miss::NoMemory, Miss::BadArgument] {
            assert_ne!(to_glibc(Err(miss)).1, Some(libc::ERANGE), "{miss:?}");
        }
        assert_eq!(to_glibc(Err(Miss::ShortBuffer)), (TRYAGAIN, Some(libc::ERANGE)));
    }

    #[test]
    fn unavailable_looks_like_not_found() {
        let (status, errno) = to_glibc(Err(Miss::Unavailable));
        assert_eq!(status, UNAVAIL);
        for not_found in [0, libc::ENOENT, libc::ESRCH, libc::EBADF, libc::EPERM] {
            assert_ne!(errno, Some(not_found));
        }
    }
}

//! errno and the signal mask of the calling thread; and memory that need not be initialised.

use std::mem::MaybeUninit;
use std::ptr;

/// The signals a program takes notice with rather than ends by. A handler that runs in the middle
/// of a request and leaves by `longjmp` would leak the socket; ^C and SIGTERM stay free to end a
/// program that waits.
const NOTICES: [libc::c_int; 11] = [
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGCHLD,
    libc::SIGTSTP,
    libc::SIGIO,
    libc::SIGHUP,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGURG,
    libc::SIGWINCH,
];

/// Fills a buffer with as many bytes, in one go: byte by byte it is what a look-up takes longest for.
/// (It is `MaybeUninit::write_copy_of_slice`, which is newer than the Rust this is built with.)
///
/// # Panics
/// They are not as many.
#[inline]
pub fn copy(bytes: &[u8], buffer: &mut [MaybeUninit<u8>]) {
    assert_eq!(bytes.len(), buffer.len());
    // SAFETY: both are that long, and no slice that is borrowed shared overlaps one that is
    // borrowed alone.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.as_mut_ptr().cast(), bytes.len()) };
}

/// The errno of the calling thread, put back when this goes out of scope.
#[derive(Debug)]
pub struct SavedErrno(libc::c_int);

impl SavedErrno {
    /// Notes errno.
    #[must_use]
    pub fn now() -> Self {
        // SAFETY: errno(3): every thread has its own, and it is always there.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: as above; no other thread writes it.
        Self(unsafe { *errno })
    }
}

impl Drop for SavedErrno {
    fn drop(&mut self) {
        // SAFETY: as in `now`.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: as in `now`.
        unsafe { *errno = self.0 };
    }
}

/// Keeps the signals of `NOTICES` from the calling thread until it goes out of scope: two system calls, so
/// only around a request.
pub struct SignalsHeld(Option<libc::sigset_t>);

impl SignalsHeld {
    /// Holds the signals back from now on.
    #[must_use]
    pub fn now() -> Self {
        let mut notices = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigsetops(3): the set is ours to write.
        unsafe { libc::sigemptyset(notices.as_mut_ptr()) };
        // SAFETY: sigsetops(3): sigemptyset has initialised it; it cannot fail.
        let mut notices = unsafe { notices.assume_init() };
        for signal in NOTICES {
            // SAFETY: sigsetops(3): the set is initialised, the signal exists.
            unsafe { libc::sigaddset(&raw mut notices, signal) };
        }
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: pthread_sigmask(3): both sets are ours; it fills `before` when it gives 0.
        let held = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const notices, before.as_mut_ptr())
        };
        match held {
            // SAFETY: pthread_sigmask(3) gave 0, so it has filled the set.
            0 => Self(Some(unsafe { before.assume_init() })),
            _ => Self(None),
        }
    }
}

impl Drop for SignalsHeld {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // SAFETY: pthread_sigmask(3): the set is the one it gave us.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, ptr::null_mut()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_blocked(signal: libc::c_int) -> bool {
        let mut now = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: pthread_sigmask(3): with no new set it only fills the old one.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), now.as_mut_ptr()) };
        // SAFETY: filled above.
        unsafe { libc::sigismember(now.as_ptr(), signal) == 1 }
    }

    #[test]
    fn a_request_can_be_left_by_a_handler_or_cannot_be_ended_by_the_user() {
        {
            let _held = SignalsHeld::now();
            assert!(NOTICES.iter().all(|signal| is_blocked(*signal)));
            let ends = [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGPIPE];
            assert!(!ends.into_iter().any(is_blocked));
        }
        assert!(!NOTICES.iter().any(|signal| is_blocked(*signal)));
    }

    #[test]
    fn a_signal_that_the_program_holds_back_itself_comes_through_afterwards() {
        let outer = SignalsHeld::now();
        drop(SignalsHeld::now());
        assert!(is_blocked(libc::SIGALRM));
        drop(outer);
    }
}

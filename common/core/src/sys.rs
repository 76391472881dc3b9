//! What std has no word for: a thread that is not cancelled for a while.

use std::ffi::c_int;

/// pthread.h, of glibc.
const PTHREAD_CANCEL_DISABLE: c_int = 1;

unsafe extern "C" {
    /// pthread_setcancelstate(3).
    safe fn pthread_setcancelstate(state: c_int, old: Option<&mut c_int>) -> c_int;
}

/// Keeps the calling thread from being cancelled until this goes out of scope: glibc ends a cancelled
/// thread by unwinding its stack where it waits or opens, reads or closes something (pthreads(7)), and there
/// would be ours.
pub struct CancelHeld(c_int);

impl CancelHeld {
    /// Holds a cancellation back from now on.
    #[must_use]
    pub fn now() -> Self {
        let mut before = PTHREAD_CANCEL_DISABLE;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, Some(&mut before));
        Self(before)
    }
}

impl Drop for CancelHeld {
    fn drop(&mut self) {
        pthread_setcancelstate(self.0, None);
    }
}

//! No panic leaves this module, and none is heard of: std's default hook would write to the
//! standard error of whatever program looks up a name.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// Whether this thread is inside a call. It has no destructor, so a lookup from another
    /// thread-local's destructor finds it alive.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call; None if it panicked.
pub fn silently<T>(body: impl FnOnce() -> T) -> Option<T> {
    silence_once();
    let was_inside = INSIDE.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(was_inside);
    match outcome {
        Ok(value) => Some(value),
        Err(payload) => {
            // Leaked, because its destructor could panic in turn.
            std::mem::forget(payload);
            None
        }
    }
}

/// Installs the hook of our copy of std (a cdylib has its own, so the host program's hook, if it
/// is written in Rust, stays). Not a `Once`: a fork in the middle of one leaves the child waiting
/// for ever.
fn silence_once() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !INSIDE.get() {
            before(info);
        }
    }));
}

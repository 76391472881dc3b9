//! A panic inside the module. Alone in its process, because it counts what the hook hears.

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};

use nss_ldaps::guard::silently;

#[test]
fn a_panic_ends_the_program_or_is_written_to_its_standard_error() {
    static HEARD: AtomicUsize = AtomicUsize::new(0);
    panic::set_hook(Box::new(|_| {
        HEARD.fetch_add(1, Ordering::SeqCst);
    }));
    assert_eq!(silently(|| 1), Some(1));
    assert_eq!(silently(|| -> u32 { panic!("inside") }), None);
    assert_eq!(HEARD.load(Ordering::SeqCst), 0, "a panic of ours was heard");
    assert!(panic::catch_unwind(|| panic!("outside")).is_err());
    assert_eq!(HEARD.load(Ordering::SeqCst), 1, "a panic of the program's own was not");
}

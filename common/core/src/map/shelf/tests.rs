//! The shelf under threads that replace and read at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{PLACES, Shelf};

static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Says when it is read after it was dropped.
struct Thing {
    number: usize,
    check: usize,
}

impl Thing {
    fn new(number: usize) -> Box<Self> {
        ALIVE.fetch_add(1, Ordering::SeqCst);
        Box::new(Self { number, check: !number })
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.check = self.number;
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn a_thing_is_dropped_while_it_is_read_or_kept_when_nobody_does() {
    let shelf = Shelf::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for number in 0..20_000 {
                    let _ = shelf.put(Thing::new(number));
                }
            });
        }
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..50_000 {
                    if let Some(held) = shelf.hold() {
                        assert_eq!(held.number, !held.check, "it was dropped");
                    }
                }
            });
        }
    });
    assert!(ALIVE.load(Ordering::SeqCst) <= PLACES, "more are kept than there are places");
    // The next one puts what is still retired away.
    assert!(shelf.put(Thing::new(0)).is_ok());
    assert_eq!(ALIVE.load(Ordering::SeqCst), 1, "one is kept that nobody reads");

    // A place that a fork left counted in for ever is one of them, and no more.
    for stuck in 1..PLACES {
        std::mem::forget(shelf.hold());
        assert!(shelf.put(Thing::new(stuck)).is_ok(), "{stuck}");
    }
    std::mem::forget(shelf.hold());
    assert!(shelf.put(Thing::new(0)).is_err());
    assert!(shelf.hold().is_some(), "a full shelf is still read");
    drop(shelf);
    assert_eq!(ALIVE.load(Ordering::SeqCst), 0, "what was on the shelf outlives it");
}

//! The shelf itself.
#![allow(unsafe_code)]

use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::SeqCst};

use super::{PLACES, STRIPES};

/// The lower bits of a place's state; the upper ones count its uses, so that a place which was
/// used again is not taken for what it was before.
const FREE: u32 = 0;
/// One thread owns the place: it puts something in, or drops what is there.
const BUSY: u32 = 1;
const LIVE: u32 = 2;
const RETIRED: u32 = 3;
const WHAT: u32 = 3;
const NEXT_USE: u32 = 4;

/// See the module.
pub(in crate::map) struct Shelf<T> {
    /// The index of the live place, plus one; zero for none.
    current: AtomicUsize,
    places: [Place<T>; PLACES],
}

struct Place<T> {
    state: AtomicU32,
    item: AtomicPtr<T>,
    inside: [Stripe; STRIPES],
}

#[repr(align(64))]
struct Stripe(AtomicU32);

/// The current thing, for as long as this is held.
pub(in crate::map) struct Held<'s, T> {
    place: &'s Place<T>,
    stripe: &'s AtomicU32,
    item: *const T,
}

impl<T: Send + Sync> Shelf<T> {
    /// A shelf with nothing on it.
    pub(in crate::map) const fn new() -> Self {
        let places = [const { Place::new() }; PLACES];
        Self { current: AtomicUsize::new(0), places }
    }

    /// The current thing, if there is one. It never waits.
    #[inline]
    pub(in crate::map) fn hold(&self) -> Option<Held<'_, T>> {
        // Each further turn means that somebody has replaced the thing in between.
        for _ in 0..PLACES {
            let place = self.places.get(self.current.load(SeqCst).checked_sub(1)?)?;
            let stripe = place.stripe();
            stripe.fetch_add(1, SeqCst);
            if place.state.load(SeqCst) & WHAT == LIVE {
                return Some(Held { place, stripe, item: place.item.load(SeqCst) });
            }
            place.leave(stripe);
        }
        None
    }

    /// Puts a thing in the place of the current one; gives it back where every place is taken.
    pub(in crate::map) fn put(&self, item: Box<T>) -> Result<(), Box<T>> {
        let Some((index, place, using)) = self.take_place() else { return Err(item) };
        place.item.store(Box::into_raw(item), SeqCst);
        place.state.store(using | LIVE, SeqCst);
        self.retire(self.current.swap(index + 1, SeqCst));
        Ok(())
    }

    /// Takes the current thing off, if it still is the one that is held.
    pub(in crate::map) fn remove(&self, held: &Held<'_, T>) {
        let index = self.places.iter().position(|place| ptr::eq(place, held.place));
        let Some(index) = index.map(|index| index + 1) else { return };
        if self.current.compare_exchange(index, 0, SeqCst, SeqCst).is_ok() {
            self.retire(index);
        }
    }

    /// A place that is this thread's alone, with the bits that count its uses.
    fn take_place(&self) -> Option<(usize, &Place<T>, u32)> {
        self.places.iter().enumerate().find_map(|(index, place)| {
            place.drop_if_unread();
            let state = place.state.load(SeqCst);
            let using = (state & !WHAT).wrapping_add(NEXT_USE);
            let taken = state & WHAT == FREE
                && place.state.compare_exchange(state, using | BUSY, SeqCst, SeqCst).is_ok();
            taken.then_some((index, place, using))
        })
    }

    /// Only the one who has swapped `current` from this index to another calls this, so a live
    /// place is retired once.
    fn retire(&self, index: usize) {
        let Some(place) = index.checked_sub(1).and_then(|index| self.places.get(index)) else {
            return;
        };
        let state = place.state.load(SeqCst);
        place.state.store(state & !WHAT | RETIRED, SeqCst);
        place.drop_if_unread();
    }
}

impl<T> Place<T> {
    const fn new() -> Self {
        Self {
            state: AtomicU32::new(FREE),
            item: AtomicPtr::new(ptr::null_mut()),
            inside: [const { Stripe(AtomicU32::new(0)) }; STRIPES],
        }
    }

    /// The counter for this thread: by its stack, which needs no thread-local storage.
    #[inline]
    fn stripe(&self) -> &AtomicU32 {
        let on_the_stack = 0_u8;
        let address = ptr::from_ref(&on_the_stack).addr() as u64 >> 16;
        let index = address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61;
        &self.inside[index as usize % STRIPES].0
    }

    #[inline]
    fn leave(&self, stripe: &AtomicU32) {
        stripe.fetch_sub(1, SeqCst);
        if self.state.load(SeqCst) & WHAT == RETIRED {
            self.drop_if_unread();
        }
    }

    /// Drops a retired thing that no thread reads.
    fn drop_if_unread(&self) {
        let state = self.state.load(SeqCst);
        let unread = || self.inside.iter().all(|stripe| stripe.0.load(SeqCst) == 0);
        if state & WHAT != RETIRED || !unread() {
            return;
        }
        // Had the place been used again since, the bits that count its uses would differ.
        let busy = state & !WHAT | BUSY;
        if self.state.compare_exchange(state, busy, SeqCst, SeqCst).is_ok() {
            let item = self.item.swap(ptr::null_mut(), SeqCst);
            // SAFETY: `put` made it from a box, and this thread alone owns the place now. No
            // thread holds it: a holder was counted in before it saw LIVE, that was before the
            // place was retired, and all counters were zero after that.
            drop(unsafe { Box::from_raw(item) });
            self.state.store(state & !WHAT | FREE, SeqCst);
        }
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: as in `drop_if_unread`: while this is counted in, the thing is not dropped; and
        // nobody gives out a mutable reference to it.
        unsafe { &*self.item }
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.place.leave(self.stripe);
    }
}

impl<T> Drop for Shelf<T> {
    fn drop(&mut self) {
        for place in &self.places {
            let item = place.item.load(SeqCst);
            if !item.is_null() {
                // SAFETY: `put` made it from a box; nobody can hold it, since it borrows self.
                drop(unsafe { Box::from_raw(item) });
            }
        }
    }
}

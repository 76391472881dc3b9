//! One thing that all threads of a process read and any of them replaces, with no lock that a
//! `fork` could leave held. What was replaced is dropped once no thread reads it.
//!
//! A reader counts itself in at the place of the current thing, then looks whether that place is
//! still live, and only then touches it. Who replaces the thing marks the old place as retired
//! first, and drops the thing when afterwards the counters of that place were all zero. Both
//! orders are sequentially consistent, so one of the two sees the other.
//!
//! A `fork` in the middle of a read leaves a place counted in for ever, in the child: that is one
//! of [`PLACES`], and when none is left the child reads without one, at the price of mapping each
//! time.
#![deny(unsafe_code)]

mod sys;

pub(super) use sys::Shelf;
/// How many things may be on the shelf at once: the current one, and those still read.
const PLACES: usize = 8;
/// Counters for each place, so that threads do not fight for one.
const STRIPES: usize = 8;

#[cfg(test)]
mod tests;

//! How long things took, counted by how long: cheap enough for every look-up and login.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets, in microseconds: from an answer of a domain controller beside
/// this host (0.3 ms) to a login's last deadline. Prometheus' own usual ones, and two below.
pub const BOUNDS_US: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// Counts of what took at most so long.
#[derive(Debug, Default)]
pub struct Histogram {
    /// By the first bound that is not exceeded; the last is of what exceeds all.
    counts: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Durations {
    /// How many took at most as long as each of [`BOUNDS_US`].
    pub at_most: [u64; BOUNDS_US.len()],
    /// How many there were.
    pub count: u64,
    /// How long all of them took, in microseconds.
    pub sum_us: u64,
}

impl Histogram {
    /// Counts one.
    pub fn count(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < us);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// How it is now.
    #[must_use]
    pub fn now(&self) -> Durations {
        let mut durations =
            Durations { sum_us: self.sum_us.load(Ordering::Relaxed), ..Durations::default() };
        for (index, count) in self.counts.iter().enumerate() {
            durations.count += count.load(Ordering::Relaxed);
            if let Some(at_most) = durations.at_most.get_mut(index) {
                *at_most = durations.count;
            }
        }
        durations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_another_bucket() {
        let histogram = Histogram::default();
        for us in [0, 500, 501, 10_000_000, 10_000_001] {
            histogram.count(Duration::from_micros(us));
        }
        let Durations { at_most, count, sum_us } = histogram.now();
        assert_eq!((at_most[0], at_most[1], at_most[12], at_most[13]), (2, 3, 3, 4));
        assert_eq!((count, sum_us), (5, 20_001_002));
    }
}

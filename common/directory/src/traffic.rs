//! What has passed between this host and the directory, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::histogram::{Durations, Histogram};

/// Counted while the link is in use.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    searches: Histogram,
    failed: AtomicU64,
    answered: Mutex<Option<Instant>>,
}

/// The numbers at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrafficStatus {
    /// How long the searches took that were answered.
    pub searches: Durations,
    /// How many were not.
    pub failed: u64,
    /// When a domain controller last answered anything.
    pub answered: Option<Instant>,
}

impl Traffic {
    /// A search was answered, or not.
    pub(crate) fn count_search(&self, took: Duration, is_answered: bool) {
        match is_answered {
            true => {
                self.searches.count(took);
                self.note_answer();
            }
            false => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// A domain controller has just answered.
    pub(crate) fn note_answer(&self) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(crate) fn status(&self) -> TrafficStatus {
        TrafficStatus {
            searches: self.searches.now(),
            failed: self.failed.load(Ordering::Relaxed),
            answered: *self.answered.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

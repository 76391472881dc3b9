//! How long a guesser waits. AD, which counts wrong passwords, is not there to do it.

use std::time::{Duration, SystemTime};

use super::record::Record;

/// Wrong tries that cost nothing: everybody mistypes.
const FREE: u32 = 3;
/// The wait after the first try that does, doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// After so many in a row the kept password opens nothing until AD has taken it once more. At the
/// waits above these take more than half an hour; the most common thousand passwords would take
/// days.
const MOST: u32 = 20;

/// What is done with a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    /// It is looked at, after this time.
    After(Duration),
    /// It never is.
    Never,
}

/// What is done with a try at this time.
pub(crate) fn next(record: &Record, now: SystemTime) -> Try {
    let wrong = record.wrong;
    if wrong >= MOST {
        return Try::Never;
    }
    // A clock that was set back makes nobody wait longer than the wait.
    let passed = now.duration_since(record.wrong_at()).unwrap_or_default();
    Try::After(wait(wrong).saturating_sub(passed))
}

fn wait(wrong: u32) -> Duration {
    match wrong.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(more) => FIRST_WAIT.saturating_mul(1 << more.min(16)).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guesser_does_not_wait_or_a_person_who_mistypes_does() {
        let waits: Vec<u64> = (0..13).map(|wrong| wait(wrong).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(wait(u32::MAX), LONGEST_WAIT);
        let all: Duration = (0..MOST).map(wait).sum();
        assert!(all > Duration::from_secs(1800), "{all:?}");
    }
}

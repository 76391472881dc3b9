//! The two clocks of AD: FILETIME numbers and GeneralizedTime text.
#![forbid(unsafe_code)]

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds between 1601-01-01 (FILETIME's start) and 1970-01-01.
const FILETIME_OFFSET: i64 = 11_644_473_600;
/// FILETIME ticks (100 ns) in a second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// FILETIME ticks in a day.
pub const TICKS_PER_DAY: i64 = 86_400 * TICKS_PER_SECOND;
/// "Never", in accountExpires and the computed expiry time.
pub const NEVER: i64 = i64::MAX;

/// Seconds since 1970, by this machine's clock.
pub fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// Now, in FILETIME ticks since 1601.
pub fn filetime_now() -> i64 {
    (unix_now() + FILETIME_OFFSET) * TICKS_PER_SECOND
}

/// The hour of the week in UTC, 0 being Sunday 00:00 to 01:00: the bit number in logonHours.
pub fn hour_of_week(unix: i64) -> usize {
    // 1970-01-01 was a Thursday, four days after a Sunday.
    ((unix.div_euclid(3600) + 4 * 24).rem_euclid(7 * 24)) as usize
}

/// `20260131235959.0Z`, AD's GeneralizedTime.
pub fn generalized_time(unix: i64) -> String {
    let (year, month, day) = civil_date(unix.div_euclid(86_400));
    let second = unix.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}.0Z")
}

/// Year, month and day of a day number counted from 1970-01-01.
fn civil_date(mut days: i64) -> (i64, i64, i64) {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut year = 1970;
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let february = 28 + i64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_the_calendars() {
        assert_eq!(generalized_time(0), "19700101000000.0Z");
        assert_eq!(generalized_time(951_782_399), "20000228235959.0Z");
        assert_eq!(generalized_time(951_782_400), "20000229000000.0Z");
        assert_eq!(generalized_time(1_767_225_599), "20251231235959.0Z");
    }

    #[test]
    fn the_week_starts_on_sunday_in_utc() {
        assert_eq!(hour_of_week(0), 4 * 24);
        assert_eq!(hour_of_week(3 * 86_400 + 5), 0);
    }
}

//! The day on which a password was saved, in words.

use std::time::SystemTime;

use jiff::{Timestamp, tz::TimeZone};

/// "3 November", by this host's clock; with the year where it is another.
pub(super) fn day(moment: SystemTime, now: SystemTime) -> String {
    let local = |time| Timestamp::try_from(time).ok().map(|time| time.to_zoned(TimeZone::system()));
    let (Some(moment), now) = (local(moment), local(now)) else {
        return "an unknown day".to_owned();
    };
    let same_year = now.is_some_and(|now| now.year() == moment.year());
    moment.strftime(if same_year { "%-d %B" } else { "%-d %B %Y" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn the_day_of_a_saved_password_is_another() {
        // 3 November and 24 November 2026, and 24 January 2027, at noon.
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let (saved, same_year, next_year) =
            (at(1_793_707_200), at(1_795_521_600), at(1_800_792_000));
        assert_eq!(day(saved, same_year), "3 November");
        assert_eq!(day(saved, next_year), "3 November 2026");
    }
}

//! Samples, and what is told of them.

#![forbid(unsafe_code)]

use scenarios::outcome::{Check, Failure};

/// Nanoseconds per call, one for each sample.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Reads what a loop has printed, one sample a line.
    ///
    /// # Errors
    /// For a line that is no number.
    pub fn read(printed: &str) -> Check<Self> {
        let number = |line: &str| {
            line.parse()
                .map_err(|_| Failure::new(format!("a loop printed '{line}', which is no number")))
        };
        printed.lines().map(number).collect::<Check<_>>().map(Self)
    }

    /// One sample.
    #[must_use]
    pub fn of(nanoseconds: f64) -> Self {
        Self(vec![nanoseconds])
    }

    /// Takes those of another round in.
    pub fn add(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort_by(f64::total_cmp);
    }

    /// The smallest.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The one in the middle; of two, the larger.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The largest.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

/// Nanoseconds in the unit that suits them, with three digits.
#[must_use]
pub fn time(nanoseconds: f64) -> String {
    let microseconds = nanoseconds / 1e3;
    match microseconds {
        us if us < 9.995 => format!("{us:.2} us"),
        us if us < 99.95 => format!("{us:.1} us"),
        us if us < 10_000.0 => format!("{us:.0} us"),
        us => format!("{:.1} ms", us / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_depends_on_the_order_of_the_rounds() {
        let mut samples = Samples::read("5\n1.5\n9").expect("numbers");
        samples.add(Samples::read("2\n7").expect("numbers"));
        assert_eq!((samples.min(), samples.median(), samples.max()), (1.5, 5.0, 9.0));
        assert!(Samples::read("5\nkilled").is_err());
        assert!(Samples::default().median().is_nan());
    }

    #[test]
    fn a_time_is_told_in_another_unit_than_its_own() {
        let told = [1_404.0, 13_512.0, 468_000.0, 22_612_345.0].map(time);
        assert_eq!(told, ["1.40 us", "13.5 us", "468 us", "22.6 ms"]);
    }
}

//! Writing a metric down.

use ldaps_core::protocol::tools::{Family, Kind, Number, Sample};
use ldaps_directory::{BOUNDS_US, Durations};

/// A number that only grows.
pub(super) fn counter(name: &str, help: &str) -> Family {
    family(name, help, Kind::Counter)
}

/// A number that goes up and down.
pub(super) fn gauge(name: &str, help: &str) -> Family {
    family(name, help, Kind::Gauge)
}

/// How long things took.
pub(super) fn histogram(name: &str, help: &str) -> Family {
    family(name, help, Kind::Histogram)
}

fn family(name: &str, help: &str, kind: Kind) -> Family {
    Family { name: name.to_owned(), help: help.to_owned(), kind, samples: Vec::new() }
}

/// What a metric is given.
pub(super) trait Samples: Sized {
    /// One number under these labels.
    fn with(self, labels: &[(&str, &str)], value: i64) -> Self;
    /// The one number there is.
    fn value(self, value: i64) -> Self;
    /// A histogram under these labels.
    fn durations(self, labels: &[(&str, &str)], durations: &Durations) -> Self;
}

impl Samples for Family {
    fn with(mut self, labels: &[(&str, &str)], value: i64) -> Self {
        self.samples.push(sample("", labels, Number::Whole(value)));
        self
    }

    fn value(self, value: i64) -> Self {
        self.with(&[], value)
    }

    fn durations(mut self, labels: &[(&str, &str)], durations: &Durations) -> Self {
        let whole = |count: u64| Number::Whole(count.try_into().unwrap_or(i64::MAX));
        let mut bucket = |bound: &str, count| {
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound)]).collect();
            self.samples.push(sample("_bucket", &labels, whole(count)));
        };
        for (bound, count) in BOUNDS_US.iter().zip(durations.at_most) {
            bucket(&seconds(*bound), count);
        }
        bucket("+Inf", durations.count);
        self.samples.push(sample("_sum", labels, Number::Micros(durations.sum_us)));
        self.samples.push(sample("_count", labels, whole(durations.count)));
        self
    }
}

fn sample(suffix: &str, labels: &[(&str, &str)], number: Number) -> Sample {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Sample { suffix: suffix.to_owned(), labels: labels.iter().map(owned).collect(), number }
}

/// A bound as Prometheus' clients write it: 0.0005, 0.25, 10.
fn seconds(us: u64) -> String {
    let (whole, part) = (us / 1_000_000, us % 1_000_000);
    match part {
        0 => whole.to_string(),
        _ => format!("{whole}.{}", format!("{part:06}").trim_end_matches('0')),
    }
}

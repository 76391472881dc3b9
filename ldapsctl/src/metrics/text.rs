//! Numbers in Prometheus' text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use ldaps_core::protocol::tools::{Family, Kind, Number, Sample};

/// What the tool itself adds, for it can say so while the daemon is away.
pub const OF_THE_TOOL: [&str; 2] = ["ldapsd_up", "ldapsd_heartbeat_age_seconds"];

/// The page.
#[must_use]
pub fn render(families: &[Family]) -> String {
    let mut page = String::new();
    for Family { name, help, kind, samples } in families {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for Sample { suffix, labels, number } in samples {
            let _ = writeln!(page, "{name}{suffix}{} {}", in_braces(labels), digits(*number));
        }
    }
    page
}

fn in_braces(labels: &[(String, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let label = |(name, value): &(String, String)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    let labels: Vec<String> = labels.iter().map(label).collect();
    format!("{{{}}}", labels.join(","))
}

fn digits(number: Number) -> String {
    match number {
        Number::Whole(number) => number.to_string(),
        Number::Micros(us) => format!("{}.{:06}", us / 1_000_000, us % 1_000_000),
    }
}

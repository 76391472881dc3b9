//! The tables and plots of docs/performance.md.

#![forbid(unsafe_code)]

use super::failed;
use super::figures::{Figures, Line, MEMBERS, USERS, Unit};
use super::plot::{Series, draw, with_commas};
use crate::machine;
use scenarios::outcome::{Check, Failure};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// One plot.
struct Plot {
    file: &'static str,
    title: &'static str,
    across: &'static str,
    unit: Unit,
    /// The figures in it, and what stands at their lines.
    lines: &'static [(&'static str, &'static str)],
}

const PLOTS: &[Plot] = &[
    Plot {
        file: "users-lookup.svg",
        title: "One getpwnam",
        across: "users",
        unit: Unit::Time,
        lines: &[
            ("cold-glibc", "never asked before"),
            ("first", "first in a new process"),
            ("random-glibc", "warm, random order"),
            ("hot-glibc", "warm, the same 100 names"),
            ("random-map", "the map alone, random order"),
            ("hot-map", "the map alone, the same 100"),
        ],
    },
    Plot {
        file: "users-memory.svg",
        title: "Memory and files",
        across: "users",
        unit: Unit::Bytes,
        lines: &[
            ("daemon-bytes", "the daemon, all known"),
            ("durable-bytes", "its lasting file"),
            ("map-bytes", "the map"),
            ("writer-own", "the map's writer beside it"),
        ],
    },
    Plot {
        file: "users-publish.svg",
        title: "Publishing, and starting again",
        across: "users",
        unit: Unit::Time,
        lines: &[
            ("publish-all", "publish all"),
            ("publish-longest", "the longest change"),
            ("publish-one", "publish one change"),
            ("start", "kill -9 to the next answer"),
        ],
    },
    Plot {
        file: "members.svg",
        title: "One group",
        across: "members",
        unit: Unit::Time,
        lines: &[
            ("group-cold", "getgrnam, never asked before"),
            ("group-publish", "publish a change"),
            ("group-glibc", "getgrnam, warm"),
            ("group-map", "the map alone"),
        ],
    },
];

/// What the issue asks of names in random order: so many times what they take at [`FEW`].
const REACH: f64 = 1.5;
const FEW: u32 = 3_000;

/// In which the tables stand.
pub const PAGE: &str = "performance.md";

/// All of it, in Markdown.
fn markdown(figures: &Figures, users: &[u32], members: &[u32]) -> Check<String> {
    let mut text =
        format!("{}, ldaps-login {}.\n\n", machine::describe(), env!("CARGO_PKG_VERSION"));
    text += &table("users", USERS, figures, users)?;
    let many = users.last().copied().unwrap_or(FEW);
    if let Some(told) = random_order(figures, many) {
        let _ = writeln!(text, "\n{told}");
    }
    let _ = write!(text, "\n{}", table("members", MEMBERS, figures, members)?);
    for plot in PLOTS {
        let _ = writeln!(text, "\n![{} by {}](performance/{})", plot.title, plot.across, plot.file);
    }
    Ok(text)
}

fn table(of: &str, lines: &[Line], figures: &Figures, sizes: &[u32]) -> Check<String> {
    let heads: Vec<String> = sizes.iter().map(|size| with_commas(f64::from(*size))).collect();
    let mut text =
        format!("| {of} | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(sizes.len()));
    for line in lines {
        let cell = |size: &u32| {
            let missing = || Failure::new(format!("nobody has measured {} at {size}", line.key));
            figures.get(line.key, *size).map(|it| line.unit.tell(it)).ok_or_else(missing)
        };
        let cells: Vec<String> = sizes.iter().map(cell).collect::<Check<_>>()?;
        let _ = writeln!(text, "| {} | {} |", line.title, cells.join(" | "));
    }
    Ok(text)
}

/// The claim, and what it is held against.
fn random_order(figures: &Figures, many: u32) -> Option<String> {
    let ratio = |key: &str| Some(figures.get(key, many)? / figures.get(key, FEW)?);
    let (whole, alone) = (ratio("random-glibc")?, ratio("random-map")?);
    let reads = 2.0 * figures.get("memory-read", many)?;
    Some(format!(
        "Names in random order, {} users against {}: by glibc {whole:.2} times as long ({REACH} wanted: {}), in the map alone {alone:.2} times. \
         A look-up reads memory twice, the entry's place and then the entry; two such reads take {} here.",
        with_commas(f64::from(many)),
        with_commas(f64::from(FEW)),
        if whole <= REACH { "reached" } else { "**not reached**" },
        Unit::Time.tell(reads),
    ))
}

/// Writes the tables between their markers, and the plots beside the page. Gives the tables.
///
/// # Errors
/// When a figure is missing, or a file cannot be written.
pub fn write(docs: &Path, figures: &Figures, users: &[u32], members: &[u32]) -> Check<String> {
    let text = markdown(figures, users, members)?;
    let dir = docs.join("performance");
    fs::create_dir_all(&dir).map_err(failed("make docs/performance"))?;
    for plot in PLOTS {
        let series: Vec<Series> = plot
            .lines
            .iter()
            .map(|(key, label)| Series { label, points: figures.of(key) })
            .filter(|series| !series.points.is_empty())
            .collect();
        let svg = draw(plot.title, plot.across, plot.unit, &series)
            .ok_or_else(|| Failure::new(format!("nothing is to be seen in {}", plot.file)))?;
        fs::write(dir.join(plot.file), svg).map_err(failed("write a plot"))?;
    }
    crate::report::write(&docs.join(PAGE), "growth", &text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_shows_what_no_table_has() {
        for (key, _) in PLOTS.iter().flat_map(|plot| plot.lines) {
            assert!(USERS.iter().chain(MEMBERS).any(|line| line.key == *key), "{key}");
        }
    }

    #[test]
    fn a_ratio_that_is_not_reached_passes_for_reached_or_a_hole_in_a_table_for_a_figure() {
        let told = |large: f64| {
            let mut figures = Figures::default();
            let text = format!(
                "random-glibc 3000 1000\nrandom-glibc 500000 {large}\nrandom-map 3000 100\n\
                 random-map 500000 700\nmemory-read 500000 300\n"
            );
            figures.add(&text).expect("figures");
            assert!(markdown(&figures, &[3_000, 500_000], &[]).is_err());
            random_order(&figures, 500_000).expect("a sentence")
        };
        assert!(told(1_400.0).contains("1.40 times as long (1.5 wanted: reached)"));
        assert!(told(1_600.0).contains("**not reached**"));
        assert!(told(1_400.0).contains("7.00 times. ") && told(1.0).contains("take 0.60 us here"));
    }
}

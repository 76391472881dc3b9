//! docs/performance.md: what stands between its markers is written anew.

#![forbid(unsafe_code)]

use crate::numbers::time;
use crate::rows::{Cells, Row};
use crate::stand::Source;
use scenarios::outcome::{Check, Failure, ensure};
use std::fmt::Write as _;
use std::path::Path;

/// One run.
pub struct Run {
    /// The machine, in words.
    pub machine: String,
    /// What was measured, with versions, in words.
    pub versions: String,
    /// The rows and what they gave.
    pub table: Vec<(&'static Row, Cells)>,
    /// The resident memory of each source in KiB.
    pub memory: Vec<(Source, Option<f64>)>,
}

/// A resident memory to reach, in KiB: 14 MB.
const MEMORY_REACH: f64 = 14.0 * 1024.0;

impl Run {
    /// The table and how far it is reached, in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("{}. {}.\n\n", self.machine, self.versions);
        text += "| median (times the floor) | floor | ldaps-login | sssd | nslcd | reach | reached |\n|---|---|---|---|---|---|---|\n";
        for (row, cells) in &self.table {
            let floor = median(cells, Source::Floor);
            let cell = |source| {
                let median = median(cells, source);
                format!("{} ({:.2} x)", time(median), median / floor)
            };
            let ours = median(cells, Source::Ours) / floor;
            let (reach, reached) = match row.reach {
                Some(reach) => (format!("{reach} x"), ours <= reach),
                None => ("the fastest".to_owned(), fastest(cells)),
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {reach} | {} |",
                row.title,
                time(floor),
                cell(Source::Ours),
                cell(Source::Sssd),
                cell(Source::Nslcd),
                yes_or_no(reached),
            );
        }
        text += &self.memory_row();
        text += "\nSmallest, median, largest:\n\n| | floor | ldaps-login | sssd | nslcd |\n|---|---|---|---|---|\n";
        for (row, cells) in &self.table {
            let _ = write!(text, "| {} |", row.title);
            for (_, samples) in cells {
                let three = [samples.min(), samples.median(), samples.max()].map(time);
                let _ = write!(text, " {} |", three.join(", "));
            }
            text.push('\n');
        }
        text
    }

    fn memory_row(&self) -> String {
        let of = |source| {
            self.memory.iter().find(|(of_cell, _)| *of_cell == source).and_then(|(_, it)| *it)
        };
        let cell =
            |source| of(source).map_or(String::new(), |kib: f64| format!("{:.1} MB", kib / 1024.0));
        let reached = of(Source::Ours).is_some_and(|kib| kib <= MEMORY_REACH);
        format!(
            "| resident memory, all its processes | | {} | {} | {} | 14 MB | {} |\n",
            cell(Source::Ours),
            cell(Source::Sssd),
            cell(Source::Nslcd),
            yes_or_no(reached)
        )
    }
}

fn yes_or_no(reached: bool) -> &'static str {
    if reached { "yes" } else { "**no**" }
}

fn median(cells: &Cells, source: Source) -> f64 {
    cells
        .iter()
        .find(|(of_cell, _)| *of_cell == source)
        .map_or(f64::NAN, |(_, samples)| samples.median())
}

/// Whether the product is before the others; the floor does not count.
fn fastest(cells: &Cells) -> bool {
    let ours = median(cells, Source::Ours);
    [Source::Sssd, Source::Nslcd].iter().all(|other| ours < median(cells, *other))
}

/// Puts `text` between the markers of this name in a file.
///
/// # Errors
/// When the file has no such markers, or cannot be written.
pub fn write(file: &Path, name: &str, text: &str) -> Check {
    let fault = |error| Failure::new(format!("{}: {error}", file.display()));
    let old = std::fs::read_to_string(file).map_err(fault)?;
    let new = between(&old, name, text);
    ensure(new.is_some(), || format!("{} has no markers for {name}", file.display()))?;
    std::fs::write(file, new.unwrap_or_default()).map_err(fault)
}

fn between(old: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let (head, rest) = old.split_once(&begin)?;
    let (_, tail) = rest.split_once(&end)?;
    Some(format!("{head}{begin}{text}{end}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::Samples;
    use crate::rows::ROWS;

    #[test]
    fn prose_is_lost_when_the_figures_are_written_anew() {
        let old = "words\n<!-- table: begin -->\nold\n<!-- table: end -->\nmore words\n";
        let new = between(old, "table", "new\n").expect("markers");
        assert_eq!(new, "words\n<!-- table: begin -->\nnew\n<!-- table: end -->\nmore words\n");
        assert_eq!(between(old, "plots", ""), None);
    }

    #[test]
    fn a_row_that_is_not_reached_passes_for_reached() {
        let told = |ours: &str| {
            let sample = |printed| Samples::read(printed).expect("a number");
            let cells = [
                (Source::Floor, "1000"),
                (Source::Ours, ours),
                (Source::Sssd, "2000"),
                (Source::Nslcd, "400000"),
            ];
            let cells = cells.map(|(source, printed)| (source, sample(printed))).to_vec();
            let row = ROWS.iter().find(|row| row.title == "getpwnam, warm").expect("the row");
            let run = Run {
                machine: "M".into(),
                versions: "V".into(),
                table: vec![(row, cells)],
                memory: vec![],
            };
            run.markdown()
                .lines()
                .find(|line| line.contains("getpwnam, warm"))
                .expect("its line")
                .to_owned()
        };
        assert_eq!(
            told("1140"),
            "| getpwnam, warm | 1.00 us | 1.14 us (1.14 x) | 2.00 us (2.00 x) | 400 us (400.00 x) | 1.15 x | yes |"
        );
        assert!(told("1160").ends_with("| **no** |"));
    }
}

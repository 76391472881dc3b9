//! What a terminal showed, in the docs: written there by `--record`, and else held against what is shown
//! now. What is another each time (times, ids, addresses, fingerprints) does not count, nor where a line
//! ends.

#![forbid(unsafe_code)]

use crate::images;
use crate::outcome::{Check, Failure};
use std::fs;

const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// What a machine with AppArmor says otherwise than one without.
const OF_THE_KERNEL: &str = "ok      AppArmor:";
/// Lines that come and go with the machine: of what took longer than a second; of systemctl, where the
/// machine's containers have all of root's inotify instances between them.
const NOW_AND_THEN: &[&str] = &["Waiting for ldapsd", "Failed to allocate directory watch"];
/// So many words are shown around the first difference.
const AROUND: usize = 12;

/// Writes this session into a page of docs/, or compares it with what stands there.
///
/// # Errors
/// When the page has no such session, or it says something else.
pub fn session(page: &str, name: &str, shown: &str, record: bool) -> Check {
    let path = images::containers_dir().join("../../docs").join(page);
    let unreadable = |error| Failure::new(format!("docs/{page}: {error}"));
    let text = fs::read_to_string(&path).map_err(unreadable)?;
    let (before, there, behind) = parts(&text, name)
        .ok_or_else(|| Failure::new(format!("docs/{page} has no '{}'", begin(name))))?;
    if record {
        return fs::write(&path, format!("{before}{}\n{behind}", shown.trim_end()))
            .map_err(unreadable);
    }
    same(there, shown).map_err(|difference| {
        Failure::new(format!(
            "docs/{page}, session {name}, is not what is shown now: {difference}\nIf that is meant: cargo run \
             --release -p scenarios -- --record\nShown:\n{shown}"
        ))
    })
}

fn begin(name: &str) -> String {
    format!("<!-- recorded: {name} -->\n```\n")
}

/// What stands before the session, the session, and what stands behind it.
fn parts<'text>(page: &'text str, name: &str) -> Option<(&'text str, &'text str, &'text str)> {
    let begin = begin(name);
    let from = page.find(&begin)? + begin.len();
    let to = from + page.get(from..)?.find("```\n")?;
    Some((page.get(..from)?, page.get(from..to)?, page.get(to..)?))
}

/// # Errors
/// The first difference.
fn same(there: &str, shown: &str) -> Result<(), String> {
    let (there, shown) = (words(there), words(shown));
    let at = there.iter().zip(&shown).position(|(one, other)| one != other);
    let at = match at {
        None if there.len() == shown.len() => return Ok(()),
        None => there.len().min(shown.len()),
        Some(at) => at,
    };
    let around = |words: &[String]| {
        let to = words.len().min(at + AROUND);
        words.get(at.saturating_sub(AROUND)..to).unwrap_or_default().join(" ")
    };
    Err(format!(
        "\n  in the docs: ... {} ...\n  shown now:   ... {} ...",
        around(&there),
        around(&shown)
    ))
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut left_out = false;
    for line in text.lines() {
        left_out = line.starts_with(OF_THE_KERNEL) || (left_out && line.starts_with("        "));
        if !left_out && !NOW_AND_THEN.iter().any(|start| line.starts_with(start)) {
            for word in line.split_whitespace().map(normal) {
                // Milliseconds or seconds.
                let is_unit =
                    word.trim_end_matches([')', ',', ';', ':']) == "s" || word.starts_with("ms");
                if !(is_unit && words.last().is_some_and(|last| last.ends_with('#'))) {
                    words.push(word);
                }
            }
        }
    }
    words
}

/// A word with "#" for whatever has a digit in it, and for a month.
fn normal(word: &str) -> String {
    if MONTHS.contains(&word) {
        return "#".to_owned();
    }
    let mut normal = String::new();
    let mut run = String::new();
    for character in word.chars().chain(['\n']) {
        if character.is_ascii_alphanumeric() {
            run.push(character);
            continue;
        }
        match run.contains(|c: char| c.is_ascii_digit()) || normal.ends_with("request=") {
            true => normal.push('#'),
            false => normal += &run,
        }
        run.clear();
        normal.push(character);
    }
    let mut normal = normal.trim_end_matches('\n').to_owned();
    while normal.contains("#.#") || normal.contains("#:#") {
        normal = normal.replace("#.#", "#").replace("#:#", "#");
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_says_something_else_is_taken_for_the_same_or_another_time_for_something_else()
    {
        let there = "dc1 answers at 172.22.0.2:636 (5 ms); 24 November 2026, request=s7hv226s\n";
        for (shown, is_same) in [
            ("dc1 answers at 10.0.0.3:636 (0.7 ms); 2 May 2027,\n   request=abcdefgh\n", true),
            ("dc1 answers at 10.0.0.3:636 (2 s); 2 May 2027, request=abcdefgh\n", true),
            ("dc1 answers at 10.0.0.3:636; 2 May 2027, request=abcdefgh\n", false),
            ("dc1 replies at 172.22.0.2:636 (5 ms); 24 November 2026, request=s7hv226s\n", false),
            (
                "dc1 answers at 172.22.0.2:636 (5 ms); 24 November 2026, request=s7hv226s more\n",
                false,
            ),
            ("dc1 answers at", false),
        ] {
            assert_eq!(same(there, shown).is_ok(), is_same, "{shown}");
        }
    }

    #[test]
    fn the_kernel_of_a_machine_or_a_wait_is_taken_for_a_difference() {
        let there = "ok      A: b\nok      AppArmor: on,\n        more\nok      C: d\n";
        assert!(same(there, "ok      A: b\nWaiting for ldapsd to be\nok      C: d\n").is_ok());
        let full = "Failed to allocate directory watch: Too many open files\n";
        assert!(same(there, &format!("{full}ok      A: b\nok      C: d\n")).is_ok());
        assert!(same(there, "ok      A: b\nok      C: e\n").is_err());
    }

    #[test]
    fn a_session_is_not_found_or_more_than_it_is_replaced() {
        let page = "# a\n<!-- recorded: one -->\n```\nold\n```\n<!-- recorded: two -->\n```\nother\n```\nend\n";
        let (before, there, behind) = parts(page, "one").unwrap();
        assert_eq!((there, behind.ends_with("end\n")), ("old\n", true));
        assert_eq!(format!("{before}{there}{behind}"), page);
        assert_eq!(parts(page, "two").unwrap().1, "other\n");
        assert!(parts(page, "three").is_none());
    }
}

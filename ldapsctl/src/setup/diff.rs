//! What changes in a text, line by line, for people to look at.
#![forbid(unsafe_code)]

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Only before.
    Gone(&'a str),
    /// Only after.
    New(&'a str),
}

/// The lines that are only in one of the two, in the order of the text.
pub fn lines<'a>(before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let lengths = common_lengths(&before, &after);
    let length =
        |i: usize, j: usize| lengths.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0);
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    loop {
        match (before.get(i), after.get(j)) {
            (Some(old), Some(new)) if old == new => (i, j) = (i + 1, j + 1),
            (Some(old), new) if new.is_none() || length(i + 1, j) >= length(i, j + 1) => {
                found.push(Line::Gone(old));
                i += 1;
            }
            (_, Some(new)) => {
                found.push(Line::New(new));
                j += 1;
            }
            (_, None) => return found,
        }
    }
}

/// The length of the longest common sequence of what is behind each pair of places.
fn common_lengths(before: &[&str], after: &[&str]) -> Vec<Vec<u32>> {
    let mut rows = vec![vec![0; after.len() + 1]];
    for old in before.iter().rev() {
        let mut row = vec![0; after.len() + 1];
        let below = rows.last().cloned().unwrap_or_default();
        for (j, new) in after.iter().enumerate().rev() {
            let at = |row: &[u32], j: usize| row.get(j).copied().unwrap_or(0);
            let best = match old == new {
                true => at(&below, j + 1) + 1,
                false => at(&below, j).max(at(&row, j + 1)),
            };
            if let Some(place) = row.get_mut(j) {
                *place = best;
            }
        }
        rows.push(row);
    }
    rows.reverse();
    rows
}

#[cfg(test)]
mod tests {
    use super::Line::{Gone, New};
    use super::*;

    #[test]
    fn a_line_that_changes_is_not_shown_or_one_that_stays_is() {
        for (before, after, expected) in [
            ("", "a\nb\n", vec![New("a"), New("b")]),
            ("a\nb\nc\n", "a\nB\nc\n", vec![Gone("b"), New("B")]),
            ("a\nb\n", "b\n", vec![Gone("a")]),
            ("a\nc\n", "a\nb\nc\nd\n", vec![New("b"), New("d")]),
            ("a\n", "a\n", vec![]),
        ] {
            assert_eq!(lines(before, after), expected, "{before:?} {after:?}");
        }
    }
}

//! The figures, and the tables that say what each is and how it is told.

#![forbid(unsafe_code)]

use crate::numbers::{Samples, time};
use scenarios::outcome::{Check, Failure};
use std::collections::BTreeMap;

/// What a figure is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// What the number says.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Bytes => "bytes",
        }
    }

    /// A number of this unit, in words.
    #[must_use]
    pub fn tell(self, number: f64) -> String {
        match self {
            Self::Time if number >= 9.995e8 => format!("{:.1} s", number / 1e9),
            Self::Time if number < 99.95 => format!("{number:.0} ns"),
            Self::Time => time(number),
            Self::Bytes => bytes(number),
        }
    }
}

/// Bytes in the unit that suits them.
fn bytes(number: f64) -> String {
    match number {
        b if b < 1e3 => format!("{b:.0} B"),
        b if b < 9.95e4 => format!("{:.1} kB", b / 1e3),
        b if b < 9.995e5 => format!("{:.0} kB", b / 1e3),
        b if b < 9.95e7 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.0} MB", b / 1e6),
    }
}

/// One line of a table.
#[derive(Debug)]
pub struct Line {
    /// What the parts print before the number.
    pub key: &'static str,
    /// In words.
    pub title: &'static str,
    /// What the number is of.
    pub unit: Unit,
}

const fn line(key: &'static str, unit: Unit, title: &'static str) -> Line {
    Line { key, title, unit }
}

/// What grows with the number of users.
pub const USERS: &[Line] = &[
    line("map-bytes", Unit::Bytes, "the map's file, 15 groups a user"),
    line("publish-one", Unit::Time, "publish one user who has changed, median"),
    line("publish-longest", Unit::Time, "the longest of all publications (it makes a new file)"),
    line("publish-all", Unit::Time, "publish all"),
    line("writer-own", Unit::Bytes, "the writer's memory without the map"),
    line("hot-glibc", Unit::Time, "getpwnam by glibc, the same 100 names again, warm"),
    line("random-glibc", Unit::Time, "getpwnam by glibc, random order, warm"),
    line("random-module", Unit::Time, "the module without glibc, random order, warm"),
    line("hot-map", Unit::Time, "the map alone, the same 100 names again"),
    line("random-map", Unit::Time, "the map alone, random order"),
    line("memory-read", Unit::Time, "one read of memory of the map's size, random order"),
    line("first", Unit::Time, "first getpwnam of a new process"),
    line("cold-glibc", Unit::Time, "getpwnam by glibc, never asked before (one search)"),
    line("cold-socket", Unit::Time, "the daemon's socket, never asked before"),
    line("known-socket", Unit::Time, "the daemon's socket, asked before, random order"),
    line("cold-each", Unit::Time, "all users asked for, 16 at once: each"),
    line("daemon-bytes", Unit::Bytes, "the daemon's memory with all of them"),
    line("daemon-own", Unit::Bytes, "of it its own, without the map and other files"),
    line("durable-bytes", Unit::Bytes, "the file from which it knows them after a restart"),
    line("start", Unit::Time, "from a kill -9 to the next answer"),
    line("daemon-bytes-after", Unit::Bytes, "the daemon's memory after that"),
];

/// What grows with the number of members of a group.
pub const MEMBERS: &[Line] = &[
    line("group-bytes", Unit::Bytes, "the group in the map"),
    line("group-publish", Unit::Time, "publish the group, changed"),
    line("group-glibc", Unit::Time, "getgrnam by glibc, warm"),
    line("group-map", Unit::Time, "the map alone"),
    line("group-cold", Unit::Time, "the daemon's socket, never asked before"),
    line("group-again", Unit::Time, "the daemon's socket, asked before"),
];

/// Every figure by what it is and the size it was measured at, as often as it was measured: the smallest
/// is told. Each is a median already; what else the machine does meanwhile only adds.
#[derive(Debug, Default)]
pub struct Figures(BTreeMap<(String, u32), Samples>);

impl Figures {
    /// Takes in what a part has printed: `KEY SIZE NUMBER`, one a line.
    ///
    /// # Errors
    /// For a line that is something else, or a key that no table has.
    pub fn add(&mut self, printed: &str) -> Check {
        for text in printed.lines() {
            let fault = || Failure::new(format!("a part printed '{text}', which is no figure"));
            let words: Vec<&str> = text.split(' ').collect();
            let [key, size, number] = *words else { return Err(fault()) };
            let known = USERS.iter().chain(MEMBERS).any(|line| line.key == key);
            let size = size.parse().ok().filter(|_| known).ok_or_else(fault)?;
            let number = number.parse().map_err(|_| fault())?;
            self.0.entry((key.to_owned(), size)).or_default().add(Samples::of(number));
        }
        Ok(())
    }

    /// A figure, if it was measured.
    #[must_use]
    pub fn get(&self, key: &str, size: u32) -> Option<f64> {
        self.0.get(&(key.to_owned(), size)).map(Samples::min)
    }

    /// All sizes of one figure.
    #[must_use]
    pub fn of(&self, key: &str) -> Vec<(f64, f64)> {
        let of_key = self.0.iter().filter(|((of, _), _)| of == key);
        of_key.map(|((_, size), samples)| (f64::from(*size), samples.min())).collect()
    }
}

/// Tells the parent of a figure.
pub fn print(key: &str, size: u32, number: f64) {
    println!("{key} {size} {number:.1}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_taken_for_another_or_for_one_where_it_is_none() {
        let mut figures = Figures::default();
        figures.add("first 1000 5.5\nfirst 3000 7\n").expect("figures");
        assert_eq!(figures.get("first", 3_000), Some(7.0));
        assert_eq!(figures.of("first"), [(1_000.0, 5.5), (3_000.0, 7.0)]);
        assert_eq!(figures.get("start", 3_000), None);
        figures.add("first 3000 9\nfirst 3000 6\n").expect("figures");
        assert_eq!(figures.get("first", 3_000), Some(6.0), "not the smallest");
        for bad in ["frist 1 2", "first 1", "first 1 quick", "first one 2", "first 1 2 3"] {
            assert!(figures.add(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_is_told_in_another_unit_than_its_own() {
        let told = [42.4, 720.0, 1.5e6, 2.34e9].map(|number| Unit::Time.tell(number));
        assert_eq!(told, ["42 ns", "0.72 us", "1500 us", "2.3 s"]);
        let told = [96.0, 4_096.0, 250_000.0, 1.23e6, 138e6].map(|number| Unit::Bytes.tell(number));
        assert_eq!(told, ["96 B", "4.1 kB", "250 kB", "1.2 MB", "138 MB"]);
    }
}

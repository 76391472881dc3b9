//! The table: what is asked, how often, and what is to be reached.

#![forbid(unsafe_code)]

use crate::numbers::Samples;
use crate::stand::{FLOOR, LOOPS, Source, Stand};
use scenarios::dc;
use scenarios::outcome::{Check, ensure};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Times that all sources take their turns.
    pub rounds: usize,
    /// Samples in each.
    pub samples: usize,
    /// How long one warm sample is to last, in nanoseconds.
    pub sample_ns: f64,
}

impl Effort {
    /// For the figures.
    pub const FULL: Self = Self { rounds: 5, samples: 11, sample_ns: 10e6 };
    /// To see that everything still runs.
    pub const SMOKE: Self = Self { rounds: 1, samples: 2, sample_ns: 1e5 };
}

/// What one row asks.
#[derive(Debug, Clone, Copy)]
pub enum Asked {
    /// The same thing again and again: a loop, and its argument for the floor and the others.
    Again(&'static str, &'static str, &'static str),
    /// alice by her uid, again and again.
    Uid,
    /// Each name once: a loop, what the floor's client does, and the first of the names.
    Once(&'static str, &'static str, usize),
    /// getpwnam as the first call of a new process.
    First,
    /// auth and account.
    Login,
}

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// In words.
    pub title: &'static str,
    /// What is asked.
    pub asked: Asked,
    /// How many times the floor may be taken; None: nothing is asked for but to be the fastest.
    pub reach: Option<f64>,
}

/// What asks the domain controller comes first: it wants names that nobody has asked for yet.
pub const ROWS: &[Row] = &[
    Row {
        title: "getpwnam, never asked before",
        asked: Asked::Once("getpwnam", "search", 1000),
        reach: Some(1.5),
    },
    Row {
        title: "initgroups, never asked before",
        asked: Asked::Once("initgroups", "groups", 2000),
        reach: Some(1.47),
    },
    Row { title: "login: auth + account", asked: Asked::Login, reach: Some(1.3) },
    Row {
        title: "getpwnam, warm",
        asked: Asked::Again("getpwnam", "alice", "alice"),
        reach: Some(1.15),
    },
    Row { title: "getpwuid, warm", asked: Asked::Uid, reach: Some(1.15) },
    Row {
        title: "getgrnam, 15 members, warm",
        asked: Asked::Again("getgrnam", "floor15", "bench15"),
        reach: Some(1.15),
    },
    Row {
        title: "getgrnam, 3,000 members, warm",
        asked: Asked::Again("getgrnam", "floor3000", "big-3000"),
        reach: Some(1.5),
    },
    Row {
        title: "initgroups, warm",
        asked: Asked::Again("initgroups", "alice", "alice"),
        reach: Some(1.1),
    },
    Row {
        title: "unknown name, asked again",
        asked: Asked::Again("missing", "zz-nobody", "zz-nobody"),
        reach: Some(1.15),
    },
    Row { title: "first look-up in a new process", asked: Asked::First, reach: None },
];

/// The samples of one row, by source.
pub type Cells = Vec<(Source, Samples)>;

impl Row {
    /// Measures it on all hosts, turn by turn, each round beginning with another.
    ///
    /// # Errors
    /// When a host does not answer as it should.
    pub fn measure(&self, stand: &Stand<'_>, effort: Effort) -> Check<Cells> {
        let mut cells: Cells =
            Source::ALL.iter().map(|source| (*source, Samples::default())).collect();
        for round in 0..effort.rounds {
            for turn in 0..cells.len() {
                let index = (turn + round) % cells.len();
                if let Some((source, samples)) = cells.get_mut(index) {
                    samples.add(self.sample(stand, *source, effort, round)?);
                }
            }
        }
        Ok(cells)
    }

    fn sample(
        &self,
        stand: &Stand<'_>,
        source: Source,
        effort: Effort,
        round: usize,
    ) -> Check<Samples> {
        let count = effort.samples.to_string();
        let run = |words: &[&str], input: &str| {
            let output = stand.host(source)?.exec(&[], words, input)?;
            ensure(output.ok(), || {
                format!("{}, {words:?}: {}", source.title(), output.evidence())
            })?;
            Samples::read(&output.out)
        };
        let again = |kind: &str, name: &str| {
            // Once for the cache to fill, and to see how many make a sample.
            let pilot = run(&[LOOPS, kind, "1", "3", name], "")?.min();
            let batch = format!("{:.0}", (effort.sample_ns / pilot).clamp(1.0, 1e6));
            run(&[LOOPS, kind, &batch, &count, name], "")
        };
        match (self.asked, source) {
            (Asked::Again(kind, name, _), Source::Floor) | (Asked::Again(kind, _, name), _) => {
                again(kind, name)
            }
            (Asked::Uid, _) => again("getpwuid", stand.uid(source)),
            (Asked::First, _) => {
                let pilot = run(&[LOOPS, "first", "1", "2", "alice"], "");
                pilot.and_then(|_| run(&[LOOPS, "first", "1", &count, "alice"], ""))
            }
            (Asked::Once(kind, client, first), _) => {
                let names: Vec<String> = (0..effort.samples)
                    .map(|number| format!("user{:04}", first + round * effort.samples + number))
                    .collect();
                let words = match source {
                    Source::Floor => vec![FLOOR, "floor", client],
                    _ => vec![LOOPS, kind, "1", &count],
                };
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                run(&[words, names].concat(), "")
            }
            (Asked::Login, Source::Floor) => {
                run(&[vec![FLOOR, "floor", "login"], vec!["alice"; effort.samples]].concat(), "")
            }
            (Asked::Login, _) => {
                let warm = [LOOPS, "login", "bench", "1", "alice"];
                run(&warm, dc::PASSWORD)?;
                run(&[LOOPS, "login", "bench", &count, "alice"], dc::PASSWORD)
            }
        }
    }
}

//! What is said about a configuration: where, what is wrong, what to do.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a text, counted from 1; columns count characters, not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl Position {
    /// The position of the byte `offset` in `text`; past its end, the end.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Position {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// Where something stands: a file, and a position in it unless the whole file is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was named to [`super::load`].
    pub file: PathBuf,
    /// None: the file itself (its owner, its mode, its absence).
    pub position: Option<Position>,
}

impl Place {
    /// The file as a whole.
    #[must_use]
    pub fn file(file: &Path) -> Place {
        Place { file: file.to_owned(), position: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(Position { line, column }) => {
                write!(f, "{}:{line}:{column}", self.file.display())
            }
            None => write!(f, "{}", self.file.display()),
        }
    }
}

/// One thing to say about the configuration: `PLACE: problem. Remedy: what to do.`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it stands.
    pub place: Place,
    /// What is wrong, with its subject and object.
    pub problem: String,
    /// What the administrator can do about it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = self.problem.trim_end_matches('.');
        let remedy = self.remedy.trim_end_matches('.');
        let stop = if remedy.ends_with('?') { "" } else { "." };
        write!(f, "{}: {problem}. Remedy: {remedy}{stop}", self.place)
    }
}

/// A finding that prevents the configuration from being used.
pub type ConfigError = Finding;

/// A finding that is reported, while the configuration is used.
pub type Warning = Finding;

/// Every error of a configuration, in the order of the files and their lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
    unconfigured: bool,
}

impl ConfigErrors {
    /// The errors found, sorted by place.
    pub(super) fn found(mut errors: Vec<ConfigError>) -> ConfigErrors {
        errors.sort();
        errors.dedup();
        ConfigErrors { errors, unconfigured: false }
    }

    /// The one case that is no mistake: nobody has made the file yet.
    pub(super) fn unconfigured(ldaps_toml: &Path) -> ConfigErrors {
        ConfigErrors {
            errors: vec![Finding {
                place: Place::file(ldaps_toml),
                problem: "this host is not configured: the file does not exist".to_owned(),
                remedy: "copy the sample /usr/share/doc/ldaps-login/examples/ldaps.toml there and \
                         edit it"
                    .to_owned(),
            }],
            unconfigured: true,
        }
    }

    /// Is there no `ldaps.toml` at all? Such a host is inert, not broken.
    #[must_use]
    pub fn is_unconfigured(&self) -> bool {
        self.unconfigured
    }

    /// The errors, in the order of the files and their lines.
    #[must_use]
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// What is wrong with one value, before it is known where the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl Fault {
    /// A fault from its two sentences.
    pub(super) fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Fault {
        Fault { problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. Remedy: {}.", self.problem, self.remedy)
    }
}

impl std::error::Error for Fault {}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub value: T,
    pub place: Place,
}

/// Collects findings while the files are read, so that one run names them all.
#[derive(Debug, Default)]
pub(super) struct Report {
    errors: RefCell<Vec<Finding>>,
    warnings: RefCell<Vec<Finding>>,
    self_writable: RefCell<Vec<Finding>>,
}

impl Report {
    pub(super) fn error(
        &self,
        place: &Place,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        note(&self.errors, place, problem, remedy);
    }

    /// The fault of the value of `key`, which stands at `place`.
    pub(super) fn fault(&self, place: &Place, key: &str, fault: Fault) {
        self.error(place, format!("{key}: {}", fault.problem), fault.remedy);
    }

    pub(super) fn warning(
        &self,
        place: &Place,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        note(&self.warnings, place, problem, remedy);
    }

    /// What is taken all the same because the administrator says so.
    pub(super) fn self_writable(
        &self,
        place: &Place,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        note(&self.self_writable, place, problem, remedy);
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.borrow().is_empty()
    }

    /// The errors as they were found; the warnings and what was taken all the same, both sorted by place.
    pub(super) fn into_parts(self) -> (Vec<ConfigError>, Vec<Warning>, Vec<Finding>) {
        (self.errors.into_inner(), sorted(self.warnings), sorted(self.self_writable))
    }
}

fn note(
    findings: &RefCell<Vec<Finding>>,
    place: &Place,
    problem: impl Into<String>,
    remedy: impl Into<String>,
) {
    let (place, problem, remedy) = (place.clone(), problem.into(), remedy.into());
    findings.borrow_mut().push(Finding { place, problem, remedy });
}

fn sorted(findings: RefCell<Vec<Finding>>) -> Vec<Finding> {
    let mut findings = findings.into_inner();
    findings.sort();
    findings.dedup();
    findings
}

//! What a scenario ends with, and the short words that its checks are written in.

#![forbid(unsafe_code)]

use std::fmt;

/// Why a check failed: a sentence, with the evidence behind it.
#[derive(Debug, Clone)]
pub struct Failure(String);

impl Failure {
    /// A failure with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The result of a check.
pub type Check<T = ()> = Result<T, Failure>;

/// How one scenario ended on one image.
#[derive(Debug)]
pub enum Outcome {
    /// It held; the text says what was seen.
    Passed(String),
    /// It did not; the text is the evidence.
    Failed(String),
    /// It could not be run; the text says why.
    Skipped(String),
}

impl From<Check<String>> for Outcome {
    fn from(check: Check<String>) -> Self {
        match check {
            Ok(seen) => Self::Passed(seen),
            Err(failure) => Self::Failed(failure.to_string()),
        }
    }
}

/// Fails with `text` unless `holds`.
///
/// # Errors
/// The failure.
pub fn ensure(holds: bool, text: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(Failure::new(text())) }
}

/// Runs checks that do not depend on each other at the same time (most of their time is
/// waiting) and gathers every failure, not only the first.
///
/// # Errors
/// All failures, one below the other.
pub fn all<'scope>(checks: Vec<Box<dyn FnOnce() -> Check + Send + 'scope>>) -> Check {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = checks.into_iter().map(|check| scope.spawn(check)).collect();
        running
            .into_iter()
            .filter_map(|thread| match thread.join() {
                Ok(Ok(())) => None,
                Ok(Err(failure)) => Some(failure.to_string()),
                Err(_) => Some("a check of the scenario panicked".to_owned()),
            })
            .collect()
    });
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(failures.join("\n"))) }
}

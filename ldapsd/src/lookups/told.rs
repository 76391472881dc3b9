//! What the journal has been told already: a fact about an account is a line once, not one for
//! every look-up.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// More different lines than this are no news for a reader; then all may come again.
const MOST: usize = 10_000;

/// The lines that were told since this configuration came into force.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<HashSet<String>>);

impl Told {
    /// A warning, unless it was given before.
    pub(crate) fn warn_once(&self, line: String) {
        if self.is_new(line.clone()) {
            tracing::warn!("{line}");
        }
    }

    fn is_new(&self, line: String) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MOST {
            told.clear();
        }
        told.insert(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_twice_or_another_is_held_back() {
        let told = Told::default();
        let new = |line: &str| told.is_new(line.to_owned());
        assert_eq!([new("a"), new("b"), new("a"), new("b")], [true, true, false, false]);
    }
}

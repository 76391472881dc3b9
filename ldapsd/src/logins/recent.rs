//! The last decisions about logins, for the administrator's tool: on a host without a journal too.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use ldaps_core::protocol::tools::{Decided, Decisions};

/// Decisions that are remembered.
const REMEMBERED: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    last: u64,
    decided: VecDeque<Decided>,
}

impl Recent {
    /// Remembers a decision, and gives it its number.
    pub(crate) fn keep(&self, decided: Decided) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.last += 1;
        let number = known.last;
        if known.decided.len() >= REMEMBERED {
            known.decided.pop_front();
        }
        known.decided.push_back(Decided { number, ..decided });
    }

    /// The decisions after the one with this number.
    pub(crate) fn after(&self, number: u64) -> Decisions {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let decided = known.decided.iter().filter(|decided| decided.number > number);
        Decisions { last: known.last, decided: decided.cloned().collect() }
    }
}

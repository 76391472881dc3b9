//! Nobody's account is locked by us: two tries short of the number at which AD locks an account, its
//! passwords are no longer sent. What the person mistypes elsewhere finds those two tries.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use ldaps_core::refusal::{Refusal, Says};
use ldaps_core::sid::Sid;
use ldaps_directory::{BindOutcome, Lockout};
use lru::LruCache;
use tokio::time::Instant;

use super::Decision;
use crate::lookups::memory::KnownUser;

/// Tries that are left to the person.
const LEFT: u32 = 2;
/// Accounts whose wrong passwords are remembered, the least recent forgotten first.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The wrong passwords that this host has sent.
pub(crate) struct WrongPasswords(Mutex<LruCache<Sid, VecDeque<Instant>>>);

impl Default for WrongPasswords {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl WrongPasswords {
    /// Whether a password of this user may be sent, by what this host and the server count.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn check(&self, user: &KnownUser, rule: Option<Lockout>) -> Result<(), Decision> {
        let Some(rule) = rule else { return Ok(()) };
        let at_server = user.record.state.wrong_passwords(rule.window, SystemTime::now());
        let wrong = self.sent(user.record.sid, rule).max(at_server);
        // With a threshold of two or less there would be no try at all: one is allowed.
        let allowed = rule.threshold.saturating_sub(LEFT).max(1);
        if wrong < allowed {
            return Ok(());
        }
        let why = format!(
            "{wrong} wrong passwords in {} minutes, and AD locks the account at {}: no more are \
             sent for now",
            rule.window.as_secs() / 60,
            rule.threshold
        );
        Err(Decision::refused_because(Refusal::TooManyAttempts, why))
    }

    /// Counts what AD has said to a password: a wrong one is one more, a right one ends the count,
    /// as it does in AD.
    pub(super) fn count(&self, sid: Sid, outcome: BindOutcome) {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let says = match outcome {
            BindOutcome::Accepted => Says::PasswordRight,
            BindOutcome::Refused(refusal) => refusal.says(),
        };
        match says {
            Says::PasswordWrong => {
                sent.get_or_insert_mut(sid, VecDeque::new).push_back(Instant::now());
            }
            Says::PasswordRight => {
                sent.pop(&sid);
            }
            Says::AccountEnded | Says::Nothing => {}
        }
    }

    fn sent(&self, sid: Sid, rule: Lockout) -> u32 {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(moments) = sent.get_mut(&sid) else { return 0 };
        while moments.front().is_some_and(|moment| moment.elapsed() > rule.window) {
            moments.pop_front();
        }
        u32::try_from(moments.len()).unwrap_or(u32::MAX)
    }
}

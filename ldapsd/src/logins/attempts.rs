//! How often logins may be tried. Root's programs bring their own limits (sshd, login), so theirs
//! here only stops a flood; other callers could guess passwords for as long as they like.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

/// Passwords that root's programs may try for one account in [`WINDOW`]: a web server that asks for
/// each of its pages must not run into it.
const OF_ROOT: usize = 600;
/// Passwords that one other uid may try for one account in [`WINDOW`].
const OF_OTHERS: usize = 12;
/// The time that is looked back on.
const WINDOW: Duration = Duration::from_secs(60);
/// Callers and accounts remembered, the least recent forgotten first.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The passwords tried in the last minute.
pub(crate) struct Attempts(Mutex<LruCache<(u32, u32), VecDeque<Instant>>>);

impl Default for Attempts {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Attempts {
    /// Whether this caller may try a password of this account once more; if so, it is counted. Both
    /// are uids: an account has many names, and a uid that is not the account's is sent no further.
    pub(crate) fn allow(&self, caller: u32, account: u32) -> bool {
        let limit = if caller == 0 { OF_ROOT } else { OF_OTHERS };
        let mut attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let past = attempts.get_or_insert_mut((caller, account), VecDeque::new);
        while past.front().is_some_and(|moment| moment.elapsed() > WINDOW) {
            past.pop_front();
        }
        let allowed = past.len() < limit;
        if allowed {
            past.push_back(Instant::now());
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_guesser_is_never_stopped_or_never_let_go_on() {
        let attempts = Attempts::default();
        let (alice, bob) = (200_500, 200_501);
        for at in 0..OF_OTHERS {
            assert!(attempts.allow(1000, alice), "{at}");
        }
        assert!(!attempts.allow(1000, alice));
        assert!(attempts.allow(1000, bob), "another account");
        assert!(attempts.allow(0, alice), "another caller");
        tokio::time::advance(WINDOW + Duration::from_secs(1)).await;
        assert!(attempts.allow(1000, alice), "a minute later");
    }
}

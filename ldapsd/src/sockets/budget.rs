//! Look-ups that nobody else pays for: each uid may have a few questions at the directory at once,
//! and its further ones wait for those, not the other users'.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions of one uid that may be at the directory at once.
const AT_ONCE: usize = 32;

/// Who is waiting for what.
#[derive(Debug, Default)]
pub(crate) struct Budget(Mutex<HashMap<u32, Weak<Semaphore>>>);

/// A question's place; None for root, who waits for nobody.
pub(crate) type Place = Option<OwnedSemaphorePermit>;

impl Budget {
    /// A place for one question of a uid.
    pub(crate) async fn place(&self, uid: u32) -> Place {
        match uid {
            0 => None,
            uid => self.of(uid).acquire_owned().await.ok(),
        }
    }

    fn of(&self, uid: u32) -> Arc<Semaphore> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = places.get(&uid).and_then(Weak::upgrade) {
            return semaphore;
        }
        places.retain(|_, semaphore| semaphore.strong_count() > 0);
        let semaphore = Arc::new(Semaphore::new(AT_ONCE));
        places.insert(uid, Arc::downgrade(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn one_users_questions_keep_the_others_waiting() {
        let budget = Budget::default();
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            held.push(budget.place(1000).await);
        }
        let soon = Duration::from_millis(1);
        assert!(timeout(soon, budget.place(1000)).await.is_err(), "no bound for one user");
        assert!(timeout(soon, budget.place(1001)).await.is_ok(), "another user waits");
        assert!(timeout(soon, budget.place(0)).await.is_ok(), "root waits");
        held.pop();
        assert!(timeout(soon, budget.place(1000)).await.is_ok(), "a place was not given back");
    }
}

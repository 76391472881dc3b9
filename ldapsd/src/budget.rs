//! What one uid does, nobody else pays for: each has so many places of a kind, and who needs more
//! waits for its own to be given back, not for the other users'.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// The places of each uid.
#[derive(Debug)]
pub(crate) struct Budget {
    each: usize,
    places: Mutex<HashMap<u32, Weak<Semaphore>>>,
}

/// Whose places a question takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) budget: &'a Budget,
    pub(crate) uid: u32,
}

impl Asker<'_> {
    /// A place, as soon as there is one.
    pub(crate) async fn place(&self) -> Place {
        self.budget.place(self.uid).await
    }
}

/// A place; None for root, who needs none.
pub(crate) type Place = Option<OwnedSemaphorePermit>;

impl Budget {
    /// So many places for each uid.
    pub(crate) fn new(each: usize) -> Self {
        Self { each, places: Mutex::default() }
    }

    /// A place, as soon as there is one.
    pub(crate) async fn place(&self, uid: u32) -> Place {
        match uid {
            0 => None,
            uid => self.of(uid).acquire_owned().await.ok(),
        }
    }

    /// A place, if there is one now.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn place_now(&self, uid: u32) -> Result<Place, TryAcquireError> {
        match uid {
            0 => Ok(None),
            uid => self.of(uid).try_acquire_owned().map(Some),
        }
    }

    fn of(&self, uid: u32) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = places.get(&uid).and_then(Weak::upgrade) {
            return semaphore;
        }
        places.retain(|_, semaphore| semaphore.strong_count() > 0);
        let semaphore = Arc::new(Semaphore::new(self.each));
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
        let budget = Budget::new(3);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(budget.place(1000).await);
        }
        let soon = Duration::from_millis(1);
        assert!(timeout(soon, budget.place(1000)).await.is_err(), "no bound for one user");
        assert!(timeout(soon, budget.place(1001)).await.is_ok(), "another user waits");
        assert!(timeout(soon, budget.place(0)).await.is_ok(), "root waits");
        assert!(budget.place_now(1000).is_err(), "a place too many");
        assert!(budget.place_now(0).is_ok());
        held.pop();
        assert!(timeout(soon, budget.place(1000)).await.is_ok(), "a place was not given back");
    }
}

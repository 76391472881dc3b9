//! Identical questions at one moment become one search.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

type Flight<Answer> = Shared<BoxFuture<'static, Answer>>;

/// Questions that are being asked.
pub(crate) struct Flights<Key, Answer: Clone>(Mutex<HashMap<Key, Flight<Answer>>>);

impl<Key, Answer: Clone> Default for Flights<Key, Answer> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Key, Answer> Flights<Key, Answer>
where
    Key: Clone + Eq + Hash + Send + 'static,
    Answer: Clone + Send + Sync + 'static,
{
    /// The answer to a question: of the search that is under way for it, or of this one. The
    /// search goes on when whoever asked has given up, so that its answer is there next time.
    pub(crate) async fn share(
        self: &Arc<Self>,
        key: Key,
        search: impl Future<Output = Answer> + Send + 'static,
    ) -> Answer {
        self.flight(key, search).await
    }

    fn flight(
        self: &Arc<Self>,
        key: Key,
        search: impl Future<Output = Answer> + Send + 'static,
    ) -> Flight<Answer> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        let flight = search.boxed().shared();
        flights.insert(key.clone(), flight.clone());
        let (all, landing) = (self.clone(), flight.clone());
        tokio::spawn(async move {
            landing.await;
            all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        });
        flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_thousand_identical_questions_become_more_than_one_search() {
        let flights = Arc::new(Flights::<&str, u32>::default());
        let searches = Arc::new(AtomicU32::new(0));
        let ask = |key| {
            let searches = searches.clone();
            flights.share(key, async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                searches.fetch_add(1, Ordering::Relaxed) + 1
            })
        };
        let answers = futures_util::future::join_all((0..1000).map(|_| ask("alice"))).await;
        assert!(answers.iter().all(|answer| *answer == 1), "not the same answer");
        assert_eq!(ask("bob").await, 2);
        assert_eq!(ask("alice").await, 3, "an answer was kept beyond its flight");
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_dies_with_the_one_who_asked_first() {
        let flights = Arc::new(Flights::<&str, u32>::default());
        let search = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            7
        };
        let impatient = flights.share("alice", search);
        assert!(tokio::time::timeout(Duration::from_millis(10), impatient).await.is_err());
        assert_eq!(flights.share("alice", async { 8 }).await, 7);
    }
}

//! What is done for one decision about a login, and how long it took, for `ldapsctl test`. Whoever
//! does something notes it here; where no decision is under way (`ldapsctl why`), nothing is kept.

use std::cell::RefCell;
use std::time::{Duration, Instant};

tokio::task_local! {
    static STEPS: RefCell<Vec<Step>>;
}

/// In words; and how long it took, if it took time.
pub(crate) type Step = (String, Option<Duration>);

/// Decides something, and gives what was done for it.
pub(crate) async fn of<T>(decision: impl Future<Output = T>) -> (T, Vec<Step>) {
    let traced = async {
        let decision = decision.await;
        (decision, STEPS.with(|steps| steps.take()))
    };
    STEPS.scope(RefCell::default(), traced).await
}

/// Something that takes time.
pub(crate) async fn step<T>(what: &str, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    put(what.to_owned(), Some(began.elapsed()));
    done
}

/// Something to know.
pub(crate) fn note(what: impl Into<String>) {
    put(what.into(), None);
}

fn put(what: String, took: Option<Duration>) {
    // Err: nobody traces.
    let _ = STEPS.try_with(|steps| steps.borrow_mut().push((what, took)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_steps_of_one_login_are_anothers_or_lost() {
        let login = |name: &'static str| {
            of(async move {
                step(name, tokio::task::yield_now()).await;
                note("a rule");
                name
            })
        };
        let ((one, of_one), (_, of_other)) = tokio::join!(login("one"), login("other"));
        assert_eq!((one, of_one.len(), of_one[0].0.as_str()), ("one", 2, "one"));
        assert!(of_one[0].1.is_some() && of_one[1] == ("a rule".to_owned(), None));
        assert_eq!(of_other[0].0, "other");
        step("outside", async {}).await;
    }
}

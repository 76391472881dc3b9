//! What is forgotten stays so, whatever was begun before.

use std::time::SystemTime;

use super::record::Seen;
use super::*;
use crate::durable::alice;
use crate::lookups::memory::Membership;

fn person() -> Seen {
    let membership = Membership { sids: Vec::new().into(), gids: Vec::new() };
    let (groups, rule_groups, matches) = Default::default();
    Seen { user: alice(), membership, groups, rule_groups, matches }
}

/// Someone whose password is this one.
fn record(password: &str) -> Record {
    let password = Password::parse(password.as_bytes()).unwrap();
    let verifier = Verifier::of(&verifier::Copy::of(&password)).unwrap();
    Record::new(person(), verifier, SystemTime::now())
}

/// What happens between the beginning of something and its end.
type Meanwhile = fn(&Offline, Record) -> futures_util::future::BoxFuture<'_, ()>;

const NOTHING: Meanwhile = |_, _| Box::pin(async {});
const FORGOTTEN: Meanwhile =
    |offline, record| Box::pin(async move { offline.forget(record.sid(), "a test").await });
const ANOTHER: Meanwhile = |offline, record| {
    Box::pin(async move {
        offline.forget(record.sid(), "a test").await;
        offline.keep(record.clone(), &offline.begin(record.sid())).await;
    })
};

#[tokio::test]
async fn a_login_puts_back_what_was_forgotten_since_it_began_or_overwrites_what_was_set() {
    let (first, second) = (record("one"), record("two"));
    let sid = first.sid();
    let rows = [
        ("nothing", true, NOTHING, true, Some(&first)),
        ("nothing, the first login", false, NOTHING, true, Some(&first)),
        ("it was forgotten", true, FORGOTTEN, false, None),
        ("it was not to be kept", false, FORGOTTEN, false, None),
        ("it was changed", true, ANOTHER, false, Some(&second)),
        ("it was changed, the first login", false, ANOTHER, false, Some(&second)),
    ];
    for (what, is_kept, meanwhile, holds, then) in rows {
        let dir = tempfile::tempdir().unwrap();
        let offline = Offline::open(dir.path());
        if is_kept {
            assert!(offline.keep(first.clone(), &offline.begin(sid)).await, "{what}");
        }
        let begun = offline.begin(sid);
        meanwhile(&offline, second.clone()).await;
        assert_eq!(offline.keep(first.clone(), &begun).await, holds, "{what}");
        for offline in [&offline, &Offline::open(dir.path())] {
            let now = offline.of(sid).map(|record| record.verifier.clone());
            assert_eq!(now, then.map(|record| record.verifier.clone()), "{what}");
        }
    }
}

#[tokio::test]
async fn what_was_just_set_gives_way_to_a_login_by_the_one_before_or_comes_back_after_its_end() {
    let (old, new) = (record("one"), record("two"));
    let sid = old.sid();
    let dir = tempfile::tempdir().unwrap();
    let offline = Offline::open(dir.path());
    let change = offline.begin(sid).of_the_newest();
    assert!(offline.keep(old.clone(), &offline.begin(sid)).await, "AD takes it for an hour");
    assert!(offline.keep(new.clone(), &change).await);
    assert_eq!(offline.of(sid).unwrap().verifier, new.verifier);
    offline.forget(sid, "a test").await;
    assert!(!offline.keep(new.clone(), &change).await);
    assert!(offline.of(sid).is_none());
}

#[tokio::test]
async fn a_try_puts_back_what_was_forgotten_since_it_began_or_is_not_counted() {
    let (first, second) = (record("one"), record("two"));
    let sid = first.sid();
    let dir = tempfile::tempdir().unwrap();
    let offline = Offline::open(dir.path());
    let tried = |record: &Record| record.tried(SystemTime::now());
    offline.keep(first.clone(), &offline.begin(sid)).await;
    // Two that began at the same time are two.
    for wrong in 1..3 {
        assert_eq!(offline.change(&first, tried).await.unwrap().wrong, wrong);
    }
    ANOTHER(&offline, second.clone()).await;
    assert!(offline.change(&first, tried).await.is_none());
    assert_eq!(offline.of(sid).unwrap().wrong, 0, "it was a try at another password");
    offline.forget(sid, "a test").await;
    assert!(offline.change(&second, tried).await.is_none());
    assert!(Offline::open(dir.path()).of(sid).is_none());
}

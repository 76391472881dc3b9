//! Many ask at once: as fast as the directory allows, each thing once, and nobody pays for others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ldaps_core::protocol::messages::{NssReply, NssRequest};
use test_directory::{Fault, On};

use crate::asking::{as_uid, nss};
use crate::stage::{EVERYBODY, Stage};

/// How many ask at once, as processes of a host do.
const ASKERS: usize = 32;
/// What each answer of the directory takes.
const ANSWER: Duration = Duration::from_millis(50);
/// Searches at once for each uid but root.
const PLACES: usize = 32;
/// What one user asks for at once: fewer than the connections that are left to one.
const NAMES: usize = 120;

fn plain_name(number: usize) -> String {
    format!("u{number:04}")
}

/// Searches for names that begin so.
fn searches_for(stage: &Stage, name: &str) -> usize {
    let asked = format!("(sAMAccountName={name}");
    stage.server.search_log().iter().filter(|search| search.filter.contains(&asked)).count()
}

#[test]
fn a_thousand_people_are_looked_up_one_after_another() {
    let stage = Stage::new(EVERYBODY);
    let slow = Fault::Delay(ANSWER.as_millis().try_into().unwrap());
    stage.server.fault_on(On::SearchesBelowRoot, slow);
    let connections = stage.server.connections();
    let next = AtomicUsize::new(1);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..ASKERS {
            scope.spawn(|| {
                while let number @ ..=1000 = next.fetch_add(1, Ordering::Relaxed) {
                    let name = plain_name(number);
                    assert_eq!(stage.user(&name).map(|user| user.name), Some(name));
                }
            });
        }
    });
    // As long as they wait together it is 1.6 s, and 50 s one by one.
    assert!(start.elapsed() < ANSWER * 1000 / 32 * 4, "{:?}", start.elapsed());
    assert_eq!(searches_for(&stage, "u"), 1000, "some were asked for twice, or not at all");
    assert_eq!(stage.server.connections(), connections, "more than one connection");
}

#[test]
fn the_same_question_of_many_is_asked_more_than_once() {
    let stage = Stage::new(EVERYBODY);
    stage.server.fault_on(On::SearchesBelowRoot, Fault::Delay(500));
    thread::scope(|scope| {
        for _ in 0..ASKERS {
            scope.spawn(|| assert!(stage.user("u0001").is_some()));
        }
    });
    assert_eq!(searches_for(&stage, "u0001"), 1);
}

#[test]
fn one_users_random_names_keep_the_others_waiting() {
    let stage = Stage::new(EVERYBODY);
    let run_dir = stage.run_dir();
    let answer = Duration::from_millis(600);
    stage.server.fault_on(On::SearchesBelowRoot, Fault::Delay(600));
    let ask = |name: String| nss(&run_dir, &NssRequest::UserByName(name)).unwrap();
    let greedy = || {
        thread::scope(|scope| {
            for number in 0..NAMES {
                let ask = &ask;
                scope.spawn(move || ask(format!("zz-random-{number}")));
            }
        });
    };
    thread::scope(|scope| {
        scope.spawn(|| as_uid(61_001, greedy));
        thread::sleep(answer / 2);
        assert!(searches_for(&stage, "zz-random-") <= PLACES, "no bound for one user");
        let modest = as_uid(61_002, || {
            let start = Instant::now();
            assert!(matches!(ask("u0002".to_owned()), NssReply::User(_)));
            start.elapsed()
        });
        // One answer, where the greedy one's names take four.
        let Some(took) = modest else { return };
        assert!(took < answer * 2, "{took:?}");
        assert!(searches_for(&stage, "zz-random-") < NAMES, "the other one had finished");
    });
}

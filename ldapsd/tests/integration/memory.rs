//! What is asked twice costs one search: hits, shared misses, names that nobody has.

use std::time::Duration;

use ldaps_core::protocol::messages::{NssReply, NssRequest};
use test_directory::{Fault, On, SearchSeen};

use crate::asking;
use crate::stage::{EVERYBODY, Extra, Stage};

/// How many searches something costs.
fn searches(stage: &Stage, act: impl FnOnce()) -> usize {
    stage.server.forget_searches();
    act();
    let is_poll =
        |search: &&SearchSeen| search.base.is_empty() || search.filter.contains("uSNChanged");
    let log = stage.server.search_log();
    log.len() - log.iter().filter(is_poll).count()
}

#[test]
fn what_is_known_is_searched_for_again() {
    let stage = Stage::new(EVERYBODY);
    let uid = stage.user("alice").unwrap().uid;
    let group = stage.group("engineers").unwrap();
    let gids = stage.gids("alice").unwrap();
    let again = searches(&stage, || {
        for _ in 0..10 {
            assert_eq!(stage.user("alice").unwrap().uid, uid);
            assert_eq!(stage.user("ALICE").unwrap().uid, uid);
            assert_eq!(stage.user_by_id(uid).unwrap().name, "alice");
            assert_eq!(stage.group("Engineers").unwrap(), group);
            assert_eq!(stage.group_by_id(group.gid).unwrap(), group);
            assert_eq!(stage.gids("alice").unwrap(), gids);
        }
    });
    assert_eq!(again, 0);
    let counters = stage.status().counters;
    assert!(counters.hits >= 60 && counters.users == 1 && counters.groups == 1, "{counters:?}");
}

#[test]
fn an_entry_is_never_read_again() {
    let extra = Extra { sections: "[cache]\npositive = \"100ms\"\n", ..EVERYBODY };
    let stage = Stage::new(extra);
    assert_eq!(stage.user("dave").unwrap().gecos, "Dave Drummond");
    stage.server.edit(|data| data.set_attribute("dave", "displayName", &["Dave D."])).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(stage.user("dave").unwrap().gecos, "Dave D.");
    stage.server.edit(|data| data.delete("dave")).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(stage.user("dave"), None, "a deleted account is served on");
}

#[test]
fn a_hundred_who_ask_the_same_at_once_cause_more_than_one_search() {
    let stage = Stage::new(EVERYBODY);
    stage.server.fault_on(On::SearchesBelowRoot, Fault::Delay(400));
    stage.server.forget_searches();
    let (run_dir, request) = (stage.run_dir(), NssRequest::UserByName("u0500".into()));
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                let found = asking::nss(&run_dir, &request).unwrap();
                assert!(matches!(found, NssReply::User(entry) if entry.name == "u0500"));
            });
        }
    });
    let log = stage.server.search_log();
    let searches = log.iter().filter(|search| search.filter.contains("u0500")).count();
    assert_eq!(searches, 1);
}

#[test]
fn nobody_is_searched_for_each_time_or_for_ever() {
    let extra = Extra { sections: "[cache]\nnegative = \"400ms\"\n", ..EVERYBODY };
    let stage = Stage::new(extra);
    assert_eq!(searches(&stage, || assert_eq!(stage.user("newcomer"), None)), 1);
    let again = searches(&stage, || assert_eq!(stage.user("newcomer"), None));
    assert_eq!(again, 0);
    stage.server.edit(|data| data.add_user("newcomer", 4711)).unwrap();
    std::thread::sleep(Duration::from_millis(450));
    assert!(stage.user("newcomer").is_some(), "nobody for ever");
}

#[test]
fn the_names_nobody_has_fill_the_memory() {
    let extra = Extra { sections: "[cache]\nnegative_max = 3\n", ..EVERYBODY };
    let stage = Stage::new(extra);
    let nobodies = ["nobody1", "nobody2", "nobody3", "nobody4"];
    let cost = |name| searches(&stage, || assert_eq!(stage.user(name), None));
    for name in nobodies {
        assert_eq!(cost(name), 1, "{name}");
    }
    for name in ["nobody4", "nobody3", "nobody2"] {
        assert_eq!(cost(name), 0, "{name} is forgotten too soon");
    }
    assert_eq!(cost("nobody1"), 1, "more than three are held");
}

#[test]
fn an_error_is_remembered_as_nobody() {
    let extra = Extra { directory: "operation_timeout = \"300ms\"\n", ..EVERYBODY };
    let stage = Stage::new(extra);
    stage.server.fault(Fault::Silence);
    for name in ["alice", "bob", "zz-nobody"] {
        let reply = stage.nss(&NssRequest::UserByName(name.into()));
        assert_eq!(reply, NssReply::Unavailable, "{name}");
    }
    stage.server.fault(Fault::None);
    stage.daemon.wait_for("alice", || match stage.nss(&NssRequest::UserByName("alice".into())) {
        NssReply::User(_) => true,
        NssReply::Unavailable => false,
        other => panic!("{other:?}"),
    });
    assert_eq!(stage.user("zz-nobody"), None);
}

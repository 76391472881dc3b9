//! Names that somebody makes up so that they collide.

use std::time::Duration;

use super::super::Key;
use super::{found, run_dir, user, writer};
use crate::protocol::client::monotonic_now;

#[test]
fn made_up_names_crowd_a_user_out_of_the_map() {
    let (_top, dir, ctl) = run_dir();
    let mut map = writer(&dir, &ctl);
    for number in 0..3_000 {
        map.put_user(&user(&format!("user{number}"), 200_000 + number)).unwrap();
    }
    let later = monotonic_now() + Duration::from_secs(3600);
    let number = map.stats().number;
    // The seed can be read by everybody: here are names whose home is near that of a user to come.
    let home = |name: &str| {
        let view = map.view();
        view.slot_at(view.place(&Key::UserName(name.as_bytes())), 0)
    };
    let (victim, slots) = (home("victim"), map.view().slots());
    let near = |name: &String| (home(name) + slots + 40 - victim) % slots < 200;
    let names: Vec<String> = (0..200_000).map(|n| format!("x{n}")).filter(near).collect();
    let taken =
        names.iter().filter(|name| map.put_nobody(Key::UserName(name.as_bytes()), later).is_ok());
    let taken = taken.count();
    assert!(taken > 100 && taken < names.len(), "{taken} of {}", names.len());
    assert_eq!(map.stats().number, number, "made-up names cost a new file");
    map.put_user(&user("victim", 300_000)).unwrap();
    assert_eq!(map.stats().number, number, "a user made way for made-up names");
    assert!(found(map.view().user_by_name(b"victim")).is_some());
    for number in 0..3_000 {
        assert!(found(map.view().user_by_uid(200_000 + number)).is_some(), "{number}");
    }
}

#[test]
fn negative_entries_are_kept_without_bound_or_beyond_their_time() {
    let (_top, dir, ctl) = run_dir();
    let mut map = writer(&dir, &ctl).with_nobody_max(100);
    let later = monotonic_now() + Duration::from_secs(3600);
    for number in 0..1_000 {
        let _ = map.put_nobody(Key::UserName(format!("x{number}").as_bytes()), later);
    }
    let nobody = |map: &super::super::MapWriter, name: &str| {
        matches!(map.view().user_by_name(name.as_bytes()), super::super::Answer::Nobody)
    };
    let kept = (0..1_000).filter(|number| nobody(&map, &format!("x{number}"))).count();
    assert_eq!(kept, 100);
    assert!(nobody(&map, "x999"), "the oldest go first");

    map.put_nobody(Key::UserName(b"old"), monotonic_now().saturating_sub(Duration::from_secs(1)))
        .unwrap();
    assert!(!nobody(&map, "old"));
}

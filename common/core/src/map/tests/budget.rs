//! How much memory is taken, and what happens where there is no more.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use super::super::MapWriter;
use super::{BUDGET, found, group, is_full, run_dir, user, writer};
use crate::entries::{GroupEntry, PasswdEntry};
use crate::run_dir::RunDir;

/// Bytes that all map files take on the file system.
fn taken(dir: &RunDir) -> usize {
    let entries = std::fs::read_dir(dir.join("")).unwrap().flatten();
    let maps = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("map-"));
    usize::try_from(maps.map(|map| map.metadata().unwrap().blocks() * 512).sum::<u64>()).unwrap()
}

#[test]
fn some_budget_is_exceeded() {
    for budget in (800 << 10..3 << 20).step_by(150_000) {
        let (_top, dir, ctl) = run_dir();
        let mut map = MapWriter::open(&dir.join(""), Arc::clone(&ctl), budget).unwrap();
        let put = (0..100_000).take_while(|number| {
            map.put_user(&user(&format!("user{number}"), 200_000 + number)).is_ok()
        });
        let put = put.count();
        let (memory, taken) = (map.stats().memory, taken(&dir));
        assert!(memory <= budget / 2 && taken <= budget, "{memory} and {taken} of {budget}");
        assert!(put > budget / 1_000, "only {put} users fit into {budget} bytes");
    }
}

#[test]
fn the_budget_is_exceeded_or_an_old_entry_stays_where_the_new_one_has_no_room() {
    let (_top, dir, ctl) = run_dir();
    let budget = 2 << 20;
    let mut map = MapWriter::open(&dir.join(""), Arc::clone(&ctl), budget).unwrap();
    let name = |number: u32| format!("user{number}");
    let full = (0..100_000).find(|number| {
        assert!(taken(&dir) <= budget);
        is_full(&map.put_user(&user(&name(*number), 200_000 + number)))
    });
    let full = full.expect("the budget has no end");
    assert!(map.stats().memory <= budget / 2, "{:?}", map.stats());
    assert!(full > 2_000, "only {full} users fit into {budget} bytes");

    // What is there changes, and has no room: better nothing than what it was.
    let longer = PasswdEntry { gecos: "x".repeat(700_000), ..user(&name(7), 200_007) };
    assert!(is_full(&map.put_user(&longer)));
    assert_eq!(found(map.view().user_by_name(b"user7")), None);
    assert_eq!(found(map.view().user_by_uid(200_007)), None);
    assert!(found(map.view().user_by_uid(200_008)).is_some());

    // What is removed makes room, by compaction.
    for number in 0..full {
        map.remove(super::super::Key::Uid(200_000 + number));
    }
    for number in 0..full / 2 {
        map.put_user(&user(&name(number), 200_000 + number)).unwrap();
    }
    assert!(taken(&dir) <= budget);
}

#[test]
fn changes_without_end_fill_the_run_directory() {
    let (_top, dir, ctl) = run_dir();
    let mut map = writer(&dir, &ctl);
    for round in 0..20_000 {
        let shell = format!("/bin/sh{round}");
        map.put_user(&PasswdEntry { shell, ..user("alice", 200_001) }).unwrap();
    }
    assert!(taken(&dir) < 1 << 20, "{} bytes for one user", taken(&dir));
    let number = map.stats().number;
    assert!((2..100).contains(&number), "file {number} after 20,000 changes");

    // Putting what is there already costs nothing.
    let before = map.stats();
    for _ in 0..1_000 {
        map.put_user(&PasswdEntry { shell: "/bin/sh19999".into(), ..user("alice", 200_001) })
            .unwrap();
    }
    assert_eq!(map.stats(), before);
}

#[test]
fn half_a_million_users_or_a_group_of_a_hundred_thousand_do_not_fit() {
    let (_top, dir, ctl) = run_dir();
    let mut map = MapWriter::open(&dir.join(""), Arc::clone(&ctl), BUDGET * 8).unwrap();
    let users = 500_000;
    for number in 0..users {
        map.put_user(&user(&format!("user{number:06}"), 200_000 + number)).unwrap();
    }
    let large = group("everybody", 1_000_000, 100_000);
    map.put_group(&large).unwrap();
    let view = map.view();
    assert_eq!(found(view.group_by_gid(1_000_000)).unwrap().to_entry(), Some(large));
    for number in (0..users).step_by(7) {
        let found = found(view.user_by_uid(200_000 + number)).unwrap();
        assert_eq!(found.name(), format!("user{number:06}").as_bytes());
    }
    // A daemon that comes back goes on with it.
    let number = map.stats().number;
    drop(map);
    let map = MapWriter::open(&dir.join(""), ctl, BUDGET * 8).unwrap();
    assert_eq!(map.stats().number, number);
    assert!(found(map.view().user_by_name(b"user499999")).is_some());
}

#[test]
fn what_cannot_be_published_leaves_the_older_one_in_its_place() {
    let (_top, dir, ctl) = run_dir();
    let mut map = writer(&dir, &ctl);
    let (alice, staff) = (user("alice", 200_001), group("staff", 200_002, 3));
    map.put_user(&alice).unwrap();
    map.put_groups_of(200_001, &[200_002]).unwrap();
    map.put_group(&staff).unwrap();

    map.put_groups_of(200_001, &[200_002, 7]).unwrap_err();
    assert!(found(map.view().groups_of(b"alice")).is_none());
    map.put_user(&PasswdEntry { shell: "no path".into(), ..alice }).unwrap_err();
    assert!(found(map.view().user_by_uid(200_001)).is_none());
    map.put_group(&GroupEntry { members: vec!["a,b".into()], ..staff }).unwrap_err();
    assert!(found(map.view().group_by_name(b"staff")).is_none());
}

//! A writer that ends at any moment, and the one after it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::super::{Key, MapView, MapWriter, SharedMap};
use super::{BUDGET, found, group, run_dir, start_ctl, user};
use crate::entries::PasswdEntry;
use crate::protocol::client::monotonic_now;
use crate::run_dir::RunDir;

thread_local! {
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Where the writer of this thread may end: before every store to a file and every step that
/// makes another file current. What it has mapped stays as it is, as after a kill -9.
pub(in crate::map) fn moment() {
    if let Some(left) = LEFT.get() {
        assert!(left > 0, "the writer ends here");
        LEFT.set(Some(left - 1));
    }
}

/// Runs until the given moment; says whether it came to its end before.
fn run_until(moment: u64, run: impl FnOnce()) -> bool {
    LEFT.set(Some(moment));
    let outcome = catch_unwind(AssertUnwindSafe(run));
    LEFT.set(None);
    outcome.is_ok()
}

/// Opens, puts, replaces, renames, takes over, removes, compacts.
fn one_life(dir: &RunDir) {
    let ctl = start_ctl(&dir.join(""));
    let mut map = MapWriter::open(&dir.join(""), ctl, BUDGET).unwrap();
    let later = monotonic_now() + Duration::from_secs(3600);
    let alice = user("alice", 200_001);
    map.put_user(&alice).unwrap();
    map.put_user(&PasswdEntry { shell: "/bin/zsh".into(), ..alice.clone() }).unwrap();
    map.put_groups_of(200_001, &[200_513]).unwrap();
    map.put_alias("alice@corp.example", &alice).unwrap();
    map.put_user(&user("bob", 200_002)).unwrap();
    // Renamed; and another takes the name.
    map.put_user(&user("robert", 200_002)).unwrap();
    map.put_user(&user("bob", 200_003)).unwrap();
    map.put_group(&group("staff", 200_600, 3)).unwrap();
    map.put_group(&group("staff", 200_600, 2)).unwrap();
    map.put_nobody(Key::UserName(b"carol"), later).unwrap();
    map.put_user(&user("carol", 200_004)).unwrap();
    map.remove(Key::Uid(200_004));
    // So large that the file is full, and mostly dead, more than once.
    for members in [4_000, 4_001, 4_002, 12_000, 4_003, 4_004, 3] {
        map.put_group(&group("large", 200_601, members)).unwrap();
    }
}

/// Nothing that is found was never put, and no name leads to another's uid.
fn no_lie(map: &MapView<'_>, at: u64) {
    for (name, uids) in [
        ("alice", &[200_001][..]),
        ("alice@corp.example", &[200_001]),
        ("bob", &[200_002, 200_003]),
        ("robert", &[200_002]),
        ("carol", &[200_004]),
    ] {
        if let Some(found) = found(map.user_by_name(name.as_bytes())) {
            let entry = found.to_entry().unwrap();
            assert!(uids.contains(&entry.uid), "moment {at}: {name} is {}", entry.uid);
            let canonical = name.split('@').next().unwrap();
            let shell = entry.shell.clone();
            assert_eq!(entry, PasswdEntry { shell, ..user(canonical, entry.uid) }, "moment {at}");
        }
    }
    for (gid, sizes) in
        [(200_600, &[3, 2][..]), (200_601, &[4_000, 4_001, 4_002, 12_000, 4_003, 4_004, 3])]
    {
        if let Some(found) = found(map.group_by_gid(gid)) {
            let entry = found.to_entry().unwrap();
            assert!(sizes.contains(&entry.members.len()), "moment {at}");
            assert_eq!(entry, group(&entry.name, gid, entry.members.len()), "moment {at}");
        }
    }
    if let Some(gids) = found(map.groups_of(b"alice")) {
        assert!(gids.gids().eq([200_513]), "moment {at}");
    }
}

/// Both ways to a user lead to the same entry, or none does.
fn nothing_half_done(map: &MapView<'_>, at: u64) {
    for name in ["alice", "bob", "robert", "carol"] {
        if let Some(user) = found(map.user_by_name(name.as_bytes())) {
            assert_eq!(found(map.user_by_uid(user.uid)), Some(user), "moment {at}: {name}");
        }
    }
    for uid in 200_001..200_005 {
        if let Some(user) = found(map.user_by_uid(uid)) {
            assert_eq!(found(map.user_by_name(user.name())), Some(user), "moment {at}: {uid}");
        }
    }
}

#[test]
fn a_writer_killed_at_any_store_leaves_a_lie_or_a_file_its_successor_cannot_use() {
    // The panics are the kills.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut ends = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        for at in 0.. {
            let (_top, dir, ctl) = run_dir();
            drop(ctl);
            let reader = SharedMap::new();
            let read = |check: &dyn Fn(&MapView<'_>)| reader.read(|| Some(dir.clone()), check);
            let finished = run_until(at, || one_life(&dir));
            read(&|map| no_lie(map, at));

            let ctl = start_ctl(&dir.join(""));
            let map = MapWriter::open(&dir.join(""), Arc::clone(&ctl), BUDGET).unwrap();
            no_lie(&map.view(), at);
            nothing_half_done(&map.view(), at);
            drop(map);
            // And that one's successor lives to its end.
            one_life(&dir);
            read(&|map| {
                no_lie(map, at);
                nothing_half_done(map, at);
                assert!(found(map.user_by_name(b"robert")).is_some(), "moment {at}");
                assert!(found(map.group_by_gid(200_601)).is_some_and(|g| g.members().len() == 3));
            })
            .unwrap();
            let files = std::fs::read_dir(dir.join("")).unwrap().count();
            assert_eq!(files, 2, "moment {at}: files are left over");
            if finished {
                ends = at;
                break;
            }
        }
    }));
    std::panic::set_hook(hook);
    if let Err(payload) = outcome {
        std::panic::resume_unwind(payload);
    }
    assert!(ends > 60, "only {ends} moments: the life was too short to show anything");
}

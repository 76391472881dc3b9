//! What a process has mapped, and when it lets go.

use std::sync::Arc;
use std::time::Duration;

use super::super::SharedMap;
use super::{beat, found, group, run_dir, start_ctl, user, writer};
use crate::ctl::{Ctl, FILE, State};
use crate::protocol::client::monotonic_now;
use crate::run_dir::RunDir;

/// Map files of a directory that this process has mapped, whether they still have a name or not.
fn mapped(dir: &RunDir) -> usize {
    let prefix = dir.join("map-");
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains(prefix.to_str().unwrap())).count()
}

fn knows(map: &SharedMap, dir: &RunDir, name: &str) -> bool {
    let look_up =
        |view: &super::super::MapView<'_>| found(view.user_by_name(name.as_bytes())).is_some();
    map.read(|| Some(dir.clone()), look_up).unwrap_or(false)
}

#[test]
fn a_reader_keeps_files_that_are_no_longer_current() {
    let (_top, dir, ctl) = run_dir();
    let mut map = writer(&dir, &ctl);
    let (reader, sleeper) = (SharedMap::new(), SharedMap::new());
    map.put_user(&user("alice", 200_001)).unwrap();
    assert!(knows(&sleeper, &dir, "alice"));
    let first = map.stats().number;
    for members in 3_000..3_200 {
        map.put_group(&group("staff", 200_600, members)).unwrap();
        assert!(knows(&reader, &dir, "alice"), "{members}");
    }
    assert!(map.stats().number > first + 3);
    // The writer's, the reader's and the one that the sleeper has had from the beginning.
    assert_eq!(mapped(&dir), 3);
    // It wakes up.
    assert!(knows(&sleeper, &dir, "alice"));
    drop(map);
    assert_eq!(mapped(&dir), 2);
    drop((reader, sleeper));
    assert_eq!(mapped(&dir), 0);
}

#[test]
fn a_descriptor_stays_open() {
    let (_top, dir, ctl) = run_dir();
    let mut map = writer(&dir, &ctl);
    map.put_user(&user("alice", 200_001)).unwrap();
    let reader = SharedMap::new();
    assert!(knows(&reader, &dir, "alice"));
    drop(map);
    drop(ctl);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let ours = open.filter_map(|fd| std::fs::read_link(fd.path()).ok());
    let ours: Vec<_> = ours.filter(|path| path.starts_with(dir.join(""))).collect();
    assert!(ours.is_empty(), "{ours:?}");
    assert!(knows(&reader, &dir, "alice"), "the map went with the daemon");
}

#[test]
fn a_page_of_the_version_before_is_taken_for_one_with_a_map_or_the_reverse() {
    let (_top, dir, ctl) = run_dir();
    // As a daemon without a map writes it.
    assert!(!knows(&SharedMap::new(), &dir, "alice"));
    let before = Ctl::read(&dir).unwrap();
    let mut map = writer(&dir, &ctl);
    map.put_user(&user("alice", 200_001)).unwrap();
    let reader = SharedMap::new();
    assert!(knows(&reader, &dir, "alice"));
    // A module without a map still reads the page, and a beat leaves the map in its place.
    assert_eq!(Ctl::read(&dir).unwrap(), before);
    beat(&ctl);
    assert!(knows(&reader, &dir, "alice"));
    // The daemon is put back to one without a map.
    let mut page = std::fs::read(dir.join(FILE)).unwrap();
    page[1024..1032].fill(0);
    std::fs::write(dir.join("other"), &page).unwrap();
    std::os::unix::fs::FileExt::write_all_at(
        &std::fs::File::options().write(true).open(dir.join(FILE)).unwrap(),
        &page,
        0,
    )
    .unwrap();
    assert!(!knows(&reader, &dir, "alice"));
}

#[test]
fn a_run_directory_that_is_gone_goes_on_answering() {
    let (_top, dir, ctl) = run_dir();
    let mut map = writer(&dir, &ctl);
    map.put_user(&user("alice", 200_001)).unwrap();
    let reader = SharedMap::new();
    assert!(knows(&reader, &dir, "alice"));
    // The daemon says no more, for longer than a heartbeat may be old.
    let old = monotonic_now().saturating_sub(Duration::from_secs(60));
    let page =
        |heartbeat| Ctl { state: State::Running, heartbeat, ranges: vec![], exclusive: true };
    ctl.write(&page(old)).unwrap();
    assert!(knows(&reader, &dir, "alice"), "a daemon that is away for a while takes the map along");
    let path = dir.join("");
    std::fs::remove_dir_all(&path).unwrap();
    // Once in a second it is looked at.
    std::thread::sleep(Duration::from_millis(1_100));
    assert!(!knows(&reader, &dir, "alice"));
    // It is set up anew, and the numbers begin again.
    std::fs::create_dir(&path).unwrap();
    let ctl = start_ctl(&path);
    let mut map = writer(&dir, &Arc::clone(&ctl));
    map.put_user(&user("bob", 200_002)).unwrap();
    assert!(knows(&reader, &dir, "bob"));
    assert!(!knows(&reader, &dir, "alice"));
}

#[test]
fn what_could_not_be_opened_once_is_not_looked_for_again() {
    let (_top, dir, ctl) = run_dir();
    let mut map = writer(&dir, &ctl);
    map.put_user(&user("alice", 200_001)).unwrap();
    let (file, away) = (dir.join(&format!("map-{}", ctl.map())), dir.join("away"));
    // A link is not followed, which is an error like any other: no descriptor, no memory.
    std::fs::rename(&file, &away).unwrap();
    std::os::unix::fs::symlink(&away, &file).unwrap();
    let reader = SharedMap::new();
    assert!(!knows(&reader, &dir, "alice"));
    std::fs::rename(&away, &file).unwrap();
    assert!(knows(&reader, &dir, "alice"));
}

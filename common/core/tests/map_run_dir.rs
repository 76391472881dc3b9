//! The shared map in a /run that is small, and what processes that sleep keep of it.
//!
//! The processes are this test's own program again; what they are to do stands in the environment.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use ldaps_core::ctl::{Ctl, CtlWriter, State};
use ldaps_core::entries::PasswdEntry;
use ldaps_core::map::{Answer, Key, MapWriter, PutError, SharedMap};
use ldaps_core::protocol::client::monotonic_now;
use ldaps_core::run_dir::RunDir;

const ROLE: &str = "LDAPS_TEST_RUN_DIR_ROLE";
const FIRST: u32 = 200_000;
/// More than the small file system has.
const BUDGET: usize = 64 << 20;

fn user(number: u32, version: u32) -> PasswdEntry {
    PasswdEntry {
        name: format!("user{number}"),
        uid: FIRST + number,
        gid: FIRST,
        gecos: format!("version {version}"),
        home: format!("/home/user{number}"),
        shell: "/bin/bash".into(),
    }
}

fn found(map: &SharedMap, dir: &RunDir, number: u32) -> Option<PasswdEntry> {
    let name = format!("user{number}");
    map.read(
        || Some(dir.clone()),
        |view| match view.user_by_name(name.as_bytes()) {
            Answer::Found(user) => user.to_entry(),
            Answer::Nobody | Answer::Unknown => None,
        },
    )?
}

/// A run directory with the page in it.
fn run_dir(top: &Path) -> (RunDir, Arc<CtlWriter>) {
    let path = top.join("ldapsd");
    fs::create_dir_all(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let ctl = Arc::new(CtlWriter::open(&path).unwrap());
    beat(&ctl);
    (RunDir::at(&path).unwrap(), ctl)
}

fn beat(ctl: &CtlWriter) {
    let (ranges, heartbeat) = (vec![FIRST..=u32::MAX], monotonic_now());
    ctl.write(&Ctl { state: State::Running, heartbeat, ranges, exclusive: true }).unwrap();
}

fn open(dir: &RunDir, ctl: &Arc<CtlWriter>) -> std::io::Result<MapWriter> {
    MapWriter::open(&dir.join(""), Arc::clone(ctl), BUDGET)
}

/// This program again, for one of the tests below that are marked as ignored.
fn again(test: &str, role: &str) -> Vec<(&'static str, String)> {
    let own = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    vec![(ROLE, role.to_owned()), ("OWN", own), ("TEST", test.to_owned())]
}

/// Runs a test in a mount namespace where `dir` is a tmpfs of 4 MiB; false where nobody may make one.
fn on_a_small_tmpfs(test: &str, dir: &Path) -> bool {
    let script = r#"mount -t tmpfs -o size=4m,mode=755 tmpfs "$DIR" || exit 77
        exec "$OWN" --exact "$TEST" --ignored --nocapture"#;
    let ended = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", script])
        .envs(again(test, "small"))
        .env("DIR", dir)
        .output()
        .expect("unshare(1)");
    let said = String::from_utf8_lossy(&ended.stderr);
    // unshare says so itself; a test that fails ends with 101.
    if ended.status.code() == Some(77) || said.contains("unshare failed") {
        eprintln!("skipped: a small tmpfs needs root: {said}");
        return false;
    }
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{:?}\n{told}\n{said}", ended.status);
    assert!(told.contains("1 passed"), "{told}");
    true
}

#[test]
fn a_small_run_is_overfilled_or_ends_whoever_reads_in_it() {
    let top = tempfile::tempdir().unwrap();
    on_a_small_tmpfs("in_a_small_run", top.path());
}

/// Not a test of its own: it wants a tmpfs. SIGBUS, where it comes, ends this process.
#[test]
#[ignore = "only as a process of the other test"]
fn in_a_small_run() {
    let Some(top) = role() else { return };
    let (dir, ctl) = run_dir(&top.join("one"));
    let (other, other_ctl) = run_dir(&top.join("other"));
    let mut map = open(&dir, &ctl).unwrap();
    let reader = SharedMap::new();

    // Until it is full, though the budget is not.
    let put = (0..1_000_000).take_while(|number| map.put_user(&user(*number, 0)).is_ok());
    let put = u32::try_from(put.count()).unwrap();
    assert!(put > 3_000, "only {put} users fit into 4 MiB");
    assert!((0..put).all(|number| found(&reader, &dir, number) == Some(user(number, 0))));
    // Each change in a full one tries to make a smaller file, so not all of them.
    let some = || (0..put).step_by(put as usize / 30);
    // What is full is left as it is; what changes in it is not left as it was.
    beat(&ctl);
    for number in some() {
        match map.put_user(&user(number, 1)) {
            Ok(()) => assert_eq!(found(&reader, &dir, number), Some(user(number, 1))),
            Err(PutError::Full) => assert_eq!(found(&reader, &dir, number), None),
            Err(error) => panic!("{error}"),
        }
    }

    // Somebody else takes the rest, to the last byte: no write of ours may meet that as SIGBUS.
    fill(&top.join("others"));
    let lasting = (0..put).filter(|number| found(&reader, &dir, *number).is_some()).count();
    some().for_each(|number| drop(map.put_user(&user(number, 2))));
    (0..put).for_each(|number| drop(found(&reader, &dir, number)));
    beat(&ctl);
    println!("{put} users fit, {lasting} lasted through changes");

    // A daemon that starts in a full /run goes on with the file; one that has none says so.
    drop(map);
    let mut map = open(&dir, &ctl).unwrap();
    let before = map.stats().number;
    assert!(open(&other, &other_ctl).is_err(), "a map was made where there is no room");

    // There is room again: what was withdrawn comes back.
    fs::remove_file(top.join("others")).unwrap();
    for number in 0..put {
        map.remove(Key::Uid(FIRST + number));
    }
    for number in 0..put / 2 {
        map.put_user(&user(number, 3)).unwrap();
        assert_eq!(found(&reader, &dir, number), Some(user(number, 3)));
    }
    assert!(map.stats().number >= before);
}

/// A file that takes all that a file system has left.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for size in [1 << 16, 1 << 12, 1 << 6, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

fn role() -> Option<PathBuf> {
    let role = std::env::var(ROLE).ok()?;
    match role.strip_prefix("sleep:") {
        Some(dir) => Some(dir.into()),
        None => std::env::var("DIR").ok().map(PathBuf::from),
    }
}

/// A process that looks a user up at each line it is given, and sleeps in between.
struct Sleeper(Child, BufReader<std::process::ChildStdout>);

impl Sleeper {
    fn start(dir: &RunDir) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_process_that_sleeps", "--ignored", "--nocapture"])
            .env(ROLE, format!("sleep:{}", dir.join("").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self(child, lines)
    }

    /// Wakes it for one look-up; gives the version it saw.
    fn look(&mut self) -> String {
        self.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        // The test harness of the process speaks, too.
        let mut lines = self.1.by_ref().lines().map(Result::unwrap);
        lines.find_map(|line| Some(line.split_once("saw ")?.1.to_owned())).expect("it has ended")
    }

    /// The map files that it has mapped, by name; those that are gone have "(deleted)" behind it.
    fn maps(&self) -> Vec<String> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.0.id())).unwrap();
        let of_ours = maps.lines().filter_map(|line| line.split_once("/ldapsd/map-"));
        of_ours.map(|(_, name)| name.to_owned()).collect()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Not a test of its own: what [`Sleeper`] starts.
#[test]
#[ignore = "only as a process of the other test"]
fn a_process_that_sleeps() {
    let Some(dir) = role() else { return };
    let (dir, map) = (RunDir::at(&dir).unwrap(), SharedMap::new());
    while std::io::stdin().read(&mut [0]).unwrap() > 0 {
        println!("saw {}", found(&map, &dir, 1).map_or("nobody".into(), |user| user.gecos));
    }
}

/// Changes users until so many more files were made; gives the most memory that one of them took.
fn make_files(map: &mut MapWriter, more: u32) -> usize {
    let (last, mut most) = (map.stats().number + more, 0);
    let mut versions = 1..;
    while map.stats().number < last {
        let version = versions.next().unwrap();
        for number in 0..500 {
            map.put_user(&user(number, version)).unwrap();
            most = most.max(map.stats().memory);
        }
    }
    most
}

#[test]
fn a_process_that_sleeps_keeps_more_than_the_file_it_had() {
    let top = tempfile::tempdir().unwrap();
    let (dir, ctl) = run_dir(top.path());
    let mut map = open(&dir, &ctl).unwrap();
    map.put_user(&user(1, 0)).unwrap();
    let first = map.stats().number;
    let mut sleeper = Sleeper::start(&dir);
    assert_eq!(sleeper.look(), "version 0");
    assert_eq!(sleeper.maps(), [format!("{first}")]);
    make_files(&mut map, 8);
    beat(&ctl);
    // The one it had, which has no name any more; none of those since, and no descriptor.
    assert_eq!(sleeper.maps(), [format!("{first} (deleted)")]);
    let open = fs::read_dir(format!("/proc/{}/fd", sleeper.0.id())).unwrap().flatten();
    let ours = open.filter_map(|fd| fs::read_link(fd.path()).ok());
    assert_eq!(ours.filter(|path| path.to_string_lossy().contains("/ldapsd/")).count(), 0);
    // It wakes, and lets go of that.
    assert!(sleeper.look().starts_with("version "));
    assert_eq!(sleeper.maps(), [format!("{}", map.stats().number)]);
}

#[test]
fn sleeping_processes_fill_a_small_run() {
    let top = tempfile::tempdir().unwrap();
    on_a_small_tmpfs("sleepers_in_a_small_run", top.path());
}

/// Not a test of its own: it wants a tmpfs, to see what deleted files take on it.
#[test]
#[ignore = "only as a process of the other test"]
fn sleepers_in_a_small_run() {
    let Some(top) = role() else { return };
    let (dir, ctl) = run_dir(&top);
    let mut map = open(&dir, &ctl).unwrap();
    map.put_user(&user(1, 0)).unwrap();
    let taken = || {
        let found = rustix::fs::statvfs(&top).unwrap();
        usize::try_from((found.f_blocks - found.f_bfree) * found.f_frsize).unwrap()
    };
    let mut sleepers: Vec<Sleeper> = (0..5).map(|_| Sleeper::start(&dir)).collect();
    sleepers.iter_mut().for_each(|sleeper| assert_eq!(sleeper.look(), "version 0"));
    let largest = make_files(&mut map, 12);
    beat(&ctl);
    // The first file, the last one, and the page.
    let (all, most) = (taken(), largest + map.stats().memory + (64 << 10));
    assert!(all <= most, "{all} bytes are taken, more than {most}");
    assert!(all > map.stats().memory, "nothing is seen of what the sleepers keep");
    sleepers.iter_mut().for_each(|sleeper| drop(sleeper.look()));
    let (all, most) = (taken(), map.stats().memory + (64 << 10));
    assert!(all <= most, "{all} bytes are taken: they have let nothing go");
}

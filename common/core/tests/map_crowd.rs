//! The shared map among many: threads and processes that read through changes, compactions and
//! writers that are killed.
//!
//! The processes are this test's own program again; what they are to do stands in the environment.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ldaps_core::ctl::{Ctl, CtlWriter, State};
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::map::{Answer, Key, MapView, MapWriter, SharedMap};
use ldaps_core::protocol::client::monotonic_now;
use ldaps_core::run_dir::RunDir;

const ROLE: &str = "LDAPS_TEST_MAP_ROLE";
/// How many changes, where not these: `./check` asks for a million.
const CHANGES_VARIABLE: &str = "LDAPS_TEST_MAP_CHANGES";
const CHANGES: u64 = 50_000;
/// The writer says so after so many changes.
const STEP: u64 = 500;
const THREADS: usize = 64;
const USERS: u64 = 300;
const GROUPS: u64 = 30;
const FIRST: u32 = 200_000;
const FIRST_GID: u32 = 900_000;

fn id(first: u32, number: u64) -> u32 {
    first + u32::try_from(number).unwrap()
}

/// A user all of whose fields tell the same version.
fn user(number: u64, version: u64) -> PasswdEntry {
    PasswdEntry {
        name: format!("user{number}"),
        uid: id(FIRST, number),
        gid: FIRST_GID,
        gecos: format!("version {version}"),
        home: format!("/home/{version}"),
        shell: format!("/bin/{version}"),
    }
}

/// A group whose members tell the version.
fn group(number: u64, version: u64) -> GroupEntry {
    let members = (0..version % 300).map(|member| format!("{version}-{member}")).collect();
    GroupEntry { name: format!("group{number}"), gid: id(FIRST_GID, number), members }
}

/// The groups of a user: their number tells the version.
fn gids(version: u64) -> Vec<u32> {
    (0..=version % 20).map(|number| id(FIRST_GID, number)).collect()
}

fn write_for_ever(dir: &Path) {
    let ctl = Arc::new(CtlWriter::open(dir).unwrap());
    let mut map = MapWriter::open(dir, Arc::clone(&ctl), 16 << 20).unwrap();
    let page = || Ctl {
        state: State::Running,
        heartbeat: monotonic_now(),
        ranges: vec![FIRST..=u32::MAX],
        exclusive: true,
    };
    ctl.write(&page()).unwrap();
    for version in u64::from(std::process::id()) << 32.. {
        let (who, which) = (version * 7 % USERS, version / 10 % GROUPS);
        match version % 10 {
            0 => map.put_group(&group(which, version)).unwrap(),
            1 => map.put_groups_of(id(FIRST, who), &gids(version)).unwrap(),
            2 => map.remove(Key::Uid(id(FIRST, who))),
            3 => {
                let later = monotonic_now() + Duration::from_secs(60);
                let _ = map.put_nobody(Key::UserName(format!("nobody{who}").as_bytes()), later);
            }
            _ => map.put_user(&user(who, version)).unwrap(),
        }
        if version % STEP == 0 {
            ctl.write(&page()).unwrap();
            println!("{}", map.stats().number);
            std::io::stdout().flush().unwrap();
        }
    }
}

/// Asks for one of everything; says how often something was found.
fn look(map: &MapView<'_>, number: u64) -> u64 {
    let (who, which) = (number % USERS, number % GROUPS);
    let name = format!("user{who}");
    let mut found = 0;
    for answer in [map.user_by_name(name.as_bytes()), map.user_by_uid(id(FIRST, who))] {
        if let Answer::Found(entry) = answer {
            let entry = entry.to_entry().expect("not UTF-8");
            let version = entry.home.strip_prefix("/home/").and_then(|v| v.parse().ok());
            assert_eq!(entry, user(who, version.expect("another's home")), "a user is not whole");
            found += 1;
        }
    }
    if let Answer::Found(entry) = map.group_by_gid(id(FIRST_GID, which)) {
        let entry = entry.to_entry().expect("not UTF-8");
        let first = entry.members.first().and_then(|member| member.split('-').next());
        let version = first.map_or(0, |version| version.parse().unwrap());
        assert_eq!(entry, group(which, version), "a group is not whole");
        found += 1;
    }
    if let Answer::Found(list) = map.groups_of(name.as_bytes()) {
        let list: Vec<u32> = list.gids().collect();
        assert_eq!(list, gids(list.len() as u64 - 1), "the groups of a user are not whole");
        found += 1;
    }
    assert!(!matches!(map.user_by_uid(id(FIRST, who)), Answer::Nobody), "nobody has {who}");
    found
}

/// Many threads that share one map; gives how often something was found.
fn read_until(dir: &RunDir, threads: usize, end: &AtomicBool) -> u64 {
    let (map, found) = (SharedMap::new(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (map, found) = (&map, &found);
            scope.spawn(move || {
                let mut number = thread as u64;
                while !end.load(Ordering::Relaxed) {
                    for _ in 0..5 {
                        number += 13;
                        let hits = map.read(|| Some(dir.clone()), |view| look(view, number));
                        found.fetch_add(hits.unwrap_or(0), Ordering::Relaxed);
                    }
                    // Two cores for all of them: the writer wants its turn.
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    found.into_inner()
}

fn play(role: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_of_the_crowd", "--ignored", "--nocapture"])
        .env(ROLE, format!("{role}:{}", dir.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what [`play`] starts.
#[test]
#[ignore = "only as a process of the other test"]
fn a_process_of_the_crowd() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (role, dir) = role.split_once(':').unwrap();
    if role == "writer" {
        return write_for_ever(Path::new(dir));
    }
    let (end, dir) = (AtomicBool::new(false), RunDir::at(Path::new(dir)).unwrap());
    let found = std::thread::scope(|scope| {
        scope.spawn(|| {
            // Until the test closes it, or is gone.
            let _ = std::io::stdin().read(&mut [0]);
            end.store(true, Ordering::Relaxed);
        });
        read_until(&dir, 8, &end)
    });
    assert!(found > 0, "nothing was ever found");
}

/// Lets writers live and die until all changes are made; gives how often they died, and the
/// number of the last file.
fn change_and_kill(dir: &Path) -> (u32, u32) {
    let changes = std::env::var(CHANGES_VARIABLE).map_or(CHANGES, |n| n.parse().unwrap());
    let (mut done, mut kills, mut file) = (0, 0, 0);
    let mut dice = 12_345_u64;
    while done < changes {
        let mut writer = play("writer", dir);
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let until = Instant::now() + Duration::from_millis(dice >> 40 & 0x1ff);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut lived = 0;
        while Instant::now() < until || lived == 0 {
            let line = lines.next().expect("the writer has ended by itself").unwrap();
            // The test harness of the process speaks, too.
            if let Ok(number) = line.parse() {
                (file, lived) = (number, lived + 1);
                done += STEP;
            }
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        kills += 1;
    }
    (kills, file)
}

#[test]
fn somebody_in_a_crowd_reads_what_was_never_written() {
    let top = tempfile::tempdir().unwrap();
    let path = top.path().join("ldapsd");
    std::fs::create_dir(&path).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).unwrap();
    let dir = RunDir::at(&path).unwrap();
    let end = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers = scope.spawn(|| read_until(&dir, THREADS, &end));
        let mut others: Vec<Child> = (0..3).map(|_| play("reader", &path)).collect();
        let outcome = std::panic::catch_unwind(|| change_and_kill(&path));
        end.store(true, Ordering::Relaxed);
        let (kills, file) = outcome.unwrap();
        for other in &mut others {
            drop(other.stdin.take());
            assert!(other.wait().unwrap().success(), "a process read a lie");
        }
        let found = readers.join().unwrap();
        println!("{kills} writers killed, {file} files, {found} found in one process");
        assert!(kills > 3 && file > 20, "{kills} kills, {file} files");
        assert!(found > 1_000, "only {found} were found");
    });
    let left = std::fs::read_dir(&path).unwrap().count();
    assert!(left <= 3, "{left} files are left: more than ctl, a map and one being made");
}

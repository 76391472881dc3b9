//! The shared map: hits by name in random order, for few and many users, and what a change costs.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ldaps_core::ctl::{Ctl, CtlWriter, State};
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::map::{Answer, Key, MapView, MapWriter, SharedMap};
use ldaps_core::protocol::client::monotonic_now;
use ldaps_core::run_dir::RunDir;

const FIRST: u32 = 200_000;

struct Rig {
    _top: tempfile::TempDir,
    dir: RunDir,
    ctl: Arc<CtlWriter>,
    map: MapWriter,
    reader: SharedMap,
}

impl Rig {
    /// On a tmpfs, as /run is.
    fn new() -> Self {
        let shm = PathBuf::from("/dev/shm");
        let top = tempfile::tempdir_in(if shm.is_dir() { shm } else { std::env::temp_dir() });
        let top = top.expect("a directory");
        let path = top.path().join("ldapsd");
        std::fs::create_dir(&path).expect("a directory");
        let dir = RunDir::at(&path).expect("a run directory");
        let ctl = Arc::new(CtlWriter::open(&path).expect("a page"));
        let map = MapWriter::open(&path, Arc::clone(&ctl), 2 << 30).expect("a map");
        let rig = Self { _top: top, dir, ctl, map, reader: SharedMap::new() };
        rig.beat();
        rig
    }

    fn beat(&self) {
        let page = Ctl {
            state: State::Running,
            // For as long as the bench runs.
            heartbeat: monotonic_now() + std::time::Duration::from_secs(86_400),
            ranges: vec![FIRST..=u32::MAX],
            exclusive: true,
        };
        self.ctl.write(&page).expect("a page");
    }

    fn with_users(users: u32) -> Self {
        let mut rig = Self::new();
        for number in 0..users {
            rig.map.put_user(&user(number)).expect("room");
            let gids: Vec<u32> = (0..15).map(|gid| 900_000 + gid).collect();
            rig.map.put_groups_of(FIRST + number, &gids).expect("room");
        }
        rig
    }
}

fn name(number: u32) -> String {
    format!("user{number:06}")
}

fn user(number: u32) -> PasswdEntry {
    PasswdEntry {
        name: name(number),
        uid: FIRST + number,
        gid: 200_513,
        gecos: format!("Firstname Lastname {number}"),
        home: format!("/home/{}", name(number)),
        shell: "/bin/bash".into(),
    }
}

fn group(members: u32) -> GroupEntry {
    GroupEntry { name: "staff".into(), gid: 900_000, members: (0..members).map(name).collect() }
}

/// Names in random order, one behind the other: what the list costs to walk is not the map's cost.
struct Asked {
    names: Vec<u8>,
    length: usize,
    next: usize,
}

impl Asked {
    fn shuffled(users: u32) -> Self {
        let mut numbers: Vec<u32> = (0..users).collect();
        let mut dice = 12_345_u64;
        for at in (1..numbers.len()).rev() {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            numbers.swap(at, (dice >> 33) as usize % (at + 1));
        }
        let names: Vec<u8> =
            numbers.into_iter().flat_map(|number| name(number).into_bytes()).collect();
        Self { names, length: name(0).len(), next: 0 }
    }

    fn next(&mut self) -> &[u8] {
        let at = self.next;
        self.next = if at + self.length < self.names.len() { at + self.length } else { 0 };
        &self.names[at..at + self.length]
    }
}

fn hits(bench: &mut Criterion) {
    for users in [3_000, 500_000] {
        let rig = Rig::with_users(users);
        let stats = rig.map.stats();
        println!(
            "{users} users with 15 groups each: {} bytes per user live, {} with table and slack",
            stats.live / users as usize,
            stats.memory / users as usize
        );
        let mut asked = Asked::shuffled(users);
        let mut buffer = [0_u8; 1024];
        bench.bench_function(&format!("getpwnam-like hit, {users} users"), |bench| {
            bench.iter(|| {
                let name = asked.next();
                rig.reader.read(
                    || Some(rig.dir.clone()),
                    |map| match map.user_by_name(black_box(name)) {
                        Answer::Found(user) => {
                            buffer[..user.text.len()].copy_from_slice(user.text);
                            user.uid
                        }
                        Answer::Nobody | Answer::Unknown => panic!("{name:?} is missing"),
                    },
                )
            });
        });
        bench.bench_function(&format!("initgroups-like hit, {users} users"), |bench| {
            bench.iter(|| {
                let name = asked.next();
                rig.reader.read(
                    || Some(rig.dir.clone()),
                    |map| match map.groups_of(black_box(name)) {
                        Answer::Found(gids) => gids.gids().fold(0, u32::wrapping_add),
                        Answer::Nobody | Answer::Unknown => panic!("{name:?} is missing"),
                    },
                )
            });
        });
    }
}

fn groups(bench: &mut Criterion) {
    for members in [15, 3_000] {
        let mut rig = Rig::new();
        rig.map.put_group(&group(members)).expect("room");
        let mut buffer = vec![0_u8; 1 << 20];
        let mut pointers = vec![0_usize; 1 << 14];
        bench.bench_function(&format!("getgrnam-like hit, {members} members"), |bench| {
            bench.iter(|| {
                rig.reader.read(
                    || Some(rig.dir.clone()),
                    |map| match map.group_by_name(black_box(b"staff")) {
                        Answer::Found(group) => {
                            buffer[..group.text.len()].copy_from_slice(group.text);
                            let base = buffer.as_ptr().addr();
                            for (pointer, at) in pointers.iter_mut().zip(group.member_offsets()) {
                                *pointer = base + at;
                            }
                            black_box(&pointers);
                            group.gid
                        }
                        Answer::Nobody | Answer::Unknown => panic!("it is missing"),
                    },
                )
            });
        });
    }
}

fn misses(bench: &mut Criterion) {
    let mut rig = Rig::with_users(3_000);
    let later = monotonic_now() + std::time::Duration::from_secs(86_400);
    rig.map.put_nobody(Key::UserName(b"zz-nobody"), later).expect("room");
    for (what, name) in
        [("nobody has, asked again", &b"zz-nobody"[..]), ("the map does not know", b"zz-other")]
    {
        let read = |rig: &Rig| {
            let look_up = |map: &MapView<'_>| map.user_by_name(black_box(name)) == Answer::Nobody;
            rig.reader.read(|| Some(rig.dir.clone()), look_up)
        };
        assert_eq!(read(&rig), Some(name == b"zz-nobody"));
        bench.bench_function(&format!("a name that {what}"), |bench| bench.iter(|| read(&rig)));
    }
}

fn changes(bench: &mut Criterion) {
    let mut rig = Rig::with_users(3_000);
    let mut version = 0_u32;
    bench.bench_function("put a changed user among 3,000, compactions included", |bench| {
        bench.iter(|| {
            version += 1;
            let changed =
                PasswdEntry { gecos: format!("Version {version}"), ..user(version % 3_000) };
            rig.map.put_user(&changed).expect("room");
        });
    });
    bench.bench_function("publish a group of 100,000 members", |bench| {
        bench.iter_batched(
            || {
                version += 1;
                let mut group = group(100_000);
                group.members[0] = format!("version{version}");
                group
            },
            |group| rig.map.put_group(&group).expect("room"),
            BatchSize::LargeInput,
        );
    });
}

criterion_group!(benches, hits, groups, misses, changes);
criterion_main!(benches);

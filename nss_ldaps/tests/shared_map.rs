//! The shared map: what is in it is answered in the process, and nothing in it is believed that
//! could not be asked for.

#![allow(clippy::unwrap_used, reason = "the functions beside the tests are tests too")]

#[cfg(test)]
mod support;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ldaps_core::ctl::{CtlWriter, State};
use ldaps_core::entries::PasswdEntry;
use ldaps_core::map::{Key, MapWriter};
use ldaps_core::protocol::client::monotonic_now;
use ldaps_core::protocol::messages::NssReply;
use nss_ldaps::module::Module;
use nss_ldaps::status::Miss;
use support::{ALICE, Answer, DOMAIN_USERS, TestHost, alice, domain_users, ffi};

const OTHER: u32 = DOMAIN_USERS + 1;

/// A host whose daemon would rather not be asked; and the hand on its map, with alice in it.
fn host() -> (TestHost, MapWriter) {
    let host = TestHost::answering(|_| Answer::Reply(NssReply::Unavailable));
    let writer = writer(&host);
    (host, writer)
}

fn writer(host: &TestHost) -> MapWriter {
    let ctl = Arc::new(CtlWriter::open(&host.run_dir()).unwrap());
    let mut writer = MapWriter::open(&host.run_dir(), ctl, 16 << 20).unwrap();
    writer.put_user(&alice()).unwrap();
    writer.put_alias("alice@corp.example", &alice()).unwrap();
    writer.put_groups_of(ALICE, &[DOMAIN_USERS, OTHER]).unwrap();
    writer.put_group(&members()).unwrap();
    writer
}

fn members() -> ldaps_core::entries::GroupEntry {
    domain_users((0..100).map(|n| format!("member {n}")))
}

fn by_name(module: &Module<'_>, name: &[u8]) -> Result<PasswdEntry, Miss> {
    ffi::user(1024, &|slot| module.getpwnam(name, slot))
}

#[test]
fn what_is_in_the_map_is_asked_of_the_daemon_or_arrives_otherwise() {
    let (host, _writer) = host();
    let module = host.module();
    for name in ["alice", "ALICE", "Alice@Corp.Example"] {
        assert_eq!(by_name(&module, name.as_bytes()), Ok(alice()), "{name}");
        let (status, gids, _) = ffi::initgroups(&module, name, DOMAIN_USERS, &[7], 1, -1);
        assert_eq!((status, gids), (1, vec![7, OTHER]), "{name}");
    }
    assert_eq!(ffi::user(1024, &|slot| module.getpwuid(ALICE, slot)), Ok(alice()));
    for skew in 0..8 {
        let by_name = ffi::group(8192, skew, &|slot| module.getgrnam(b"Domain Users", slot));
        let by_gid = ffi::group(8192, skew, &|slot| module.getgrgid(DOMAIN_USERS, slot));
        assert_eq!((by_name, by_gid), (Ok(members()), Ok(members())), "{skew}");
    }
    assert_eq!(host.asked(), 0);
    assert_eq!(by_name(&module, b"bob"), Err(Miss::Unavailable), "bob is not in the map");
    assert_eq!(host.asked(), 1);
}

#[test]
fn a_short_buffer_is_written_to_or_asks_the_daemon() {
    let (host, _writer) = host();
    let module = host.module();
    let wants = |room| ffi::user(room, &|slot| module.getpwnam(b"alice", slot));
    let least = (1..1024).find(|room| wants(*room) != Err(Miss::ShortBuffer)).unwrap();
    assert_eq!(wants(least), Ok(alice()));
    for skew in 0..8 {
        let wants = |room| ffi::group(room, skew, &|slot| module.getgrgid(DOMAIN_USERS, slot));
        let least = (1..8192).find(|room| wants(*room) != Err(Miss::ShortBuffer)).unwrap();
        assert_eq!(wants(least), Ok(members()), "{skew}");
    }
    let mut buffer = [std::mem::MaybeUninit::new(0xAA_u8); 16];
    let mut result = std::mem::MaybeUninit::uninit();
    let slot = nss_ldaps::module::Slot { result: &mut result, buffer: &mut buffer };
    assert_eq!(module.getpwnam(b"alice", slot), Err(Miss::ShortBuffer));
    assert!(ffi::is_untouched(&buffer));
    assert_eq!(host.asked(), 0);
}

#[test]
fn a_change_is_not_seen_or_somebody_withdrawn_still_is() {
    let (host, mut writer) = host();
    let module = host.module();
    assert_eq!(by_name(&module, b"alice"), Ok(alice()));
    let other = PasswdEntry { shell: "/bin/zsh".into(), ..alice() };
    writer.put_user(&other).unwrap();
    assert_eq!(by_name(&module, b"alice"), Ok(other));
    writer.remove(Key::Uid(ALICE));
    for name in ["alice", "alice@corp.example"] {
        assert_eq!(by_name(&module, name.as_bytes()), Err(Miss::Unavailable), "{name}");
        assert_eq!(ffi::initgroups(&module, name, DOMAIN_USERS, &[], 0, -1).0, -1, "{name}");
    }
    // A map that is made anew is another file.
    writer.clear().unwrap();
    writer.put_user(&alice()).unwrap();
    assert_eq!(by_name(&module, b"alice"), Ok(alice()));
}

#[test]
fn that_nobody_has_a_name_is_asked_each_time_or_believed_for_ever() {
    let (host, mut writer) = host();
    let module = host.module();
    let soon = monotonic_now() + Duration::from_millis(300);
    writer.put_nobody(Key::UserName(b"nobody-there"), soon).unwrap();
    writer.put_nobody(Key::Gid(OTHER), soon + Duration::from_secs(60)).unwrap();
    assert_eq!(by_name(&module, b"Nobody-There"), Err(Miss::NotFound));
    let by_gid = ffi::group(1024, 0, &|slot| module.getgrgid(OTHER, slot));
    assert_eq!((by_gid, host.asked()), (Err(Miss::NotFound), 0));
    while monotonic_now() < soon + Duration::from_millis(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(by_name(&module, b"nobody-there"), Err(Miss::Unavailable));
}

#[test]
fn with_the_daemon_gone_a_new_local_user_gets_the_groups_of_a_namesake() {
    let (host, _writer) = host();
    let module = host.module();
    let groups = |name: &str| ffi::initgroups(&module, name, DOMAIN_USERS, &[], 0, -1);
    assert_eq!(groups("alice").0, 1);
    // While it lives it withdraws her itself; it does not live any more, and so cannot.
    host.say(State::Running, Duration::from_secs(10));
    assert_eq!(groups("alice").0, 1, "the daemon gone, who is known is known");
    assert_eq!(by_name(&module, b"alice"), Ok(alice()));
    let local = "root:x:0:0::/root:/bin/sh\nalice:x:1001:1001::/:/bin/sh\n";
    std::fs::write(host.passwd_file(), local).unwrap();
    assert_eq!(groups("alice"), (0, vec![], 0));
}

/// How many changes, where not these: `./check` asks for a million.
const CHANGES_VARIABLE: &str = "LDAPS_TEST_MAP_CHANGES";
const CHANGES: u32 = 50_000;
/// After so many there is another file.
const FILE: u32 = 200;
const THREADS: usize = 64;

/// alice, all of whose fields tell which change it was.
fn version(number: u32) -> PasswdEntry {
    let (home, shell) = (format!("/home/{number}"), format!("/bin/{number}"));
    PasswdEntry { gecos: number.to_string(), home, shell, ..alice() }
}

/// Whether she was found; the process ends where she is what she never was.
fn finds_alice(module: &Module<'_>) -> bool {
    match by_name(module, b"alice") {
        Ok(found) => {
            let number = found.gecos.parse().unwrap();
            assert_eq!(found, version(number), "she is not whole");
            true
        }
        // In a new file there may be nobody yet.
        Err(miss) => {
            assert_eq!(miss, Miss::Unavailable);
            false
        }
    }
}

/// A child must not unwind into the test's own harness.
fn child_finds_alice(module: &Module<'_>) -> i32 {
    let looked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let looks = (0..1000).map(|_| {
            std::thread::yield_now();
            finds_alice(module)
        });
        looks.filter(|found| *found).count()
    }));
    match looked {
        Ok(1..) => 0,
        Ok(_) => 1,
        Err(_) => 2,
    }
}

/// Threads read, and children that were forked among them, until all changes are made.
#[test]
fn a_fork_in_the_middle_of_look_ups_leaves_the_child_without_them_or_with_a_lie() {
    let changes = std::env::var(CHANGES_VARIABLE).map_or(CHANGES, |n| n.parse().unwrap());
    let (host, mut writer) = host();
    writer.put_user(&version(0)).unwrap();
    let module = host.module();
    let done = AtomicBool::new(false);
    let mut forks = 0;
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    finds_alice(&module);
                    // Two cores for all of them: the writer wants its turn.
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
        }
        threads.spawn(|| {
            for number in 1..=changes {
                if number % FILE == 0 {
                    // The threads attach and let go of it meanwhile.
                    writer.clear().unwrap();
                }
                writer.put_user(&version(number)).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) || forks < 50 {
            let ended = ffi::in_child(|| child_finds_alice(&module));
            // Whatever it is, the threads have to end.
            if ended != 0 {
                done.store(true, Ordering::Relaxed);
            }
            assert_eq!(ended, 0, "fork {forks}: 1 is not found, 2 a lie, -1 hung");
            forks += 1;
        }
    });
    println!("{forks} forks through {changes} changes");
}

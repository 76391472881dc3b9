//! One entry at a time: what is asked, what is not, and what is believed.

#[cfg(test)]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ldaps_core::ctl::{CtlWriter, State};
use ldaps_core::entries::PasswdEntry;
use ldaps_core::map::MapWriter;
use ldaps_core::protocol::messages::{NssReply, NssRequest};
use nss_ldaps::module::Module;
use nss_ldaps::status::Miss;
use support::{ALICE, AT_ONCE, Answer, DOMAIN_USERS, RANGE, TestHost, alice, domain_users, ffi};

fn by_name(module: &Module<'_>, name: &[u8]) -> Result<PasswdEntry, Miss> {
    ffi::user(1024, &|slot| module.getpwnam(name, slot))
}

fn by_uid(module: &Module<'_>, uid: u32) -> Result<PasswdEntry, Miss> {
    ffi::user(1024, &|slot| module.getpwuid(uid, slot))
}

/// Asserts that something is over before anybody notices. The fastest of three times counts,
/// since other tests run beside it.
fn at_once<T>(what: impl Fn() -> T) -> T {
    let mut took = Vec::new();
    loop {
        let start = Instant::now();
        let outcome = what();
        took.push(start.elapsed());
        match took.last() {
            Some(last) if *last < AT_ONCE => return outcome,
            _ => assert!(took.len() < 3, "it took {took:?}"),
        }
    }
}

#[test]
fn an_entry_arrives_otherwise_than_the_daemon_gave_it() {
    let group = domain_users(["alice".to_owned(), "mary ann".to_owned()]);
    let (served, expected) = (group.clone(), group);
    let host = TestHost::answering(move |request| {
        Answer::Reply(match request {
            NssRequest::UserByName(name) if name == "alice" => NssReply::User(alice()),
            NssRequest::UserById(ALICE) => NssReply::User(alice()),
            NssRequest::GroupByName(name) if name == "domain users" => {
                NssReply::Group(served.clone())
            }
            NssRequest::GroupById(DOMAIN_USERS) => NssReply::Group(served.clone()),
            _ => NssReply::NotFound,
        })
    });
    let module = host.module();
    assert_eq!(by_name(&module, b"ALICE"), Ok(alice()));
    assert_eq!(by_uid(&module, ALICE), Ok(alice()));
    assert_eq!(by_name(&module, b"nobody-there"), Err(Miss::NotFound));
    let group = |name: &[u8]| ffi::group(1024, 0, &|slot| module.getgrnam(name, slot));
    assert_eq!(group(b"Domain Users"), Ok(expected.clone()));
    assert_eq!(ffi::group(1024, 3, &|slot| module.getgrgid(DOMAIN_USERS, slot)), Ok(expected));
    assert_eq!(host.asked(), 5);
}

/// What initgroups_dyn would append.
fn groups(module: &Module<'_>, name: &[u8]) -> Result<Vec<u32>, Miss> {
    let mut all = Vec::new();
    module.groups(name, |gids| {
        all.extend(gids);
        Ok(())
    })?;
    Ok(all)
}

#[test]
fn a_name_that_no_account_can_have_reaches_the_daemon() {
    let host = TestHost::replying(NssReply::User(alice()));
    let module = host.module();
    let long = [b'a'; 257];
    let names: [&[u8]; 8] =
        [b"pam_unix_non_existent:", b"", &long, b"-rf", b"10513", b"\xff", b"a/b", b"a\nb"];
    for name in names {
        assert_eq!(by_name(&module, name), Err(Miss::NotFound), "{name:?}");
        assert_eq!(groups(&module, name), Err(Miss::NotFound), "{name:?}");
    }
    assert_eq!(host.asked(), 0);
}

#[test]
fn an_id_outside_the_directorys_ranges_reaches_the_daemon_or_depends_on_it() {
    let host = TestHost::replying(NssReply::User(alice()));
    let ids = [0, 999, 1000, 65_534, u32::MAX, RANGE.start() - 1, RANGE.end() + 1];
    for (state, age) in [(State::Running, 0), (State::Running, 60), (State::Stopped, 0)] {
        host.say(state, Duration::from_secs(age));
        for id in ids {
            assert_eq!(at_once(|| by_uid(&host.module(), id)), Err(Miss::NotFound), "{id}");
            let module = host.module();
            let group = ffi::group(1024, 0, &|slot| module.getgrgid(id, slot));
            assert_eq!(group, Err(Miss::NotFound), "{id}");
        }
    }
    assert_eq!(host.asked(), 0);
}

#[test]
fn a_daemon_that_has_not_seen_its_domain_yet_makes_every_id_not_found() {
    let host = TestHost::replying(NssReply::Unavailable);
    host.say_ranges(State::Running, Duration::ZERO, vec![]);
    assert_eq!(by_uid(&host.module(), ALICE), Err(Miss::Unavailable));
    assert_eq!(by_uid(&host.module(), 33), Err(Miss::NotFound));
}

#[test]
fn the_groups_of_a_local_user_are_asked_of_the_directory() {
    let host = TestHost::replying(NssReply::Gids(vec![DOMAIN_USERS]));
    for name in ["root", "local"] {
        let groups = groups(&host.module(), name.as_bytes());
        assert_eq!(groups, Err(Miss::NotFound), "{name}");
    }
    std::fs::remove_file(host.passwd_file()).unwrap();
    let groups = groups(&host.module(), b"alice");
    assert_eq!(groups, Err(Miss::NotFound), "with /etc/passwd unreadable");
    assert_eq!(host.asked(), 0);
}

#[test]
fn an_unconfigured_host_says_unavailable_or_a_configured_one_not_found() {
    let (unconfigured, configured) = (TestHost::unconfigured(), TestHost::configured());
    assert_eq!(by_name(&unconfigured.module(), b"alice"), Err(Miss::NotFound));
    assert_eq!(by_uid(&unconfigured.module(), ALICE), Err(Miss::NotFound));
    assert_eq!(groups(&unconfigured.module(), b"alice"), Err(Miss::NotFound));
    assert_eq!(by_name(&configured.module(), b"alice"), Err(Miss::Unavailable));
    assert_eq!(by_uid(&configured.module(), ALICE), Err(Miss::Unavailable));
    assert_eq!(by_uid(&configured.module(), 33), Err(Miss::NotFound));
    assert_eq!(groups(&configured.module(), b"alice"), Err(Miss::Unavailable));
}

#[test]
fn a_daemon_that_is_hung_stopped_or_gone_is_waited_for() {
    let host = TestHost::answering(|_| Answer::Silence);
    for (state, age) in [(State::Running, 4), (State::Stopped, 0), (State::Restarting, 3)] {
        host.say(state, Duration::from_secs(age));
        let found = at_once(|| by_name(&host.module(), b"alice"));
        assert_eq!(found, Err(Miss::Unavailable), "{state:?} {age} s ago");
    }
    assert_eq!(host.asked(), 0);
    // Killed, with the heartbeat still fresh and nobody behind the socket.
    host.say(State::Running, Duration::ZERO);
    std::fs::remove_file(host.run_dir().join("nss.sock")).unwrap();
    assert_eq!(at_once(|| by_name(&host.module(), b"alice")), Err(Miss::Unavailable));
}

#[test]
fn a_silent_daemon_costs_more_than_one_deadline() {
    let host = TestHost::answering(|_| Answer::Silence);
    let patience = Duration::from_millis(200);
    let start = Instant::now();
    let found = by_name(&host.impatient_module(patience), b"alice");
    assert_eq!(found, Err(Miss::Unavailable));
    let took = start.elapsed();
    assert!(took >= patience && took < patience * 3, "{took:?}");
}

#[test]
fn a_restarting_daemon_refuses_those_who_ask_meanwhile() {
    let host = TestHost::configured();
    host.say(State::Restarting, Duration::ZERO);
    std::thread::scope(|threads| {
        let asking = threads.spawn(|| by_name(&host.module(), b"alice"));
        std::thread::sleep(Duration::from_millis(300));
        host.listen(|_| Answer::Reply(NssReply::User(alice())));
        assert_eq!(asking.join().unwrap(), Ok(alice()));
    });
}

#[test]
fn a_daemon_that_breaks_off_makes_the_caller_wait_or_spin() {
    let whole = support::reply_bytes(&NssReply::User(alice()));
    for length in [0, 1, 5, 12, 13, whole.len() - 1] {
        let part = whole[..length].to_vec();
        let host = TestHost::answering(move |_| Answer::Bytes(part.clone()));
        let found = at_once(|| by_name(&host.module(), b"alice"));
        assert_eq!(found, Err(Miss::Unavailable), "{length} bytes");
    }
    let mut huge = whole.clone();
    huge[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    for bytes in [b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), huge, vec![0; 64]] {
        let host = TestHost::answering(move |_| Answer::Bytes(bytes.clone()));
        assert_eq!(at_once(|| by_name(&host.module(), b"alice")), Err(Miss::Unavailable));
    }
}

#[test]
fn an_entry_that_could_harm_the_host_is_believed() {
    let table: &[(&str, fn(&mut PasswdEntry))] = &[
        ("a NUL", |user| user.gecos = "a\0b".into()),
        ("a line of its own", |user| user.gecos = "x\nroot2:x:0:0::/:/bin/sh".into()),
        ("a field of its own", |user| user.home = "/home/x:/bin/sh".into()),
        ("root's uid", |user| user.uid = 0),
        ("a host's uid", |user| user.uid = 999),
        ("sudo's gid", |user| user.gid = 27),
        ("a uid outside the ranges", |user| user.uid = 5000),
        ("a gid outside the ranges", |user| user.gid = 5000),
        ("no name", |user| user.name.clear()),
        ("a relative home", |user| user.home = "home".into()),
    ];
    for (what, spoil) in table {
        let mut user = alice();
        spoil(&mut user);
        let host = TestHost::replying(NssReply::User(user));
        assert_eq!(by_name(&host.module(), b"alice"), Err(Miss::Unavailable), "{what}");
    }
    let host = TestHost::replying(NssReply::User(alice()));
    let another = by_uid(&host.module(), ALICE + 1);
    assert_eq!(another, Err(Miss::Unavailable), "another one's entry");
    for gid in [0, 27, 5000] {
        let host = TestHost::replying(NssReply::Gids(vec![DOMAIN_USERS, gid]));
        let groups = groups(&host.module(), b"alice");
        assert_eq!(groups, Err(Miss::Unavailable), "group {gid}");
    }
}

/// The gids that the daemon gives as the directory's and as the host's own, and what is added to
/// those that the caller has; None: the answer is not believed.
const GRANTED: &[(&[u32], &[u32], Option<&[u32]>)] = &[
    (&[DOMAIN_USERS], &[998, 4], Some(&[4, 998, DOMAIN_USERS])),
    (&[DOMAIN_USERS], &[1000], Some(&[1000, DOMAIN_USERS])),
    (&[], &[998], Some(&[998])),
    (&[DOMAIN_USERS], &[], Some(&[DOMAIN_USERS])),
    // root's, in /etc/group as it is; one that is not there; one that only the directory has.
    (&[DOMAIN_USERS], &[998, 0], None),
    (&[DOMAIN_USERS], &[27], None),
    (&[DOMAIN_USERS], &[DOMAIN_USERS], None),
    // A low gid as the directory's.
    (&[DOMAIN_USERS, 998], &[4], None),
];

#[test]
fn a_gid_of_the_host_is_believed_that_is_roots_or_nobodys() {
    for (gids, local, expected) in GRANTED {
        let host = TestHost::replying(NssReply::GidsAndLocal(gids.to_vec(), local.to_vec()));
        let added = groups(&host.module(), b"alice");
        let expected = expected.map(<[u32]>::to_vec).ok_or(Miss::Unavailable);
        assert_eq!(added, expected, "{gids:?} {local:?}");
    }
    let host = TestHost::replying(NssReply::GidsAndLocal(vec![DOMAIN_USERS], vec![998]));
    let (_, gids, _) = ffi::initgroups(&host.module(), "alice", 0, &[998], 1, -1);
    assert_eq!(gids, [998, DOMAIN_USERS], "twice");
    std::fs::remove_file(host.group_file()).unwrap();
    let added = groups(&host.module(), b"alice");
    assert_eq!(added, Err(Miss::Unavailable), "with /etc/group unreadable");
    // Somebody of the host is not even asked about.
    let local = groups(&host.module(), b"root");
    assert_eq!(local, Err(Miss::NotFound), "root");
}

#[test]
fn a_reply_of_the_wrong_kind_is_not_found() {
    let wrong = [
        NssReply::Gids(vec![]),
        NssReply::GidsAndLocal(vec![], vec![]),
        NssReply::Users(vec![], None),
        NssReply::Groups(vec![], None),
        NssReply::Unavailable,
    ];
    for reply in wrong {
        let host = TestHost::replying(reply.clone());
        assert_eq!(by_name(&host.module(), b"alice"), Err(Miss::Unavailable), "{reply:?}");
        let module = host.module();
        let group = ffi::group(1024, 0, &|slot| module.getgrnam(b"g", slot));
        assert_eq!(group, Err(Miss::Unavailable), "{reply:?}");
    }
    let host = TestHost::replying(NssReply::User(alice()));
    assert_eq!(groups(&host.module(), b"alice"), Err(Miss::Unavailable));
}

#[test]
fn a_huge_group_does_not_come_through() {
    let group = domain_users((0..100_000).map(|n| format!("user{n}")));
    let host = TestHost::replying(NssReply::Group(group.clone()));
    let module = host.module();
    let with = |room| ffi::group(room, 0, &|slot| module.getgrnam(b"domain users", slot));
    assert_eq!(with(1024), Err(Miss::ShortBuffer));
    assert_eq!(with(64 << 10), Err(Miss::ShortBuffer));
    assert_eq!(with(16 << 20).unwrap().members.len(), group.members.len());
}

/// Whether the map answers, or the daemon each time.
#[test]
fn who_doubles_a_buffer_never_has_a_huge_group_or_reads_past_its_size() {
    let group = domain_users((0..100_000).map(|n| format!("user{n}")));
    for in_map in [false, true] {
        let host = TestHost::replying(NssReply::Group(group.clone()));
        let ctl = Arc::new(CtlWriter::open(&host.run_dir()).unwrap());
        let mut map = MapWriter::open(&host.run_dir(), ctl, 16 << 20).unwrap();
        if in_map {
            map.put_group(&group).unwrap();
        }
        // Its heart beats, however busy the machine is.
        let beat = || host.say(State::Running, Duration::ZERO);
        let (seen, rooms, members) = ffi::getgrnam_doubling(&host.module(), "domain users", beat);
        assert_eq!((seen, members), ((1, 0), 100_000), "{rooms:?}");
        // Each name with its NUL, a pointer to each: 10 bytes and 8.
        let needed = 100_000 * 16;
        let largest = *rooms.last().unwrap();
        assert!(largest >= needed && largest / 2 < 2 * needed, "{rooms:?}");
        assert_eq!(host.asked(), if in_map { 0 } else { rooms.len() }, "{rooms:?}");
    }
}

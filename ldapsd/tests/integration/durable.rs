//! Who was known is known again after a power cut, before any domain controller answers; and
//! nobody else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::map::Answer;
use ldaps_core::protocol::messages::{NssReply, NssRequest};
use rustix::process::Signal;
use test_directory::{Fault, SERVICE_PASSWORD, USER_PASSWORD};

use crate::asking::{self, FIRST_ID};
use crate::stage::{EVERYBODY, Extra, Stage};

const QUICK: &str = "connect_timeout = \"300ms\"\noperation_timeout = \"300ms\"\n";
const HOST: Extra<'static> = Extra { directory: QUICK, ..EVERYBODY };
const FILE: &str = "state/known/accounts";
/// What was answered so long before a kill is in the file and in the map: the 20 ms of
/// docs/architecture.md ("What outlasts the daemon"), and much more than the threads that write need
/// on a busy machine.
const WINDOW: Duration = Duration::from_millis(500);

impl Stage {
    /// Waits until the file tells of this.
    fn wait_until_kept(&self, text: &str) {
        self.daemon.wait_for("the record", || {
            let file = fs::read(self.files.path(FILE)).unwrap_or_default();
            file.windows(text.len()).any(|window| window == text.as_bytes())
        });
    }

    /// What there is to know of some people and groups.
    fn known(&self) -> Known {
        Known {
            // What is asked last is written last.
            gids: ["alice", "frank"].map(|name| self.nss(&NssRequest::GroupsOf(name.into()))),
            users: USERS.map(|name| self.nss(&NssRequest::UserByName(name.into()))),
            by_id: UIDS.map(|uid| self.nss(&NssRequest::UserById(uid))),
            groups_by_id: GIDS.map(|gid| self.nss(&NssRequest::GroupById(gid))),
            groups: GROUPS.map(|name| self.nss(&NssRequest::GroupByName(name.into()))),
        }
    }

    fn start_without_the_directory(&mut self) {
        self.go_offline();
        self.start_again();
    }
}

const USERS: [&str; 6] =
    ["alice", "ALICE@corp.example", "CORP\\alice", "frank", "josé", "disabled"];
const UIDS: [u32; 2] = [FIRST_ID + 1107, FIRST_ID + 1157];
const GROUPS: [&str; 4] = ["Engineers", "Domain Users", "all-staff", "ärzte & co"];
const GIDS: [u32; 2] = [FIRST_ID + 1202, FIRST_ID + 513];

#[derive(Debug, PartialEq)]
struct Known {
    users: [NssReply; 6],
    by_id: [NssReply; 2],
    groups: [NssReply; 4],
    groups_by_id: [NssReply; 2],
    gids: [NssReply; 2],
}

fn user(reply: NssReply) -> Option<PasswdEntry> {
    match reply {
        NssReply::User(entry) => Some(entry),
        NssReply::Unavailable => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_power_cut_takes_somebody_with_it() {
    let mut stage = Stage::new(HOST);
    let before = stage.known();
    assert!(before.users.iter().all(|reply| matches!(reply, NssReply::User(_))), "{before:?}");
    stage.wait_until_kept("ärzte & co");
    for _ in 0..2 {
        stage.start_without_the_directory();
        assert_eq!(stage.known(), before);
        // Nobody has become known who was not, and nobody is nobody.
        let unknown = stage.nss(&NssRequest::UserByName("grace".into()));
        assert_eq!(unknown, NssReply::Unavailable);
    }
    // What was kept is no answer once there is one.
    stage.server.edit(|data| {
        data.set_attribute("alice", "displayName", &["Alice Ax"]).unwrap();
        data.delete("frank").unwrap();
    });
    stage.come_back();
    // In this order they are written down, so that the second says that the first is there.
    assert_eq!(stage.user("frank"), None);
    assert_eq!(stage.user("alice").unwrap().gecos, "Alice Ax");
    stage.wait_until_kept("Alice Ax");
    stage.start_without_the_directory();
    assert_eq!(stage.user("alice").unwrap().gecos, "Alice Ax");
    let gone = stage.nss(&NssRequest::UserByName("frank".into()));
    assert_eq!(gone, NssReply::Unavailable, "the deleted user is back");
}

#[test]
fn a_proper_end_loses_what_was_asked_last() {
    let mut stage = Stage::new(HOST);
    let entry = stage.user("grace");
    stage.go_offline();
    stage.daemon.terminate();
    stage.start_next();
    assert_eq!(stage.user("grace"), entry);
}

#[test]
fn a_power_cut_at_some_moment_leaves_a_lie_or_takes_what_was_there() {
    let mut stage = Stage::new(HOST);
    let mut sure: BTreeMap<String, PasswdEntry> = BTreeMap::new();
    let mut before_the_window = 0;
    for round in 0..20_u64 {
        let run_dir = stage.run_dir();
        let answered = std::thread::scope(|scope| {
            let asked = scope.spawn(move || {
                let mut answered = Vec::new();
                for number in round * 100 + 1..(round + 1) * 100 {
                    // So that some are older than the window at the end.
                    std::thread::sleep(Duration::from_millis(8));
                    let request = NssRequest::UserByName(format!("u{number:04}"));
                    match asking::nss(&run_dir, &request) {
                        Ok(NssReply::User(entry)) => answered.push((Instant::now(), entry)),
                        Ok(other) => panic!("{other:?}"),
                        Err(_) => break,
                    }
                }
                answered
            });
            std::thread::sleep(Duration::from_millis(1 + round * 55 + round % 3));
            stage.daemon.signal(Signal::KILL);
            let killed = Instant::now();
            let answered = asked.join().unwrap();
            answered.into_iter().map(move |(at, entry)| (killed.duration_since(at), entry))
        });
        let answered: Vec<_> = answered.collect();
        stage.daemon.wait();
        // With no daemon every process still has them, out of the map.
        for (before_the_end, entry) in &answered {
            match stage.map_user(&entry.name) {
                Answer::Found(found) => assert_eq!(found, *entry, "round {round}"),
                Answer::Unknown => assert!(
                    *before_the_end <= WINDOW,
                    "round {round}: {} is not in the map, {before_the_end:?} after the answer",
                    entry.name
                ),
                Answer::Nobody => panic!("round {round}: nobody is {}", entry.name),
            }
        }
        stage.go_offline();
        stage.start_next();
        for (name, entry) in &sure {
            let now = user(stage.nss(&NssRequest::UserByName(name.clone())));
            assert_eq!(now.as_ref(), Some(entry), "round {round}: {name} is gone");
        }
        for (before_the_end, entry) in answered {
            let now = user(stage.nss(&NssRequest::UserByName(entry.name.clone())));
            if before_the_end > WINDOW {
                before_the_window += 1;
                assert!(
                    now.is_some(),
                    "round {round}: {} was not kept, {before_the_end:?} after the answer",
                    entry.name
                );
            }
            assert!(now.as_ref().is_none_or(|now| *now == entry), "{now:?} was {entry:?}");
            sure.extend(now.map(|now| (now.name.clone(), now)));
        }
        stage.server.fault(Fault::None);
        stage.start_again();
        stage.wait_for_the_directory();
        // What is kept was written anew; the next cut comes at any moment of that, too.
        if round % 2 == 0 && !sure.is_empty() {
            stage.wait_until_kept("u");
        }
    }
    assert!(sure.len() > 100, "only {} were ever kept", sure.len());
    assert!(before_the_window > 50, "only {before_the_window} were answered before the window");
}

#[test]
fn a_damaged_file_lies_or_keeps_the_daemon_from_starting() {
    let mut stage = Stage::new(HOST);
    let before = stage.known();
    stage.wait_until_kept("ärzte & co");
    stage.go_offline();
    stage.daemon.signal(Signal::KILL);
    stage.daemon.wait();
    let good = fs::read(stage.files.path(FILE)).unwrap();
    let flipped = |at: usize| {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        bad
    };
    let mut harms: Vec<Vec<u8>> = vec![Vec::new(), vec![0xff; 5000], good[..20].to_vec()];
    harms.extend((1..8).map(|part| good[..good.len() * part / 8].to_vec()));
    harms.extend((0..24).map(|part| flipped(good.len() * part / 24)));
    let mut kept = 0;
    for bad in harms {
        fs::write(stage.files.path(FILE), &bad).unwrap();
        stage.start_next();
        let now = stage.known();
        let pairs =
            before.users.iter().zip(&now.users).chain(before.groups.iter().zip(&now.groups));
        for (before, now) in pairs {
            assert!(now == before || *now == NssReply::Unavailable, "{now:?} was {before:?}");
            kept += u32::from(now == before);
        }
        let pairs = before.gids.iter().zip(&now.gids);
        for (before, now) in pairs {
            assert!(now == before || *now == NssReply::Unavailable, "{now:?} was {before:?}");
        }
        stage.daemon.signal(Signal::KILL);
        stage.daemon.wait();
    }
    assert!(kept > 200, "little is left of a file with one damaged byte: {kept}");
}

/// Another configuration, and whether who was known is believed under it.
const CONFIGURATIONS: &[(&str, &str, bool)] = &[
    ("", "[cache]\nnegative = \"5s\"\n", true),
    ("", "[access.sudo]\nallow = [\"bob\"]\n", true),
    ("", "[ids]\nmapping = \"posix\"\n", false),
    ("", "[ids]\nmin_id = 1842601200\n", false),
    ("", "[ids]\nrange_max = 2000000000\n", false),
    ("base = \"OU=Groups,DC=corp,DC=example\"\n", "", false),
    ("", "[users]\nbase = \"OU=Elsewhere,DC=corp,DC=example\"\n", false),
    ("", "[users]\nfilter = \"(sAMAccountName=bob)\"\n", false),
    ("", "[users]\ncondition = \"(sAMAccountName=bob)\"\n", false),
    ("", "[users]\nhome = \"/srv/%u\"\n", false),
    ("", "[users.login]\nbare = \"cn\"\n", false),
    ("", "[groups]\nfilter = \"(cn=x)\"\n", false),
];

#[test]
fn what_the_configuration_no_longer_says_is_believed() {
    for (directory, sections, believed) in CONFIGURATIONS {
        let mut stage = Stage::new(HOST);
        let alice = stage.user("alice");
        stage.wait_until_kept("alice");
        let directory = format!("{QUICK}{directory}");
        let sections = format!("{}{sections}", EVERYBODY.sections);
        let extra = Extra { directory: &directory, sections: &sections };
        stage.files.write("ldaps.toml", &stage.files.toml(&stage.server, extra));
        stage.start_without_the_directory();
        let now = user(stage.nss(&NssRequest::UserByName("alice".into())));
        assert_eq!(now, alice.filter(|_| *believed), "{directory}{sections}");
    }
}

#[test]
fn people_of_another_domain_are_served_on() {
    let mut stage = Stage::new(HOST);
    let (alice, gids) = (stage.user("alice"), stage.gids("alice"));
    assert!(alice.is_some() && gids.is_some());
    stage.wait_until_kept("alice");
    stage.become_another_domain();
    let bob = stage.user("bob").unwrap();
    assert_ne!(bob.uid, FIRST_ID + 1107);
    stage.wait_until_kept("bob");
    // Nobody has asked the new one for alice, and nobody could any more.
    stage.go_offline();
    for restart in [false, true] {
        if restart {
            stage.start_again();
        }
        for request in
            [NssRequest::UserByName("alice".into()), NssRequest::UserById(FIRST_ID + 1107)]
        {
            let reply = stage.nss(&request);
            let unknown = matches!(reply, NssReply::Unavailable | NssReply::NotFound);
            assert!(unknown, "{request:?}: {reply:?}");
        }
        assert_eq!(stage.user("bob").as_ref(), Some(&bob));
    }
}

#[test]
fn somebody_else_reads_who_is_known() {
    let stage = Stage::new(HOST);
    assert!(stage.user("alice").is_some());
    stage.wait_until_kept("alice");
    let mode = |name| fs::metadata(stage.files.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(FILE), mode("state/known")), (0o600, 0o700));
    let file = fs::read(stage.files.path(FILE)).unwrap();
    for secret in [USER_PASSWORD, SERVICE_PASSWORD] {
        assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

#[test]
fn a_disk_that_refuses_keeps_people_from_being_known() {
    let stage = Stage::new(HOST);
    // A file where the folder should be.
    fs::write(stage.files.path("state/known"), "").ok();
    let entries: Vec<GroupEntry> = GROUPS.iter().filter_map(|name| stage.group(name)).collect();
    assert_eq!(entries.len(), GROUPS.len());
    let told = "cannot be written, so who is known now is not known after a reboot";
    stage.daemon.wait_for("the words", || stage.daemon.log().contains(told));
    assert!(stage.user("alice").is_some());
}

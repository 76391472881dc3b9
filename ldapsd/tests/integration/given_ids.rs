//! An id once given is never given to another account, whatever the directory says later.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;

use ldaps_core::protocol::messages::{NssReply, NssRequest};
use rustix::process::Signal;
use test_directory::{Directory, GroupKind, Options, SERVICE_PASSWORD, Sid, TestDirectory};

use crate::asking::FIRST_ID;
use crate::stage::{EVERYBODY, Extra, Stage};

const POSIX: Extra<'static> = Extra {
    directory: "",
    sections: "[ids]\nmapping = \"posix\"\n[cache]\npositive = \"1s\"\n[access]\nallow = [\"*\"]\n",
};

/// As after months: nothing else is known any more.
fn forget_all_but_ids(stage: &mut Stage) {
    stage.daemon.signal(Signal::KILL);
    stage.daemon.wait();
    match fs::remove_dir_all(stage.files.path("state/known")) {
        Ok(()) => {}
        // What was known of users was not written down yet: ids are, before anybody is told of them.
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
    }
    stage.start_next();
    stage.wait_for_the_directory();
}

#[test]
fn a_number_of_somebody_who_is_gone_is_given_to_the_next() {
    let mut stage = Stage::new(POSIX);
    let alice = stage.user("alice").unwrap();
    stage.server.edit(|data| {
        data.add_group("vault", 4000, GroupKind::Global).unwrap();
        data.set_attribute("vault", "gidNumber", &["20900"]).unwrap();
    });
    assert_eq!(stage.group("vault").unwrap().gid, 20900);
    for restart in [false, true] {
        stage.server.edit(|data| {
            let _ = data.delete("alice");
            let _ = data.delete("vault");
            data.set_attribute("dave", "uidNumber", &["20107"]).unwrap();
            data.set_attribute("dave", "gidNumber", &["20000"]).unwrap();
            let _ = data.add_group("heir", 4001, GroupKind::Global);
            data.set_attribute("heir", "gidNumber", &["20900"]).unwrap();
        });
        if restart {
            forget_all_but_ids(&mut stage);
        } else {
            std::thread::sleep(std::time::Duration::from_millis(1100));
        }
        for request in [NssRequest::UserByName("dave".into()), NssRequest::UserById(alice.uid)] {
            assert_eq!(stage.nss(&request), NssReply::NotFound, "{request:?}");
        }
        assert_eq!((stage.group("heir"), stage.group_by_id(20900)), (None, None));
        let log = stage.daemon.log();
        let told = "its id 20107 was given to S-1-5-21-123-456-789-1107 on this host before";
        assert!(log.contains(told), "{log}");
    }
    // Another number, and they are there.
    stage.server.edit(|data| data.set_attribute("dave", "uidNumber", &["20999"])).unwrap();
    stage.reload();
    assert_eq!(stage.user("DAVE").map(|user| user.uid), Some(20999));

    // What the journal tells the administrator to do.
    stage.daemon.terminate();
    let file = stage.files.path("state/ids");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("gid 20900 ")).collect();
    stage.files.write("state/ids", &lines.join("\n"));
    stage.start_next();
    stage.wait_for_the_directory();
    assert_eq!(stage.group("heir").map(|group| group.gid), Some(20900));
}

/// A domain of the same name, with another SID, and a bob.
pub fn another_domain() -> Directory {
    let sid = Sid::parse("S-1-5-21-9-8-7").unwrap();
    let mut data = Directory::empty("corp.example", "CORP", "dc1.corp.example", sid);
    data.add_user("svc-linux", 2000).unwrap();
    data.set_password("svc-linux", SERVICE_PASSWORD).unwrap();
    data.add_user("bob", 1107).unwrap();
    data
}

impl Stage {
    /// The servers' names speak for another domain from now on; the daemon is started anew.
    pub fn become_another_domain(&mut self) {
        self.daemon.signal(Signal::KILL);
        self.daemon.wait();
        let (port, pki) = (self.server.port(), Some(self.server.pki().clone()));
        self.server.stop();
        let options = Options { port, pki, ..Options::default() };
        self.server = TestDirectory::start(another_domain(), options).unwrap();
        self.start_next();
        self.wait_for_the_directory();
    }
}

#[test]
fn files_of_one_domains_people_become_anothers() {
    // One slice for everybody: two domains must fall on one place.
    let sections = "[ids]\nrange_min = 200000\nrange_max = 400000\n[access]\nallow = [\"*\"]\n";
    let mut stage = Stage::new(Extra { sections, ..EVERYBODY });
    assert_eq!(stage.user("alice").map(|user| user.uid), Some(201_107));
    stage.become_another_domain();
    assert_eq!(stage.user("bob"), None);
    let log = stage.daemon.log();
    assert!(log.contains("people of another domain that this host knew before"), "{log}");
    assert_eq!(stage.user_by_id(201_107), None);
}

#[test]
fn somebody_far_above_the_known_ranges_has_no_id_or_loses_it() {
    let mut stage = Stage::new(EVERYBODY);
    stage.server.edit(|data| {
        data.add_user("far", 2_400_005).unwrap();
        data.add_user("farther", 9_000_005).unwrap();
    });
    let uids = ["far", "farther"].map(|name| stage.user(name).unwrap().uid);
    assert_ne!(uids[0], uids[1]);
    for restart in [false, true] {
        if restart {
            forget_all_but_ids(&mut stage);
        }
        for (name, uid) in ["far", "farther"].into_iter().zip(uids) {
            // By the id first: nobody has asked for the name since the start.
            assert_eq!(stage.user_by_id(uid).map(|user| user.name).as_deref(), Some(name));
            let ranges = stage.status().domain.unwrap().ranges;
            let is_ours = ranges.iter().any(|(first, last)| (*first..=*last).contains(&uid));
            assert!(is_ours, "{uid} would be refused by the modules: {ranges:?}");
            assert_eq!(stage.user(name).map(|user| user.uid), Some(uid));
        }
    }
    assert_eq!(stage.user("alice").map(|user| user.uid), Some(FIRST_ID + 1107));
}

/// An account or group, and its id with `collision = "refuse"` and with "shift". Of 45 slices of 1000
/// ids the domain's own is the twelfth, and the RIDs from 1000 on fall on it, too; those from 2000 on
/// fall on one that is free. The ids were computed by sssd's algorithm (sss_idmap.c), written down
/// once more apart from ours.
const COLLIDING: &[(&str, Option<u32>, Option<u32>)] = &[
    ("alice", None, Some(213_107)),
    ("bob", None, Some(213_108)),
    ("elsewhere", Some(237_005), Some(237_005)),
    ("linux-admins", None, Some(213_201)),
    ("domain users", Some(212_513), Some(212_513)),
];

#[test]
fn a_range_whose_slice_is_taken_has_other_ids_than_sssd_gives_or_another_after_a_restart() {
    for (collision, is_shifted) in [("refuse", false), ("shift", true)] {
        let sections = format!(
            "[ids]\nrange_min = 200000\nrange_max = 245000\nrange_size = 1000\n\
             collision = {collision:?}\n[access]\nallow = [\"*\"]\n"
        );
        let mut stage = Stage::new(Extra { sections: &sections, ..EVERYBODY });
        stage.server.edit(|data| data.add_user("elsewhere", 2005)).unwrap();
        for restart in [false, true] {
            if restart {
                forget_all_but_ids(&mut stage);
            }
            for (name, refused, shifted) in COLLIDING {
                let wanted = if is_shifted { *shifted } else { *refused };
                let is_group = ["linux-admins", "domain users"].contains(name);
                let (by_name, by_id) = if is_group {
                    let by_id = wanted.and_then(|gid| stage.group_by_id(gid));
                    (stage.group(name).map(|group| group.gid), by_id.map(|group| group.name))
                } else {
                    let by_id = wanted.and_then(|uid| stage.user_by_id(uid));
                    (stage.user(name).map(|user| user.uid), by_id.map(|user| user.name))
                };
                assert_eq!(by_name, wanted, "{name}, {collision}, again: {restart}");
                assert_eq!(by_id.as_deref(), wanted.map(|_| *name), "{name}, {collision}");
            }
            let told = stage.daemon.log().contains("is taken by another range of the domain");
            assert_eq!(told, !is_shifted, "{collision}: {}", stage.daemon.log());
        }
    }
}

//! The shared map has what the socket would answer, and nothing that does not hold any more.

use std::time::Duration;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::map::{Answer, MapView, SharedMap};
use ldaps_core::protocol::messages::Verdict;
use ldaps_core::run_dir::RunDir;
use rustix::process::Signal;
use test_directory::{Directory, Error};

use crate::asking::FIRST_ID;
use crate::stage::{EVERYBODY, Extra, Stage};

const ALICE: u32 = FIRST_ID + 1107;

/// Changes are polled for; nothing else makes an answer old.
const POLLED: Extra<'static> = Extra {
    directory: "",
    sections: "[cache]\npoll = \"1s\"\npositive = \"1h\"\nnegative = \"1h\"\n\
               [access]\nallow = [\"*\"]\n[users]\nbase = \"OU=People,DC=corp,DC=example\"\n",
};
/// Nothing is polled for while the test runs.
const UNPOLLED: Extra<'static> = Extra {
    directory: "connect_timeout = \"300ms\"\noperation_timeout = \"300ms\"\n",
    sections: "[cache]\npoll = \"60s\"\n[access]\nallow = [\"*\"]\n",
};

impl Stage {
    /// What the map says, if there is one.
    fn try_map<T>(&self, look: impl Fn(&MapView<'_>) -> T) -> Option<T> {
        SharedMap::new().read(|| RunDir::at(&self.files.path("run")).ok(), |map| look(map))
    }

    pub fn map_user(&self, name: &str) -> Answer<PasswdEntry> {
        let look = |map: &MapView<'_>| match map.user_by_name(name.as_bytes()) {
            Answer::Found(user) => Answer::Found(user.to_entry().unwrap()),
            Answer::Nobody => Answer::Nobody,
            Answer::Unknown => Answer::Unknown,
        };
        self.try_map(look).unwrap_or(Answer::Unknown)
    }

    fn map_group(&self, name: &str) -> Answer<GroupEntry> {
        let look = |map: &MapView<'_>| match map.group_by_name(name.as_bytes()) {
            Answer::Found(group) => Answer::Found(group.to_entry().unwrap()),
            Answer::Nobody => Answer::Nobody,
            Answer::Unknown => Answer::Unknown,
        };
        self.try_map(look).unwrap_or(Answer::Unknown)
    }

    /// The gids of a user, sorted.
    fn map_gids(&self, name: &str) -> Answer<Vec<u32>> {
        let look = |map: &MapView<'_>| match map.groups_of(name.as_bytes()) {
            Answer::Found(gids) => {
                let mut gids: Vec<u32> = gids.gids().collect();
                gids.sort_unstable();
                Answer::Found(gids)
            }
            Answer::Nobody => Answer::Nobody,
            Answer::Unknown => Answer::Unknown,
        };
        self.try_map(look).unwrap_or(Answer::Unknown)
    }

    /// The answer is told before it is published.
    fn until(&self, what: &str, is_so: impl FnMut() -> bool) {
        self.daemon.wait_for(what, is_so);
    }

    fn knows_alice(&self) {
        let (user, gids) = (self.user("alice").unwrap(), self.gids("alice").unwrap());
        self.until("alice in the map", || self.map_user("alice") == Answer::Found(user.clone()));
        self.until("her groups", || self.map_gids("alice") == Answer::Found(gids.clone()));
    }
}

#[test]
fn what_was_answered_is_not_in_the_map_or_otherwise() {
    let stage = Stage::new(UNPOLLED);
    assert_eq!(stage.map_user("alice"), Answer::Unknown, "nobody has asked");
    for name in ["alice", "alice@corp.example", "corp\\alice", "josé", "mixed case"] {
        let Some(user) = stage.user(name) else { continue };
        stage.until(name, || stage.map_user(name) == Answer::Found(user.clone()));
        let gids = stage.gids(name).unwrap();
        stage.until(name, || stage.map_gids(name) == Answer::Found(gids.clone()));
    }
    for name in ["engineers", "domain users", "all-staff", "ärzte & co"] {
        let group = stage.group(name).unwrap();
        stage.until(name, || stage.map_group(name) == Answer::Found(group.clone()));
    }
    // Those that the host has itself, and those that are none.
    for name in ["root", "daemon", "dc1$"] {
        assert_eq!(stage.user(name), None);
        assert_eq!(stage.map_user(name), Answer::Unknown, "{name}");
    }
}

#[test]
fn that_nobody_has_a_name_is_in_the_map_at_once_or_never() {
    let stage = Stage::new(POLLED);
    assert_eq!(stage.user("nobody-there"), None);
    stage.knows_alice();
    assert_eq!(stage.map_user("nobody-there"), Answer::Unknown, "asked once");
    assert_eq!(stage.user("nobody-there"), None);
    stage.until("the second time", || stage.map_user("nobody-there") == Answer::Nobody);
    stage.server.edit(|data| data.add_user("nobody-there", 7001).unwrap());
    stage.until("her appearance", || stage.map_user("nobody-there") == Answer::Unknown);
    assert!(stage.user("nobody-there").is_some());
}

fn renamed(data: &mut Directory, from: &str, to: &str) -> Result<(), Error> {
    data.set_attribute(from, "sAMAccountName", &[to])
}

type Edit = fn(&mut Directory) -> Result<(), Error>;
type Look = fn(&Stage) -> String;

/// What changes, and whose place in the map must not stay as it was.
const CHANGES: &[(&str, Edit, Look)] = &[
    (
        "a group of hers",
        |data| data.add_to_group("alice", "linux-admins"),
        |stage| format!("{:?}", stage.map_gids("alice")),
    ),
    (
        "a member",
        |data| data.add_to_group("dave", "engineers"),
        |stage| format!("{:?}", stage.map_group("engineers")),
    ),
    (
        "a member of a group inside",
        |data| data.add_to_group("dave", "engineers"),
        |stage| format!("{:?}", stage.map_group("linux-users")),
    ),
    (
        "her name",
        |data| renamed(data, "alice", "alicia"),
        |stage| format!("{:?}", stage.map_user("alice")),
    ),
    (
        "her name, by another form of it",
        |data| renamed(data, "alice", "alicia"),
        |stage| format!("{:?}", stage.map_user("corp\\alice")),
    ),
];

#[test]
fn a_change_in_the_directory_leaves_the_old_answer_in_the_map() {
    for (what, edit, look) in CHANGES {
        let stage = Stage::new(POLLED);
        stage.knows_alice();
        for name in ["engineers", "linux-users"] {
            stage.group(name).unwrap();
            stage.until(name, || stage.map_group(name) != Answer::Unknown);
        }
        stage.user("corp\\alice").unwrap();
        stage.until("the other form", || stage.map_user("corp\\alice") != Answer::Unknown);
        let before = look(&stage);
        stage.server.edit(|data| edit(data).unwrap());
        stage.until(what, || look(&stage) != before);
    }
}

#[test]
fn what_a_login_has_read_is_not_what_its_program_reads_next() {
    let Some(stage) = Stage::for_logins(UNPOLLED) else { return };
    stage.knows_alice();
    let gid = FIRST_ID + 1201;
    for turn in 0..20 {
        stage.server.edit(|data| match turn % 2 {
            0 => data.add_to_group("alice", "linux-admins").unwrap(),
            _ => data.remove_from_group("alice", "linux-admins").unwrap(),
        });
        assert_eq!(stage.account("alice", "sshd").verdict, Verdict::Granted);
        match stage.map_gids("alice") {
            Answer::Found(gids) => assert_eq!(gids.contains(&gid), turn % 2 == 0, "{turn}"),
            other => panic!("{turn}: {other:?}"),
        }
    }
}

#[test]
fn a_restart_empties_the_map_or_leaves_in_it_what_does_not_hold() {
    let mut stage = Stage::new(Extra { directory: UNPOLLED.directory, ..POLLED });
    for signal in [Signal::TERM, Signal::KILL] {
        stage.knows_alice();
        stage.user("frank").unwrap();
        stage.until("frank", || stage.map_user("frank") != Answer::Unknown);
        let before = (stage.map_user("alice"), stage.map_gids("alice"));
        // As long as it takes to be on the disk, for a kill.
        stage.until("the record", || {
            std::fs::read(stage.files.path("state/known/accounts"))
                .is_ok_and(|file| file.windows(5).any(|bytes| bytes == b"frank"))
        });
        stage.daemon.signal(signal);
        stage.daemon.wait();
        assert_eq!((stage.map_user("alice"), stage.map_gids("alice")), before, "{signal:?}");
        // Meanwhile the directory changes; a daemon that cannot ask it goes on with what it had.
        stage.go_offline();
        stage.start_next();
        assert_eq!(stage.map_user("alice"), before.0, "{signal:?}, with no server");
        stage.server.edit(|data| renamed(data, "frank", "franz").unwrap());
        stage.come_back();
        stage.until("the first poll", || stage.map_user("frank") == Answer::Unknown);
        stage.server.edit(|data| renamed(data, "franz", "frank").unwrap());
        stage.reload();
    }
    // Another configuration means others by the same names.
    stage.knows_alice();
    stage.configure(Extra {
        sections: "[cache]\npoll = \"60s\"\n[access]\nallow = [\"*\"]\n[users]\nshell = \"/bin/sh\"\n",
        ..EVERYBODY
    });
    assert_ne!(
        stage.map_user("alice"),
        Answer::Found(PasswdEntry { shell: "/bin/bash".into(), ..stage.user("alice").unwrap() })
    );
}

#[test]
fn a_map_that_is_not_wanted_or_has_no_room_answers() {
    let sections = "[cache]\nmap_mib = 0\n[access]\nallow = [\"*\"]\n";
    let stage = Stage::new(Extra { sections, ..EVERYBODY });
    stage.user("alice").unwrap();
    assert_eq!(stage.try_map(|_| ()), None);
    stage.configure(UNPOLLED);
    stage.knows_alice();
    stage.configure(Extra { sections, ..EVERYBODY });
    assert_eq!(stage.try_map(|_| ()), None);
    let files = std::fs::read_dir(stage.files.path("run")).unwrap();
    let maps = files
        .filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().starts_with("map-"));
    assert_eq!(maps.count(), 0, "a file that nobody reads takes memory");
    // A group of 3,000 in one MiB of which a new file would want half.
    let sections = "[cache]\nmap_mib = 1\n[access]\nallow = [\"*\"]\n";
    stage.configure(Extra { sections, ..EVERYBODY });
    stage.knows_alice();
    assert!(stage.group("all-staff").is_some());
    assert!(stage.user_by_id(ALICE).is_some());
}

#[test]
fn who_is_granted_a_group_of_the_host_has_it_lost_in_the_map() {
    let sections = "[access]\nallow = [\"*\"]\n[local_groups]\nadm = \"@engineers\"\n";
    let stage = Stage::new(Extra { sections, ..EVERYBODY });
    // What is granted is asked of the daemon each time: /etc/group has the gid.
    assert_eq!(stage.granted("erin").len(), 1);
    stage.knows_alice();
    stage.until("erin", || stage.map_user("erin") != Answer::Unknown);
    assert_eq!(stage.map_gids("erin"), Answer::Unknown);
    assert!(stage.map_gids("alice") != Answer::Unknown);
}

#[test]
fn a_user_the_directory_has_no_more_stays_in_the_map() {
    let rotated = Extra {
        sections: "[cache]\npoll = \"1s\"\npositive = \"2s\"\n[access]\nallow = [\"*\"]\n",
        ..EVERYBODY
    };
    let stage = Stage::new(rotated);
    let user = stage.user("frank").unwrap();
    stage.until("frank", || stage.map_user("frank") == Answer::Found(user.clone()));
    stage.server.edit(|data| data.delete("frank").unwrap());
    stage.until("the rotation", || stage.map_user("frank") == Answer::Unknown);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(stage.user("frank"), None);
}

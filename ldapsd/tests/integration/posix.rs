//! `mapping = "posix"`: ids as administrators wrote them into the directory, unless they are the
//! host's or nobody's.

use std::path::Path;
use std::time::Duration;

use ldaps_core::entries::PasswdEntry;
use ldaps_core::local::{GROUP_FILE, PASSWD_FILE, names_and_ids};

use crate::stage::{Extra, Stage};

const POSIX: Extra<'static> =
    Extra { directory: "", sections: "[ids]\nmapping = \"posix\"\n[access]\nallow = [\"*\"]\n" };

/// The same, and nothing stays in memory.
const FORGETFUL: Extra<'static> = Extra {
    directory: "",
    sections: "[ids]\nmapping = \"posix\"\n[cache]\npositive = \"1ms\"\nnegative = \"1ms\"\n",
};
/// After this time.
const FORGOTTEN: Duration = Duration::from_millis(5);

/// A user and the entry; None: not shown, for want of a number or because of it.
type Row = (&'static str, Option<(u32, u32, &'static str, &'static str, &'static str)>);

const USERS: &[Row] = &[
    ("alice", Some((20107, 20000, "/home/alice", "/bin/bash", "Alice Archer"))),
    ("bob", Some((20108, 20000, "/srv/home/bob", "/bin/sh", "Bob Baker,Room 4"))),
    ("dave", None),
    ("root", None),
    // Ids of the host's range, ids that mean "none", fields that would break the line.
    ("lowuid", None),
    ("badnumber", None),
    ("inject", None),
];

#[test]
fn a_user_has_other_ids_than_in_the_directory() {
    let stage = Stage::new(POSIX);
    for (name, expected) in USERS {
        let expected = expected.map(|(uid, gid, home, shell, gecos)| PasswdEntry {
            name: (*name).to_owned(),
            uid,
            gid,
            gecos: gecos.into(),
            home: home.into(),
            shell: shell.into(),
        });
        assert_eq!(stage.user(name), expected, "{name}");
        if let Some(entry) = expected {
            assert_eq!(stage.user_by_id(entry.uid), Some(entry), "{name}");
        }
    }
    for nobody in [0, 5, 20180, 20999, 4_294_967_295, 1_842_601_107] {
        assert_eq!(stage.user_by_id(nobody), None, "{nobody}");
    }
    for why in ["uidNumber", "below `min_id`", "shell contains", "the template `home` is taken"] {
        assert!(stage.daemon.log().contains(why), "the log does not say {why:?}");
    }
}

#[test]
fn a_missing_home_or_shell_is_not_filled_in() {
    let stage = Stage::new(POSIX);
    stage.server.edit(|data| {
        for (attribute, value) in [("uidNumber", "20110"), ("gidNumber", "20000")] {
            data.set_attribute("dave", attribute, &[value]).unwrap();
        }
    });
    let dave = stage.user("dave").unwrap();
    assert_eq!((dave.home.as_str(), dave.shell.as_str()), ("/home/dave", "/bin/bash"));
    assert_eq!(dave.gecos, "Dave Drummond");
}

#[test]
fn a_group_has_another_gid_than_in_the_directory() {
    let stage = Stage::new(POSIX);
    stage.server.edit(|data| {
        for (group, gid) in [("linux-users", "20000"), ("engineers", "20001"), ("empty", "7")] {
            data.set_attribute(group, "gidNumber", &[gid]).unwrap();
        }
    });
    let users = stage.group("linux-users").unwrap();
    assert_eq!((users.gid, users.members.contains(&"alice".to_owned())), (20000, true));
    assert_eq!(stage.group_by_id(20000), Some(users));
    assert_eq!(stage.group("empty"), None);
    assert_eq!(stage.group_by_id(7), None);
    assert_eq!(stage.group("linux-admins"), None, "without a gidNumber");
    assert_eq!(stage.gids("alice"), Some(vec![20000]));
}

#[test]
fn a_group_of_the_directory_gives_its_members_a_group_of_the_host() {
    let stage = Stage::new(FORGETFUL);
    let mut gids: Vec<u32> = vec![0, 1, 4, 27];
    let local = names_and_ids(Path::new(GROUP_FILE)).unwrap();
    gids.extend(local.into_iter().map(|(_, gid)| gid).filter(|gid| *gid >= 1000));
    for gid in gids {
        let value = gid.to_string();
        stage.server.edit(|data| {
            data.set_attribute("Team, One", "gidNumber", &[&value]).unwrap();
            data.set_attribute("linux-users", "gidNumber", &["20000"]).unwrap();
        });
        std::thread::sleep(FORGOTTEN);
        assert_eq!(stage.gids("alice"), Some(vec![20000]), "{gid}");
        assert_eq!(stage.group("team, one"), None, "{gid}");
        // And as the primary group.
        stage.server.edit(|data| data.set_attribute("bob", "gidNumber", &[&value])).unwrap();
        assert_eq!(stage.user("bob"), None, "{gid}");
    }
}

#[test]
fn a_user_of_the_directory_has_the_uid_of_one_of_the_host() {
    let stage = Stage::new(FORGETFUL);
    let local = names_and_ids(Path::new(PASSWD_FILE)).unwrap();
    for (_, uid) in local.into_iter().chain([("none".to_owned(), 999)]) {
        stage.server.edit(|data| {
            data.set_attribute("bob", "uidNumber", &[&uid.to_string()]).unwrap();
        });
        assert_eq!(stage.user_by_id(uid), None, "{uid}");
        assert_eq!(stage.user("bob"), None, "{uid}");
        std::thread::sleep(FORGOTTEN);
    }
}

#[test]
fn an_id_below_the_lowest_is_served() {
    let sections = "[ids]\nmapping = \"posix\"\nmin_id = 20000\n";
    let stage = Stage::new(Extra { sections, ..Extra::default() });
    assert!(stage.user("alice").is_some());
    stage.server.edit(|data| {
        data.set_attribute("bob", "uidNumber", &["19999"]).unwrap();
        data.set_attribute("dave", "uidNumber", &["20110"]).unwrap();
        data.set_attribute("dave", "gidNumber", &["19999"]).unwrap();
        data.set_attribute("engineers", "gidNumber", &["19999"]).unwrap();
    });
    assert_eq!(stage.user("bob"), None);
    assert_eq!(stage.user("dave"), None, "its primary group");
    assert_eq!(stage.group("engineers"), None);
}

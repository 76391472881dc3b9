//! Nothing from the directory stands in the place of something of the host.

use std::path::Path;

use ldaps_core::local::{GROUP_FILE, is_local_group, names_and_ids};

use crate::asking::FIRST_ID;
use crate::stage::{EVERYBODY, Extra, Stage};

#[test]
fn a_user_of_the_directory_stands_for_one_of_the_host() {
    let stage = Stage::new(EVERYBODY);
    for (name, rid) in [("root", 1170), ("daemon", 1171)] {
        assert_eq!(stage.user_by_id(FIRST_ID + rid), None, "{name} by its id");
        for asked in [name.to_owned(), format!("{name}@corp.example"), format!("CORP\\{name}")] {
            assert_eq!(stage.user(&asked), None, "{asked}");
            assert_eq!(stage.gids(&asked), None, "{asked}");
        }
    }
    let members = stage.group("linux-users").unwrap().members;
    assert!(members.contains(&"alice".to_owned()) && members.contains(&"frank".to_owned()));
    for name in ["root", "daemon"] {
        assert!(!members.contains(&name.to_owned()), "the host's {name} is in an AD group");
    }
}

#[test]
fn a_group_of_the_directory_stands_for_one_of_the_host() {
    let stage = Stage::new(EVERYBODY);
    let carols = stage.gids("carol").unwrap();
    // What the host does not have is the directory's to give: docker, on hosts without it.
    for (name, rid) in [("sudo", 1230), ("docker", 1231)] {
        let (gid, served) = (FIRST_ID + rid, !is_local_group(name.as_bytes()).unwrap());
        assert_eq!(stage.group(name).is_some(), served, "{name}");
        assert_eq!(stage.group_by_id(gid).is_some(), served, "{name} by its id");
        assert_eq!(carols.contains(&gid), served, "{name} among a user's groups");
    }
    for (name, gid) in names_and_ids(Path::new(GROUP_FILE)).unwrap() {
        assert_eq!(stage.group(&name), None, "{name}");
        assert_eq!(stage.group_by_id(gid), None, "{gid}");
    }
}

#[test]
fn an_id_below_the_lowest_is_served() {
    let lowest = FIRST_ID + 1108;
    let sections = format!("[ids]\nmin_id = {lowest}\n");
    let stage = Stage::new(Extra { sections: &sections, ..Extra::default() });
    assert_eq!(stage.user_by_id(lowest - 1), None);
    assert_eq!(stage.user("alice"), None);
    assert_eq!(stage.group("domain users"), None);
    assert_eq!(stage.group_by_id(FIRST_ID + 513), None);
    assert!(stage.group("linux-users").is_some());
}

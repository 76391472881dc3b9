//! `primary_group = "private"`: a group for each user, which is never another's.

use std::path::Path;

use ldaps_core::entries::GroupEntry;
use ldaps_core::local::{GROUP_FILE, PASSWD_FILE, names_and_ids};
use test_directory::GroupKind;

use crate::asking::FIRST_ID;
use crate::stage::{EVERYBODY, Extra, Stage};

const PRIVATE: &str = "[users]\nprimary_group = \"private\"\n";

fn stage(more: &str) -> Stage {
    Stage::new(Extra { sections: &format!("{PRIVATE}{more}"), ..EVERYBODY })
}

fn group(name: &str, gid: u32) -> Option<GroupEntry> {
    Some(GroupEntry { name: name.into(), gid, members: Vec::new() })
}

#[test]
fn a_private_group_is_missing_or_the_domains_is_lost() {
    let stage = stage("");
    for (name, rid) in [("alice", 1107), ("joe blogs", 1158), ("frank", 1112), ("mixedcase", 1160)]
    {
        let uid = FIRST_ID + rid;
        // By gid first: nothing is in memory.
        assert_eq!(stage.group_by_id(uid), group(name, uid), "{name}");
        assert_eq!(stage.group(name), group(name, uid));
        let user = stage.user(name).unwrap();
        assert_eq!((user.uid, user.gid), (uid, uid), "{name}");
    }
    assert!(stage.gids("alice").unwrap().contains(&(FIRST_ID + 513)), "the primary group in AD");
    assert!(stage.gids("frank").unwrap().contains(&(FIRST_ID + 1204)), "the primary group in AD");
    assert_eq!(stage.group("linux-users").unwrap().gid, FIRST_ID + 1200, "a group as before");
    assert_eq!(stage.user_by_id(FIRST_ID + 1200), None, "a group is a user");
    for nobody in ["zz-nobody", "dc1$", "root", "daemon", "newsletter"] {
        assert_eq!(stage.group(nobody), None, "{nobody}");
    }
}

#[test]
fn without_being_asked_for_there_are_private_groups() {
    // Even where somebody's gid is the uid, by another's word.
    let bob = format!("[users.override]\nbob = {{ gid = {} }}\n", FIRST_ID + 1108);
    let stage = Stage::new(Extra { sections: &bob, ..EVERYBODY });
    for (name, rid) in [("alice", 1107), ("bob", 1108)] {
        assert_eq!((stage.group(name), stage.group_by_id(FIRST_ID + rid)), (None, None), "{name}");
    }
}

#[test]
fn a_private_group_follows_the_uid_and_gives_way_to_another_gid() {
    let stage = stage("[users.override]\nalice = { uid = 300007 }\nbob = { gid = 300008 }\n");
    assert_eq!(stage.group_by_id(300_007), group("alice", 300_007));
    assert_eq!(stage.group_by_id(FIRST_ID + 1107), None, "the uid that she would have had");
    assert_eq!(stage.user("bob").unwrap().gid, 300_008);
    assert_eq!((stage.group("bob"), stage.group_by_id(FIRST_ID + 1108)), (None, None));
}

#[test]
fn a_group_of_the_same_name_becomes_the_users_own() {
    let stage = stage("");
    // AD itself has no such pair; a name that two have is the group's, and the gid has no name.
    stage.server.edit(|data| {
        data.add_group("to-be-dave", 4800, GroupKind::Global).unwrap();
        data.set_attribute("to-be-dave", "sAMAccountName", &["dave"]).unwrap();
    });
    let uid = FIRST_ID + 1110;
    assert_eq!(stage.group_by_id(uid), None);
    assert_eq!(stage.group("dave").unwrap().gid, FIRST_ID + 4800);
    assert_eq!(stage.user_by_id(uid).map(|user| user.gid), Some(uid), "the user is served on");
    assert!(stage.daemon.log().contains("the private group of dave has the gid"));
}

#[test]
fn a_group_of_the_host_becomes_a_users_own() {
    let users = names_and_ids(Path::new(PASSWD_FILE)).unwrap();
    let groups = names_and_ids(Path::new(GROUP_FILE)).unwrap();
    let alone = |name: &String| !users.iter().any(|(user, _)| user == name);
    let reserved = ["nogroup"];
    let Some((name, gid)) =
        groups.into_iter().find(|(name, _)| alone(name) && !reserved.contains(&name.as_str()))
    else {
        panic!("every group of this machine has a user of its name");
    };
    let stage = stage("");
    stage.server.edit(|data| data.add_user(&name, 4801)).unwrap();
    let user = stage.user(&name).unwrap();
    assert_eq!((user.uid, user.gid), (FIRST_ID + 4801, FIRST_ID + 4801), "{name} ({gid})");
    assert_eq!((stage.group(&name), stage.group_by_id(FIRST_ID + 4801)), (None, None), "{name}");
}

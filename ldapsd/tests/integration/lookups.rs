//! What `getent` and `id` would be told: with the ids of sssd, complete, and for the right account.

use ldaps_core::entries::PasswdEntry;
use ldaps_core::protocol::messages::{Cursor, NssReply, NssRequest};

use crate::asking::FIRST_ID;
use crate::stage::{EVERYBODY, Extra, Stage};

/// sssd's secondary slices for RIDs of 200000 and more, and of 400000 and more.
const BIG_RID: u32 = 1_543_600_005;
const BIG_RID_GROUP: u32 = 785_600_001;

/// A name as it is asked for, and the canonical name and uid; None: there is no such user.
const USERS: &[(&str, Option<(&str, u32)>)] = &[
    ("alice", Some(("alice", FIRST_ID + 1107))),
    ("ALICE", Some(("alice", FIRST_ID + 1107))),
    ("alice@corp.example", Some(("alice", FIRST_ID + 1107))),
    ("CORP\\Alice", Some(("alice", FIRST_ID + 1107))),
    ("c.chen@corp.example", Some(("carol", FIRST_ID + 1109))),
    ("MixedCase", Some(("mixedcase", FIRST_ID + 1160))),
    ("joe blogs", Some(("joe blogs", FIRST_ID + 1158))),
    ("josé", Some(("josé", FIRST_ID + 1157))),
    ("JOSÉ", Some(("josé", FIRST_ID + 1157))),
    ("日本", Some(("日本", FIRST_ID + 1161))),
    ("bigrid", Some(("bigrid", BIG_RID))),
    // Accounts in any state are users: files are theirs.
    ("disabled", Some(("disabled", FIRST_ID + 1120))),
    ("nouac", Some(("nouac", FIRST_ID + 1140))),
    ("inject", Some(("inject", FIRST_ID + 1180))),
    ("jose", None),
    ("alice ", None),
    ("dc1$", None),
    ("ws01$", None),
    ("nosid", None),
    ("linux-users", None),
    ("zz-nobody", None),
    // What cannot be a name at all is answered without a search.
    ("", None),
    ("a:b", None),
    ("a/../b", None),
    ("1107", None),
    ("-rf", None),
];

#[test]
fn a_user_is_another_than_was_asked_for() {
    let stage = Stage::new(EVERYBODY);
    for (asked, expected) in USERS {
        let found = stage.user(asked).map(|entry| (entry.name, entry.uid));
        assert_eq!(found, expected.map(|(name, uid)| (name.to_owned(), uid)), "{asked:?}");
        if let Some((name, uid)) = expected {
            assert_eq!(stage.user_by_id(*uid).map(|entry| entry.name).as_deref(), Some(*name));
        }
    }
    let alice = PasswdEntry {
        name: "alice".into(),
        uid: FIRST_ID + 1107,
        gid: FIRST_ID + 513,
        gecos: "Alice Archer".into(),
        home: "/home/alice".into(),
        shell: "/bin/bash".into(),
    };
    assert_eq!(stage.user("alice"), Some(alice));
    assert_eq!(stage.user("frank").unwrap().gid, FIRST_ID + 1204, "the primary group");
    // A full name that would break the line is left out; the user is not.
    assert_eq!(stage.user("inject").unwrap().gecos, "");
    for nobody in [0, 1, 999, 65_534, FIRST_ID, FIRST_ID + 1000, FIRST_ID + 513, u32::MAX] {
        assert_eq!(stage.user_by_id(nobody), None, "{nobody}");
    }
}

#[test]
fn home_shell_and_full_name_are_not_as_configured() {
    let sections = "[users]\nhome = \"/srv/%d/%u-%U\"\nshell = \"/bin/sh\"\ngecos = \"mail\"\n";
    let stage = Stage::new(Extra { sections, ..Extra::default() });
    let alice = stage.user("alice").unwrap();
    assert_eq!(alice.home, "/srv/corp.example/alice-1842601107");
    assert_eq!(alice.shell, "/bin/sh");
    assert_eq!(alice.gecos, "alice.archer@corp.example");
}

/// A group as it is asked for, and its name, gid and some of its members.
type GroupRow = (&'static str, Option<(&'static str, u32, &'static [&'static str])>);

const GROUPS: &[GroupRow] = &[
    ("linux-admins", Some(("linux-admins", FIRST_ID + 1201, &["bob"]))),
    ("Engineers", Some(("engineers", FIRST_ID + 1202, &["erin", "frank"]))),
    ("nest-a", Some(("nest-a", FIRST_ID + 1210, &["dave"]))),
    ("Domain Users", Some(("domain users", FIRST_ID + 513, &["frank"]))),
    ("Team, One", Some(("team, one", FIRST_ID + 1240, &["alice"]))),
    ("ärzte & co", Some(("ärzte & co", FIRST_ID + 1241, &["alice", "zoe"]))),
    ("with-computer", Some(("with-computer", FIRST_ID + 1245, &["alice"]))),
    ("empty", Some(("empty", FIRST_ID + 1244, &[]))),
    ("bigrid-group", Some(("bigrid-group", BIG_RID_GROUP, &["bigrid"]))),
    ("newsletter", None),
    ("administrators", None),
    ("arzte & co", None),
    ("alice", None),
    ("zz-none", None),
];

#[test]
fn a_group_is_another_than_was_asked_for() {
    let stage = Stage::new(EVERYBODY);
    for (asked, expected) in GROUPS {
        let found = stage.group(asked);
        let Some((name, gid, members)) = expected else {
            assert_eq!(found, None, "{asked}");
            continue;
        };
        let found = found.unwrap_or_else(|| panic!("{asked} is not found"));
        assert_eq!((found.name.as_str(), found.gid), (*name, *gid), "{asked}");
        assert_eq!(found.members, *members, "{asked}");
        assert_eq!(stage.group_by_id(*gid), Some(found), "{gid}");
    }
    let staff = stage.group("all-staff").unwrap().members;
    assert_eq!((staff.len(), staff[0].as_str(), staff[2999].as_str()), (3000, "u0001", "u3000"));
}

/// A user and the RIDs of all groups: nested, through a cycle, through the primary one; none through
/// a mailing list, none of the Builtin container, which has no ids.
const GROUPS_OF: &[(&str, &[u32])] = &[
    ("alice", &[513, 1200, 1214, 1240, 1241, 1242, 1243, 1245]),
    ("bob", &[513, 1200, 1201, 1214]),
    ("dave", &[513, 1210, 1211, 1212, 1213, 1214]),
    ("erin", &[513, 1200, 1202, 1214]),
    ("frank", &[513, 1200, 1202, 1203, 1204, 1214]),
    ("u0001", &[513, 1214, 1250]),
    ("FRANK@corp.example", &[513, 1200, 1202, 1203, 1204, 1214]),
];

#[test]
fn somebodys_groups_are_incomplete_or_too_many() {
    let stage = Stage::new(EVERYBODY);
    for (name, rids) in GROUPS_OF {
        let expected: Vec<u32> = rids.iter().map(|rid| FIRST_ID + rid).collect();
        assert_eq!(stage.gids(name), Some(expected), "{name}");
    }
    let big = vec![BIG_RID_GROUP, FIRST_ID + 513, FIRST_ID + 1200, FIRST_ID + 1214];
    assert_eq!(stage.gids("bigrid"), Some(big));
    assert_eq!(stage.gids("zz-nobody"), None);
    // Not shown is not none.
    let hidden = stage.nss(&NssRequest::GroupsOf("notokens".into()));
    assert_eq!(hidden, NssReply::Unavailable);
}

/// Every page of an enumeration, by the names on it.
fn enumerated(stage: &Stage, ask: impl Fn(Option<Cursor>) -> NssRequest) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let next = match stage.nss(&ask(cursor)) {
            NssReply::Users(page, next) => {
                names.extend(page.into_iter().map(|user| user.name));
                next
            }
            NssReply::Groups(page, next) => {
                names.extend(page.into_iter().map(|group| group.name));
                next
            }
            other => panic!("{other:?}"),
        };
        if next.is_none() {
            return names;
        }
        cursor = next;
    }
}

#[test]
fn an_enumeration_is_on_by_default_or_leaves_somebody_out() {
    let stage = Stage::new(EVERYBODY);
    assert_eq!(enumerated(&stage, NssRequest::Users), [""; 0]);
    assert_eq!(enumerated(&stage, NssRequest::Groups), [""; 0]);

    stage.configure(Extra { sections: "[nss]\nenumerate = true\n", ..Extra::default() });
    let users = enumerated(&stage, NssRequest::Users);
    let distinct: std::collections::BTreeSet<_> = users.iter().collect();
    assert_eq!(distinct.len(), users.len(), "somebody came twice");
    let crowd = users.iter().filter(|name| name.starts_with("u0") || name.starts_with("u1"));
    assert_eq!(crowd.count(), 1999, "u0001 to u1999");
    for name in ["alice", "mixedcase", "joe blogs", "grace", "日本", "bigrid", "disabled"] {
        assert!(users.iter().any(|user| user == name), "{name} is missing");
    }
    for name in ["root", "daemon", "dc1$", "nosid"] {
        assert!(!users.iter().any(|user| user == name), "{name} is listed");
    }
    let groups = enumerated(&stage, NssRequest::Groups);
    for name in ["domain users", "team, one", "nest-self", "all-staff", "bigrid-group"] {
        assert!(groups.iter().any(|group| group == name), "{name} is missing");
    }
    for name in ["sudo", "newsletter", "administrators"] {
        assert!(!groups.iter().any(|group| group == name), "{name} is listed");
    }
}

//! `[local_groups]`: groups of the host for members of groups of the directory, by the
//! administrator's word alone.

use std::path::Path;

use ldaps_core::local::{GROUP_FILE, names_and_ids};
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::messages::{NssReply, NssRequest, Verdict};
use test_directory::GroupKind;

use crate::asking::FIRST_ID;
use crate::offline::{LAPTOP, RIGHT};
use crate::stage::{EVERYBODY, Extra, Stage};

/// Groups that every Debian has, with the gids of this machine.
fn gids() -> (u32, u32) {
    let groups = names_and_ids(Path::new(GROUP_FILE)).unwrap();
    let gid = |name: &str| groups.iter().find(|(known, _)| known == name).unwrap().1;
    (gid("adm"), gid("audio"))
}

fn stage(sections: &str) -> Stage {
    Stage::new(Extra { sections, ..EVERYBODY })
}

#[test]
fn a_local_group_is_given_to_another_or_by_a_name_alone() {
    let (adm, audio) = gids();
    let stage = stage(
        "[local_groups]\nadm = \"@Engineers\"\naudio = [\"@primary-team\", \"@linux-admins\"]\n\
         zz-none = \"@linux-users\"\n",
    );
    // Namesakes in the directory, which grant nothing.
    stage.server.edit(|data| {
        for (group, rid) in [("adm", 4810), ("audio", 4811)] {
            data.add_group(group, rid, GroupKind::Global).unwrap();
            data.add_to_group("alice", group).unwrap();
        }
    });
    for (name, expected) in [
        ("erin", vec![adm]),
        // Through a group in a group, and by the primary group.
        ("frank", vec![adm, audio]),
        ("bob", vec![audio]),
        ("alice", vec![]),
        ("dave", vec![]),
    ] {
        assert_eq!(stage.granted(name), expected, "{name}");
    }
    // A plain reply where nothing is granted; and the directory's groups beside what is.
    assert!(matches!(stage.nss(&NssRequest::GroupsOf("alice".into())), NssReply::Gids(_)));
    match stage.nss(&NssRequest::GroupsOf("erin".into())) {
        NssReply::GidsAndLocal(gids, _) => assert!(gids.contains(&(FIRST_ID + 1202)), "{gids:?}"),
        other => panic!("{other:?}"),
    }
    let told = "[local_groups] grants \"zz-none\", and this host has no such group";
    assert_eq!(stage.daemon.log().matches(told).count(), 1);
    match stage.admin(&AdminRequest::User("erin".into())) {
        AdminReply::User(report) => {
            assert!(report.groups.contains(&(adm, "adm, this host's own".into())), "{report:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_local_group_outlives_the_membership_or_is_there_without_a_word() {
    let (adm, _) = gids();
    let sections = "[local_groups]\nadm = \"@engineers\"\n[cache]\npositive = \"1ms\"\n";
    let stage = stage(sections);
    assert_eq!(stage.granted("erin"), [adm]);
    stage.server.edit(|data| data.remove_from_group("erin", "engineers")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    assert_eq!(stage.granted("erin"), [0_u32; 0]);
    stage.server.edit(|data| data.add_to_group("erin", "engineers")).unwrap();
    stage.configure(EVERYBODY);
    assert_eq!(stage.granted("erin"), [0_u32; 0]);
}

#[test]
fn a_power_cut_takes_the_private_group_or_the_groups_of_the_host() {
    let (adm, _) = gids();
    let sections = "[pam]\noffline_days = 14\n[users]\nprimary_group = \"private\"\n\
        [users.of_group.engineers]\nhome = \"/srv/eng/%u\"\n\
        [local_groups]\nadm = \"@platform\"\n[access]\nallow = [\"*\"]\n";
    let Some(mut stage) = Stage::for_logins(Extra { sections, ..LAPTOP }) else { return };
    assert_eq!(stage.auth("frank", "sshd", RIGHT).verdict, Verdict::Granted);
    stage.go_offline();
    stage.start_again();
    let frank = stage.user("frank").unwrap();
    assert_eq!((frank.gid, frank.home.as_str()), (FIRST_ID + 1112, "/srv/eng/frank"));
    assert_eq!(stage.group_by_id(frank.gid).map(|group| group.name).as_deref(), Some("frank"));
    assert_eq!(stage.granted("frank"), [adm]);
    assert_eq!(stage.offline_auth("frank", frank.uid, RIGHT).verdict, Verdict::Granted);
}

#[test]
fn ids_of_before_outlive_a_word_of_the_administrator() {
    let with = |more: &'static str| format!("{}{more}", LAPTOP.sections);
    let Some(mut stage) = Stage::for_logins(LAPTOP) else { return };
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    stage.go_offline();
    for (more, known) in [
        ("[users.override]\nalice = { uid = 300007 }\n", false),
        ("[users.override]\nalice = { gid = 300007 }\n", false),
        ("[users.override]\nbob = { uid = 1842601107 }\n", false),
        ("[users]\nprimary_group = \"private\"\n", false),
        ("[ids]\nmapping = \"posix\"\n", false),
        ("[users.override]\nalice = { gecos = \"A\" }\nbob = { uid = 300007 }\n", true),
        ("", true),
    ] {
        let extra = Extra { sections: &with(more), ..LAPTOP };
        stage.files.write("ldaps.toml", &stage.files.toml(&stage.server, extra));
        stage.start_again();
        let found = stage.nss(&NssRequest::UserByName("alice".into()));
        assert_eq!(matches!(found, NssReply::User(_)), known, "{more}: {found:?}");
    }
}

//! Home, shell, full name and ids: by attribute, template, and the administrator's own word.

use ldaps_core::ctl::Ctl;
use ldaps_core::protocol::messages::Verdict;

use crate::asking::FIRST_ID;
use crate::stage::{EVERYBODY, Extra, Stage};
use test_directory::USER_PASSWORD;

fn stage(sections: &str) -> Stage {
    Stage::new(Extra { sections, ..EVERYBODY })
}

/// Home and shell of a user.
fn home_and_shell(stage: &Stage, name: &str) -> Option<(String, String)> {
    stage.user(name).map(|user| (user.home, user.shell))
}

/// What is written into the directory, and the home and shell that come of it; None: no user.
type Row = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<(&'static str, &'static str)>,
);

const ATTRIBUTES: &[Row] = &[
    ("both are taken", Some("/srv/d"), Some("/bin/sh"), Some(("/srv/d", "/bin/sh"))),
    ("neither is there", None, None, Some(("/home/dave", "/bin/dash"))),
    ("a shell is not allowed", None, Some("/bin/tcsh"), Some(("/home/dave", "/bin/dash"))),
    ("another way to write one", None, Some("/bin/../bin/sh"), Some(("/home/dave", "/bin/dash"))),
    ("a shell without a path", None, Some("sh"), Some(("/home/dave", "/bin/dash"))),
    (
        "no shell is given",
        None,
        Some("/usr/sbin/nologin"),
        Some(("/home/dave", "/usr/sbin/nologin")),
    ),
    ("no shell is given", None, Some("/bin/false"), Some(("/home/dave", "/bin/false"))),
    ("a shell that breaks the line", None, Some("/bin/sh:x"), None),
    ("a shell of two lines", None, Some("/usr/sbin/nologin\n"), None),
    ("a relative home", Some("home/d"), None, Some(("/home/dave", "/bin/dash"))),
    ("a home elsewhere", Some("/home/d/../../root"), None, Some(("/home/dave", "/bin/dash"))),
    (
        "a home that breaks the line",
        Some("/home/d:/bin/sh"),
        None,
        Some(("/home/dave", "/bin/dash")),
    ),
    ("a home of two lines", Some("/home/d\nx"), None, Some(("/home/dave", "/bin/dash"))),
    ("a home on Windows", Some("\\\\files\\d"), None, Some(("/home/dave", "/bin/dash"))),
];

#[test]
fn an_attribute_is_believed_that_should_not_be_or_the_other_way_round() {
    let stage = stage(
        "[users]\nhome_attribute = \"unixHomeDirectory\"\nshell_attribute = \"loginShell\"\n\
         allowed_shells = [\"/bin/sh\", \"/bin/bash\"]\nshell = \"/bin/dash\"\n\
         [cache]\npositive = \"1ms\"\nnegative = \"1ms\"\n",
    );
    for (what, home, shell, expected) in ATTRIBUTES {
        stage.server.edit(|data| {
            let values = |value: &Option<&'static str>| value.iter().copied().collect::<Vec<_>>();
            data.set_attribute("dave", "unixHomeDirectory", &values(home)).unwrap();
            data.set_attribute("dave", "loginShell", &values(shell)).unwrap();
        });
        for _ in 0..2 {
            std::thread::sleep(std::time::Duration::from_millis(5));
            let expected = expected.map(|(home, shell)| (home.to_owned(), shell.to_owned()));
            assert_eq!(home_and_shell(&stage, "dave"), expected, "{what}");
        }
    }
    let log = stage.daemon.log();
    for line in ["the shell \"/bin/tcsh\" of CN=Dave Drummond", "the home directory \"home/d\" of"]
    {
        assert_eq!(log.matches(line).count(), 1, "{line}");
    }
}

#[test]
fn without_a_word_in_the_configuration_an_attribute_counts() {
    let stage = stage("");
    let bash = |home: &str| Some((home.to_owned(), "/bin/bash".to_owned()));
    assert_eq!(home_and_shell(&stage, "bob"), bash("/home/bob"), "unixHomeDirectory, loginShell");
}

const OVERRIDES: &str = "[ids]\nmin_id = 1000\n\
    [users]\nhome_attribute = \"unixHomeDirectory\"\nallowed_shells = []\n\
    [users.override]\n\
    alice = { uid = 5007, gid = 1842600513, home = \"/srv/%d/a-%U\", shell = \"/bin/sh\", gecos = \"A\" }\n\
    \"josé\" = { gecos = \"\" }\n\
    frank = { shell = \"/bin/zsh\" }\n\
    grace = { uid = 5113, gid = 5114 }\n\
    [users.of_group.platform]\nhome = \"/srv/platform/%u\"\n\
    [users.of_group.\"@Engineers\"]\nhome = \"/srv/eng/%u\"\nshell = \"/bin/sh\"\ngecos = \"Engineer\"\n\
    [users.of_group.\"primary-team\"]\ngid = 5204\n\
    [groups.override.linux-users]\ngid = 5200\n\
    [groups.override]\n\"Domain Users\" = { gid = 5513 }\n";

/// Name, uid, gid, full name, home, shell.
const AS_CONFIGURED: &[(&str, u32, u32, &str, &str, &str)] = &[
    ("alice", 5007, FIRST_ID + 513, "A", "/srv/corp.example/a-5007", "/bin/sh"),
    ("josé", FIRST_ID + 1157, 5513, "", "/home/josé", "/bin/bash"),
    ("bob", FIRST_ID + 1108, 5513, "Bob Baker", "/srv/home/bob", "/bin/bash"),
    // By two groups, one within the other: the first in the file; and what is said of him goes first.
    ("frank", FIRST_ID + 1112, 5204, "Engineer", "/srv/platform/frank", "/bin/zsh"),
    ("erin", FIRST_ID + 1111, 5513, "Engineer", "/srv/eng/erin", "/bin/sh"),
    ("grace", 5113, 5114, "Grace, Sales", "/home/grace", "/bin/bash"),
];

#[test]
fn the_administrators_word_does_not_count_or_an_overridden_id_finds_another() {
    let stage = stage(OVERRIDES);
    for (name, uid, gid, gecos, home, shell) in AS_CONFIGURED {
        let user = stage.user(name).unwrap_or_else(|| panic!("{name} is not found"));
        let found =
            (user.uid, user.gid, user.gecos.as_str(), user.home.as_str(), user.shell.as_str());
        assert_eq!(found, (*uid, *gid, *gecos, *home, *shell), "{name}");
    }
    // Afresh, so that the ids are searched for and not remembered.
    stage.reload();
    stage.configure(Extra {
        sections: &format!("{OVERRIDES}[cache]\npositive = \"9min\"\n"),
        ..EVERYBODY
    });
    for (name, uid, ..) in AS_CONFIGURED {
        assert_eq!(stage.user_by_id(*uid).map(|user| user.name).as_deref(), Some(*name), "{uid}");
    }
    for (name, gid) in [("linux-users", 5200), ("domain users", 5513)] {
        assert_eq!(stage.group_by_id(gid).map(|group| group.name).as_deref(), Some(name), "{gid}");
        assert_eq!(stage.group(name).map(|group| group.gid), Some(gid));
    }
    // The ids that they would have had are nobody's, and those of groups are no users'.
    for uid in [FIRST_ID + 1107, FIRST_ID + 1113, 5200, 5114] {
        assert_eq!(stage.user_by_id(uid), None, "{uid}");
    }
    for gid in [FIRST_ID + 1200, FIRST_ID + 513, 5007, 5204] {
        assert_eq!(stage.group_by_id(gid), None, "{gid}");
    }
    let rids = [1214, 1240, 1241, 1242, 1243, 1245].map(|rid| FIRST_ID + rid);
    let mut alices = vec![5200, 5513];
    alices.extend(rids);
    assert_eq!(stage.gids("alice"), Some(alices));
}

#[test]
fn the_page_does_not_hold_the_ids_of_the_configuration() {
    let stage = stage(OVERRIDES);
    stage.daemon.wait_for("the ranges", || !Ctl::read(&stage.run_dir()).unwrap().holds_id(200_000));
    let ctl = Ctl::read(&stage.run_dir()).unwrap();
    for id in [5007, 5113, 5114, 5200, 5204, 5513, FIRST_ID + 1107] {
        assert!(ctl.holds_id(id), "{id}");
    }
    for id in [5006, 5008, 5112, 5115, 5201] {
        assert!(!ctl.holds_id(id), "{id}");
    }
}

#[test]
fn who_has_a_uid_by_configuration_logs_in_as_somebody_else_or_not_at_all() {
    let Some(stage) = Stage::for_logins(Extra { sections: OVERRIDES_AND_EVERYBODY, ..EVERYBODY })
    else {
        return;
    };
    let password = USER_PASSWORD.as_bytes();
    assert_eq!(stage.auth("alice", "sshd", password).verdict, Verdict::Granted);
    assert_eq!(stage.account("alice", "sshd").verdict, Verdict::Granted);
    let natural = stage.auth_as("alice", FIRST_ID + 1107, "sshd", password);
    assert_eq!(natural.verdict, Verdict::NotOurs, "the uid that she would have had");
}

const OVERRIDES_AND_EVERYBODY: &str = "[ids]\nmin_id = 1000\n\
    [users.override]\nalice = { uid = 5007 }\n[access]\nallow = [\"*\"]\n";

#[test]
fn whose_groups_are_not_shown_gets_the_look_of_nobody_in_them() {
    let stage = stage("[users.of_group.nothing-such]\ngid = 300000\n");
    assert!(stage.user("alice").is_some(), "no group, no member");
    assert_eq!(stage.user("notokens"), None);
    let log = stage.daemon.log();
    assert!(log.contains("it has no tokenGroups, or the service account may not read it"), "{log}");
    assert_eq!(log.matches("names the group \"@nothing-such\"").count(), 1);
}

#[test]
fn an_id_of_the_host_is_given_to_somebody_of_the_directory() {
    let local = ldaps_core::local::names_and_ids(std::path::Path::new("/etc/group")).unwrap();
    let Some((_, gid)) = local.into_iter().find(|(_, gid)| (1000..65_000).contains(gid)) else {
        crate::stage::skip("no local group of this machine has a gid above 1000");
        return;
    };
    let stage = stage(&format!(
        "[ids]\nmin_id = 1000\n[users.override]\nalice = {{ gid = {gid} }}\n\
         [groups.override]\nlinux-users = {{ gid = {gid} }}\n"
    ));
    assert_eq!((stage.user("alice"), stage.group("linux-users")), (None, None));
    assert!(!stage.gids("bob").unwrap().contains(&gid));
}

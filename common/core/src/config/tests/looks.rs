//! What the configuration says of homes, shells, ids and groups.

use super::super::*;
use super::{DIRECTORY, loaded};

fn config(sections: &str) -> Config {
    loaded(&format!("{DIRECTORY}{sections}\n"), "").config
}

#[test]
fn the_attributes_of_home_and_shell_follow_the_mapping_unless_they_are_named() {
    for (sections, home, shell) in [
        ("", None, None),
        ("[ids]\nmapping = \"posix\"", Some("unixHomeDirectory"), Some("loginShell")),
        ("[ids]\nmapping = \"posix\"\n[users]\nhome_attribute = \"\"", None, Some("loginShell")),
        ("[users]\nshell_attribute = \"loginShell\"", None, Some("loginShell")),
        ("[users]\nallow_self_writable = true\nhome_attribute = \"info\"", Some("info"), None),
    ] {
        let users = config(sections).users;
        assert_eq!(users.home_attribute.as_deref(), home, "{sections}");
        assert_eq!(users.shell_attribute.as_deref(), shell, "{sections}");
        assert_eq!((users.allowed_shells, users.primary_group), (None, PrimaryGroup::Domain));
    }
}

#[test]
fn no_shell_allowed_is_not_any_shell_allowed() {
    let allowed = |list: &str| config(&format!("[users]\nallowed_shells = {list}")).users;
    assert_eq!(allowed("[]").allowed_shells, Some(vec![]));
    assert_eq!(allowed("\"/bin/sh\"").allowed_shells, Some(vec!["/bin/sh".to_owned()]));
}

#[test]
fn what_is_said_of_a_user_or_a_group_is_read_as_written() {
    let config = config(
        "[ids]\nmin_id = 1000\n\
         [users]\nprimary_group = \"private\"\n\
         [users.override.ALICE]\nuid = 5000\ngid = 5001\nhome = \"/srv/a\"\nshell = \"/bin/sh\"\n\
         gecos = \"Alice, Sales\"\n\
         [users.override]\n\"jo smith\" = { gecos = \"\" }\n\
         [users.of_group.\"@Zeta\"]\nhome = \"/z/%u\"\n\
         [users.of_group.alpha]\nshell = \"/bin/sh\"\n\
         [groups.override.\"Domain Users\"]\ngid = 5002\n\
         [local_groups]\nadm = [\"@B\", \"@a\"]",
    );
    let users = config.users;
    assert_eq!(users.primary_group, PrimaryGroup::Private);
    let alice = &users.looks.of_user["alice"];
    assert_eq!((alice.uid, alice.look.gid), (Some(5000), Some(5001)));
    assert_eq!(alice.look.home.as_ref().map(HomeTemplate::as_str), Some("/srv/a"));
    assert_eq!(alice.look.shell.as_deref(), Some("/bin/sh"));
    assert_eq!(alice.look.gecos.as_deref(), Some("Alice, Sales"));
    assert_eq!(users.looks.of_user["jo smith"].look.gecos.as_deref(), Some(""));
    assert_eq!(users.looks.user_with_uid(5000), Some("alice"));
    assert_eq!(users.looks.ids().collect::<Vec<_>>(), [5000, 5001]);
    let order: Vec<&str> = users.looks.of_group.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(order, ["zeta", "alpha"], "the order of the file decides");
    assert_eq!(config.groups.gids["domain users"], 5002);
    let granting: Vec<&str> = config.local_groups["adm"].iter().map(String::as_str).collect();
    assert_eq!(granting, ["a", "b"]);
}

#[test]
fn one_primary_gid_for_several_users_is_no_mistake() {
    config("[users.override]\na = { gid = 300000 }\nb = { gid = 300000 }");
}

#[test]
fn more_ids_than_the_daemons_page_holds_are_taken() {
    let users: Vec<String> =
        (0..445).map(|n| format!("u{n} = {{ uid = {} }}", 300_000 + n)).collect();
    let toml =
        |count: usize| format!("{DIRECTORY}[users.override]\n{}\n", users[..count].join("\n"));
    loaded(&toml(444), "");
    let errors = super::errors(&toml(445), "");
    assert!(
        errors[0].contains("445 ids are given in this file, and at most 444 fit"),
        "{errors:?}"
    );
}

#[test]
fn a_local_group_that_is_not_there_is_a_warning() {
    let toml = format!("{DIRECTORY}[local_groups]\nzz-none = \"@a\"\n[access]\nallow = [\"*\"]\n");
    let warnings = loaded(&toml, "").warnings;
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.to_string().contains("has no group \"zz-none\""), "{warning}");
}

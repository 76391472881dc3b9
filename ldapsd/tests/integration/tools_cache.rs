//! What is held, in the hands of an administrator: forgotten, read anew, shown.

use std::fs;

use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::messages::{NssReply, NssRequest};
use ldaps_core::protocol::tools::{Exhibit, Exported, Flushed, Refreshed, Whom};
use rustix::process::geteuid;
use test_directory::{Fault, SERVICE_PASSWORD, USER_PASSWORD};

use crate::asking::FIRST_ID;
use crate::stage::{Extra, Stage, skip};

const QUICK: &str = "connect_timeout = \"300ms\"\noperation_timeout = \"300ms\"\n";
/// What changes is not seen by itself while a test runs.
const BLIND: &str = "[access]\nallow = [\"*\"]\n[cache]\npoll = \"60s\"\n";

impl Stage {
    fn flush(&self, anyway: bool) -> AdminReply {
        self.admin(&AdminRequest::Flush { anyway })
    }

    fn refresh(&self, whom: Whom) -> Refreshed {
        match self.admin(&AdminRequest::Refresh(whom)) {
            AdminReply::Refreshed(refreshed) => refreshed,
            other => panic!("{other:?}"),
        }
    }

    fn everything(&self) -> Vec<Exhibit> {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let Exported { records, next } = match self.admin(&AdminRequest::Export(cursor)) {
                AdminReply::Exported(page) => page,
                other => panic!("{other:?}"),
            };
            all.extend(records);
            cursor = next;
            if cursor.is_none() {
                return all;
            }
        }
    }
}

/// Root's stage; None, and a word about it, where the tests are not root's.
fn stage(extra: Extra<'_>) -> Option<Stage> {
    if !geteuid().is_root() {
        skip("only root may do anything with what is held");
        return None;
    }
    Some(Stage::new(extra))
}

#[test]
fn a_flush_leaves_something_or_takes_what_it_should_leave() {
    let Some(mut stage) = stage(Extra { directory: QUICK, sections: BLIND }) else { return };
    let alice = stage.user("alice").unwrap();
    stage.group("engineers").unwrap();
    stage.nss(&NssRequest::GroupsOf("alice".into()));
    stage.nss(&NssRequest::UserByName("zz-nobody".into()));
    let ids = || fs::read(stage.files.path("state/ids")).unwrap_or_default();
    stage.daemon.wait_for("the ids", || !ids().is_empty());
    let ids_before = ids();

    let Flushed { held, kept_for_offline } = match stage.flush(false) {
        AdminReply::Flushed(flushed) => flushed,
        other => panic!("{other:?}"),
    };
    assert_eq!((held.users, held.groups, held.memberships, held.nobody), (1, 1, 1, 1));
    assert_eq!(kept_for_offline, 0);
    assert_eq!(stage.conditions().held, Default::default());
    assert_eq!(ids(), ids_before, "an id that was given is nobody's any more");
    let searches = stage.server.searches();
    assert_eq!(stage.user("alice").unwrap(), alice);
    assert!(stage.server.searches() > searches, "nobody was asked anew");

    // Nor is anything left on the disk, for when nobody can be asked.
    let AdminReply::Flushed(_) = stage.flush(false) else { panic!("no flush") };
    stage.daemon.terminate();
    stage.server.fault(Fault::Silence);
    stage.start_next();
    let unknown = stage.nss(&NssRequest::UserByName("alice".into()));
    assert_eq!(unknown, NssReply::Unavailable, "the file still tells of her");
}

#[test]
fn a_flush_takes_everybody_from_a_host_that_can_ask_nobody() {
    let Some(stage) = stage(Extra { directory: QUICK, sections: BLIND }) else { return };
    let alice = stage.user("alice");
    stage.server.fault(Fault::Silence);
    stage.daemon.wait_for("the outage", || {
        stage.nss(&NssRequest::UserByName("bob".into()));
        stage.conditions().outage.is_some()
    });
    match stage.flush(false) {
        AdminReply::Unavailable(why) => assert!(why.contains("--anyway"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.user("alice"), alice);
    assert!(matches!(stage.flush(true), AdminReply::Flushed(_)));
    assert_eq!(stage.nss(&NssRequest::UserByName("alice".into())), NssReply::Unavailable);
}

#[test]
fn a_flush_takes_who_may_log_in_offline() {
    let sections = format!("[pam]\noffline_days = 7\n{BLIND}");
    let Some(stage) = stage(Extra { directory: QUICK, sections: &sections }) else { return };
    let alice = stage.user("alice").unwrap();
    // AD takes the old password, too, in the first hour.
    stage.auth("alice", "sshd", USER_PASSWORD.as_bytes());
    stage.user("bob").unwrap();
    match stage.flush(false) {
        AdminReply::Flushed(flushed) => assert_eq!(flushed.kept_for_offline, 1),
        other => panic!("{other:?}"),
    }
    stage.server.fault(Fault::Silence);
    assert_eq!(stage.user("alice"), Some(alice));
    assert_eq!(stage.nss(&NssRequest::UserByName("bob".into())), NssReply::Unavailable);
}

#[test]
fn who_is_read_anew_is_as_before_or_the_change_is_not_told() {
    let Some(stage) = stage(Extra { directory: "", sections: BLIND }) else { return };
    let user = |name: &str| Whom::User(name.to_owned());
    let unknown = stage.refresh(user("bob"));
    assert_eq!((unknown.was_known, unknown.changes), (false, vec![]));
    stage.user("alice").unwrap();
    stage.nss(&NssRequest::GroupsOf("alice".into()));
    assert_eq!(stage.refresh(user("alice")).changes, [], "nothing has changed");
    stage.group("engineers").unwrap();
    stage.user("frank").unwrap();
    stage.server.edit(|data| {
        data.set_attribute("alice", "displayName", &["Alice Ax"]).unwrap();
        data.add_to_group("alice", "engineers").unwrap();
        data.disable("alice").unwrap();
        data.delete("frank").unwrap();
    });
    let Refreshed { name, was_known, changes, .. } = stage.refresh(user("ALICE@corp.example"));
    assert_eq!((name.as_deref(), was_known), (Some("alice"), false), "by a name not yet asked");
    assert_eq!(changes, []);
    stage.server.edit(|data| data.set_attribute("alice", "displayName", &["Alice Ay"])).unwrap();
    let changed = |whom| {
        let changes = stage.refresh(whom).changes;
        changes.into_iter().map(|(field, _, after)| (field, after)).collect::<Vec<_>>()
    };
    assert_eq!(changed(user("alice")), [("full name".to_owned(), "Alice Ay".to_owned())]);
    stage.server.edit(|data| data.remove_from_group("alice", "engineers")).unwrap();
    let [(field, gids)] = &changed(user("alice"))[..] else { panic!("no change") };
    assert_eq!(field, "groups");
    assert!(!gids.contains(&(FIRST_ID + 1202).to_string()), "{gids}");
    stage.server.edit(|data| data.enable("alice")).unwrap();
    assert_eq!(changed(user("alice"))[0].0, "account");

    let engineers = changed(Whom::Group("Engineers".to_owned()));
    assert_eq!(engineers, [("members".to_owned(), "erin".to_owned())]);
    let frank = stage.refresh(user("frank"));
    assert_eq!((frank.name, frank.was_known), (None, true));
    assert!(frank.why_nobody.unwrap().contains("no user \"frank\""));
    assert_eq!(stage.user("frank"), None, "the deleted user is still served");
    assert_eq!(stage.user("alice").unwrap().gecos, "Alice Ay");
    let nobody = stage.refresh(Whom::Group("zz-nobody".to_owned()));
    assert!(nobody.name.is_none() && nobody.why_nobody.is_some());
}

#[test]
fn an_export_leaves_somebody_out_or_tells_a_secret() {
    let Some(stage) = stage(Extra { directory: "", sections: BLIND }) else { return };
    let mut names: Vec<String> = (1..=450).map(|number| format!("u{number:04}")).collect();
    names.retain(|name| stage.user(name).is_some());
    assert!(names.len() > 400, "three pages are wanted: {}", names.len());
    stage.auth("alice", "sshd", USER_PASSWORD.as_bytes());
    stage.group("engineers").unwrap();
    let all = stage.everything();
    let mut uids = Vec::new();
    for exhibit in &all {
        if let Exhibit::User { entry, .. } = exhibit {
            uids.push(entry.uid);
        }
    }
    assert!(uids.is_sorted(), "{uids:?}");
    uids.dedup();
    assert_eq!(uids.len(), names.len() + 1);
    let engineers = all.iter().find_map(|exhibit| match exhibit {
        Exhibit::Group { entry, sid, doubted, .. } if entry.name == "engineers" => {
            Some((entry.members.clone(), sid.clone(), *doubted))
        }
        Exhibit::Group { .. } | Exhibit::User { .. } => None,
    });
    let sid = "S-1-5-21-123-456-789-1202".to_owned();
    let members = vec!["erin".to_owned(), "frank".to_owned()];
    assert_eq!(engineers, Some((members, Some(sid), false)));
    let told = format!("{all:?}");
    assert!(!told.contains(USER_PASSWORD) && !told.contains(SERVICE_PASSWORD));
}

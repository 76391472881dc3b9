//! `notify = true`: a change is seen when it happens, and not when it is next polled for.

use std::time::{Duration, Instant};

use ldaps_core::protocol::admin::{AdminReply, AdminRequest, NotifyStatus};
use test_directory::TestDirectory;

use crate::freshness::{CHANGES, SOON};
use crate::stage::{Extra, Stage};

/// Nothing but what is told can be seen in the time of a test.
const TOLD: &str = "[access]\nallow = [\"*\"]\n\
    [cache]\nnotify = true\npoll = \"1h\"\npositive = \"24h\"\nnegative = \"24h\"\n\
    [users]\nbase = \"OU=People,DC=corp,DC=example\"\n";

impl Stage {
    fn notify(&self) -> NotifyStatus {
        match self.admin(&AdminRequest::Sync) {
            AdminReply::Sync(_, Some(status)) => status,
            other => panic!("{other:?}"),
        }
    }

    fn told(sections: &str) -> Self {
        let stage =
            Self::on(TestDirectory::corp_example().unwrap(), Extra { directory: "", sections });
        stage.wait_for_the_directory();
        stage.wait_until_told();
        stage
    }

    /// Until changes are told, and what was before has been polled for.
    fn wait_until_told(&self) {
        self.daemon.wait_for("the telling", || self.notify().listening_s.is_some());
        self.daemon.wait_for("the poll after it", || self.freshness().every_s == 3600);
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn a_change_is_not_seen_when_it_happens() {
    std::thread::scope(|scope| {
        for rows in CHANGES.chunks(5) {
            scope.spawn(move || {
                for (what, edit, look, before, after) in rows {
                    let stage = Stage::told(TOLD);
                    assert_eq!(look(&stage), *before, "{what}");
                    let polls = stage.freshness().polls;
                    stage.server.edit(*edit).unwrap();
                    let start = Instant::now();
                    while look(&stage) != *after {
                        let seen = look(&stage);
                        assert!(start.elapsed() < SOON, "{what}: {seen} after {SOON:?}");
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    assert_eq!(stage.freshness().polls, polls, "{what}: it was polled for");
                    assert!(stage.notify().changes > 0, "{what}");
                }
            });
        }
    });
}

#[test]
fn what_changes_while_nobody_tells_is_never_seen() {
    let stage = Stage::told(TOLD);
    let gecos = || stage.user("alice").map(|user| user.gecos).unwrap();
    assert_eq!(gecos(), "Alice Archer");
    stage.server.drop_connections();
    stage.daemon.wait_for("the loss", || stage.notify().listening_s.is_none());
    stage.server.edit(|data| data.set_attribute("alice", "displayName", &["Alice Ax"])).unwrap();
    stage.daemon.wait_for("the change", || gecos() == "Alice Ax");
    stage.wait_until_told();
    stage.server.edit(|data| data.set_attribute("alice", "displayName", &["Alice B."])).unwrap();
    stage.daemon.wait_for("the change", || gecos() == "Alice B.");
    let log = stage.daemon.log();
    assert!(log.contains("changes are polled for, and not told of at once: "), "{log}");
}

#[test]
fn more_than_one_connection_is_kept_for_it() {
    let stage = Stage::told(TOLD);
    assert_eq!(stage.server.open_connections(), 2);
    let searches = stage.server.search_log();
    let of_everything = |attributes: &[String]| attributes.iter().any(|name| name == "groupType");
    let told =
        searches.iter().filter(|s| s.base == "DC=corp,DC=example" && of_everything(&s.attributes));
    assert_eq!(told.count(), 1, "{searches:?}");
}

#[test]
fn a_change_that_is_told_of_does_not_come_into_the_copy_of_everybody() {
    let stage = Stage::told(&TOLD.replace("[cache]\n", "[cache]\nsync = \"all\"\n"));
    stage.wait_for_everybody();
    let before = stage.sync().users;
    stage.server.edit(|data| {
        data.add_user("newcomer", 4711).unwrap();
        data.add_to_group("newcomer", "engineers").unwrap();
    });
    // In the look-ups' own memory, where nobody asks for it meanwhile.
    stage.daemon.wait_for("the change", || stage.notify().changes > 0);
    stage.daemon.wait_for("the user", || stage.sync().users > before);
    stage.go_offline();
    assert!(stage.user("newcomer").is_some());
    assert!(stage.group("linux-users").unwrap().members.contains(&"newcomer".to_owned()));
}

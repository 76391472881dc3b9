//! `sync = "all"`: everybody is known before anybody asks, as one by one they would be.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::protocol::admin::{AdminReply, AdminRequest, SyncPhase, SyncStatus};
use ldaps_core::protocol::messages::{NssReply, NssRequest, Verdict};
use test_directory::{Fault, On, SearchSeen, TestDirectory};

use crate::asking::FIRST_ID;
use crate::freshness::{CHANGES, SOON};
use crate::stage::{Extra, Stage};

const QUICK: &str = "connect_timeout = \"500ms\"\noperation_timeout = \"500ms\"\n";
/// What is asked one by one, and what is asked before: the same but for that.
const LOOKS: &[&str] = &[
    "",
    "[users]\nprimary_group = \"private\"\n",
    "[ids]\nmapping = \"posix\"\n",
    "[users]\nbase = \"OU=People,DC=corp,DC=example\"\n[groups]\nbase = \"OU=Groups,DC=corp,DC=example\"\n",
    "[groups]\nfilter = \"(&(objectClass=group)(!(cn=engineers)))\"\n",
    "[users]\ncondition = \"(memberOf=CN=linux-users,OU=Groups,DC=corp,DC=example)\"\n",
    "[users.of_group.engineers]\nshell = \"/bin/sh\"\nhome = \"/srv/%u\"\n",
    "[groups.override.linux-admins]\ngid = 1842601107\n",
];

impl Stage {
    /// A host that knows everybody, when this returns.
    fn synced(server: TestDirectory, cache: &str, sections: &str) -> Self {
        let sections = format!(
            "[access]\nallow = [\"*\"]\n[nss]\nenumerate = true\n\
             [cache]\nsync = \"all\"\n{cache}\n{sections}"
        );
        let stage = Self::on(server, Extra { directory: QUICK, sections: &sections });
        stage.wait_for_the_directory();
        stage.wait_for_everybody();
        stage
    }

    pub fn sync(&self) -> SyncStatus {
        match self.admin(&AdminRequest::Sync) {
            AdminReply::Sync(Some(status), _) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn wait_for_everybody(&self) {
        let start = Instant::now();
        while self.sync().phase != SyncPhase::Complete {
            let is_long = start.elapsed() > Duration::from_secs(120);
            assert!(!is_long, "{:?}\n{}", self.sync(), self.daemon.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn passwd(&self) -> BTreeMap<String, PasswdEntry> {
        let (mut all, mut cursor) = (BTreeMap::new(), None);
        loop {
            match self.nss(&NssRequest::Users(cursor)) {
                NssReply::Users(entries, next) => {
                    all.extend(entries.into_iter().map(|entry| (entry.name.clone(), entry)));
                    cursor = next;
                }
                other => panic!("{other:?}"),
            }
            if cursor.is_none() {
                return all;
            }
        }
    }

    fn groups(&self) -> BTreeMap<String, GroupEntry> {
        let (mut all, mut cursor) = (BTreeMap::new(), None);
        loop {
            match self.nss(&NssRequest::Groups(cursor)) {
                NssReply::Groups(entries, next) => {
                    all.extend(entries.into_iter().map(|entry| (entry.name.clone(), entry)));
                    cursor = next;
                }
                other => panic!("{other:?}"),
            }
            if cursor.is_none() {
                return all;
            }
        }
    }
}

/// The people whose groups are compared: all but the crowd.
fn is_told(name: &str) -> bool {
    let is_of_crowd = name.starts_with('u') && name[1..].parse::<u32>().is_ok_and(|n| n > 20);
    // AD does not show the groups of this one; who is in which group it does.
    !is_of_crowd && name != "notokens"
}

fn standard() -> TestDirectory {
    TestDirectory::corp_example().unwrap()
}

#[test]
fn somebody_looks_otherwise_than_when_asked_for() {
    for looks in LOOKS {
        let single = "[access]\nallow = [\"*\"]\n[nss]\nenumerate = true\n".to_owned() + looks;
        let single = Stage::new(Extra { directory: "", sections: &single });
        let (people, groups) = (single.passwd(), single.groups());
        // Few of them have ids of their own.
        let (some_people, some_groups) = if looks.contains("posix") { (2, 0) } else { (21, 6) };
        assert!(
            people.len() >= some_people && groups.len() >= some_groups,
            "{looks}: {} {}",
            people.len(),
            groups.len()
        );
        let gids: BTreeMap<&String, _> = people
            .keys()
            .filter(|name| is_told(name))
            .map(|name| (name, single.gids(name)))
            .collect();
        let stage = Stage::synced(standard(), "", looks);
        // Nothing that is said from here on can have been asked for.
        stage.go_offline();
        let (mut mirrored, mut alone) = (stage.passwd(), people.clone());
        if looks.contains("of_group") {
            // Who is in which group is seen from the groups' side, where `tokenGroups` is not shown.
            assert!(mirrored.remove("notokens").is_some() && alone.remove("notokens").is_none());
        }
        assert_eq!(mirrored, alone, "{looks}");
        assert_eq!(stage.groups(), groups, "{looks}");
        for (name, gids) in gids {
            assert_eq!(stage.user(name).as_ref(), people.get(name), "{looks}: {name}");
            assert_eq!(stage.gids(name), gids, "{looks}: {name}");
        }
        for (name, group) in &groups {
            assert_eq!(stage.group(name).as_ref(), Some(group), "{looks}: {name}");
            assert_eq!(stage.group_by_id(group.gid).as_ref(), Some(group), "{looks}: {name}");
        }
        if looks.contains("private") {
            let own = stage.group("alice").map(|group| (group.gid, group.members));
            assert_eq!(own, Some((people["alice"].uid, vec![])));
        }
    }
}

#[test]
fn a_change_does_not_come_into_the_copy() {
    std::thread::scope(|scope| {
        for rows in CHANGES.chunks(5) {
            scope.spawn(move || {
                for (what, edit, look, before, after) in rows {
                    let cache = "poll = \"1s\"\npositive = \"1h\"\nnegative = \"1h\"\n";
                    let base = "[users]\nbase = \"OU=People,DC=corp,DC=example\"\n";
                    let stage = Stage::synced(standard(), cache, base);
                    assert_eq!(look(&stage), *before, "{what}");
                    let seen = stage.freshness().changes;
                    stage.server.edit(*edit).unwrap();
                    let start = Instant::now();
                    stage.daemon.wait_for("the poll", || stage.freshness().changes > seen);
                    assert!(start.elapsed() < SOON * 2, "{what}: {:?}", start.elapsed());
                    // Who is not known is not "nobody" while no server answers.
                    if *after != "None" {
                        stage.go_offline();
                    }
                    assert_eq!(look(&stage), *after, "{what}");
                    assert_eq!(stage.sync().walks, 1, "{what}: everybody was read again");
                }
            });
        }
    });
}

const SWEPT: &str = "poll = \"1s\"\npositive = \"6s\"\n";

#[test]
fn who_is_gone_stays_in_the_copy_or_who_came_unseen_does_not_come_in() {
    let base = "[users]\nbase = \"OU=People,DC=corp,DC=example\"\n\
                condition = \"(!(memberOf=CN=linux-admins,OU=Groups,DC=corp,DC=example))\"\n";
    let stage = Stage::synced(standard(), SWEPT, base);
    let held = || (stage.status().counters.users, stage.status().counters.groups);
    let before = held();
    assert!(!stage.passwd().contains_key("bob") && stage.passwd().contains_key("alice"));
    stage.server.edit(|data| {
        data.delete("alice").unwrap();
        data.delete("engineers").unwrap();
        data.move_to("dave", "CN=Dave,OU=Groups,DC=corp,DC=example").unwrap();
        // Of bob's own object nothing changes, and he matches from now on.
        data.remove_from_group("bob", "linux-admins").unwrap();
    });
    let start = Instant::now();
    stage.daemon.wait_for("the sweep", || held() == (before.0 - 2 + 1, before.1 - 1));
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    assert_eq!((stage.user("alice"), stage.user("dave")), (None, None));
    assert_eq!(stage.group("engineers"), None);
    stage.go_offline();
    assert_eq!(stage.user("bob").map(|user| user.uid), Some(FIRST_ID + 1108));
    let users = stage.group("linux-users").unwrap().members;
    assert!(!users.contains(&"alice".to_owned()) && users.contains(&"bob".to_owned()), "{users:?}");
    // The way through the group that is gone is closed.
    assert!(!users.contains(&"erin".to_owned()), "{users:?}");
    let gids = stage.gids("erin").unwrap();
    assert!(!gids.contains(&(FIRST_ID + 1200)) && !gids.contains(&(FIRST_ID + 1202)), "{gids:?}");
}

fn reads_of_users(log: &[SearchSeen]) -> usize {
    let whole = |search: &&SearchSeen| search.attributes.iter().any(|name| name == "memberOf");
    log.iter().filter(whole).count()
}

#[test]
fn a_restart_reads_everybody_again_or_misses_what_changed_meanwhile() {
    let mut stage = Stage::synced(standard(), SWEPT, "");
    let (people, groups) = (stage.passwd(), stage.groups());
    stage.daemon.wait_for("the file", || stage.files.path("state/known/mirror").exists());
    for kill in [false, true] {
        if kill {
            stage.daemon.signal(rustix::process::Signal::KILL);
            stage.daemon.wait();
        } else {
            stage.daemon.terminate();
        }
        let (name, rid) = if kill { ("late2", 4712) } else { ("late1", 4711) };
        stage.server.edit(|data| {
            data.add_user(name, rid).unwrap();
            data.add_to_group(name, "engineers").unwrap();
        });
        stage.server.forget_searches();
        stage.start_next();
        assert_eq!(stage.sync().phase, SyncPhase::Complete, "it begins anew");
        stage.wait_for_the_directory();
        stage.daemon.wait_for("the sweep", || stage.sync().swept_s.is_some());
        let log = stage.server.search_log();
        // What has changed: a group, a user.
        assert!(reads_of_users(&log) <= 4, "{} of {log:#?}", reads_of_users(&log));
        assert_eq!(stage.sync().walks, 0);
        stage.go_offline();
        assert!(stage.gids(name).unwrap().contains(&(FIRST_ID + 1200)));
        assert_eq!(stage.passwd().len(), people.len() + if kill { 2 } else { 1 });
        assert_eq!(stage.groups().len(), groups.len());
        assert!(stage.group("linux-users").unwrap().members.contains(&name.to_owned()));
        stage.come_back();
    }
}

#[test]
fn another_copy_of_the_directory_is_taken_for_the_same() {
    let mut stage = Stage::synced(standard(), SWEPT, "");
    stage.daemon.wait_for("the file", || stage.files.path("state/known/mirror").exists());
    stage.daemon.terminate();
    stage.server.edit(|data| {
        data.set_attribute("alice", "displayName", &["Alice Ax"]).unwrap();
        data.set_host("dc2.corp.example", 5);
    });
    stage.start_next();
    stage.wait_for_the_directory();
    stage.daemon.wait_for("a walk", || stage.sync().walks == 1);
    stage.wait_for_everybody();
    stage.go_offline();
    assert_eq!(stage.user("alice").map(|user| user.gecos).as_deref(), Some("Alice Ax"));
}

#[test]
fn half_of_a_reading_passes_for_a_whole() {
    let sections = "[access]\nallow = [\"*\"]\n[nss]\nenumerate = true\n[cache]\nsync = \"all\"\n";
    let stage = Stage::on(standard(), Extra { directory: QUICK, sections });
    // The crowd is several pages: the connection is lost again and again in their midst.
    for _ in 0..4 {
        stage.daemon.wait_for("users", || stage.status().counters.users > 100);
        stage.server.drop_connections();
        std::thread::sleep(Duration::from_millis(30));
    }
    let status = stage.sync();
    assert!(status.phase != SyncPhase::Complete || status.users > 3000, "{status:?}");
    stage.wait_for_everybody();
    assert!(stage.sync().users > 3000 && stage.passwd().len() > 3000, "{:?}", stage.sync());
}

#[test]
fn a_copy_whose_accounts_are_damaged_is_believed() {
    let mut stage = Stage::synced(standard(), SWEPT, "");
    stage.daemon.wait_for("the file", || stage.files.path("state/known/mirror").exists());
    stage.daemon.terminate();
    let path = stage.files.path("state/known/accounts");
    let mut file = std::fs::read(&path).unwrap();
    let middle = file.len() / 2;
    file[middle] ^= 1;
    std::fs::write(&path, file).unwrap();
    stage.start_next();
    stage.wait_for_the_directory();
    stage.daemon.wait_for("a walk", || stage.sync().walks >= 1);
    stage.wait_for_everybody();
    assert!(stage.passwd().len() > 3000);
}

#[test]
fn a_login_goes_by_groups_that_ad_has_not_told() {
    let Some(login) =
        Stage::for_logins(Extra { directory: "", sections: "[access]\nallow = [\"*\"]\n" })
    else {
        return;
    };
    drop(login);
    let stage = Stage::synced(standard(), "", "");
    // Of bob AD has told; of alice only who is in which group.
    assert_eq!(stage.account("bob", "sshd").verdict, Verdict::Granted);
    stage.go_offline();
    assert!(stage.gids("alice").is_some() && stage.gids("bob").is_some());
    assert_eq!(stage.account("alice", "sshd").verdict, Verdict::Unavailable);
    assert_eq!(stage.account("bob", "sshd").verdict, Verdict::Granted);
}

#[test]
fn a_reload_reads_everybody_again() {
    let stage = Stage::synced(standard(), "poll = \"1s\"\n", "");
    stage.reload();
    stage.daemon.wait_for("a poll", || stage.freshness().polls > 1);
    let sync = stage.sync();
    assert_eq!((sync.walks, sync.phase), (1, SyncPhase::Complete));
    stage.server.edit(|data| data.add_user("newcomer", 4711)).unwrap();
    stage.daemon.wait_for("the change", || stage.freshness().changes > 0);
    stage.go_offline();
    assert!(stage.user("newcomer").is_some());
}

#[test]
fn everybody_is_asked_for_at_once() {
    let stage = Stage::on(
        standard(),
        Extra { directory: "", sections: "[access]\nallow = [\"*\"]\n[cache]\nsync = \"all\"\n" },
    );
    stage.server.fault_on(On::SearchesBelowRoot, Fault::Delay(100));
    stage.wait_for_everybody();
    let log = stage.server.search_log();
    // 3,100 users in pages of 500 and of 1,000, groups in one; nobody alone.
    assert!(log.len() < 60, "{} searches", log.len());
    let tokens = |search: &&SearchSeen| search.attributes.iter().any(|name| name == "tokenGroups");
    assert_eq!(log.iter().filter(tokens).count(), 0);
}

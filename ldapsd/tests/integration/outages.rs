//! The directory is away: what is known is served on, what is not is "unavailable", at once.

use std::time::{Duration, Instant};

use ldaps_core::protocol::messages::{NssReply, NssRequest, Verdict};
use test_directory::{Fault, TestDirectory, USER_PASSWORD};

use crate::asking::AT_ONCE;
use crate::daemon::Daemon;
use crate::stage::{Extra, Files, Stage};

/// Everybody may log in, nothing stays fresh, and one operation may take 300 ms.
const IMPATIENT: Extra<'static> = Extra {
    directory: "connect_timeout = \"300ms\"\noperation_timeout = \"300ms\"\n",
    sections: "[access]\nallow = [\"@linux-users\"]\n[cache]\npositive = \"50ms\"\nnegative = \"50ms\"\n",
};

#[test]
fn an_entry_is_lost_with_the_directory_or_nobody_becomes_unavailable_too_late() {
    let stage = Stage::new(IMPATIENT);
    let (alice, group) = (stage.user("alice").unwrap(), stage.group("engineers").unwrap());
    let gids = stage.gids("alice").unwrap();
    assert_eq!(stage.user("zz-nobody"), None);
    stage.server.fault(Fault::Silence);
    std::thread::sleep(Duration::from_millis(100));

    let start = Instant::now();
    assert_eq!(stage.user("alice"), Some(alice.clone()));
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    for _ in 0..3 {
        let start = Instant::now();
        assert_eq!(stage.user_by_id(alice.uid), Some(alice.clone()));
        assert_eq!(stage.group("engineers"), Some(group.clone()));
        assert_eq!(stage.group_by_id(group.gid), Some(group.clone()));
        assert_eq!(stage.gids("alice"), Some(gids.clone()));
        for unknown in ["zz-nobody", "bob"] {
            let reply = stage.nss(&NssRequest::UserByName(unknown.into()));
            assert_eq!(reply, NssReply::Unavailable, "{unknown}");
        }
        assert_eq!(stage.nss(&NssRequest::GroupsOf("bob".into())), NssReply::Unavailable);
        assert_eq!(stage.nss(&NssRequest::GroupByName("empty".into())), NssReply::Unavailable);
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    }
    stage.server.fault(Fault::None);
    stage.daemon.wait_for("bob", || {
        matches!(stage.nss(&NssRequest::UserByName("bob".into())), NssReply::User(_))
    });
}

#[test]
fn a_login_is_decided_without_the_directory_although_nothing_is_known() {
    let Some(stage) = Stage::for_logins(IMPATIENT) else { return };
    let (alice, bob) = (stage.user("alice").unwrap().uid, stage.user("bob").unwrap().uid);
    let (carol, disabled) = (stage.user("carol").unwrap().uid, stage.user("disabled").unwrap().uid);
    assert_eq!(stage.account("alice", "sshd").verdict, Verdict::Granted);
    stage.account("carol", "sshd");
    stage.account("disabled", "sshd");
    stage.server.fault(Fault::Silence);

    // With a key, by what AD said earlier; the line says so.
    let answer = stage.account_as("alice", alice, "sshd");
    assert_eq!(answer.verdict, Verdict::Granted, "{answer:?}");
    assert!(answer.line.contains("by what AD said earlier"), "{answer:?}");
    let answer = stage.account_as("carol", carol, "sshd");
    assert!(matches!(answer.verdict, Verdict::Refused(_)), "{answer:?}");
    let answer = stage.account_as("disabled", disabled, "sshd");
    assert!(matches!(answer.verdict, Verdict::Refused(_)), "{answer:?}");
    // Bob was looked up, but not his groups: nobody knows what the rules say of him.
    let answer = stage.account_as("bob", bob, "sshd");
    assert_eq!(answer.verdict, Verdict::Unavailable, "{answer:?}");
    assert!(answer.line.contains("did not answer"), "{answer:?}");
    // A password needs AD.
    let start = Instant::now();
    let answer = stage.auth_as("alice", alice, "sshd", USER_PASSWORD.as_bytes());
    assert_eq!(answer.verdict, Verdict::Unavailable, "{answer:?}");
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    assert_eq!(stage.server.binds("alice"), 0);
}

#[test]
fn a_daemon_started_without_the_directory_says_not_found_or_never_recovers() {
    let server = TestDirectory::corp_example().unwrap();
    server.fault(Fault::Silence);
    let stage = Stage::on(server, IMPATIENT);
    for _ in 0..2 {
        let reply = stage.nss(&NssRequest::UserByName("alice".into()));
        assert_eq!(reply, NssReply::Unavailable);
    }
    let status = stage.status();
    assert_eq!(status.domain, None);
    assert!(status.last_error.unwrap().0.contains("did not answer"));
    stage.server.fault(Fault::None);
    stage.wait_for_the_directory();
    assert!(stage.user("alice").is_some());
}

#[test]
fn a_refused_service_account_is_locked_out_by_the_look_ups() {
    let server = TestDirectory::corp_example().unwrap();
    server.edit(|data| data.set_password("svc-linux", "Changed.Pass.2")).unwrap();
    let stage = Stage::on(server, IMPATIENT);
    for _ in 0..20 {
        let reply = stage.nss(&NssRequest::UserByName("alice".into()));
        assert_eq!(reply, NssReply::Unavailable);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(stage.server.binds("svc-linux"), 1);
    let log = stage.daemon.log();
    let told = log.lines().filter(|line| line.contains("ERROR") && line.contains("refused the"));
    assert_eq!(told.count(), 1, "{log}");
    assert!(log.contains("Correct `bind_dn` or the file that `bind_secret` names"), "{log}");
    // The administrator corrects the file and says so.
    stage.files.write("secret", "Changed.Pass.2");
    stage.reload();
    assert!(stage.user("alice").is_some());
    assert!(!stage.daemon.log().contains("Changed.Pass.2"));
}

#[test]
fn the_journal_is_filled_by_two_servers_that_fail_in_turn() {
    let mut server = TestDirectory::corp_example().unwrap();
    let files = Files::new();
    files.write("secret", "x");
    files.write("ca.pem", std::str::from_utf8(&server.ca_pem().unwrap()).unwrap());
    let one = files.toml(&server, IMPATIENT);
    let port = server.port();
    let (first, second) = (format!("dc1.corp.example:{port}"), "dc2.corp.example:1");
    let two = one
        .replace(
            &format!("{:?}]", server.url()),
            &format!("{:?}, \"ldaps://{second}\"]", server.url()),
        )
        .replace(
            "[directory.address]\n",
            "[directory.address]\n\"dc2.corp.example\" = \"127.0.0.1\"\n",
        );
    files.write("ldaps.toml", &two);
    server.stop();
    let daemon = Daemon::start(&files);
    daemon.wait_until_it_answers();
    // Tries after 0, 0.5, 1.5 and 3.5 s.
    std::thread::sleep(Duration::from_millis(2_500));
    let log = daemon.log();
    for name in [first.as_str(), second] {
        let told = log.lines().filter(|line| line.contains("ERROR") && line.contains(name));
        assert_eq!(told.count(), 1, "{name}: {log}");
    }
}

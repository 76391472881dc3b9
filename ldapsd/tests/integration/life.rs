//! Starting, reloading, ending, hanging: what the daemon and those who ask it see of each other.

use std::time::{Duration, Instant};

use ldaps_core::ctl::{Ctl, State};
use ldaps_core::protocol::client::AskError;
use ldaps_core::protocol::messages::{NssReply, NssRequest, Verdict};
use ldaps_core::protocol::tools::NOT_RELOADED;
use ldaps_core::refusal::Refusal;
use rustix::process::Signal;
use test_directory::Fault;

use crate::asking::{self, AT_ONCE, FIRST_ID};
use crate::daemon::Daemon;
use crate::stage::{EVERYBODY, Extra, Files, Stage};

/// EX_CONFIG of sysexits.h.
const EXIT_CONFIG: i32 = 78;

fn alice() -> NssRequest {
    NssRequest::UserByName("alice".into())
}

#[test]
fn a_reload_changes_nothing_or_too_much() {
    let only = |who| format!("[access]\nallow = [\"{who}\"]\n");
    let (bob, alice) = (only("bob"), only("alice"));
    let extra = Extra { sections: &bob, ..Extra::default() };
    let Some(stage) = Stage::for_logins(extra) else { return };
    let decided = || stage.account("alice", "sshd").verdict;
    assert_eq!(decided(), Verdict::Refused(Refusal::NotAllowed));

    let good = stage.files.toml(&stage.server, Extra { sections: &alice, ..Extra::default() });
    stage.files.write("ldaps.toml", &good);
    assert_eq!(decided(), Verdict::Refused(Refusal::NotAllowed), "in force without a reload");
    stage.reload();
    assert_eq!(decided(), Verdict::Granted);

    // The mistake, and where the log says it is.
    let lines = good.lines().count();
    for (bad, place) in [
        (format!("{good}[acess]\nallow = [\"*\"]\n"), format!(":{}:", lines + 1)),
        (format!("{good}allow = \n"), format!(":{}:", lines + 1)),
        (good.replace("secret\"", "no-such-secret\""), ":4:".to_owned()),
        ("\u{feff}?".to_owned(), ":1:".to_owned()),
    ] {
        stage.files.write("ldaps.toml", &bad);
        let kept = "the one from before stays in force";
        let before = stage.daemon.log();
        stage.daemon.signal(Signal::HUP);
        let log = || stage.daemon.log()[before.len()..].to_owned();
        stage.daemon.wait_for("complaint", || log().contains(kept));
        let file = stage.files.path("ldaps.toml");
        let place = format!("{}{place}", file.display());
        assert!(log().contains(&place), "{} should name {place}", log());
        assert!(log().contains("Remedy"), "{}", log());
        let told = stage.status().warnings.join("\n");
        assert!(told.starts_with(NOT_RELOADED) && told.contains(&place), "{told}");
        assert_eq!(decided(), Verdict::Granted);
    }
    stage.files.write("ldaps.toml", &good);
    stage.reload();
    assert!(!stage.status().warnings.iter().any(|it| it.contains(NOT_RELOADED)), "told for ever");
}

#[test]
fn a_reload_forgets_everybody_while_no_server_answers() {
    let stage = Stage::new(EVERYBODY);
    assert!(matches!(stage.nss(&alice()), NssReply::User(_)));
    stage.server.fault(Fault::Silence);
    stage.reload_unready();
    assert!(matches!(stage.nss(&alice()), NssReply::User(_)), "with the same people");

    let other = Extra {
        sections: "[users]\nhome = \"/people/%u\"\n[access]\nallow = [\"*\"]\n",
        ..Extra::default()
    };
    stage.files.write("ldaps.toml", &stage.files.toml(&stage.server, other));
    stage.reload_unready();
    assert_eq!(stage.nss(&alice()), NssReply::Unavailable, "with other entries for them");
}

#[test]
fn a_bad_configuration_is_started_with_or_not_explained() {
    for (what, content, words) in [
        ("none", None, "this host is not configured"),
        ("bad", Some("[directory]\nuri = 5\n"), "ldaps.toml:2:7"),
    ] {
        let files = Files::new();
        if let Some(content) = content {
            files.write("ldaps.toml", content);
        }
        let mut daemon = Daemon::start(&files);
        assert_eq!(daemon.wait().code(), Some(EXIT_CONFIG), "{what}");
        assert!(daemon.log().contains(words), "{what}: {}", daemon.log());
        assert!(daemon.log().lines().all(|line| line.contains("ERROR")), "{}", daemon.log());
    }
}

#[test]
fn the_end_of_the_daemon_is_waited_for_longer_than_two_seconds() {
    let mut stage = Stage::new(EVERYBODY);
    let run_dir = stage.run_dir();
    assert_eq!(Ctl::read(&run_dir).unwrap().state, State::Running);
    assert!(stage.daemon.terminate().success());
    assert_eq!(Ctl::read(&run_dir).unwrap().state, State::Restarting);
    let start = Instant::now();
    let error = stage.try_nss(&alice()).unwrap_err();
    assert!(matches!(error, AskError::Connect(_)), "{error:?}");
    let waited = start.elapsed();
    assert!(
        (Duration::from_millis(300)..Duration::from_millis(2400)).contains(&waited),
        "{waited:?}"
    );
    // It has not come back: nobody waits any more.
    let start = Instant::now();
    let error = stage.try_nss(&alice()).unwrap_err();
    assert!(matches!(error, AskError::NotRunning), "{error:?}");
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
}

#[test]
fn somebody_is_refused_while_the_daemon_restarts() {
    let mut stage = Stage::new(EVERYBODY);
    let run_dir = stage.run_dir();
    assert!(stage.daemon.terminate().success());
    let reply = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| asking::nss(&run_dir, &alice()));
        std::thread::sleep(Duration::from_millis(200));
        stage.daemon = Daemon::start(&stage.files);
        waiting.join().unwrap()
    });
    assert!(matches!(reply, Ok(NssReply::User(_))), "{reply:?}");
    assert_eq!(Ctl::read(&run_dir).unwrap().state, State::Running);
}

#[test]
fn a_daemon_that_was_killed_cannot_be_started_again() {
    let mut stage = Stage::new(EVERYBODY);
    stage.daemon.signal(Signal::KILL);
    stage.daemon.wait();
    let start = Instant::now();
    assert!(stage.try_nss(&alice()).is_err());
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    stage.daemon = Daemon::start(&stage.files);
    stage.daemon.wait_for("an answer", || matches!(stage.try_nss(&alice()), Ok(NssReply::User(_))));
}

#[test]
fn a_hanging_daemon_is_waited_for() {
    let stage = Stage::new(EVERYBODY);
    stage.daemon.signal(Signal::STOP);
    // The heartbeat is a second apart, and stale after three.
    std::thread::sleep(Duration::from_millis(3_200));
    let start = Instant::now();
    let error = stage.try_nss(&alice()).unwrap_err();
    assert!(matches!(error, AskError::NotRunning), "{error:?}");
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    stage.daemon.signal(Signal::CONT);
    stage.daemon.wait_for("an answer", || matches!(stage.try_nss(&alice()), Ok(NssReply::User(_))));
}

#[test]
fn the_page_tells_other_ids_than_the_domains() {
    let stage = Stage::new(EVERYBODY);
    stage.daemon.wait_for("the ranges", || {
        // Until the domain is known, every id could be the directory's.
        !Ctl::read(&stage.run_dir()).unwrap().holds_id(200_000)
    });
    let ctl = Ctl::read(&stage.run_dir()).unwrap();
    for (id, ours) in [
        (0, false),
        (1000, false),
        (65_534, false),
        (FIRST_ID - 1, false),
        (FIRST_ID + 1107, true),
        (1_543_600_005, true),
        (u32::MAX, false),
    ] {
        assert_eq!(ctl.holds_id(id), ours, "{id}");
    }
}

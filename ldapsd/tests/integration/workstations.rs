//! "Log On To" in the account phase, where the configuration wants it obeyed.

use ldaps_core::protocol::admin::{AdminReply, AdminRequest, Speaks};
use ldaps_core::protocol::messages::Verdict::{self, *};
use ldaps_core::refusal::Refusal::Workstation;
use rustix::process::geteuid;
use test_directory::Fault;

use crate::stage::{Extra, Stage};

const EVERYBODY: &str = "[access]\nallow = [\"*\"]\n";
const IMPATIENT: &str = "connect_timeout = \"300ms\"\noperation_timeout = \"300ms\"\n";

fn stage(pam: &str) -> Option<Stage> {
    let sections = format!("{EVERYBODY}[pam]\n{pam}");
    // [pam.callers], where there is one, stands before it.
    let stage = Stage::for_logins(Extra { directory: IMPATIENT, sections: &sections })?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let short = host.split('.').next().unwrap().to_uppercase();
    stage
        .server
        .edit(|data| {
            data.set_attribute("alice", "userWorkstations", &[&format!("PC-ONE,{short}")])?;
            data.set_attribute("carol", "userWorkstations", &["LNX-7"])
        })
        .unwrap();
    Some(stage)
}

/// Whom a configuration lets in: bob without a list, alice with this host on it, carol with LNX-7,
/// wrongstation with two others.
const TABLE: &[(&str, [Verdict; 4])] = &[
    ("", [Granted, Granted, Granted, Granted]),
    ("workstations = \"ignore\"\n", [Granted, Granted, Granted, Granted]),
    (
        "workstations = \"enforce\"\n",
        [Granted, Granted, Refused(Workstation), Refused(Workstation)],
    ),
    (
        "workstations = \"enforce\"\nworkstation_name = \"lnx-7\"\n",
        [Granted, Refused(Workstation), Granted, Refused(Workstation)],
    ),
];
const PEOPLE: [&str; 4] = ["bob", "alice", "carol", "wrongstation"];

#[test]
fn log_on_to_is_obeyed_where_it_is_not_wanted_or_ignored_where_it_is() {
    for (pam, verdicts) in TABLE {
        let Some(stage) = stage(pam) else { return };
        for (user, verdict) in PEOPLE.iter().zip(verdicts) {
            for service in ["sshd", "systemd-user"] {
                let answer = stage.account(user, service);
                assert_eq!(answer.verdict, *verdict, "{pam:?} {user}: {}", answer.line);
            }
            assert_eq!(stage.account_after_auth(user, "sshd").verdict, *verdict, "{pam:?} {user}");
        }
    }
}

#[test]
fn the_journal_or_the_administrator_is_not_told_of_the_list() {
    let Some(stage) = stage("workstations = \"enforce\"\n") else { return };
    let line = stage.account("wrongstation", "sshd").line;
    assert!(
        line.contains("\"Log On To\" list names PC-ONE, PC-TWO, and not this host ("),
        "{line}"
    );
    assert!(stage.account("alice", "sshd").line.contains("list names this host"));
    stage
        .server
        .edit(|data| {
            for attribute in ["badPwdCount", "badPasswordTime", "logonHours", "userWorkstations"] {
                data.withhold("dave", attribute)?;
            }
            Ok::<_, test_directory::Error>(())
        })
        .unwrap();
    let unseen = stage.account("dave", "sshd");
    assert_eq!(unseen.verdict, Granted);
    assert!(unseen.line.contains("neither a \"Log On To\" list nor"), "{}", unseen.line);
    if !geteuid().is_root() {
        return;
    }
    for (name, speaks, words) in [
        ("wrongstation", Speaks::Against, "and not this host"),
        ("alice", Speaks::For, "names this host"),
        ("bob", Speaks::For, "may log on to every computer"),
        ("dave", Speaks::Neither, "may lack that right"),
    ] {
        let (name, service) = (name.to_owned(), "sshd".to_owned());
        let AdminReply::Why(report) = stage.admin(&AdminRequest::Why { name, service }) else {
            panic!("no answer")
        };
        let shown = report.steps.iter().any(|step| {
            step.about == "account" && step.speaks == speaks && step.text.contains(words)
        });
        assert!(shown, "{words:?} in {:?}", report.steps);
    }
}

#[test]
fn without_a_server_the_list_is_forgotten() {
    let Some(stage) = stage("workstations = \"enforce\"\n") else { return };
    let uids = PEOPLE.map(|name| (name, stage.user(name).unwrap().uid));
    for (name, _) in uids {
        stage.account(name, "sshd");
    }
    stage.server.fault(Fault::Silence);
    for ((name, uid), verdict) in uids.iter().zip(&TABLE[2].1) {
        let answer = stage.account_as(name, *uid, "sshd");
        assert_eq!(answer.verdict, *verdict, "{name}: {}", answer.line);
        assert!(answer.line.contains("by what AD said earlier"), "{}", answer.line);
    }
}

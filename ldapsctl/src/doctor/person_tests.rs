use super::*;
use ldaps_core::protocol::admin::{FoundAs, WhyStep};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

fn doctor(root: &Path) -> Doctor {
    Doctor {
        json: false,
        user: None,
        fix: false,
        yes: false,
        config: PathBuf::new(),
        ldap_conf: PathBuf::new(),
        root: root.to_owned(),
        run_dir: Some(root.join("none")),
    }
}

fn alice(uid: u32, shell: &str) -> PasswdEntry {
    PasswdEntry {
        name: "alice".to_owned(),
        uid,
        gid: uid,
        gecos: String::new(),
        home: "/home/alice".to_owned(),
        shell: shell.to_owned(),
    }
}

fn found(uid: u32, shell: &str) -> Vec<&'static str> {
    let root = tempfile::tempdir().unwrap();
    for dir in ["home/alice", "bin"] {
        fs::create_dir_all(root.path().join(dir)).unwrap();
    }
    let bash = root.path().join("bin/bash");
    fs::write(&bash, "").unwrap();
    fs::set_permissions(&bash, fs::Permissions::from_mode(0o755)).unwrap();
    let mut report = Report::default();
    at_home(&doctor(root.path()), &alice(uid, shell), &mut report);
    report.bad()
}

fn decided(user: &str, verdict: Verdict) -> Decided {
    let request = "7hq2m4xa".parse().unwrap();
    let (phase, why) = ("auth".to_owned(), "wrong password (AD: data 52e)".to_owned());
    let (user, service) = (user.to_owned(), "sshd".to_owned());
    let (number, at_ms, took_us, pid, dc) = (1, 0, 0, None, None);
    let (steps, line) = (Vec::new(), String::new());
    Decided {
        number,
        request,
        at_ms,
        phase,
        user,
        service,
        pid,
        verdict,
        why,
        dc,
        took_us,
        steps,
        line,
    }
}

#[test]
fn a_password_of_the_persons_is_taken_for_the_service_accounts() {
    let wrong = Verdict::Refused(Refusal::WrongPassword);
    for (tries, found) in [
        (vec![], vec![]),
        (vec![("alice", Verdict::Granted)], vec![]),
        (vec![("alice", Verdict::Granted), ("Alice", wrong)], vec!["wrong-password"]),
        (vec![("alice", wrong), ("alice", Verdict::Granted)], vec![]),
        (vec![("alice", wrong), ("bob", wrong), ("alice", Verdict::Granted)], vec![]),
        (vec![("bob", wrong)], vec![]),
        (vec![("alice", Verdict::Unavailable)], vec!["last-refused"]),
    ] {
        let decided: Vec<_> = tries.iter().map(|(user, verdict)| decided(user, *verdict)).collect();
        let mut report = Report::default();
        last_tried("alice", &decided, &mut report);
        assert_eq!(report.bad(), found, "{tries:?}");
    }
}

#[test]
fn a_home_of_another_or_a_shell_that_is_not_there_is_not_seen() {
    let own = fs::metadata("/proc/self").unwrap().uid();
    assert_eq!(found(own, "/bin/bash"), [""; 0]);
    assert_eq!(found(own + 1, "/bin/bash"), ["home-owner"]);
    assert_eq!(found(own, "/bin/zsh"), ["shell"]);
}

/// What `why` says against a login, about what, and whether this host shows the person.
const AGAINST: &[(&[(&str, &str)], bool, &[&str])] = &[
    (&[], true, &[]),
    (&[("account", "disabled")], true, &["against"]),
    (&[("rules", "no access rule allows the user for sshd")], true, &["against"]),
    (&[("account", "disabled"), ("rules", "denied")], true, &["against", "against"]),
    (
        &[("this host", "a user of this host has that name, who goes before")],
        false,
        &["against", "unknown"],
    ),
    (&[], false, &["unknown"]),
];

#[test]
fn what_keeps_one_person_out_is_not_told() {
    let root = tempfile::tempdir().unwrap();
    let own = fs::metadata("/proc/self").unwrap().uid();
    for (steps, is_shown, expected) in AGAINST {
        let step = |speaks, (about, text): (&str, &str)| WhyStep {
            about: about.to_owned(),
            speaks,
            text: text.to_owned(),
        };
        let fine = [Speaks::For, Speaks::Neither].map(|speaks| step(speaks, ("name", "is one")));
        let against = steps.iter().map(|it| step(Speaks::Against, *it));
        let found = is_shown.then(|| FoundAs {
            form: "a short name".to_owned(),
            attribute: None,
            dn: "CN=Alice,DC=corp,DC=example".to_owned(),
            sid: "S-1-5-21-1-2-3-1107".to_owned(),
            entry: alice(own, "/bin/bash"),
        });
        let why = WhyReport {
            name: "alice".to_owned(),
            service: SERVICE.to_owned(),
            found,
            steps: fine.into_iter().chain(against).collect(),
            answers: None,
        };
        fs::create_dir_all(root.path().join("bin/bash")).unwrap();
        let mut report = Report::default();
        super::decided(&doctor(root.path()), &why, &mut report);
        assert_eq!(report.bad(), *expected, "{steps:?} {is_shown}");
    }
}

#[test]
fn another_source_of_a_name_or_none_is_not_seen() {
    for (line, expected) in [
        ("alice:*:5001:5001::/home/alice:/bin/bash", &[][..]),
        ("", &["not-in-glibc"]),
        ("alice:x:1000:1000::/home/alice:/bin/bash", &["another-source"]),
        ("no line of passwd", &["not-in-glibc"]),
    ] {
        let mut report = Report::default();
        same_in_glibc(&alice(5001, "/bin/bash"), line, &mut report);
        assert_eq!(report.bad(), expected, "{line}");
    }
}

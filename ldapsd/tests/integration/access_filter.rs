//! The LDAP filters of the access rules: who matches gets in, if the lists let them; what AD said
//! of it holds only while AD cannot be asked.

use ldaps_core::protocol::admin::{AdminReply, AdminRequest, Speaks};
use ldaps_core::protocol::messages::Verdict::{self, *};
use ldaps_core::refusal::Refusal::NotAllowed;
use rustix::process::geteuid;
use test_directory::{Fault, On, USER_PASSWORD};

use crate::stage::{Extra, Stage, skip};

const RULES: Extra<'static> = Extra {
    directory: "connect_timeout = \"300ms\"\noperation_timeout = \"300ms\"\n",
    sections: "[access]\nallow = [\"*\"]\ndeny = [\"grace\"]\nfilter = \"(department=IT)\"\n\
               [access.sudo]\nfilter = \"(title=admin)\"\n\
               [access.cron]\ndeny = [\"bob\"]\n",
};
const RIGHT: &[u8] = USER_PASSWORD.as_bytes();
const IN: Verdict = Granted;
const OUT: Verdict = Refused(NotAllowed);

/// A stage where some are in IT, one of them is an admin, and one's department cannot be read.
fn stage() -> Option<Stage> {
    stage_with(RULES)
}

fn stage_with(extra: Extra<'_>) -> Option<Stage> {
    let stage = Stage::for_logins(extra)?;
    let set = stage.server.edit(|data| {
        for name in ["alice", "bob", "grace", "frank"] {
            data.set_attribute(name, "department", &["IT"])?;
        }
        data.set_attribute("carol", "department", &["Sales"])?;
        data.set_attribute("bob", "title", &["admin"])?;
        data.set_attribute("carol", "title", &["admin"])?;
        data.withhold("frank", "department")
    });
    set.unwrap();
    Some(stage)
}

/// User, service, whether they get in, words of the journal.
const TABLE: &[(&str, &str, Verdict, &str)] = &[
    ("alice", "sshd", IN, "allowed by \"*\", and matches (department=IT)"),
    (
        "carol",
        "sshd",
        OUT,
        "does not match the filter (department=IT) of the access rules for sshd",
    ),
    ("erin", "sshd", OUT, "does not match the filter (department=IT)"),
    // What may not be read does not match.
    ("frank", "sshd", OUT, "does not match the filter (department=IT)"),
    // A denial holds whatever the filter says.
    ("grace", "sshd", OUT, "deny \"grace\""),
    ("bob", "cron", OUT, "deny \"bob\""),
    ("alice", "cron", IN, "matches (department=IT)"),
    // A service's filter is added to the general one.
    ("bob", "sudo", IN, "matches (&(department=IT)(title=admin))"),
    ("bob", "sudo-i", IN, "matches (&(department=IT)(title=admin))"),
    ("alice", "sudo", OUT, "does not match the filter (&(department=IT)(title=admin))"),
    ("carol", "sudo", OUT, "does not match the filter (&(department=IT)(title=admin))"),
    ("carol", "systemd-user", IN, "follows the account's state"),
];

#[test]
fn a_filter_lets_in_whom_it_does_not_match_or_costs_them_a_bind() {
    let Some(stage) = stage() else { return };
    for (user, service, verdict, words) in TABLE {
        let row = format!("{user} {service}");
        let account = stage.account(user, service);
        assert_eq!(account.verdict, *verdict, "{row}: {}", account.line);
        assert!(account.line.contains(words), "{row}: {:?} should say {words:?}", account.line);
        let before = stage.server.binds(user);
        let auth = stage.auth(user, service, RIGHT);
        assert_eq!(auth.verdict, *verdict, "{row}: {}", auth.line);
        assert_eq!(stage.server.binds(user) - before, u64::from(*verdict == IN), "{row}: binds");
    }
    // One search of the account's own object.
    stage.server.forget_searches();
    stage.account("alice", "sshd");
    let log = stage.server.search_log();
    let filtered: Vec<_> = log.iter().filter(|s| s.filter.contains("department")).collect();
    let [search] = filtered.as_slice() else { panic!("{log:?}") };
    assert_eq!((search.scope, search.filter.as_str()), (0, "(department=IT)"));
    assert!(search.base.starts_with("CN=Alice"), "{search:?}");
}

#[test]
fn a_change_of_what_the_filter_looks_at_is_not_seen_at_once() {
    let Some(stage) = stage() else { return };
    assert_eq!(stage.account("alice", "sshd").verdict, IN);
    stage.server.edit(|data| data.set_attribute("alice", "department", &["Sales"])).unwrap();
    assert_eq!(stage.account("alice", "sshd").verdict, OUT);
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, OUT);
    stage.server.edit(|data| data.set_attribute("alice", "department", &["IT"])).unwrap();
    assert_eq!(stage.account("alice", "sshd").verdict, IN);
}

#[test]
fn without_a_server_who_was_never_asked_about_is_taken_to_match() {
    let Some(stage) = stage() else { return };
    let uid = |name: &str| stage.user(name).unwrap().uid;
    let (alice, bob, carol) = (uid("alice"), uid("bob"), uid("carol"));
    stage.account("alice", "sshd");
    stage.account("carol", "sshd");
    // All that is known of bob but whether he matches.
    assert_eq!(stage.account("bob", "systemd-user").verdict, IN);
    stage.server.fault(Fault::Silence);
    for (name, uid, service, verdict, words) in [
        ("alice", alice, "sshd", IN, "matches (department=IT), as AD said earlier"),
        (
            "carol",
            carol,
            "sshd",
            OUT,
            "(department=IT) of the access rules for sshd, as AD said earlier",
        ),
        ("bob", bob, "sshd", Unavailable, "did not answer"),
        // Another filter than the one that she is known to match.
        ("alice", alice, "sudo", Unavailable, "did not answer"),
    ] {
        let answer = stage.account_as(name, uid, service);
        assert_eq!(answer.verdict, verdict, "{name} {service}: {}", answer.line);
        assert!(answer.line.contains(words), "{:?} should say {words:?}", answer.line);
    }
    // Nor does what is known of one filter hold for the next configuration's.
    let other = RULES.sections.replace("department=IT", "department=HR");
    let toml = stage.files.toml(&stage.server, Extra { sections: &other, ..RULES });
    stage.files.write("ldaps.toml", &toml);
    stage.reload_unready();
    assert_eq!(stage.account_as("alice", alice, "sshd").verdict, Unavailable);
}

#[test]
fn a_password_is_sent_on_the_strength_of_what_ad_said_of_the_filter_earlier() {
    let Some(stage) = stage() else { return };
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, IN);
    let (uid, binds) = (stage.user("alice").unwrap().uid, stage.server.binds("alice"));
    // Nobody's groups are asked for here: this is the filter's search alone. The server is well
    // and answers others meanwhile, so a bind would come through.
    stage.server.fault_times(On::Objects, Fault::Delay(3_000), 1);
    let answer = std::thread::scope(|scope| {
        let login = scope.spawn(|| stage.auth_as("alice", uid, "sshd", RIGHT));
        for number in 1..=3_000 {
            if login.is_finished() {
                break;
            }
            assert!(stage.user(&format!("u{number:04}")).is_some());
        }
        login.join().unwrap()
    });
    assert_eq!(answer.verdict, Unavailable, "{}", answer.line);
    assert_eq!(stage.server.binds("alice"), binds);
}

#[test]
fn the_administrator_is_not_shown_what_the_filter_says() {
    if !geteuid().is_root() {
        return skip("only root may ask why about others");
    }
    let Some(stage) = stage() else { return };
    for (user, service, verdict, _) in TABLE {
        let (name, service) = ((*user).to_owned(), (*service).to_owned());
        let row = format!("{name} {service}");
        let AdminReply::Why(report) = stage.admin(&AdminRequest::Why { name, service }) else {
            panic!("{row}")
        };
        let answers = report.answers.unwrap();
        assert_eq!(answers.auth.verdict, *verdict, "{row}");
        assert_eq!(answers.account_without_password.verdict, *verdict, "{row}");
        let about_filter = report.steps.iter().find(|step| step.text.starts_with("filter \""));
        let Some(step) = about_filter else {
            assert_eq!(report.service, "systemd-user", "{row}: {:?}", report.steps);
            continue;
        };
        // grace and bob are denied by name, and match.
        let matches = step.text.ends_with(": matches");
        assert_eq!(step.speaks == Speaks::For, matches, "{row}: {step:?}");
        assert_eq!(matches, *verdict == IN || matches!(*user, "grace" | "bob"), "{row}: {step:?}");
    }
    let access = |user: &str| match stage.admin(&AdminRequest::User(user.to_owned())) {
        AdminReply::User(report) => {
            report.access.into_iter().filter_map(|(s, yes)| yes.then_some(s)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(access("alice"), ["cron", "any other"]);
    assert_eq!(access("bob"), ["sudo", "any other"]);
    assert_eq!(access("carol"), [""; 0]);
}

#[test]
fn an_offline_login_goes_by_no_filter_or_by_a_forgotten_one() {
    let sections = format!("[pam]\noffline_days = 14\n{}", RULES.sections);
    let Some(mut stage) = stage_with(Extra { sections: &sections, ..RULES }) else { return };
    let uid = stage.user("alice").unwrap().uid;
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, IN);
    stage.go_offline();
    stage.start_again();
    for (service, verdict, words) in [
        ("sshd", IN, "the password is the one saved on"),
        ("sudo", OUT, "(&(department=IT)(title=admin)) of the access rules for sudo, as AD said"),
    ] {
        let auth = stage.auth_as("alice", uid, service, RIGHT);
        assert_eq!(auth.verdict, verdict, "{service}: {}", auth.line);
        assert!(auth.line.contains(words), "{:?} should say {words:?}", auth.line);
        let account = stage.account_as("alice", uid, service);
        assert_eq!(account.verdict, verdict, "{service}: {}", account.line);
        assert!(account.line.contains("as AD said earlier"), "{}", account.line);
    }
    stage.come_back();
    // Whom the filter keeps out is forgotten.
    assert_eq!(stage.saved().len(), 1);
    stage.server.edit(|data| data.set_attribute("alice", "department", &["Sales"])).unwrap();
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, OUT);
    assert_eq!(stage.saved().len(), 0);
}

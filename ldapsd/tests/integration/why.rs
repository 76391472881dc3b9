//! `ldapsctl why` and the decision of a login, held together for everybody there is.

use ldaps_core::protocol::admin::{AdminReply, AdminRequest, Speaks, WhyReport};
use ldaps_core::protocol::client::{NSS_DEADLINE, Socket, ask};
use ldaps_core::protocol::messages::{NssReply, NssRequest, Verdict};
use ldaps_core::refusal::Refusal;
use rustix::process::geteuid;
use test_directory::{GroupKind, USER_PASSWORD};

use crate::asking::{Answer, as_uid};
use crate::logins::RULES;
use crate::stage::{Extra, Stage, WRONG_PASSWORD, skip};

const RIGHT: &[u8] = USER_PASSWORD.as_bytes();
/// [`RULES`], with everybody to be listed.
const LISTED: &str = "[nss]\nenumerate = true\n";
/// Services with rules of their own, of others, and of none.
const SERVICES: &[&str] = &["sshd", "sudo", "sudo-i", "cron", "systemd-user"];
/// What AD shows in no attribute, and says to a bind alone.
fn is_unforeseeable(name: &str) -> bool {
    let name = name.strip_prefix("ch-").unwrap_or(name);
    name.starts_with("says-") || ["restricted", "toomany", "strange", "nosuch"].contains(&name)
}

/// Accounts with other passwords than people's.
const NO_PEOPLE: &[&str] = &["administrator", "guest", "krbtgt", "svc-linux"];

fn request(name: &str, service: &str) -> AdminRequest {
    AdminRequest::Why { name: name.to_owned(), service: service.to_owned() }
}

fn why(stage: &Stage, name: &str, service: &str) -> WhyReport {
    match stage.admin(&request(name, service)) {
        AdminReply::Why(report) => *report,
        other => panic!("{name} {service}: {other:?}"),
    }
}

/// A stage on which we may ask about others: root alone may.
fn stage(sections: &str) -> Option<Stage> {
    if !geteuid().is_root() {
        skip("only root may ask why about others");
        return None;
    }
    let sections = format!("{}{sections}", RULES.sections);
    Some(Stage::new(Extra { sections: &sections, ..RULES }))
}

/// Protected Users with a member, and somebody with a smart card: AD takes neither's password.
fn add_the_hopeless(stage: &Stage) {
    let added = stage.server.edit(|data| {
        data.add_group("Protected Users", 525, GroupKind::Global)?;
        for (name, rid) in [("guarded", 1190), ("cardholder", 1191)] {
            data.add_user(name, rid)?;
            data.add_to_group(name, "linux-users")?;
            data.refuse_with(name, Some(0x52e))?;
        }
        data.add_to_group("guarded", "Protected Users")?;
        let normal_and_smartcard_required = (0x200 | 0x4_0000).to_string();
        data.set_attribute("cardholder", "userAccountControl", &[&normal_and_smartcard_required])
    });
    added.unwrap();
}

/// Everybody whom NSS lists, without the crowd.
fn everybody(stage: &Stage) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let NssReply::Users(page, next) = stage.nss(&NssRequest::Users(cursor)) else {
            panic!("no list")
        };
        names.extend(page.into_iter().map(|user| user.name));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    let in_crowd =
        |name: &str| name.strip_prefix('u').is_some_and(|number| number.parse::<u32>().is_ok());
    names.retain(|name| !in_crowd(name));
    names
}

#[test]
fn why_says_something_else_than_a_login_meets() {
    let Some(stage) = stage(LISTED) else { return };
    add_the_hopeless(&stage);
    let everybody = everybody(&stage);
    for expected in ["alice", "locked", "mustchange", "wrongstation", "guarded", "cardholder"] {
        assert!(everybody.iter().any(|name| name == expected), "{expected} is not listed");
    }
    for name in everybody.iter().filter(|name| !NO_PEOPLE.contains(&name.as_str())) {
        for service in SERVICES {
            let report = why(&stage, name, service);
            let answers = report.answers.unwrap();
            let row = format!("{name} {service}");
            if !is_unforeseeable(name) {
                same(
                    &row,
                    answers.auth.verdict,
                    &answers.auth.why,
                    |stage| stage.auth(name, service, RIGHT),
                    &stage,
                );
            }
            same(
                &row,
                answers.account.verdict,
                &answers.account.why,
                |stage| stage.account_after_auth(name, service),
                &stage,
            );
            let without = &answers.account_without_password;
            same(&row, without.verdict, &without.why, |stage| stage.account(name, service), &stage);
            // The steps do not argue against what comes of them.
            let against = report.steps.iter().any(|step| step.speaks == Speaks::Against);
            let refused = |verdict| matches!(verdict, Verdict::Refused(_));
            let any_refused = refused(answers.auth.verdict) || refused(answers.account.verdict);
            assert_eq!(against, any_refused, "{row}: {:?}", report.steps);
        }
    }
}

fn same(
    row: &str,
    verdict: Verdict,
    why: &str,
    login: impl FnOnce(&Stage) -> Answer,
    stage: &Stage,
) {
    let answer = login(stage);
    assert_eq!(verdict, answer.verdict, "{row}: why says {why:?}, the log {:?}", answer.line);
    assert!(answer.line.ends_with(why), "{row}: {why:?} in {:?}", answer.line);
}

/// Name, service, what a step is about, which way it speaks, words in it.
const STEPS: &[(&str, &str, &str, Speaks, &str)] = &[
    ("alice", "sshd", "this host", Speaks::For, "shows it as alice"),
    ("alice", "sshd", "account", Speaks::For, "not disabled"),
    ("alice", "sshd", "rules", Speaks::Neither, "deny \"@nest-c\": does not match"),
    ("alice", "sshd", "rules", Speaks::For, "allow \"@linux-users\": decides"),
    ("alice", "sudo-i", "rules", Speaks::Neither, "[access.sudo] hold for sudo-i"),
    ("dave", "sshd", "rules", Speaks::Against, "deny \"@nest-c\": decides"),
    ("dave", "sshd", "rules", Speaks::Neither, "allow \"dave\": would match, but"),
    ("carol", "systemd-user", "rules", Speaks::For, "follows the account's state"),
    ("disabled", "sshd", "account", Speaks::Against, "disabled"),
    ("expired", "sshd", "account", Speaks::Against, "expired"),
    ("nohours", "sshd", "account", Speaks::Against, "logon hours"),
    ("locked", "sshd", "password", Speaks::Against, "locked out"),
    ("mustchange", "sshd", "password", Speaks::Neither, "must be changed"),
    ("pwexpired", "sshd", "password", Speaks::Neither, "has expired"),
    ("wrongstation", "sshd", "password", Speaks::Against, "PC-ONE, PC-TWO alone"),
    ("nouac", "sshd", "account", Speaks::Against, "userAccountControl"),
    ("notokens", "sshd", "rules", Speaks::Against, "tokenGroups"),
    ("notokens", "sshd", "AD", Speaks::Neither, "whether it is a member of Protected Users"),
    ("guarded", "sshd", "AD", Speaks::Against, "(member of Protected Users)"),
    ("cardholder", "sshd", "AD", Speaks::Against, "(a smart card is required of it)"),
    ("root", "sshd", "", Speaks::Neither, ""),
];

#[test]
fn a_step_of_the_decision_is_not_shown() {
    let Some(stage) = stage("") else { return };
    add_the_hopeless(&stage);
    for (name, service, about, speaks, words) in STEPS {
        if *name == "root" {
            let answer = stage.admin(&request(name, service));
            assert!(matches!(answer, AdminReply::NoSuchUser(_)), "{answer:?}");
            continue;
        }
        let steps = why(&stage, name, service).steps;
        let shown = steps.iter().any(|step| {
            step.about == *about && step.speaks == *speaks && step.text.contains(words)
        });
        assert!(shown, "{name} {service}: {about} {speaks:?} {words:?} in {steps:?}");
    }
    let forms = [
        ("alice", "a short name", "sAMAccountName"),
        ("c.chen@corp.example", "a name with \"@\"", "userPrincipalName"),
        ("CORP\\alice", "a name with its domain before it", "sAMAccountName"),
    ];
    for (name, form, attribute) in forms {
        let found = why(&stage, name, "sshd").found.unwrap();
        assert_eq!((found.form.as_str(), found.attribute.as_deref()), (form, Some(attribute)));
    }
    // The namesake of a local user is withheld, and somebody who is nobody is nobody.
    for (name, words) in [("CORP\\root", "its own \"root\""), ("zz-nobody", "no user")] {
        let report = why(&stage, name, "sshd");
        assert!(report.found.is_none() && report.answers.is_none(), "{report:?}");
        assert!(report.steps[0].text.contains(words), "{report:?}");
    }
}

#[test]
fn somebody_is_told_about_another() {
    let Some(stage) = stage("") else { return };
    let alice = stage.user("alice").unwrap().uid;
    let run_dir = stage.run_dir();
    let asked = |name: &str| ask(&run_dir, Socket::Admin, &request(name, "sshd"), NSS_DEADLINE);
    let answers = as_uid(alice, || ["alice", "bob", "zz-nobody"].map(asked)).unwrap();
    let [about_alice, about_bob, about_nobody] = answers.map(Result::unwrap);
    assert!(matches!(about_alice, AdminReply::Why(_)), "{about_alice:?}");
    assert!(matches!(about_bob, AdminReply::Denied(_)), "{about_bob:?}");
    assert_eq!(about_bob, about_nobody, "whether there is somebody is told to nobody");
}

#[test]
fn without_a_server_why_says_nothing_or_believes_itself_online() {
    if !geteuid().is_root() {
        return skip("only root may ask why about others");
    }
    let stage = Stage::new(Extra { directory: "operation_timeout = \"300ms\"\n", ..RULES });
    let _known = why(&stage, "alice", "sshd");
    stage.server.fault(test_directory::Fault::Silence);
    let report = why(&stage, "alice", "sshd");
    let answers = report.answers.unwrap();
    assert_eq!(answers.auth.verdict, Verdict::Unavailable);
    assert_eq!(answers.account_without_password.verdict, Verdict::Granted);
    assert!(report.steps.iter().any(|step| step.text.contains("what it said earlier")));
}

#[test]
fn a_member_of_protected_users_is_sent_to_reset_a_password_that_was_right() {
    let Some(stage) = Stage::for_logins(RULES) else { return };
    add_the_hopeless(&stage);
    let table = [
        ("guarded", RIGHT, "whatever the password (member of Protected Users)"),
        ("cardholder", RIGHT, "whatever the password (a smart card is required of it)"),
        ("alice", WRONG_PASSWORD.as_bytes(), "wrong password (AD: data 52e)"),
    ];
    for (name, password, words) in table {
        let answer = stage.auth(name, "sshd", password);
        assert_eq!(answer.verdict, Verdict::Refused(Refusal::WrongPassword), "{name}");
        assert!(answer.line.ends_with(words), "{name}: {}", answer.line);
    }
}

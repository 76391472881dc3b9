//! What the administrator's tool is told of groups, logins, connections, what expires, and in numbers.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::client::{AskError, NSS_DEADLINE, Socket, ask};
use ldaps_core::protocol::frame::FrameError;
use ldaps_core::protocol::messages::{NssReply, NssRequest};
use ldaps_core::protocol::tools::{Conditions, Decided, Decisions, Family, GroupReport, Whom};
use rustix::process::geteuid;
use test_directory::{Fault, USER_PASSWORD};

use crate::asking::{FIRST_ID, as_uid};
use crate::logins::RULES;
use crate::stage::{EVERYBODY, Extra, Stage, WRONG_PASSWORD, skip};

/// The very file that the tool writes the numbers down with.
#[path = "../../../ldapsctl/src/metrics/text.rs"]
mod text;

const RIGHT: &[u8] = USER_PASSWORD.as_bytes();

impl Stage {
    pub fn conditions(&self) -> Conditions {
        match self.admin(&AdminRequest::Conditions) {
            AdminReply::Conditions(conditions) => *conditions,
            other => panic!("{other:?}"),
        }
    }

    fn metrics(&self) -> Vec<Family> {
        match self.admin(&AdminRequest::Metrics) {
            AdminReply::Metrics(families) => families,
            other => panic!("{other:?}"),
        }
    }

    fn decisions(&self, after: u64) -> Decisions {
        match self.admin(&AdminRequest::Decisions(after)) {
            AdminReply::Decisions(decisions) => decisions,
            other => panic!("{other:?}"),
        }
    }
}

/// Questions that root alone is answered.
fn of_root() -> [AdminRequest; 5] {
    [
        AdminRequest::Flush { anyway: true },
        AdminRequest::Refresh(Whom::User("alice".to_owned())),
        AdminRequest::Refresh(Whom::Group("engineers".to_owned())),
        AdminRequest::Export(None),
        AdminRequest::Decisions(0),
    ]
}

#[test]
fn somebody_who_is_not_root_empties_the_memory_or_reads_the_logins_of_others() {
    let stage = Stage::new(EVERYBODY);
    let alice = stage.user("alice").unwrap().uid;
    let run_dir = stage.run_dir();
    let asked =
        || of_root().map(|request| ask(&run_dir, Socket::Admin, &request, NSS_DEADLINE).unwrap());
    let answers = if geteuid().is_root() { as_uid(alice, asked) } else { Some(asked()) };
    for (request, answer) in of_root().iter().zip(answers.unwrap()) {
        match answer {
            AdminReply::Denied(why) => assert!(why.contains("for root alone"), "{why}"),
            other => panic!("{request:?}: {other:?}"),
        }
    }
    assert!(stage.conditions().held.users > 0, "it was emptied all the same");
}

/// What a tool of another version asks.
#[test]
fn a_question_of_another_version_is_answered_with_something() {
    let stage = Stage::new(EVERYBODY);
    let unknown_variant = 120_u8;
    let answer: Result<AdminReply, AskError> =
        ask(&stage.run_dir(), Socket::Admin, &unknown_variant, NSS_DEADLINE);
    // Which `ldapsctl` has a sentence of its own for.
    assert!(matches!(answer, Err(AskError::Frame(FrameError::Malformed))), "{answer:?}");
}

/// A group: its gid above the first, members, the groups in it, and the groups that it is in.
type Row =
    (&'static str, u32, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const GROUPS: &[Row] = &[
    ("Engineers", 1202, &["erin", "frank"], &["platform"], &["linux-users"]),
    ("platform", 1203, &["frank"], &[], &["engineers", "linux-users"]),
    ("empty", 1244, &[], &[], &[]),
];

const NO_GROUPS: &[(&str, &str)] = &[
    ("newsletter", "distribution groups are not shown"),
    ("zz-nobody", "no security group \"zz-nobody\""),
    ("root", "a group of this host itself"),
    ("a:b", "contains ':'"),
];

#[test]
fn a_group_is_shown_otherwise_than_the_directory_has_it() {
    let stage = Stage::new(EVERYBODY);
    for (name, rid, members, inside, around) in GROUPS {
        let GroupReport { entry, dn, sid, groups_in_it, in_groups } =
            match stage.admin(&AdminRequest::Group((*name).to_owned())) {
                AdminReply::Group(report) => *report,
                other => panic!("{name}: {other:?}"),
            };
        assert_eq!((entry.name, entry.gid), (name.to_lowercase(), FIRST_ID + rid));
        assert_eq!(entry.members, *members, "{name}");
        assert_eq!(groups_in_it, *inside, "{name}");
        for group in *around {
            assert!(in_groups.iter().any(|name| name == group), "{name}: {in_groups:?}");
        }
        assert_eq!(sid, Some(format!("S-1-5-21-123-456-789-{rid}")));
        assert!(dn.is_some_and(|dn| dn.ends_with("DC=corp,DC=example")));
    }
    for (name, words) in NO_GROUPS {
        match stage.admin(&AdminRequest::Group((*name).to_owned())) {
            AdminReply::NoSuchGroup(why) => assert!(why.contains(words), "{name}: {why}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_lines_of_one_login_have_two_names_or_two_logins_have_one() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    let name_in = |line: &str| {
        let behind = line.split(" request=").nth(1).unwrap_or_else(|| panic!("{line}"));
        behind.split(' ').next().unwrap().to_owned()
    };
    let wrong = name_in(&stage.auth("alice", "sshd", WRONG_PASSWORD.as_bytes()).line);
    let auth = name_in(&stage.auth("alice", "sshd", RIGHT).line);
    let account = name_in(&stage.account_after_auth("alice", "sshd").line);
    let by_key = name_in(&stage.account("alice", "sshd").line);
    let of_bob = name_in(&stage.auth("bob", "sshd", RIGHT).line);
    assert_eq!(auth, account);
    let all = BTreeSet::from([&wrong, &auth, &by_key, &of_bob]);
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(auth.len(), 8, "{auth}");
}

fn steps(decided: &Decided) -> Vec<&str> {
    decided.steps.iter().map(|(what, _)| what.as_str()).collect()
}

#[test]
fn a_login_is_traced_otherwise_than_it_went() {
    if !geteuid().is_root() {
        return skip("only root is told of logins");
    }
    let stage = Stage::new(RULES);
    let before = stage.decisions(0).last;
    stage.auth("erin", "sshd", RIGHT);
    stage.account_after_auth("erin", "sshd");
    stage.auth("carol", "sshd", RIGHT);
    let Decisions { last, decided } = stage.decisions(before);
    assert_eq!((last, decided.len()), (before + 3, 3));
    let [auth, account, carol] = decided.as_slice() else { panic!("{decided:?}") };
    assert_eq!(
        steps(auth),
        ["the account read", "allowed by \"@linux-users\"", "one bind with the password"]
    );
    assert!(auth.steps[2].1.is_some_and(|took| took <= auth.took_us), "{auth:?}");
    assert_eq!((auth.phase.as_str(), auth.dc.as_deref()), ("auth", Some("dc1.corp.example")));
    assert_eq!((account.phase.as_str(), account.request), ("account", auth.request));
    assert_eq!(carol.why, "no access rule allows the user for sshd (see [access] in ldaps.toml)");
    assert!(!steps(carol).contains(&"one bind with the password"), "{carol:?}");
    assert_eq!(carol.pid, Some(std::process::id().try_into().unwrap()));
    assert!(stage.daemon.log().contains(&carol.line), "{carol:?}");
    assert_eq!(stage.decisions(last).decided, []);
}

#[test]
fn the_conditions_hide_an_outage_or_a_connection() {
    let quick = "connect_timeout = \"300ms\"\noperation_timeout = \"300ms\"\n";
    let Some(stage) = Stage::for_logins(Extra { directory: quick, ..EVERYBODY }) else { return };
    stage.user("alice").unwrap();
    stage.nss(&NssRequest::GroupsOf("alice".into()));
    stage.group("engineers").unwrap();
    stage.nss(&NssRequest::UserByName("zz-nobody".into()));
    let now = stage.conditions();
    let (server, _) = now.connection.unwrap();
    assert!(server.contains("dc1.corp.example"), "{server}");
    assert_eq!((now.outage, now.is_ready), (None, false));
    assert!(now.answered_s.unwrap() < 15);
    let held = now.held;
    assert_eq!((held.users, held.memberships, held.groups, held.nobody), (1, 1, 1, 1), "{held:?}");
    stage.auth("alice", "sshd", RIGHT);
    stage.daemon.wait_for("a connection for the next login", || stage.conditions().is_ready);

    stage.server.fault(Fault::Silence);
    stage.daemon.wait_for("the outage", || {
        assert_ne!(stage.nss(&NssRequest::UserByName("bob".into())), NssReply::NotFound);
        stage.conditions().outage.is_some()
    });
    // Between two tries, and not in one.
    stage.daemon.wait_for("the next try", || {
        stage.conditions().outage.is_some_and(|(_, next)| next.is_some())
    });
    assert_eq!(stage.conditions().connection, None);
}

#[test]
fn what_expires_soon_is_not_told() {
    let stage = Stage::new(EVERYBODY);
    let list = stage.server.pki().crl_pem(&[]).unwrap();
    stage.files.write("crl.pem", std::str::from_utf8(&list).unwrap());
    let (toml, dir) = (stage.files.toml(&stage.server, EVERYBODY), stage.files.path(""));
    let with_list = format!("[tls]\ncrl = \"{}crl.pem\"\n", dir.display());
    stage.files.write("ldaps.toml", &toml.replace("[tls]\n", &with_list));
    stage.reload();
    let endings = || stage.conditions().endings;
    stage.daemon.wait_for("the revocation list", || endings().iter().any(|it| it.kind == "crl"));
    let endings = endings();
    let of = |kind: &str| {
        let mut found = endings.iter().filter(|it| it.kind == kind);
        let ending = found.next().unwrap_or_else(|| panic!("no {kind} in {endings:?}"));
        assert_eq!(found.next(), None, "{endings:?}");
        ending
    };
    assert!(of("server").place.contains("dc1.corp.example"), "{endings:?}");
    assert!(of("ca").place.ends_with("ca.pem"), "the CA where it is mended: {endings:?}");
    let list = of("crl").warning.clone().unwrap();
    let (what, then) = list.split_once(" expires in ").unwrap_or_else(|| panic!("{list}"));
    assert!(then.contains(" days; from then on no domain controller is trusted"), "{list}");
    stage.daemon.wait_for("the warning", || stage.daemon.log().contains(what));
    assert!(endings.is_sorted_by_key(|ending| ending.at));
}

/// The rows of the tables of docs/metrics.md: name, type, names of labels.
fn documented() -> BTreeSet<(String, String, Vec<String>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let page = std::fs::read_to_string(path).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let label = |part: &str| Some(part.trim().strip_prefix('`')?.split_once('`')?.0.to_owned());
    let row = |cells: Vec<&str>| {
        let labels = cells[2].split(';').filter_map(label).collect();
        (cells[0].trim_matches('`').to_owned(), cells[1].to_owned(), labels)
    };
    cells.map(row).collect()
}

#[test]
fn the_page_about_metrics_and_the_metrics_differ() {
    let stage = Stage::new(EVERYBODY);
    let described = |family: Family| {
        let kind = format!("{:?}", family.kind).to_lowercase();
        let labels = family.samples.first().map(|it| it.labels.clone()).unwrap_or_default();
        let labels = labels.into_iter().map(|(name, _)| name).filter(|name| name != "le");
        (family.name, kind, labels.collect::<Vec<_>>())
    };
    let mut there: BTreeSet<_> = stage.metrics().into_iter().map(described).collect();
    // What the tool adds, for it can say so while the daemon is away.
    there.extend(text::OF_THE_TOOL.map(|it| (it.to_owned(), "gauge".to_owned(), Vec::new())));
    // Nobody has logged in yet: what is counted by outcome is there, and has no number.
    let by_outcome = |it: &(String, String, Vec<String>)| {
        it.0.contains("decision") || it.0 == "ldapsd_binds_total"
    };
    let named = |rows: BTreeSet<(String, String, Vec<String>)>| -> BTreeSet<_> {
        rows.into_iter()
            .map(|it| if by_outcome(&it) { (it.0, it.1, Vec::new()) } else { it })
            .collect()
    };
    assert_eq!(named(there), named(documented()));
}

#[test]
fn prometheus_is_not_told_whether_everybody_is_there() {
    let sections = "[access]\nallow = [\"*\"]\n[cache]\nsync = \"all\"\nnotify = true\n";
    let stage = Stage::new(Extra { directory: "", sections });
    let line = |line: &str| text::render(&stage.metrics()).lines().any(|there| there == line);
    stage.daemon.wait_for("everybody", || line("ldapsd_sync_complete 1"));
    stage.daemon.wait_for("the telling", || line("ldapsd_notify_listening 1"));
    for wanted in ["ldapsd_sync_enabled 1", "ldapsd_sync_walks_total 1", "ldapsd_notify_enabled 1"]
    {
        assert!(line(wanted), "no {wanted:?} in\n{}", text::render(&stage.metrics()));
    }
    assert!(!line("ldapsd_sync_entries{kind=\"user\"} 0"));
    stage.configure(EVERYBODY);
    for wanted in ["ldapsd_sync_enabled 0", "ldapsd_sync_complete 0", "ldapsd_notify_enabled 0"] {
        assert!(line(wanted), "no {wanted:?} in\n{}", text::render(&stage.metrics()));
    }
}

#[test]
fn prometheus_reads_something_else_than_happened() {
    let Some(stage) = Stage::for_logins(RULES) else { return };
    stage.user("alice").unwrap();
    stage.user("alice").unwrap();
    stage.auth("erin", "sshd", RIGHT);
    stage.auth("erin", "sshd", WRONG_PASSWORD.as_bytes());
    stage.auth("carol", "sshd", RIGHT);
    stage.account_after_auth("erin", "sshd");
    stage.pam_as_nobody_knows();
    let page = text::render(&stage.metrics());
    for line in [
        "# TYPE ldapsd_decisions_total counter",
        "ldapsd_decisions_total{phase=\"auth\",result=\"granted\"} 1",
        "ldapsd_decisions_total{phase=\"auth\",result=\"wrong_password\"} 1",
        "ldapsd_decisions_total{phase=\"auth\",result=\"not_allowed\"} 1",
        "ldapsd_decisions_total{phase=\"account\",result=\"granted\"} 1",
        "ldapsd_binds_total{result=\"accepted\"} 1",
        "ldapsd_binds_total{result=\"wrong_password\"} 1",
        "ldapsd_bind_duration_seconds_count 2",
        "ldapsd_bind_duration_seconds_bucket{le=\"+Inf\"} 2",
        "ldapsd_decision_duration_seconds_count{phase=\"auth\"} 3",
        "ldapsd_directory_up 1",
        "ldapsd_cache_entries{kind=\"membership\"} 2",
    ] {
        assert!(page.lines().any(|there| there == line), "no {line:?} in\n{page}");
    }
    promtool(&page);
}

impl Stage {
    /// A label's value that has to be escaped, wherever one may come from outside.
    fn pam_as_nobody_knows(&self) {
        let strange = "a\"b\\c\nd";
        let mut family = self.metrics().remove(0);
        family.samples[0].labels[0].1 = strange.to_owned();
        promtool(&text::render(&[family]));
    }
}

/// Prometheus' own reader, which is strict, and its opinion of the names.
fn promtool(page: &str) {
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut tool) = tool else { return skip("there is no promtool (package prometheus)") };
    tool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}\n{page}");
}

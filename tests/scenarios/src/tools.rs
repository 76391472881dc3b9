//! The administrator's tool on a real host: a login tried, its lines found, numbers read, and what is
//! held forgotten and read anew.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in, stays_out};
use crate::dc::PASSWORD;
use crate::engine::Output;
use crate::host::Host;
use crate::outcome::{Check, ensure};
use crate::product;
use crate::scenario::{Scenario, Stage};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "a-login-tested-step-by-step", shows: (5, 3), disturbs: false, run: tested },
    Scenario { name: "one-logins-lines", shows: (5, 3), disturbs: false, run: lines },
    Scenario { name: "what-prometheus-reads", shows: (5, 3), disturbs: true, run: metrics },
    Scenario {
        name: "the-cache-is-flushed-and-refreshed",
        shows: (5, 3),
        disturbs: true,
        run: cache,
    },
];

const WRONG: &str = "Wrong.Pass.1";

/// What is run, what is typed; the exit code, how many binds the domain controller sees of whom, and
/// what stands in the answer.
struct Row {
    arguments: &'static str,
    typed: &'static str,
    code: i32,
    binds: (&'static str, u32),
    words: &'static [&'static str],
}

const TESTS: &[Row] = &[
    Row {
        arguments: "bob",
        typed: PASSWORD,
        code: 0,
        binds: ("bob", 1),
        words: &[
            "bob, service sshd: YES (PAM_SUCCESS",
            "authenticate",
            "acct_mgmt",
            "ldapsd",
            "auth granted (with dc1.corp.example): the password is right",
            "allowed by \"@linux-users\"",
            "one bind with the password",
            "account granted",
        ],
    },
    Row {
        arguments: "bob --service sudo --session",
        typed: PASSWORD,
        code: 0,
        binds: ("bob", 1),
        words: &["allowed by \"@linux-admins\"", "open_session", "close_session"],
    },
    Row {
        arguments: "bob --json",
        typed: PASSWORD,
        code: 0,
        binds: ("bob", 1),
        words: &["\"lets_in\": true", "\"code\": \"PAM_SUCCESS\"", "\"held_back_us\": 0"],
    },
    Row {
        arguments: "bob",
        typed: WRONG,
        code: 1,
        binds: ("bob", 1),
        words: &["bob, service sshd: NO", "wrong password (AD: data 52e)", "a program would wait"],
    },
    Row {
        arguments: "bob",
        typed: "",
        code: 1,
        binds: ("bob", 0),
        words: &["an empty password is not tried"],
    },
    Row {
        arguments: "mallory",
        typed: PASSWORD,
        code: 1,
        binds: ("mallory", 0),
        words: &["mallory, service sshd: NO", "no access rule allows the user for sshd"],
    },
    Row {
        arguments: "alice --service sudo",
        typed: PASSWORD,
        code: 1,
        binds: ("alice", 0),
        words: &["no access rule allows the user for sudo"],
    },
    Row {
        arguments: "bob --service su",
        typed: WRONG,
        code: 0,
        binds: ("bob", 0),
        words: &["No password was asked for", "account granted"],
    },
    Row {
        arguments: "zz-nobody",
        typed: PASSWORD,
        code: 1,
        binds: ("zz-nobody", 0),
        words: &["nobody here has that name"],
    },
    Row {
        arguments: "bob --service no-such-service",
        typed: PASSWORD,
        code: 3,
        binds: ("bob", 0),
        words: &["There is no PAM service \"no-such-service\""],
    },
];

fn tested(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let mut shown = String::new();
    let mark = host.journal_mark()?;
    for Row { arguments, typed, code, binds: (whose, binds), words } in TESTS {
        let before = stage.dc.binds_for(whose)?;
        let script = format!("echo '{typed}' | ldapsctl test {arguments} --password-stdin");
        let output = host.sh(&script)?;
        says(&output, &script, *code, words)?;
        let sent = stage.dc.binds_for(whose)? - before;
        ensure(sent == *binds, || format!("{script}: {sent} binds of {whose}"))?;
        if shown.is_empty() {
            shown = output.out;
        }
    }
    let as_other = "echo x | /opt/host/as localbob ldapsctl test bob --password-stdin";
    says(&host.sh(as_other)?, as_other, 3, &["Run: sudo ldapsctl test"])?;
    let journal = host.journal_since(&mark)?;
    ensure(!journal.contains(PASSWORD) && !journal.contains(WRONG), || {
        "a password is in the journal".to_owned()
    })?;
    Ok(format!("{} rows; bob:\n{shown}", TESTS.len()))
}

fn says(output: &Output, script: &str, code: i32, words: &[&str]) -> Check {
    let seen = output.evidence();
    ensure(output.code == code, || format!("{script} ended with {}:\n{seen}", output.code))?;
    let all = format!("{}{}", output.out, output.err);
    for words in words {
        ensure(all.contains(words), || format!("{script} does not say {words:?}:\n{seen}"))?;
    }
    Ok(())
}

/// The name of the login behind the last line that has all of these words.
fn name_of(host: &Host<'_>, words: &[&str]) -> Check<String> {
    let greps: String = words.iter().map(|words| format!(" | grep -F '{words}'")).collect();
    let line = host.must(&format!(
        "journalctl --sync; journalctl -q -o cat SYSLOG_FACILITY=10{greps} | tail -n 1"
    ))?;
    let behind = line.split(" request=").nth(1).unwrap_or_default();
    let name = behind.split(' ').next().unwrap_or_default().to_owned();
    ensure(name.len() == 8, || format!("no name of a login in {line:?}"))?;
    Ok(name)
}

fn lines(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    stays_out(host, Way::SshPassword, "bob", WRONG)?;
    let refused = name_of(host, &["pam_ldaps(sshd:auth)", "bob refused"])?;
    gets_in(host, Way::SshPassword, "bob", PASSWORD)?;
    gets_in(host, Way::SshPassword, "alice", PASSWORD)?;
    let granted = name_of(host, &["pam_ldaps(sshd:auth)", "bob authenticated"])?;
    ensure(refused != granted, || format!("two tries are both named {granted}"))?;

    let asked = format!("ldapsctl log {granted}");
    let output = host.sh(&asked)?;
    let words = [
        "  auth granted user=bob service=sshd",
        "  account granted user=bob",
        "pam_ldaps(sshd:auth): bob authenticated",
        "pam_ldaps(sshd:account): bob allowed",
    ];
    says(&output, &asked, 0, &words)?;
    ensure(!output.out.contains("alice") && !output.out.contains(&refused), || output.out.clone())?;
    // There sshd has PAM in a process of its own.
    gets_in(host, Way::SshKeyboard, "bob", PASSWORD)?;
    let typed = name_of(host, &["pam_ldaps(sshd:auth)", "bob authenticated"])?;
    let account = name_of(host, &["pam_ldaps(sshd:account)", "bob allowed"])?;
    ensure(typed == account && typed != granted, || format!("{granted}, {typed}, {account}"))?;
    let of_user = "ldapsctl log --user bob --since -1h";
    let of_bob = host.sh(of_user)?;
    says(&of_bob, of_user, 0, &[&refused, &granted, "wrong password"])?;
    ensure(!of_bob.out.contains("alice"), || of_bob.out.clone())?;
    let no_time = "ldapsctl log --since gestern";
    says(&host.sh(no_time)?, no_time, 2, &["--since \"gestern\" is no time"])?;
    let unknown = "ldapsctl log 00000000";
    says(&host.sh(unknown)?, unknown, 1, &["There is no line of the login 00000000"])?;
    // Without journalctl the daemon itself is asked.
    let without = format!("PATH=/nonexistent /usr/bin/ldapsctl log {granted}");
    let said = ["grep 'request=", "auth granted user=bob", "account granted user=bob"];
    says(&host.sh(&without)?, &without, 0, &said)?;
    Ok(format!("{asked}:\n{}", output.out))
}

fn metrics(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    gets_in(host, Way::SshPassword, "bob", PASSWORD)?;
    let asked = "/opt/host/as localbob ldapsctl metrics";
    let page = host.sh(asked)?;
    let words = [
        "# TYPE ldapsd_up gauge\nldapsd_up 1\n",
        "ldapsd_binds_total{result=\"accepted\"} ",
        "ldapsd_decisions_total{phase=\"auth\",result=\"granted\"} ",
        "ldapsd_decision_duration_seconds_bucket{phase=\"account\",le=\"+Inf\"} ",
        "ldapsd_search_duration_seconds_count ",
        "ldapsd_certificate_expiry_timestamp_seconds{kind=\"server\"",
        "ldapsd_directory_up 1\n",
    ];
    says(&page, asked, 0, &words)?;
    let file = "/var/tmp/ldapsd.prom";
    let write = format!("ldapsctl metrics --textfile {file} && stat -c %a {file}");
    says(&host.sh(&write)?, &write, 0, &["644"])?;
    host.must(&format!("grep -qx 'ldapsd_up 1' {file}"))?;
    host.must("systemctl stop ldapsd")?;
    let away = format!("ldapsctl metrics --textfile {file}");
    says(&host.sh(&away)?, &away, 3, &["systemctl status ldapsd"])?;
    host.must(&format!("grep -qx 'ldapsd_up 0' {file} && ! grep -q binds {file}"))?;
    product::restart_until_it_answers(host)?;
    Ok(format!("{} lines", page.out.lines().count()))
}

fn cache(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let known = "getent passwd alice; id -u bob; getent group linux-admins | cut -d: -f1,3";
    let before = host.must(known)?;
    let export = "ldapsctl cache export --format passwd | grep -c ^alice:";
    ensure(host.must(export)? == "1", || "alice is held and not exported".to_owned())?;
    let as_other = "/opt/host/as localbob ldapsctl cache flush";
    says(&host.sh(as_other)?, as_other, 3, &["for root alone"])?;
    let flush = "ldapsctl cache flush";
    let flushed = host.sh(flush)?;
    says(&flushed, flush, 0, &["Forgotten: ", "Ids that were given stay given"])?;
    ensure(host.must("ldapsctl cache export | wc -l")? == "0", || "something is left".to_owned())?;
    ensure(host.must(known)? == before, || "others are known after a flush".to_owned())?;

    stage.dc.attribute("alice", "displayName", &["Alice Anew"])?;
    let refresh = "ldapsctl cache refresh alice";
    let refreshed = host.sh(refresh)?;
    says(&refreshed, refresh, 0, &["full name: ", "now: Alice Anew"])?;
    host.must("getent passwd alice | grep -q 'Alice Anew'")?;
    stage.dc.attribute("alice", "displayName", &["Alice Example"])?;
    let nobody = "ldapsctl cache refresh --group zz-nobody";
    says(&host.sh(nobody)?, nobody, 1, &["nobody here: the directory has no security group"])?;

    // Nor does the disk remember, when nobody can be asked.
    host.must("ldapsctl cache flush >/dev/null; sleep 2")?;
    stage.dc.pause(true)?;
    let restarted = host
        .sh("systemctl kill --signal=KILL ldapsd; sleep 0.2; systemctl reset-failed ldapsd; \
         systemctl start ldapsd; getent passwd alice");
    stage.dc.pause(false)?;
    let restarted = restarted?;
    ensure(restarted.code == 2, || format!("alice is known: {}", restarted.evidence()))?;
    product::restart_until_it_answers(host)?;
    Ok(format!("{}; {}", flushed.out.trim(), refreshed.out.trim()))
}

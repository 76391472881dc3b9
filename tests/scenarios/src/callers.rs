//! Programs that are not root's and have passwords checked: a screen lock for its own user, a web
//! application for the PAM services that the configuration names.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in};
use crate::dc::PASSWORD;
use crate::engine::Output;
use crate::host::Host;
use crate::outcome::{Check, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "a-screen-lock-opens-to-its-user", shows: (3, 1), disturbs: false, run: lock },
    Scenario {
        name: "callers-ask-about-theirs-alone",
        shows: (3, 1),
        disturbs: true,
        run: callers,
    },
    Scenario { name: "a-guessing-caller-is-stopped", shows: (3, 1), disturbs: true, run: guesser },
];

const WRONG: &str = "Wrong.Pass.1";
/// What a web server's user may ask for.
const NAMED: &str = "[pam.callers]\nwww-data = [\"django\"]\n";
/// How many passwords of one account a caller that is not root may try in a minute.
const TRIES: u32 = 12;

/// Runs a command on a terminal as somebody, without PAM on the way.
fn on_terminal(host: &Host<'_>, who: &str, command: &[&str], password: &str) -> Check<Output> {
    let environment = [format!("PASS={password}"), "TERM=dumb".to_owned()];
    let mut words =
        vec!["timeout", "-k", "1", "60", "/opt/host/as", who, "/opt/host/converse", "40"];
    words.extend(command);
    host.exec(&environment, &words, "")
}

fn lock(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let (mark, before) = (host.journal_mark()?, stage.dc.binds_for("alice")?);
    let opened = on_terminal(host, "alice", &["vlock"], PASSWORD)?;
    ensure(opened.ok() && opened.out.contains("locked"), || {
        format!("alice's vlock, with her password:\n{}", opened.evidence())
    })?;
    let line = host.journal_line(&mark, &["auth granted", "user=alice", "service=vlock"])?;
    let shut = on_terminal(host, "alice", &["vlock"], WRONG)?;
    ensure(!shut.ok(), || format!("alice's vlock, with a wrong one:\n{}", shut.evidence()))?;
    let binds = stage.dc.binds_for("alice")? - before;
    ensure(binds == 2, || format!("two tries at alice's vlock cost {binds} binds"))?;
    Ok(line)
}

/// A web server, say, that has a PAM service of its own.
fn with_services(stage: &Stage<'_>) -> Check<()> {
    let host = stage.host()?;
    for service in ["django", "screen"] {
        let lines = "@include common-auth\n@include common-account\n";
        host.write(&format!("/etc/pam.d/{service}"), lines, "root:root", "0644")?;
    }
    let configuration = Configuration { more: NAMED, ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    product::restart_until_it_answers(host)
}

fn ask(host: &Host<'_>, who: &str, service: &str, user: &str, password: &str) -> Check<Output> {
    on_terminal(host, who, &["pamtester", service, user, "authenticate", "acct_mgmt"], password)
}

/// Who asks, through which service, about whom, with which password, and whether that is granted
/// and how many binds AD sees.
type Row = (&'static str, &'static str, &'static str, &'static str, bool, u32);

const ROWS: &[Row] = &[
    ("alice", "screen", "alice", PASSWORD, true, 1),
    ("alice", "screen", "alice", WRONG, false, 1),
    ("alice", "screen", "bob", PASSWORD, false, 0),
    ("www-data", "django", "bob", PASSWORD, true, 1),
    ("www-data", "django", "bob", WRONG, false, 1),
    ("www-data", "django", "disabled1", PASSWORD, false, 1),
    ("www-data", "django", "mallory", PASSWORD, false, 0),
    ("www-data", "screen", "bob", PASSWORD, false, 0),
    ("daemon", "django", "bob", PASSWORD, false, 0),
];

fn callers(stage: &Stage<'_>) -> Check<String> {
    with_services(stage)?;
    let host = stage.host()?;
    let mark = host.journal_mark()?;
    for (who, service, user, password, granted, binds) in ROWS {
        let before = stage.dc.binds_for(user)?;
        let asked = ask(host, who, service, user, password)?;
        let sent = stage.dc.binds_for(user)? - before;
        ensure(asked.ok() == *granted && sent == *binds, || {
            format!(
                "{who} for {service} about {user}: {sent} binds, wanted {binds}:\n{}",
                asked.evidence()
            )
        })?;
    }
    let granted =
        host.journal_line(&mark, &["auth granted", "user=bob", "service=django", "caller=33"])?;
    let refused = host.journal_line(&mark, &["auth refused", "user=bob", "uid 33 may not ask"])?;
    host.journal_line(&mark, &["auth refused", "user=bob", "caller=1 ", "may not ask"])?;
    Ok(format!("{granted}\n{refused}"))
}

fn guesser(stage: &Stage<'_>) -> Check<String> {
    with_services(stage)?;
    let host = stage.host()?;
    let (mark, before) = (host.journal_mark()?, stage.dc.binds_for("dora")?);
    std::thread::scope(|scope| -> Check {
        let tries =
            (0..=TRIES).map(|_| scope.spawn(|| ask(host, "www-data", "django", "dora", WRONG)));
        let tries: Vec<_> = tries.collect();
        for one in tries {
            let asked =
                one.join().map_err(|_| crate::outcome::Failure::new("a try panicked"))??;
            ensure(!asked.ok(), || format!("a wrong password opens:\n{}", asked.evidence()))?;
        }
        Ok(())
    })?;
    let sent = stage.dc.binds_for("dora")? - before;
    ensure(sent == TRIES, || format!("{} guesses at once sent {sent} binds", TRIES + 1))?;
    let line = host.journal_line(&mark, &["user=dora", "caller=33", "too many attempts"])?;
    // Whom others guess at is not kept out of what root's programs check.
    gets_in(host, Way::Su, "dora", PASSWORD)?;
    Ok(line)
}

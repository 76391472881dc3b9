//! Who may log in beyond the lists of the configuration: an LDAP filter, "Log On To", and accounts
//! that AD refuses over LDAP, or would lock.

#![forbid(unsafe_code)]

use crate::attempt::{PASSWORD_WAYS, Way, gets_in, stays_out};
use crate::dc::PASSWORD;
use crate::host::Host;
use crate::outcome::{Check, all, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "ldap-filter-decides", shows: (3, 1), disturbs: true, run: filter },
    Scenario { name: "log-on-to-where-wanted", shows: (3, 1), disturbs: true, run: log_on_to },
    Scenario {
        name: "passwords-ad-never-takes-are-told",
        shows: (3, 1),
        disturbs: false,
        run: hopeless,
    },
    Scenario {
        name: "guesses-stop-short-of-the-lockout",
        shows: (3, 1),
        disturbs: true,
        run: guesses,
    },
];

/// Everybody of linux-users who is in IT; to su, who has a title besides.
const IN_IT: &str = "[access.su]\nfilter = \"(title=*)\"\n";

fn with_filter(stage: &Stage<'_>, host: &Host<'_>) -> Check {
    let configuration = Configuration { more: IN_IT, ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    host.must(r#"sed -i 's/^\[access\]$/[access]\nfilter = "(department=IT)"/' /etc/ldaps/ldaps.toml && ldapsctl check-config"#)?;
    product::restart_until_it_answers(host)
}

fn why(host: &Host<'_>, user: &str, service: &str) -> Check<String> {
    // Its exit code is the verdict.
    Ok(host.sh(&format!("ldapsctl why '{user}' --service {service}"))?.out)
}

fn filter(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    with_filter(stage, host)?;
    let mark = host.journal_mark()?;
    let before = stage.dc.binds_of_people()?;
    all(vec![
        Box::new(move || gets_in(host, Way::SshPassword, "itperson", PASSWORD)),
        Box::new(move || gets_in(host, Way::Login, "itperson", PASSWORD)),
        Box::new(move || stays_out(host, Way::Su, "itperson", PASSWORD)),
        Box::new(move || stays_out(host, Way::SshPassword, "salesperson", PASSWORD)),
        Box::new(move || stays_out(host, Way::Login, "salesperson", PASSWORD)),
        // alice has no department, and a key.
        Box::new(move || stays_out(host, Way::SshKey, "alice", "")),
    ])?;
    let binds = stage.dc.binds_of_people()? - before;
    ensure(binds == 2, || format!("2 were let in, and {binds} binds were sent"))?;
    let line = host.journal_line(
        &mark,
        &["auth refused", "user=salesperson", "does not match the filter (department=IT)"],
    )?;
    host.journal_line(&mark, &["auth refused", "user=itperson", "service=su", "(title=*)"])?;
    let shown = why(host, "salesperson", "sshd")?;
    ensure(shown.contains("filter \"(department=IT)\": does not match"), || shown.clone())?;
    // Live: what changes in AD decides about the next login.
    stage.dc.attribute("itperson", "title", &["admin"])?;
    stage.dc.attribute("alice", "department", &["IT"])?;
    gets_in(host, Way::Su, "itperson", PASSWORD)?;
    gets_in(host, Way::SshKey, "alice", "")?;
    stage.dc.attribute("itperson", "title", &[])?;
    stays_out(host, Way::Su, "itperson", PASSWORD)?;
    // With AD silent, by what the filter said, and marked so.
    let mark = host.journal_mark()?;
    stage.dc.pause(true)?;
    gets_in(host, Way::SshKey, "alice", "")?;
    let earlier = host.journal_line(&mark, &["account granted", "alice", "as AD said earlier"])?;
    stage.dc.pause(false)?;
    stage.dc.attribute("alice", "department", &[])?;
    Ok(format!("{line}\n{earlier}"))
}

fn log_on_to(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    stage.dc.attribute("alice", "userWorkstations", &["PC-ONE,PC-TWO"])?;
    // By default a host does not look at it.
    gets_in(host, Way::SshKey, "alice", "")?;
    let configuration =
        Configuration { more: "[pam]\nworkstations = \"enforce\"\n", ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    product::restart_until_it_answers(host)?;
    let mark = host.journal_mark()?;
    stays_out(host, Way::SshKey, "alice", "")?;
    let line = host.journal_line(
        &mark,
        &["account refused", "user=alice", "PC-ONE, PC-TWO, and not this host (host1"],
    )?;
    let shown = why(host, "alice", "sshd")?;
    ensure(shown.contains("and not this host"), || shown.clone())?;
    gets_in(host, Way::SshPassword, "bob", PASSWORD)?;
    stage.dc.attribute("alice", "userWorkstations", &["PC-ONE,HOST1"])?;
    gets_in(host, Way::SshKey, "alice", "")?;
    stage.dc.attribute("alice", "userWorkstations", &[])?;
    Ok(line)
}

/// Who, and why AD takes no password of theirs over LDAP.
const HOPELESS: &[(&str, &str)] =
    &[("protected", "member of Protected Users"), ("cardholder", "a smart card is required of it")];

fn hopeless(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let mut lines = Vec::new();
    for (user, reason) in HOPELESS {
        let mark = host.journal_mark()?;
        let before = stage.dc.binds_for(user)?;
        let mut checks: Vec<Box<dyn FnOnce() -> Check + Send + '_>> = Vec::new();
        for way in PASSWORD_WAYS.iter().filter(|way| **way != Way::Sudo) {
            checks.push(Box::new(move || stays_out(host, *way, user, PASSWORD)));
        }
        let doors = checks.len();
        all(checks)?;
        lines.push(host.journal_line(
            &mark,
            &["auth refused", &format!("user={user} "), "whatever the password", reason],
        )?);
        let binds = stage.dc.binds_for(user)? - before;
        ensure(usize::try_from(binds) == Ok(doors), || format!("{doors} tries, {binds} binds"))?;
        let shown = why(host, user, "sshd")?;
        ensure(shown.contains(reason), || shown.clone())?;
    }
    // A password that is merely wrong is not called that.
    let mark = host.journal_mark()?;
    stays_out(host, Way::SshPassword, "bob", "Wrong.Pass.1")?;
    let line = host.journal_line(&mark, &["auth refused", "user=bob", "wrong password"])?;
    ensure(!line.contains("whatever"), || line.clone())?;
    Ok(lines.join("\n"))
}

/// AD locks an account at the fifth wrong password; the host sends three.
fn guesses(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    stage.dc.policy(&["--account-lockout-threshold=5", "--reset-account-lockout-after=30"])?;
    product::restart_until_it_answers(host)?;
    let mark = host.journal_mark()?;
    let before = stage.dc.binds_for("guessed")?;
    all((0..7)
        .map(|_| -> Box<dyn FnOnce() -> Check + Send + '_> {
            Box::new(move || stays_out(host, Way::SshPassword, "guessed", "Wrong.Pass.1"))
        })
        .collect())?;
    let binds = stage.dc.binds_for("guessed")? - before;
    ensure(binds == 3, || format!("AD locks at 5, and was sent {binds} of 7 guesses"))?;
    let line =
        host.journal_line(&mark, &["auth refused", "user=guessed", "locks the account at 5"])?;
    // Nor is the right one sent, until AD's window is over; AD has not locked the account.
    stays_out(host, Way::SshPassword, "guessed", PASSWORD)?;
    let shown = why(host, "guessed", "sshd")?;
    ensure(shown.contains("not locked after wrong ones"), || shown.clone())?;
    gets_in(host, Way::SshPassword, "bob", PASSWORD)?;
    Ok(line)
}

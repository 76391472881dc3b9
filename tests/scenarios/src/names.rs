//! Names at the prompt: however an account is named, it is one account, with one home and one uid;
//! and a name that looks like another's opens nothing of theirs.

#![forbid(unsafe_code)]

use crate::attempt::{Way, enter};
use crate::dc::PASSWORD;
use crate::engine::Output;
use crate::host::Host;
use crate::images;
use crate::outcome::{Check, all, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "one-account-by-every-name", shows: (3, 1), disturbs: true, run: every_name },
    Scenario { name: "keys-by-every-name", shows: (3, 1), disturbs: false, run: keys },
    Scenario {
        name: "names-like-anothers-open-nothing",
        shows: (3, 1),
        disturbs: true,
        run: namesakes,
    },
    Scenario {
        name: "openssh-10.2-wants-the-account-name",
        shows: (3, 1),
        disturbs: false,
        run: openssh_10_2,
    },
];

/// Where a mail address is a name, too.
const BY_MAIL: Configuration = Configuration {
    ca_file: None,
    address: None,
    servers: None,
    more: "[users.login]\nat = [\"userPrincipalName\", \"mail\"]\n",
};

/// The forms of one account's name; its userPrincipalName is not its sAMAccountName.
const FORMS: &[&str] = &[
    "namely",
    "NAMELY",
    "n.named@corp.example",
    "N.Named@CORP.example",
    "CORP\\namely",
    "namely.mail@corp.example",
];
/// The doors at which the name is typed together with its password.
const DOORS: &[Way] = &[Way::SshPassword, Way::SshKeyboard, Way::Su, Way::Login];

/// Shows all that programs may take for who somebody is. Being typed at a shell's prompt, it does
/// not contain what it prints.
const WHO: &str = "echo AS:$(id -un):$(id -u):$(whoami):$HOME:$(stat -c %U $HOME)";

fn line_of(output: &Output) -> Option<String> {
    let mut lines = output.out.lines().map(str::trim);
    lines.rfind(|line| line.starts_with("AS:")).map(str::to_owned)
}

/// What [`WHO`] prints for an account.
fn expected(host: &Host<'_>, name: &str) -> Check<String> {
    let uid = host.must(&format!("id -u {name}"))?;
    Ok(format!("AS:{name}:{uid}:{name}:/home/{name}:{name}"))
}

fn is_the_account(wanted: &str, typed: &str, door: &str, output: &Output) -> Check {
    let line = line_of(output);
    ensure(line.as_deref() == Some(wanted), || {
        format!("'{typed}' by {door}: wanted {wanted}, saw {line:?}:\n{}", output.evidence())
    })
}

/// bob becomes the account by this name; the password is his.
fn by_sudo(host: &Host<'_>, typed: &str) -> Check<Output> {
    let environment = [format!("PASS={PASSWORD}"), "TERM=dumb".to_owned()];
    let command = [
        "timeout",
        "-k",
        "1",
        "60",
        "/opt/host/as",
        "bob",
        "/opt/host/converse",
        "40",
        "sudo",
        "-k",
        "-H",
        "-u",
        typed,
        "sh",
        "-c",
        WHO,
    ];
    host.exec(&environment, &command, "")
}

fn every_name(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    product::write_configuration(host, &stage.dc, &BY_MAIL)?;
    product::restart_until_it_answers(host)?;
    let wanted = &expected(host, "namely")?;
    let before = (stage.dc.binds_for("namely")?, stage.dc.binds_for("bob")?);
    let mut line = String::new();
    for typed in FORMS {
        let mark = host.journal_mark()?;
        let mut checks: Vec<Box<dyn FnOnce() -> Check + Send + '_>> = Vec::new();
        for way in DOORS {
            checks.push(Box::new(move || {
                let output = enter(host, *way, typed, PASSWORD, WHO)?;
                is_the_account(wanted, typed, &format!("{way:?}"), &output)
            }));
        }
        checks.push(Box::new(move || {
            is_the_account(wanted, typed, "sudo -u", &by_sudo(host, typed)?)
        }));
        all(checks)?;
        // The journal has whose uid it is, and the name as it was typed, but for su, which
        // tells PAM the account's own.
        let uid = wanted.split(':').nth(2).unwrap_or_default();
        for service in ["sshd", "su", "login"] {
            line = host.journal_line(
                &mark,
                &[
                    "auth granted",
                    &format!("user={typed} |user=namely "),
                    &format!("service={service}"),
                    &format!("uid={uid} "),
                ],
            )?;
        }
    }
    let after = (stage.dc.binds_for("namely")?, stage.dc.binds_for("bob")?);
    let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
    let logins = (count(FORMS.len() * DOORS.len()), count(FORMS.len()));
    let binds = (after.0 - before.0, after.1 - before.1);
    ensure(binds == logins, || {
        format!("logins of namely, and of bob for sudo: {logins:?}; binds: {binds:?}")
    })?;
    Ok(format!("{} names by {DOORS:?} and sudo -u: {wanted}; {line}", FORMS.len()))
}

fn keys(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let wanted = &expected(host, "alice")?;
    let before = stage.dc.binds_of_people()?;
    for typed in ["alice", "ALICE", "alice@corp.example", "CORP\\alice"] {
        is_the_account(wanted, typed, "key", &enter(host, Way::SshKey, typed, "", WHO)?)?;
    }
    let binds = stage.dc.binds_of_people()? - before;
    ensure(binds == 0, || format!("logins by key cost {binds} binds"))?;
    Ok(wanted.clone())
}

/// Whose password opens what is typed; None: nobody's.
type Opens = (&'static str, Option<&'static str>);

/// v.ictim@corp.example is victim's userPrincipalName, another's mail address and a third's
/// sAMAccountName.
const CLASHES: &[Opens] = &[
    ("victim", Some("victim")),
    ("v.ictim@corp.example", Some("victim")),
    ("CORP\\victim", Some("victim")),
    ("victim.mail@corp.example", Some("victim")),
    ("mailthief", Some("mailthief")),
    // AD itself would take it for victim's; nothing says so in the directory.
    ("victim@corp.example", None),
    // A sAMAccountName with "@" is no name of an account here, by whatever it is called.
    ("atname@corp.example", None),
    ("CORP\\v.ictim@corp.example", None),
];
/// Each has a password of their own.
const OWNERS: &[(&str, &str)] = &[
    ("victim", "Victims.Pass.1"),
    ("mailthief", "Thiefs.Pass.1"),
    ("v.ictim@corp.example", "Atnames.Pass.1"),
];

fn namesakes(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    for (owner, password) in OWNERS {
        stage.dc.password(owner, &["set", password])?;
    }
    product::write_configuration(host, &stage.dc, &BY_MAIL)?;
    product::restart_until_it_answers(host)?;
    let mut tried = 0;
    for (typed, opens) in CLASHES {
        let before = binds(stage)?;
        let mut checks: Vec<Box<dyn FnOnce() -> Check + Send + '_>> = Vec::new();
        for (owner, password) in OWNERS {
            checks.push(Box::new(move || opens_as(host, typed, *opens, owner, password)));
        }
        tried += checks.len();
        all(checks)?;
        // A password, right or wrong, counts for whom the name means, and for nobody else.
        let after = binds(stage)?;
        for ((owner, before), (_, after)) in before.iter().zip(&after) {
            let meant = if *opens == Some(*owner) { OWNERS.len() } else { 0 };
            ensure(usize::try_from(after - before) == Ok(meant), || {
                format!("'{typed}' cost {owner} {} binds, wanted {meant}", after - before)
            })?;
        }
    }
    let shown = host.must("getent passwd atname@corp.example v.ictim@corp.example || true")?;
    ensure(shown.lines().all(|line| line.starts_with("victim:")), || shown.clone())?;
    Ok(format!("{} names, {tried} passwords; v.ictim@corp.example is {shown}", CLASHES.len()))
}

/// One password at one name: it opens the account that the name means, if it is that account's.
fn opens_as(
    host: &Host<'_>,
    typed: &str,
    opens: Option<&str>,
    owner: &str,
    password: &str,
) -> Check {
    let output = enter(host, Way::SshPassword, typed, password, WHO)?;
    match opens {
        Some(account) if account == owner => {
            is_the_account(&expected(host, account)?, typed, "ssh", &output)
        }
        _ => ensure(line_of(&output).is_none(), || {
            format!("'{typed}' opened with {owner}'s password:\n{}", output.evidence())
        }),
    }
}

fn binds(stage: &Stage<'_>) -> Check<Vec<(&'static str, u32)>> {
    OWNERS.iter().map(|(owner, _)| Ok((*owner, stage.dc.binds_for(owner)?))).collect()
}

/// OpenSSH 10.1 and 10.2 refuse a password of whoever names an account otherwise than getpwnam does;
/// 10.3 and all before 10.1 do not. Here: that the account's own name works with such an sshd, that
/// the others are refused by sshd and not by us, and that keys, su and login take them all.
fn openssh_10_2(stage: &Stage<'_>) -> Check<String> {
    // No other distribution has such a one, and not every machine reaches that one's archive.
    let base = match images::ubuntu_26_04(stage.engine()) {
        Ok(base) => base,
        Err(failure) => return Ok(format!("NOT TRIED here, for want of the image: {failure}")),
    };
    let host = &stage.other_host(&base)?;
    let version = host.must("/usr/sbin/sshd -V 2>&1 || ssh -V 2>&1")?;
    ensure(version.contains("OpenSSH_10.1") || version.contains("OpenSSH_10.2"), || {
        format!("'{version}' is neither 10.1 nor 10.2: it shows nothing of those")
    })?;
    host.must("mkdir -p /run/sshd; /usr/sbin/sshd -E /var/log/sshd.log")?;
    let wanted = &expected(host, "namely")?;
    for way in [Way::SshPassword, Way::SshKeyboard] {
        let output = enter(host, way, "namely", PASSWORD, WHO)?;
        is_the_account(wanted, "namely", &format!("{way:?}"), &output)?;
    }
    for typed in ["NAMELY", "n.named@corp.example", "CORP\\namely"] {
        for way in [Way::Su, Way::Login] {
            let output = enter(host, way, typed, PASSWORD, WHO)?;
            is_the_account(wanted, typed, &format!("{way:?}"), &output)?;
        }
        // With a password sshd compares after PAM has let the person in, otherwise before it asks.
        for (way, cost) in [(Way::SshPassword, 1), (Way::SshKeyboard, 0)] {
            let before = stage.dc.binds_for("namely")?;
            let output = enter(host, way, typed, PASSWORD, WHO)?;
            ensure(line_of(&output).is_none(), || {
                format!("'{typed}' got in by {way:?}: say no longer that this sshd compares names")
            })?;
            let binds = stage.dc.binds_for("namely")? - before;
            ensure(binds == cost, || {
                format!("'{typed}' by {way:?}, refused by sshd: {binds} binds")
            })?;
        }
    }
    // Nothing is compared for a key.
    let alice = &expected(host, "alice")?;
    for typed in ["alice", "ALICE", "CORP\\alice"] {
        is_the_account(alice, typed, "key", &enter(host, Way::SshKey, typed, "", WHO)?)?;
    }
    // What an administrator finds in the log of sshd.
    let line = host.must(
        "grep 'Failed password for NAMELY' /var/log/sshd.log && grep -m 1 'PAM user mismatch' /var/log/sshd.log || { tail -n 12 /var/log/sshd.log; exit 1; }",
    )?;
    Ok(format!("{}: {line}", version.lines().next().unwrap_or_default()))
}

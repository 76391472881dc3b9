//! The package: what it changes, that it is inert until configured, that it leaves nothing
//! behind, and that replacing it refuses nobody.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in};
use crate::dc::PASSWORD;
use crate::host::Host;
use crate::local;
use crate::outcome::{Check, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};
use std::time::{Duration, Instant};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "installed-and-unconfigured-is-inert",
        shows: (2, 6),
        disturbs: false,
        run: inert,
    },
    Scenario { name: "purge-leaves-etc-as-it-was", shows: (2, 6), disturbs: false, run: purge },
    Scenario {
        name: "restart-refuses-no-lookup",
        shows: (2, 6),
        disturbs: true,
        run: restart_under_load,
    },
    Scenario {
        name: "reinstall-refuses-no-lookup",
        shows: (2, 6),
        disturbs: true,
        run: reinstall_under_load,
    },
];

fn inert(stage: &Stage<'_>) -> Check<String> {
    let host = stage.fresh_host()?;
    let times = local::measure(&host)?;
    let before = host.must("grep -E '^(passwd|group):' /etc/nsswitch.conf")?;
    let said = product::install(&host, stage.deb())?;
    nsswitch_has_us_last(&host, &before)?;
    for file in ["common-auth", "common-account", "common-password"] {
        host.must(&format!("grep -q pam_ldaps.so /etc/pam.d/{file}"))?;
    }
    let unit = host.sh("systemctl show -P ActiveState -P NRestarts ldapsd")?.out;
    ensure(!unit.contains("failed") && unit.lines().any(|line| line == "0"), || {
        format!("the unit is {unit}")
    })?;
    host.must("test -z \"$(systemctl --failed --plain --no-legend)\" && getent passwd ldapsd")?;
    let start = Instant::now();
    let alice = host.sh("getent passwd alice")?;
    ensure(alice.code == 2 && start.elapsed() < Duration::from_secs(1), || {
        format!(
            "unconfigured, 'getent passwd alice' ended with {} after {:?}",
            alice.code,
            start.elapsed()
        )
    })?;
    let seen = local::local_is_untouched(stage, &host, &times)?;
    configure_and_log_in(stage, &host)?;
    ensure(said.contains("ldaps.toml"), || {
        format!("dpkg -i does not say what to do next:\n{said}")
    })?;
    Ok(seen)
}

fn configure_and_log_in(stage: &Stage<'_>, host: &Host<'_>) -> Check {
    product::write_configuration(host, &stage.dc, &Configuration::default())?;
    product::restart_until_it_answers(host)?;
    gets_in(host, Way::SshPassword, "alice", PASSWORD)
}

/// Each line must be what it was, with `ldaps` behind.
fn nsswitch_has_us_last(host: &Host<'_>, before: &str) -> Check {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let after = host.must("grep -E '^(passwd|group):' /etc/nsswitch.conf")?;
    for (old, new) in before.lines().zip(after.lines()) {
        let mut wanted = words(old);
        wanted.push("ldaps".to_owned());
        ensure(words(new) == wanted, || format!("nsswitch.conf: '{old}' became '{new}'"))?;
    }
    ensure(before.lines().count() == after.lines().count(), || {
        format!("nsswitch.conf lost a line:\n{after}")
    })
}

fn purge(stage: &Stage<'_>) -> Check<String> {
    let host = stage.fresh_host()?;
    let before = product::fingerprint_of_etc(&host)?;
    for round in ["first", "second"] {
        product::install(&host, stage.deb())?;
        ensure(product::fingerprint_of_etc(&host)? != before, || {
            "installing changed nothing in /etc".to_owned()
        })?;
        if round == "second" {
            configure_and_log_in(stage, &host)?;
        }
        product::purge(&host)?;
        let after = product::fingerprint_of_etc(&host)?;
        ensure(after == before, || {
            format!("the {round} purge left /etc changed:\n{}", difference(&before, &after))
        })?;
    }
    let files = before.lines().count();
    gets_in(&host, Way::SshPassword, "localbob", "Local.Pass.1")?;
    Ok(format!("{files} lines about nsswitch.conf and pam.d are the same after two purges"))
}

fn difference(before: &str, after: &str) -> String {
    let gone = before.lines().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
    let new = after.lines().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(new).take(20).collect::<Vec<_>>().join("\n")
}

fn restart_under_load(stage: &Stage<'_>) -> Check<String> {
    under_load(stage, "for round in 1 2 3; do systemctl restart ldapsd; sleep 1; done")
}

fn reinstall_under_load(stage: &Stage<'_>) -> Check<String> {
    under_load(
        stage,
        "DEBIAN_FRONTEND=noninteractive dpkg -i /var/tmp/ldaps-login.deb >/dev/null 2>&1; sleep 1",
    )
}

/// Looks names up without a pause in two processes while something happens to the daemon: none
/// may be refused.
fn under_load(stage: &Stage<'_>, what: &str) -> Check<String> {
    let host = stage.host()?;
    let script = format!(
        "rm -f /var/tmp/load-*; look() {{ asked=0; while [ ! -e /var/tmp/load-stop ]; do \
           getent passwd \"$1\" >/dev/null || echo \"getent passwd $1 ended with $? at $(date +%T.%3N)\" >>/var/tmp/load-refused; \
           asked=$((asked + 1)); done; echo $asked >/var/tmp/load-asked-$1; }}; \
         look alice & look user0001 & sleep 0.5; {what}; touch /var/tmp/load-stop; wait; \
         cat /var/tmp/load-refused 2>/dev/null; cat /var/tmp/load-asked-*"
    );
    let mark = host.journal_mark()?;
    let printed = host.must(&script)?;
    let journal = host.journal_since(&mark)?;
    let refused = printed.lines().filter(|line| line.starts_with("getent")).count();
    let asked: u32 = printed.lines().filter_map(|line| line.parse::<u32>().ok()).sum();
    ensure(refused == 0, || {
        let first = printed.lines().next().unwrap_or_default();
        let of_daemon: Vec<&str> = journal.lines().filter(|line| line.contains("ldapsd")).collect();
        format!(
            "{refused} of {asked} look-ups were refused meanwhile, the first: {first}\n{}",
            of_daemon.join("\n")
        )
    })?;
    // A socket that is not taken over is left in systemd's store, where connections to it hang.
    ensure(!journal.contains("Cannot store more fds"), || {
        format!("the sockets pile up in systemd's store:\n{journal}")
    })?;
    ensure(asked > 50, || format!("only {asked} look-ups were made"))?;
    gets_in(host, Way::SshPassword, "alice", PASSWORD)?;
    Ok(format!("{asked} look-ups meanwhile, none refused"))
}

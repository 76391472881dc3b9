//! Root and local users never notice: with the daemon running, stopped, hung, cut off, before
//! anything is configured, and with the modules' files gone.

#![forbid(unsafe_code)]

use crate::attempt::{Attempt, Way, attempt};
use crate::dc::PASSWORD;
use crate::host::Host;
use crate::outcome::{Check, Failure, all, ensure};
use crate::scenario::{Scenario, Stage};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "local-daemon-running",
        shows: (2, 3),
        disturbs: true,
        run: |stage| in_state(stage, "true"),
    },
    Scenario {
        name: "local-daemon-stopped",
        shows: (2, 3),
        disturbs: true,
        run: |stage| in_state(stage, "systemctl stop ldapsd"),
    },
    Scenario {
        name: "local-daemon-hung",
        shows: (2, 3),
        disturbs: true,
        run: |stage| in_state(stage, "kill -STOP $(systemctl show -P MainPID ldapsd)"),
    },
    Scenario { name: "local-network-cut", shows: (2, 3), disturbs: true, run: network_cut },
    Scenario {
        name: "local-directory-silent",
        shows: (2, 3),
        disturbs: true,
        run: |stage| in_state(stage, "iptables -A OUTPUT -p tcp --dport 636 -j DROP"),
    },
    Scenario {
        name: "local-unconfigured",
        shows: (2, 3),
        disturbs: true,
        run: |stage| {
            in_state(
                stage,
                "rm /etc/ldaps/ldaps.toml; systemctl restart ldapsd; ! systemctl is-failed -q ldapsd",
            )
        },
    },
    Scenario {
        name: "local-modules-missing",
        shows: (2, 3),
        disturbs: true,
        run: |stage| in_state(stage, HIDE_MODULES),
    },
    Scenario {
        name: "no-request-for-local-names",
        shows: (2, 3),
        disturbs: false,
        run: no_request,
    },
    Scenario {
        name: "a-miss-with-the-daemon-hung-is-quick",
        shows: (2, 3),
        disturbs: true,
        run: quick_miss,
    },
];

/// Takes both modules' files away.
const HIDE_MODULES: &str = "for file in $(dpkg -L ldaps-login | grep -E '/(libnss_ldaps|pam_ldaps)\\.so'); do mv \"$file\" \"/root/$(basename \"$file\")\"; done; ! ls /usr/lib/*/security/pam_ldaps.so /usr/lib/*/libnss_ldaps.so.2 2>/dev/null";

/// How long each check took.
pub type Times = BTreeMap<&'static str, Duration>;

/// More than a check may take beyond its time on a host without us, as measured there. Both
/// cores are busy with other checks then; a hang costs 5 s (look-up) or 30 s (login).
const SLACK: Duration = Duration::from_millis(1500);

/// The commands that must go on working: name and line of shell, run as root.
const COMMANDS: &[(&str, &str)] = &[
    ("id root", "test \"$(id -u root)\" = 0"),
    ("id localbob", "test \"$(id -Gn localbob)\" = localbob"),
    ("id localadm", "id -Gn localadm | grep -qw sudo"),
    ("getent group sudo", "getent group sudo | grep -qw localadm"),
    ("su localbob", "test \"$(su - localbob -c 'id -un')\" = localbob"),
    ("cron", CRON),
];

/// cron runs jobs marked @reboot as soon as it starts: no minute to wait for.
const CRON: &str = "printf '@reboot root id -un >/var/tmp/cron-root\\n@reboot localbob id -un >/var/tmp/cron-bob\\n' >/etc/cron.d/scenarios; rm -f /var/tmp/cron-*; install -o localbob /dev/null /var/tmp/cron-bob; systemctl stop cron; rm -f /run/crond.reboot; systemctl start cron; for try in $(seq 50); do grep -qs localbob /var/tmp/cron-bob && grep -qs root /var/tmp/cron-root && break; sleep 0.1; done; rm -f /etc/cron.d/scenarios; grep -q localbob /var/tmp/cron-bob && grep -q root /var/tmp/cron-root";

/// Door, account, password, whether it opens. localbob's namesake in AD has the password
/// Secret.123 and is allowed: it must not open the local account.
const DOORS: &[(&str, Way, &str, &str, bool)] = &[
    ("ssh localbob", Way::SshPassword, "localbob", "Local.Pass.1", true),
    ("ssh localbob by key", Way::SshKey, "localbob", "", true),
    ("login localbob", Way::Login, "localbob", "Local.Pass.1", true),
    ("login root", Way::Login, "root", "Root.Pass.1", true),
    ("su - root", Way::Su, "root", "Root.Pass.1", true),
    ("sudo localadm", Way::Sudo, "localadm", "Local.Pass.1", true),
    ("ssh localbob, AD's password", Way::SshPassword, "localbob", PASSWORD, false),
    ("su - root, AD's password", Way::Su, "root", PASSWORD, false),
    ("login localbob, AD's password", Way::Login, "localbob", PASSWORD, false),
];

/// Runs every command and every door, and gives their times.
///
/// # Errors
/// With all that failed.
pub fn measure(host: &Host<'_>) -> Check<Times> {
    let times = Mutex::new(Times::new());
    let note = |name, took| {
        if let Ok(mut times) = times.lock() {
            times.insert(name, took);
        }
    };
    let note = &note;
    let mut checks: Vec<Box<dyn FnOnce() -> Check + Send + '_>> = Vec::new();
    for (name, script) in COMMANDS {
        checks.push(Box::new(move || {
            let start = Instant::now();
            let output = host.sh(script)?;
            note(name, start.elapsed());
            ensure(output.ok(), || {
                format!(
                    "{name} failed ({}, {:?}): {}",
                    output.code,
                    start.elapsed(),
                    output.evidence()
                )
            })
        }));
    }
    for (name, way, user, password, opens) in DOORS {
        checks.push(Box::new(move || {
            let Attempt { entered, seen, took } = attempt(host, *way, user, password)?;
            note(name, took);
            ensure(entered == *opens, || {
                format!("{name}: wanted in: {opens}, got in: {entered}, after {took:?}:\n{seen}")
            })
        }));
    }
    all(checks)?;
    times.into_inner().map_err(|_| Failure::new("a check panicked"))
}

/// Brings the shared host into a state, and checks everything there against the times of a
/// host without us.
fn in_state(stage: &Stage<'_>, script: &str) -> Check<String> {
    let (host, before) = (stage.host()?, stage.local_times()?);
    host.must(script)?;
    local_is_untouched(stage, host, before)
}

/// The checks that took too long, each as a sentence.
fn slow(times: &Times, before: &Times) -> Vec<String> {
    times
        .iter()
        .filter(|(name, took)| **took > before.get(*name).copied().unwrap_or_default() * 2 + SLACK)
        .map(|(name, took)| format!("{name} took {took:?}, {:?} without us", before.get(name)))
        .collect()
}

/// All local checks, at local speed, with no bind of a namesake.
///
/// # Errors
/// With all that failed or was slow.
pub fn local_is_untouched(stage: &Stage<'_>, host: &Host<'_>, before: &Times) -> Check<String> {
    let binds = stage.dc.binds_of_people()?;
    let mut times = measure(host)?;
    if !slow(&times, before).is_empty() {
        // A busy machine is slow once, a fault every time.
        let again = measure(host)?;
        for (name, took) in &mut times {
            *took = again.get(name).map_or(*took, |second| *second.min(took));
        }
    }
    let sent = stage.dc.binds_of_people()? - binds;
    ensure(sent == 0, || format!("local logins cost {sent} binds of their namesakes in AD"))?;
    let slow = slow(&times, before);
    ensure(slow.is_empty(), || format!("not at local speed:\n{}", slow.join("\n")))?;
    let slowest = times.iter().max_by_key(|(name, took)| {
        took.saturating_sub(before.get(*name).copied().unwrap_or_default())
    });
    let slowest = slowest.map(|(name, took)| {
        format!(
            "{name} {took:.1?}, without us {:.1?}",
            before.get(name).copied().unwrap_or_default()
        )
    });
    Ok(format!("{} checks; the most delayed: {}", times.len(), slowest.unwrap_or_default()))
}

fn network_cut(stage: &Stage<'_>) -> Check<String> {
    stage.host()?.on_network(stage.dc.network(), false)?;
    in_state(stage, "true")
}

/// Undoes [`HIDE_MODULES`]; no fault where nothing was hidden.
///
/// # Errors
/// When the engine cannot be run.
pub fn put_modules_back(host: &Host<'_>) -> Check {
    host.must("for file in $(dpkg -L ldaps-login | grep -E '/(libnss_ldaps|pam_ldaps)\\.so'); do hidden=/root/$(basename \"$file\"); [ ! -e \"$hidden\" ] || mv \"$hidden\" \"$file\"; done").map(drop)
}

/// Local names whose resolution must not open a socket of ours.
const LOCAL_LOOKUPS: &[&str] = &[
    "id root",
    "id localbob",
    "id -G localadm",
    "getent passwd root",
    "getent group sudo",
    "getent initgroups localbob",
    "ls -l /etc /var/log",
];

fn no_request(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    for command in LOCAL_LOOKUPS {
        let trace = host.must(&format!("strace -f -qq -e trace=connect -o /var/tmp/trace {command} >/dev/null; cat /var/tmp/trace"))?;
        ensure(!trace.contains("/run/ldapsd"), || {
            format!("'{command}' connected to the daemon:\n{trace}")
        })?;
    }
    let ours = host.must("strace -f -qq -e trace=connect -o /var/tmp/trace getent passwd user2999 >/dev/null; cat /var/tmp/trace")?;
    ensure(ours.contains("/run/ldapsd/nss.sock"), || {
        format!("strace does not show connections to the daemon: {ours}")
    })?;
    Ok(format!("{LOCAL_LOOKUPS:?}: no connection"))
}

/// PID 1 itself looks the user up: were it to hang, the host would.
const SERVICE: &str = "systemd-run --quiet --wait -p User=user2996 true";

fn quick_miss(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    // The heartbeat is old after 3 s; then nobody waits for the daemon any more.
    host.must("kill -STOP $(systemctl show -P MainPID ldapsd); sleep 4")?;
    let mut seen = Vec::new();
    for command in
        ["getent passwd user2998", "getent passwd nobody-at-all", "id -G user2997", SERVICE]
    {
        let start = Instant::now();
        let output = host.sh(command)?;
        let took = start.elapsed();
        ensure(!output.ok() && took < Duration::from_millis(1500), || {
            format!("'{command}' with the daemon hung: {} after {took:?}", output.code)
        })?;
        seen.push(format!("{command}: {took:.0?}"));
    }
    Ok(seen.join(", "))
}

//! Which domain controller is asked: found by DNS, the second where the first is dead, and none
//! where the only one has gone silent.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in, stays_out};
use crate::dc::{NAME, PASSWORD};
use crate::host::Host;
use crate::outcome::{Check, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};
use std::time::{Duration, Instant};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "found-by-dns-srv", shows: (3, 1), disturbs: true, run: by_dns },
    Scenario {
        name: "dead-servers-are-passed-over",
        shows: (3, 1),
        disturbs: true,
        run: dead_first,
    },
    Scenario {
        name: "silent-server-costs-one-deadline",
        shows: (3, 1),
        disturbs: true,
        run: silent,
    },
];

/// What DNS says when it is not to be believed: a name outside of the domain, to be tried first.
const STRANGER: &str = "dc1.other.example:0";

fn by_dns(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    stage.dc.name_servers(&[STRANGER, &format!("{NAME}:10")])?;
    // The stranger's name is this host itself, where every connection to it is counted.
    host.must(&format!(
        "cp /etc/resolv.conf /root/resolv.conf; echo 'nameserver {}' >/etc/resolv.conf; \
         cp /etc/hosts /root/hosts; echo '127.0.0.99 dc1.other.example' >>/etc/hosts; \
         iptables -A OUTPUT -d 127.0.0.99",
        stage.dc.address()?
    ))?;
    let configuration =
        Configuration { servers: Some("domain = \"corp.example\""), ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    product::restart_until_it_answers(host)?;
    gets_in(host, Way::SshPassword, "alice", PASSWORD)?;
    let counted = host.must("iptables -nvxL OUTPUT | awk '/127.0.0.99/ {print $1}'")?;
    ensure(counted == "0", || {
        format!("dc1.other.example, outside of the domain, was sent {counted} packets")
    })?;
    stage.dc.name_servers(&[STRANGER])?;
    let mark = host.journal_mark()?;
    host.sh("systemctl restart ldapsd")?;
    stays_out(host, Way::SshPassword, "alice", PASSWORD)?;
    let line = host.journal_line(&mark, &["corp.example", "outside of the domain"])?;
    stage.dc.name_servers(&[&format!("{NAME}:0")])?;
    Ok(format!("alice in by SRV; with the stranger alone: {line}"))
}

/// Undoes what [`by_dns`] does to the host's names; no fault where nothing was done.
///
/// # Errors
/// When the engine cannot be run.
pub fn put_resolver_back(host: &Host<'_>) -> Check {
    // In place: the engine mounts both files.
    host.must(
        "for file in resolv.conf hosts; do [ ! -e /root/$file ] || { cat /root/$file >/etc/$file; rm /root/$file; }; done",
    )
    .map(drop)
}

/// Refuses connections, and answers nothing at all.
const DEAD: Configuration = Configuration {
    ca_file: None,
    address: None,
    servers: Some(
        "uri = [\"ldaps://refusing.corp.example\", \"ldaps://silent.corp.example\", \"ldaps://dc1.corp.example\"]",
    ),
    more: "[directory.address]\n\"refusing.corp.example\" = \"127.0.0.1\"\n\"silent.corp.example\" = \"192.0.2.1\"\n",
};

fn dead_first(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    host.must("iptables -A OUTPUT -d 192.0.2.1 -j DROP")?;
    product::write_configuration(host, &stage.dc, &DEAD)?;
    let start = Instant::now();
    product::restart_until_it_answers(host)?;
    let answered = start.elapsed();
    let before = stage.dc.binds_for("alice")?;
    gets_in(host, Way::SshPassword, "alice", PASSWORD)?;
    let binds = stage.dc.binds_for("alice")? - before;
    ensure(binds == 1, || format!("one login past two dead servers cost {binds} binds"))?;
    Ok(format!("answers after {answered:.1?}, past one that refuses and one that is silent"))
}

/// Looks a name up that nobody has asked for since the daemon started.
fn ask(host: &Host<'_>, name: &str) -> Check<(bool, Duration)> {
    let start = Instant::now();
    let found = host.sh(&format!("getent passwd {name}"))?.ok();
    Ok((found, start.elapsed()))
}

fn silent(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    product::restart_until_it_answers(host)?;
    stage.dc.pause(true)?;
    let (_, first) = ask(host, "user2981")?;
    let (found, second) = ask(host, "user2982")?;
    let (_, third) = ask(host, "user2983")?;
    ensure(!found && first < Duration::from_secs(6), || {
        format!("with the server silent: found {found}, the first look-up took {first:?}")
    })?;
    ensure(second.max(third) < Duration::from_millis(500), || {
        format!("after one deadline ({first:?}) look-ups still took {second:?} and {third:?}")
    })?;
    let start = Instant::now();
    stage.dc.pause(false)?;
    host.wait_for("look-ups to work again by themselves", Duration::from_secs(20), |host| {
        Ok(ask(host, "user2984")?.0)
    })?;
    Ok(format!(
        "look-ups took {first:.1?}, {second:.2?}, {third:.2?}; {:.1?} after it woke all was well",
        start.elapsed()
    ))
}

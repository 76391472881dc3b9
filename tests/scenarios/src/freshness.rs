//! What changes in the domain is seen on a host in time; who was known is known after a power cut;
//! a number once given is nobody else's.

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::attempt::{Way, gets_in, stays_out};
use crate::dc::{Dc, PASSWORD};
use crate::host::Host;
use crate::outcome::{Check, Failure, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "changes-are-seen", shows: (4, 1), disturbs: true, run: changes },
    Scenario { name: "known-after-a-power-cut", shows: (4, 1), disturbs: true, run: power_cut },
    Scenario { name: "a-number-once-given", shows: (4, 1), disturbs: true, run: number },
];

/// How often a host is asked whether it knows yet.
const EVERY: Duration = Duration::from_millis(150);
/// What uSNChanged shows is seen within this.
const POLLED: Duration = Duration::from_secs(15);
/// What it does not show, within `positive`: ten minutes, but not for a test. Three polls, so that a step of
/// the rotation that comes a fifth late comes in time.
const WITHIN: Duration = Duration::from_secs(30);
const QUICK: &str =
    "[cache]\npositive = \"30s\"\n\n[users]\nbase = 'OU=People\\, Staff,DC=corp,DC=example'\n";

/// What happens, what a host is asked, what it is to say before and after, and within which time.
struct Row {
    happens: fn(&Dc<'_>) -> Check,
    asked: &'static str,
    before: &'static str,
    after: &'static str,
    within: Duration,
}

const ROWS: &[Row] = &[
    Row {
        happens: |dc| dc.samba_tool(&["group", "addmembers", "fresh-inner", "freshteam"]),
        asked: "id -nG freshteam | tr ' ' '\\n' | grep -c '^fresh-' ",
        before: "1",
        after: "3",
        within: POLLED,
    },
    Row {
        happens: |dc| dc.samba_tool(&["group", "removemembers", "fresh-inner", "freshteam"]),
        asked: "getent group fresh-outer fresh-inner | cut -d: -f4",
        before: "freshdeleted,freshteam\nfreshteam",
        after: "freshdeleted",
        within: POLLED,
    },
    Row {
        happens: |dc| {
            dc.samba_tool(&["user", "rename", "freshrename", "--samaccountname=freshrenamed"])
        },
        asked: "getent passwd freshrename freshrenamed | cut -d: -f1",
        before: "freshrename",
        after: "freshrenamed",
        within: POLLED,
    },
    Row {
        happens: |dc| dc.samba_tool(&["user", "move", "freshmoved", "CN=Computers"]),
        asked: "getent passwd freshmoved | cut -d: -f1",
        before: "freshmoved",
        after: "",
        within: POLLED,
    },
    Row {
        happens: |dc| dc.samba_tool(&["user", "delete", "freshdeleted"]),
        asked: "getent passwd freshdeleted | cut -d: -f1; getent group fresh-outer | cut -d: -f4",
        before: "freshdeleted\nfreshdeleted",
        after: "",
        within: WITHIN,
    },
    Row {
        happens: |dc| dc.samba_tool(&["group", "delete", "fresh-gone"]),
        asked: "getent group fresh-gone | cut -d: -f1; id -G freshteam | wc -w",
        before: "fresh-gone\n4",
        after: "3",
        within: WITHIN,
    },
];

fn changes(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let configuration = Configuration { more: QUICK, ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    product::restart_until_it_answers(host)?;
    let in_force = host.must("ldapsctl check-config")?;
    ensure(in_force.contains("changes asked for every 10 s"), || in_force.clone())?;
    let mut seen = Vec::new();
    for row in ROWS {
        let before = host.sh(row.asked)?.out.trim().to_owned();
        ensure(before == row.before, || format!("'{}' says '{before}' before", row.asked))?;
        (row.happens)(&stage.dc)?;
        let (seconds, promised) = seen_after(host, row)?;
        seen.push(format!("{:.1} s of {}", seconds.as_secs_f32(), promised.as_secs()));
    }
    disabled(stage, host)?;
    let status = host.must("ldapsctl status")?;
    let position = status.lines().find(|line| line.contains("known up to"));
    let position = position.map(str::trim).unwrap_or_default();
    ensure(position.contains("dc1.corp.example"), || status.clone())?;
    Ok(format!("seen after {}; {position}", seen.join(", ")))
}

/// When whoever asked was told of it, from the end of what happened to the beginning of the question: how
/// long the asking takes on a busy machine is not the product's. The last question is put when the promised
/// time is over, and no later one. Gives what was promised, too.
fn seen_after(host: &Host<'_>, row: &Row) -> Check<(Duration, Duration)> {
    let start = Instant::now();
    let mut last = (Duration::ZERO, String::new());
    let mut promised = row.within;
    loop {
        let asked = start.elapsed();
        let said = host.sh(row.asked)?.out.trim().to_owned();
        let took = start.elapsed().saturating_sub(asked);
        if said == row.after {
            return Ok((asked, promised));
        }
        if asked >= promised && promised == row.within {
            let wait = longest_wait(host)?;
            // Whose turn it is to be held against the directory is decided at a poll.
            promised = if row.within == POLLED { POLLED.max(wait) } else { row.within + wait };
        }
        ensure(asked < promised, || {
            format!(
                "'{}' said '{said}' and not '{}' when asked {asked:.1?} after the change, {promised:.1?} were \
                 promised; the answer took {took:.1?}, before it '{}' was said at {:.1?}",
                row.asked, row.after, last.1, last.0
            )
        })?;
        last = (asked, said);
        let left = promised.saturating_sub(start.elapsed());
        std::thread::sleep(left.min(EVERY));
    }
}

/// Where a search for changes takes the domain controller long (62 ms and more, on a machine that does
/// something else besides), the daemon asks more rarely, and says how often: that long, and a fifth.
fn longest_wait(host: &Host<'_>) -> Check<Duration> {
    let said =
        host.must(r#"ldapsctl status --json | sed -n 's/.*"every_s": \([0-9]*\).*/\1/p'"#)?;
    let every = said.parse().map_err(|_| Failure::new(format!("every_s is '{said}'")))?;
    Ok(Duration::from_secs(every) * 6 / 5 + Duration::from_secs(1))
}

/// The account phase asks, and does not wait for a poll.
fn disabled(stage: &Stage<'_>, host: &Host<'_>) -> Check {
    gets_in(host, Way::SshPassword, "freshdisabled", PASSWORD)?;
    stage.dc.samba_tool(&["user", "disable", "freshdisabled"])?;
    stays_out(host, Way::SshPassword, "freshdisabled", PASSWORD)
}

const KNOWN: &str = "getent passwd alice bob zoë 'CORP\\alice' alice@corp.example; id alice; id bob; \
    getent group linux-admins 'Größe Ünit' linux-users | cut -c-300; ls -l /var/tmp/owned; \
    getent passwd $(id -u bob)";

fn power_cut(stage: &Stage<'_>) -> Check<String> {
    // One of its own: it is restarted.
    let host = stage.fresh_host()?;
    product::install(&host, stage.deb())?;
    product::write_configuration(&host, &stage.dc, &Configuration::default())?;
    product::restart_until_it_answers(&host)?;
    host.must("touch /var/tmp/owned; chown bob:linux-admins /var/tmp/owned")?;
    let before = host.must(KNOWN)?;
    ensure(before.contains("bob linux-admins"), || before.clone())?;
    host.must("sleep 0.5")?;
    stage.dc.pause(true)?;
    host.must("systemctl kill --signal=KILL ldapsd; sleep 0.2; systemctl reset-failed ldapsd; systemctl start ldapsd")?;
    let killed = host.must(KNOWN)?;
    ensure(before == killed, || format!("before:\n{before}\nafter kill -9:\n{killed}"))?;
    host.reboot()?;
    let start = Instant::now();
    let rebooted = host.must(KNOWN)?;
    let took = start.elapsed();
    ensure(before == rebooted, || format!("before:\n{before}\nafter a reboot:\n{rebooted}"))?;
    ensure(!rebooted.is_empty() && host.sh("getent passwd dora")?.code != 0, || {
        "who was never asked for is known".to_owned()
    })?;
    stage.dc.pause(false)?;
    product::restart_until_it_answers(&host)?;
    Ok(format!("the same {} lines, in {took:?} after the reboot", before.lines().count()))
}

fn number(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let more = "[ids]\nmapping = \"posix\"\n";
    let configuration = Configuration { more, ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    product::restart_until_it_answers(host)?;
    let mark = host.journal_mark()?;
    host.must(
        "getent passwd giver | grep -q :30077:; touch /var/tmp/given; chown giver /var/tmp/given",
    )?;
    stage.dc.samba_tool(&["user", "delete", "giver"])?;
    stage.dc.attribute("taker", "uidNumber", &["30077"])?;
    host.must("rm -r /var/lib/ldapsd/known; systemctl kill --signal=KILL ldapsd; sleep 0.2; systemctl reset-failed ldapsd; systemctl start ldapsd")?;
    for asked in ["getent passwd taker", "getent passwd 30077"] {
        let found = host.sh(asked)?;
        ensure(found.code == 2, || format!("'{asked}' found {}", found.out.trim()))?;
    }
    let owner = host.must("stat -c %U /var/tmp/given")?;
    ensure(owner == "UNKNOWN", || format!("giver's file is {owner}'s"))?;
    stays_out(host, Way::SshPassword, "taker", PASSWORD)?;
    host.journal_line(&mark, &["CN=Taker", "its id 30077 was given to"])
}

//! `sync = "all"` and `notify = true`: everybody is known before anybody asks, and a change is seen
//! when it happens.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::identity;
use crate::outcome::{Check, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};
use crate::truth::Truth;

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "everybody-is-known-with-sync-all",
        shows: (4, 1),
        disturbs: true,
        run: everybody,
    },
    Scenario { name: "everybody-is-listed", shows: (5, 2), disturbs: true, run: listed },
    Scenario { name: "notified-of-changes", shows: (4, 1), disturbs: true, run: notified },
];

const SYNC: &str = "[cache]\nsync = \"all\"\n\n[nss]\nenumerate = true\n";
/// Samba makes 3,000 users known in seconds; a busy machine needs longer.
const LONG: Duration = Duration::from_secs(120);
/// At most this many differences are shown.
const SHOWN: usize = 8;

fn everybody(stage: &Stage<'_>) -> Check<String> {
    // Other rows have deleted and renamed people since theirs was read. sssd is asked while somebody
    // answers.
    let (truth, host) = (&Truth::of(&stage.dc)?, stage.host()?);
    stage.peer()?;
    let configuration = Configuration { more: SYNC, ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    // Whoever was asked for by other scenarios is forgotten.
    host.must("systemctl stop ldapsd; rm -rf /var/lib/ldapsd/known; systemctl start ldapsd")?;
    let start = Instant::now();
    host.wait_for("everybody", LONG, |host| {
        Ok(host.sh("ldapsctl status")?.out.contains("complete since"))
    })?;
    let took = start.elapsed();
    let status = host.must("ldapsctl status")?;
    ensure(status.contains("every local user can read these names"), || status.clone())?;
    stage.dc.pause(true)?;
    let own: BTreeSet<String> =
        host.must("cut -d: -f1 /etc/passwd")?.lines().map(str::to_lowercase).collect();
    let people: Vec<String> = truth.people.keys().filter(|n| !own.contains(*n)).cloned().collect();
    let listed = host.must("getent -s passwd:ldaps passwd")?;
    let known = host.fed(&["/opt/host/resolve", "passwd"], &people)?;
    for (what, lines) in [("known", &known), ("listed", &listed)] {
        let names: BTreeSet<&str> =
            lines.lines().filter_map(|line| line.split(':').next()).collect();
        let missing: Vec<&String> =
            people.iter().filter(|name| !names.contains(name.as_str())).collect();
        ensure(missing.is_empty(), || {
            let shown = &missing[..missing.len().min(SHOWN)];
            format!("{} are not {what}, among them {shown:?}", missing.len())
        })?;
    }
    let groups = identity::groups_as(stage, truth)?;
    let memberships = identity::memberships_as(stage, truth)?;
    Ok(format!("{} users after {took:.1?}, with no server; {groups}; {memberships}", people.len()))
}

const LIST: &str = "[nss]\nenumerate = true\n";

/// Samba drops what it keeps of a list after ten further paged searches on its connection, and the
/// members of each page of groups are more than that; and it gives one cookie for all pages of a list.
fn listed(stage: &Stage<'_>) -> Check<String> {
    let (truth, host) = (&Truth::of(&stage.dc)?, stage.host()?);
    let configuration = Configuration { more: LIST, ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    host.must("systemctl stop ldapsd; rm -rf /var/lib/ldapsd/known; systemctl start ldapsd")?;
    product::restart_until_it_answers(host)?;
    // Look-ups of groups meanwhile ask for members, too.
    host.must(
        "cd /var/tmp && (while [ ! -e listed ]; do getent group linux-users >/dev/null; ldapsctl group linux-users \
         >/dev/null; sleep 0.2; done) & cd /var/tmp && getent -s group:ldaps group >groups; touch listed; wait; \
         getent -s passwd:ldaps passwd >people",
    )?;
    let names = |file| {
        let names = host.must(&format!("cut -d: -f1 /etc/{file}"))?;
        Ok(names.lines().map(str::to_lowercase).collect::<BTreeSet<String>>())
    };
    // The host's own names hide the directory's.
    let (own, people) = (names("group")?, names("passwd")?);
    let lines = host.must("cat /var/tmp/groups")?;
    let mut wrong = Vec::new();
    for (name, group) in truth.groups.iter().filter(|(name, _)| !own.contains(*name)) {
        let line = lines.lines().find(|line| line.split(':').next() == Some(name.as_str()));
        let members = line.and_then(|line| line.split(':').nth(3)).map(|members| {
            members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        });
        let expected: BTreeSet<String> =
            group.members.iter().filter(|name| !people.contains(*name)).cloned().collect();
        if members.as_ref() != Some(&expected) {
            wrong.push(format!("{name}: {:?} and not {}", line, expected.len()));
        }
    }
    ensure(wrong.is_empty(), || {
        format!(
            "{} groups are listed otherwise:\n{}",
            wrong.len(),
            wrong[..wrong.len().min(SHOWN)].join("\n")
        )
    })?;
    let listed = host.must("wc -l </var/tmp/people")?;
    let own = truth.people.keys().filter(|name| people.contains(*name)).count();
    let expected = truth.people.len() - own;
    ensure(listed == expected.to_string(), || {
        format!("{listed} people are listed, and not {expected}")
    })?;
    Ok(format!("{} groups with their members, and {listed} people", lines.lines().count()))
}

const TOLD: &str =
    "[cache]\nnotify = true\npoll = \"1h\"\npositive = \"24h\"\nnegative = \"24h\"\n";
/// Samba looks for what to tell every few seconds; the poll is made every hour.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

fn notified(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let configuration = Configuration { more: TOLD, ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    product::restart_until_it_answers(host)?;
    host.wait_for("the telling", Duration::from_secs(20), |host| {
        let status = host.sh("ldapsctl status")?.out;
        Ok(status.contains("changes are told of at once") && status.contains("every 1 h"))
    })?;
    host.must("sleep 1")?;
    let asked = "id -nG freshteam | tr ' ' '\\n' | grep -c '^fresh-'";
    let before = host.sh(asked)?.out.trim().to_owned();
    stage.dc.samba_tool(&["group", "addmembers", "fresh-inner", "freshteam"])?;
    let start = Instant::now();
    host.wait_for("the change", TOLD_WITHIN, |host| Ok(host.sh(asked)?.out.trim() != before))?;
    let took = start.elapsed();
    stage.dc.samba_tool(&["group", "removemembers", "fresh-inner", "freshteam"])?;
    let start = Instant::now();
    host.wait_for("the way back", TOLD_WITHIN, |host| Ok(host.sh(asked)?.out.trim() == before))?;
    Ok(format!("seen after {took:.1?} and {:.1?}, polled every hour", start.elapsed()))
}

//! Who everybody is: `getent` and `id` for all users and groups of the domain, against sssd's
//! ids and the closure that the domain controller's database gives.

#![forbid(unsafe_code)]

use crate::host::Host;
use crate::outcome::{Check, ensure};
use crate::scenario::{Scenario, Stage};
use crate::truth::Truth;
use std::collections::{BTreeMap, BTreeSet};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "users-by-name-and-uid", shows: (2, 1), disturbs: false, run: users },
    Scenario { name: "groups-by-name-and-gid", shows: (2, 1), disturbs: false, run: groups },
    Scenario { name: "id-is-the-closure", shows: (2, 1), disturbs: false, run: memberships },
    Scenario {
        name: "computers-and-lists-are-nobody",
        shows: (2, 1),
        disturbs: false,
        run: hidden,
    },
    Scenario { name: "spellings-of-one-user", shows: (2, 1), disturbs: false, run: spellings },
    Scenario {
        name: "names-made-to-break-filters",
        shows: (2, 1),
        disturbs: false,
        run: hostile_names,
    },
    Scenario {
        name: "system-services-run-as-directory-users",
        shows: (2, 1),
        disturbs: false,
        run: system_services,
    },
];

/// At most this many differences are shown.
const SHOWN: usize = 8;

/// The host's own names of a database: AD's namesakes must stay hidden behind them.
fn own_names(host: &Host<'_>, database: &str) -> Check<BTreeSet<String>> {
    Ok(host.must(&format!("cut -d: -f1 /etc/{database}"))?.lines().map(str::to_lowercase).collect())
}

/// Lines of `getent` by their first field.
fn by_name(text: &str) -> BTreeMap<String, Vec<String>> {
    text.lines()
        .map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|fields| Some((fields.first()?.clone(), fields)))
        .collect()
}

fn no_differences(what: &str, differences: &[String]) -> Check {
    ensure(differences.is_empty(), || {
        let shown = &differences[..differences.len().min(SHOWN)];
        format!("{} {what} are wrong, among them:\n{}", differences.len(), shown.join("\n"))
    })
}

fn users(stage: &Stage<'_>) -> Check<String> {
    let (truth, peer, host) = (stage.truth()?, stage.peer()?, stage.host()?);
    let own = own_names(host, "passwd")?;
    let served: Vec<String> =
        truth.people.keys().filter(|name| !own.contains(*name)).cloned().collect();
    let found = by_name(&host.fed(&["/opt/host/resolve", "passwd"], &served)?);
    let mut differences = Vec::new();
    let mut uids = Vec::new();
    for name in &served {
        let (uid, gid) = peer.people.get(name).copied().unwrap_or_default();
        let primary = truth.people.get(name).map(|person| person.primary + peer.offset);
        if primary != Some(gid) {
            differences
                .push(format!("{name}: sssd's gid is {gid}, primaryGroupID gives {primary:?}"));
        }
        uids.push(uid.to_string());
        let wanted = format!("{name}:*:{uid}:{gid}:<gecos>:/home/{name}:/bin/bash");
        let got = found.get(name).map(|fields| {
            let mut fields = fields.clone();
            if let Some(gecos) = fields.get_mut(4) {
                "<gecos>".clone_into(gecos);
            }
            fields.join(":")
        });
        if got.as_deref() != Some(wanted.as_str()) {
            differences.push(format!("{name}: wanted {wanted}, got {got:?}"));
        }
    }
    no_differences("users by name", &differences)?;
    let again = by_name(&host.fed(&["/opt/host/resolve", "passwd"], &uids)?);
    let differences: Vec<String> = found
        .iter()
        .filter(|(name, fields)| again.get(*name) != Some(*fields))
        .map(|(name, fields)| format!("by name {fields:?}, by uid {:?}", again.get(name)))
        .collect();
    no_differences("users by uid", &differences)?;
    namesakes_stay_hidden(host, truth, peer.offset, &own)?;
    Ok(format!("{} users by name and by uid, ids as sssd's", served.len()))
}

/// AD's `root` and `localbob`: the name is the host's, and the directory's uid is nobody's.
fn namesakes_stay_hidden(
    host: &Host<'_>,
    truth: &Truth,
    offset: u32,
    own: &BTreeSet<String>,
) -> Check {
    let mut namesakes = 0;
    for (name, person) in truth.people.iter().filter(|(name, _)| own.contains(*name)) {
        namesakes += 1;
        let uid = person.rid + offset;
        let by_uid = host.sh(&format!("getent passwd {uid}"))?;
        ensure(by_uid.code == 2, || {
            format!("uid {uid} of AD's {name}, a local name, is served: {}", by_uid.evidence())
        })?;
        let by_name = host.must(&format!("getent -s passwd:ldaps passwd {name} || true"))?;
        ensure(by_name.is_empty(), || {
            format!("the module serves AD's {name}, a local name: {by_name}")
        })?;
    }
    ensure(namesakes >= 3, || {
        format!("only {namesakes} of AD's users have a local namesake; the test needs 3")
    })
}

fn groups(stage: &Stage<'_>) -> Check<String> {
    groups_as(stage, stage.truth()?)
}

/// Every group, by name and by gid, with its members.
///
/// # Errors
/// With those that are not as in this truth.
pub(crate) fn groups_as(stage: &Stage<'_>, truth: &Truth) -> Check<String> {
    let (peer, host) = (stage.peer()?, stage.host()?);
    let (own, own_people) = (own_names(host, "group")?, own_names(host, "passwd")?);
    let served: Vec<String> =
        truth.groups.keys().filter(|name| !own.contains(*name)).cloned().collect();
    let found = by_name(&host.fed(&["/opt/host/resolve", "group"], &served)?);
    let mut differences = Vec::new();
    let mut gids = Vec::new();
    for name in &served {
        let Some(group) = truth.groups.get(name) else { continue };
        let gid = group.rid + peer.offset;
        gids.push(gid.to_string());
        if peer.groups.get(name).is_some_and(|theirs| *theirs != gid) {
            differences.push(format!(
                "{name}: sssd's gid is {:?}, the SID gives {gid}",
                peer.groups.get(name)
            ));
        }
        let wanted: BTreeSet<String> = group.members.difference(&own_people).cloned().collect();
        let got = found.get(name).map(|fields| {
            let members = fields.get(3).map(String::as_str).unwrap_or_default();
            let members: BTreeSet<String> =
                members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            (fields.get(2).cloned().unwrap_or_default(), members)
        });
        match got {
            Some((theirs, members)) if theirs == gid.to_string() && members == wanted => {}
            Some((theirs, members)) => differences.push(format!(
                "{name}: gid {theirs} (wanted {gid}); missing {:?}, too many {:?}",
                wanted.difference(&members).take(5).collect::<Vec<_>>(),
                members.difference(&wanted).take(5).collect::<Vec<_>>()
            )),
            None => differences.push(format!("{name}: not found (wanted gid {gid})")),
        }
    }
    no_differences("groups by name", &differences)?;
    let again = by_name(&host.fed(&["/opt/host/resolve", "group"], &gids)?);
    no_differences(
        "groups by gid",
        &found
            .iter()
            .filter(|(name, fields)| again.get(*name) != Some(*fields))
            .map(|(name, fields)| {
                format!(
                    "{name}: by name {:?}, by gid {:?}",
                    fields.get(2),
                    again.get(name).map(|f| f.get(2))
                )
            })
            .collect::<Vec<_>>(),
    )?;
    for name in ["sudo", "docker"] {
        let local = host.must(&format!("getent group {name}"))?;
        ensure(!local.contains("alice"), || {
            format!("AD's group {name} became the host's: {local}")
        })?;
    }
    Ok(format!("{} groups by name and by gid, members as the closure", served.len()))
}

fn memberships(stage: &Stage<'_>) -> Check<String> {
    memberships_as(stage, stage.truth()?)
}

/// The groups of everybody.
///
/// # Errors
/// As [`groups_as`].
pub(crate) fn memberships_as(stage: &Stage<'_>, truth: &Truth) -> Check<String> {
    let (peer, host) = (stage.peer()?, stage.host()?);
    let (own, own_people) = (own_names(host, "group")?, own_names(host, "passwd")?);
    let hidden: BTreeSet<u32> = truth
        .groups
        .iter()
        .filter(|(name, _)| own.contains(*name))
        .map(|(_, group)| group.rid)
        .collect();
    let names: Vec<String> =
        truth.people.keys().filter(|name| !own_people.contains(*name)).cloned().collect();
    let printed = host.fed(&["/opt/host/resolve", "ids"], &names)?;
    let mut got: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for line in printed.lines() {
        if let Some((name, ids)) = line.split_once('\t') {
            got.insert(name, ids.split(' ').filter_map(|id| id.parse().ok()).collect());
        }
    }
    let mut differences = Vec::new();
    for name in &names {
        let Some(person) = truth.people.get(name) else { continue };
        let wanted: BTreeSet<u32> =
            person.groups.difference(&hidden).map(|rid| rid + peer.offset).collect();
        let ids = got.get(name.as_str()).cloned().unwrap_or_default();
        if ids != wanted {
            differences.push(format!(
                "{name}: missing {:?}, too many {:?}",
                wanted.difference(&ids).collect::<Vec<_>>(),
                ids.difference(&wanted).collect::<Vec<_>>()
            ));
        }
    }
    no_differences("users' groups", &differences)?;
    every_gid_has_a_name(host)?;
    Ok(format!("{} users' groups equal the closure, the cycle's too", names.len()))
}

fn every_gid_has_a_name(host: &Host<'_>) -> Check {
    for name in ["alice", "bob", "zoë", "jo smith"] {
        let shown = host.sh(&format!("id '{name}'"))?;
        ensure(
            shown.ok() && shown.err.is_empty() && !shown.out.contains("cannot find name"),
            || format!("'id {name}' complains: {}", shown.evidence()),
        )?;
    }
    let local = host.must("id localbob; id root")?;
    ensure(!local.contains("linux-users"), || format!("a local user got AD's groups: {local}"))
}

fn hidden(stage: &Stage<'_>) -> Check<String> {
    let (host, truth) = (stage.host()?, stage.truth()?);
    for (name, kind) in &truth.hidden {
        for database in ["passwd", "group"] {
            let output = host.exec(&[], &["getent", database, name], "")?;
            ensure(output.code == 2, || {
                format!(
                    "'getent {database} {name}' (a {kind}) ended with {}: {}",
                    output.code,
                    output.evidence()
                )
            })?;
        }
    }
    ensure(truth.hidden.iter().any(|(name, _)| name == "dc1$"), || {
        "DC1$ is not in the domain".to_owned()
    })?;
    Ok(truth.hidden.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "))
}

/// What people type, and whose passwd line it must give.
const SPELLINGS: &[(&str, &str)] = &[
    ("ALICE", "alice"),
    ("Alice", "alice"),
    ("alice@corp.example", "alice"),
    ("CORP\\alice", "alice"),
    ("MixedCase", "mixedcase"),
    ("ÄNNE", "änne"),
    ("ZOË", "zoë"),
    ("Jo Smith", "jo smith"),
    ("jo.smith@corp.example", "jo smith"),
];

fn spellings(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    for (typed, canonical) in SPELLINGS {
        let got = host.exec(&[], &["getent", "passwd", typed], "")?;
        let wanted = host.exec(&[], &["getent", "passwd", canonical], "")?;
        ensure(wanted.ok() && got.out == wanted.out, || {
            format!(
                "'getent passwd {typed}' gave '{}', wanted '{}'",
                got.out.trim(),
                wanted.out.trim()
            )
        })?;
    }
    // AD itself folds accents and ignores a trailing space: a name must not match so loosely.
    for typed in ["alíce", "zoe", "alice ", "ALİCE", "smith, jo"] {
        let got = host.exec(&[], &["getent", "passwd", typed], "")?;
        ensure(got.code == 2, || format!("'getent passwd {typed}' gave '{}'", got.out.trim()))?;
    }
    Ok(format!("{} spellings, 5 that are nobody's", SPELLINGS.len()))
}

fn hostile_names(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let long = "a".repeat(257);
    let names = [
        "*",
        "a)(b",
        "alice*",
        "alice\\2a",
        "alice)(objectClass=*",
        "-alice",
        "alice\nbob",
        "",
        long.as_str(),
    ];
    for name in names {
        for database in ["passwd", "group"] {
            let output = host.exec(&[], &["timeout", "10", "getent", database, "--", name], "")?;
            // getent lists everything when asked for an empty name by no key at all; here it is a key.
            ensure(output.code == 2, || {
                format!(
                    "'getent {database} {name:?}' ended with {}: {}",
                    output.code,
                    output.evidence()
                )
            })?;
        }
    }
    ensure(host.sh("getent passwd alice")?.ok(), || {
        "alice is gone after the hostile names".to_owned()
    })?;
    Ok(format!("{} names, none found", names.len()))
}

fn system_services(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let seen = host.must("systemd-run --quiet --wait --pipe -p User=alice id -un")?;
    ensure(seen == "alice", || format!("systemd-run -p User=alice ran as '{seen}'"))?;
    host.write(
        "/etc/cron.d/scenarios",
        "@reboot alice id -un > /var/tmp/cron-alice\n",
        "root:root",
        "0644",
    )?;
    host.must("rm -f /var/tmp/cron-alice; systemctl stop cron; rm -f /run/crond.reboot; systemctl start cron")?;
    let ran = host.wait_for("alice's cron job", std::time::Duration::from_secs(15), |host| {
        Ok(host.sh("cat /var/tmp/cron-alice")?.out.trim() == "alice")
    });
    host.must("rm -f /etc/cron.d/scenarios")?;
    ran.map(|()| "systemd-run -p User=alice, alice's cron job".to_owned())
}

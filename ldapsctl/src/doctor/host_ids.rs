//! Ids: what this host gives away by itself, against the ranges that are the domain's.
#![forbid(unsafe_code)]

use super::report::{
    Report,
    Severity::{Fault, Warning},
};
use super::{Doctor, text};
use ldaps_core::config::{Config, IdMapping};
use ldaps_core::idmap::{IdMap, IdSpace};
use ldaps_directory::Seen;
use std::ops::RangeInclusive;

const AREA: &str = "ids";

/// Looks at local accounts, ranges for containers, and what useradd gives next.
pub fn look(doctor: &Doctor, config: Option<&Config>, seen: Option<&Seen>, report: &mut Report) {
    if config.is_some_and(|config| config.ids.mapping == IdMapping::Posix) {
        return report.fine(
            AREA,
            "overlap",
            "are what uidNumber and gidNumber say: no range is theirs alone",
        );
    }
    let Some(ranges) = config.and_then(|config| ranges(config, seen)) else {
        let what = "not compared with the domain's, which are not known";
        return report.unseen(
            AREA,
            "overlap",
            what,
            "mend the configuration and the service account first",
        );
    };
    let shown: Vec<String> =
        ranges.iter().map(|it| format!("{}-{}", it.start(), it.end())).collect();
    let before = report.count();
    accounts(doctor, &ranges, report);
    for file in ["/etc/subuid", "/etc/subgid"] {
        containers(doctor, file, &ranges, report);
    }
    useradd(doctor, &ranges, report);
    if report.count() == before {
        report.fine(
            AREA,
            "overlap",
            format!("the domain's, {}, are nobody's on this host", shown.join(", ")),
        );
    }
}

/// The ids that nearly everybody of the domain has.
fn ranges(config: &Config, seen: Option<&Seen>) -> Option<Vec<RangeInclusive<u32>>> {
    let ids = &config.ids;
    let space = IdSpace::new(ids.range_min, ids.range_max, ids.range_size)?;
    let map = IdMap::new(space, seen?.domain.sid, ids.on_collision)?;
    // The RIDs from 0 on; the ranges behind are for domains with very many.
    let primary = map.ranges().min_by_key(|range| {
        map.sid_of(*range.start()).and_then(|sid| sid.split_rid().map(|it| it.1))
    });
    primary.map(|range| vec![range])
}

fn hit(ranges: &[RangeInclusive<u32>], first: u32, last: u32) -> bool {
    ranges.iter().any(|range| first <= *range.end() && *range.start() <= last)
}

/// Local people and groups with an id of the domain's.
fn accounts(doctor: &Doctor, ranges: &[RangeInclusive<u32>], report: &mut Report) {
    for (file, what) in [("/etc/passwd", "user"), ("/etc/group", "group")] {
        let content = text(&doctor.path(file)).unwrap_or_default();
        for line in content.lines() {
            let mut fields = line.split(':');
            let (name, id) = (fields.next(), fields.nth(1).and_then(|id| id.parse().ok()));
            let (Some(name), Some(id)) = (name, id) else { continue };
            if hit(ranges, id, id) {
                report.add(
                    Fault,
                    AREA,
                    "taken",
                    format!("{file}: the local {what} {name} has the id {id}, which is the domain's to give"),
                    "two people with one id read and write each other's files",
                    format!(
                        "give it an id of its own: sudo {what}mod -{0} ID {name}; which files have the old one, and whose \
                         they are: sudo find / -xdev -{0}id {id}",
                        if what == "user" { "u" } else { "g" },
                    ),
                );
            }
        }
    }
}

/// `name:first:count` of /etc/subuid and /etc/subgid.
fn containers(doctor: &Doctor, file: &str, ranges: &[RangeInclusive<u32>], report: &mut Report) {
    for line in text(&doctor.path(file)).unwrap_or_default().lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(first), Some(count)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let (Ok(first), Ok(count)) = (first.parse::<u32>(), count.trim().parse::<u32>()) else {
            continue;
        };
        let last = first.saturating_add(count.saturating_sub(1));
        if hit(ranges, first, last) {
            report.add(
                Warning,
                AREA,
                "containers",
                format!("{file}: {name} may use {first}-{last} in containers, and some of these are the domain's"),
                "who is root in a container of theirs can become people of the domain there, and owns their files",
                format!("give {name} others: sudo usermod --del-{0}s {first}-{last} --add-{0}s FIRST-LAST {name}; and move what their containers own", file.trim_start_matches("/etc/")),
            );
        }
    }
}

/// What useradd and groupadd give next (login.defs(5)).
fn useradd(doctor: &Doctor, ranges: &[RangeInclusive<u32>], report: &mut Report) {
    let content = text(&doctor.path("/etc/login.defs")).unwrap_or_default();
    let value = |wanted: &str| {
        let lines = content.lines().filter_map(|line| line.trim().split_once([' ', '\t']));
        let mut found = lines
            .filter(|(key, _)| *key == wanted)
            .filter_map(|(_, value)| value.trim().parse::<u32>().ok());
        found.next_back()
    };
    for (least, most, usual) in [("UID_MIN", "UID_MAX", 60_000), ("GID_MIN", "GID_MAX", 60_000)] {
        let (first, last) = (value(least).unwrap_or(1_000), value(most).unwrap_or(usual));
        if hit(ranges, first, last) {
            report.add(
                Warning,
                AREA,
                "given-twice",
                format!("/etc/login.defs: {most} is {last}, so that new local accounts may get ids of the domain's"),
                "two people with one id read and write each other's files",
                format!("sudo sed -i -E 's/^({most})[[:space:]].*/\\1 {usual}/' /etc/login.defs"),
            );
        }
    }
}

//! Every number there is, in Prometheus' words (<https://prometheus.io/docs/practices/naming/>):
//! `docs/metrics.md` tells of each, and a test holds it to this.

mod counts;
mod family;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ldaps_core::protocol::admin::{Counters, FreshnessStatus, NotifyStatus, SyncPhase, SyncStatus};
use ldaps_core::protocol::tools::{Ending, Family, Held};
use ldaps_directory::LinkStatus;

pub(crate) use counts::LoginCounts;
use family::{Samples as _, counter, gauge, histogram};

use crate::host::Host;
use crate::status::Numbers;

/// All of them.
pub(crate) fn families(host: &Host, numbers: &Numbers) -> Vec<Family> {
    let link = host.directory.status();
    let mut families = of_the_daemon(host, numbers);
    families.extend(of_lookups(numbers.counters(host), host.lookups.held()));
    families.extend(of_logins(&numbers.logins));
    families.extend(of_the_directory(&link));
    families.extend(of_freshness(&host.freshness.status()));
    let (sync, notify) = host.sync();
    families.extend(of_sync(sync.as_ref()));
    families.extend(of_notices(notify.as_ref()));
    families.push(of_endings(&host.endings(&link)));
    families
}

fn of_the_daemon(host: &Host, numbers: &Numbers) -> Vec<Family> {
    let version = env!("CARGO_PKG_VERSION");
    let warnings = host.told().len();
    vec![
        gauge("ldapsd_build_info", "The version that runs, as a label.")
            .with(&[("version", version)], 1),
        gauge("ldapsd_start_time_seconds", "When the daemon started, in seconds since 1970.")
            .value(unix(numbers.uptime())),
        gauge(
            "ldapsd_configuration_warnings",
            "What the daemon found fault with in its configuration.",
        )
        .value(whole(warnings)),
    ]
}

fn of_lookups(counters: Counters, held: Held) -> Vec<Family> {
    let Held { users, groups, memberships, nobody, doubted } = held;
    vec![
        counter("ldapsd_lookups_total", "Look-ups of users, groups and memberships.")
            .with(&[("source", "memory")], whole(counters.hits))
            .with(&[("source", "directory")], whole(counters.misses)),
        gauge("ldapsd_cache_entries", "What is held in memory.")
            .with(&[("kind", "user")], whole(users))
            .with(&[("kind", "group")], whole(groups))
            .with(&[("kind", "membership")], whole(memberships))
            .with(&[("kind", "nobody")], whole(nobody)),
        gauge(
            "ldapsd_cache_doubted_entries",
            "Entries that are asked for again before they are served as fresh.",
        )
        .value(whole(doubted)),
    ]
}

fn of_logins(counts: &LoginCounts) -> Vec<Family> {
    let now = counts.now();
    let mut decisions = counter("ldapsd_decisions_total", "Decisions about logins.");
    for ((phase, result), count) in now.decisions {
        decisions = decisions.with(&[("phase", phase), ("result", result)], whole(count));
    }
    let mut took =
        histogram("ldapsd_decision_duration_seconds", "How long decisions about logins took.");
    for (phase, durations) in now.took {
        took = took.durations(&[("phase", phase)], &durations);
    }
    let mut binds = counter("ldapsd_binds_total", "Binds sent for somebody who logs in.");
    for (result, count) in now.binds {
        binds = binds.with(&[("result", result)], whole(count));
    }
    let binds_took = histogram(
        "ldapsd_bind_duration_seconds",
        "How long those binds took, connecting included.",
    )
    .durations(&[], &now.binds_took);
    vec![decisions, took, binds, binds_took]
}

fn of_the_directory(link: &LinkStatus) -> Vec<Family> {
    let answered = link.traffic.answered.map_or(0, |at| unix(at.elapsed()));
    let connected = |is: bool| i64::from(is);
    vec![
        gauge("ldapsd_directory_up", "Whether a domain controller can be asked.")
            .value(connected(link.connected.is_some())),
        gauge(
            "ldapsd_directory_last_answer_timestamp_seconds",
            "When a domain controller last answered, in seconds since 1970; 0: not yet.",
        )
        .value(answered),
        gauge("ldapsd_connections", "Open connections to domain controllers.")
            .with(&[("kind", "service")], connected(link.connected.is_some()))
            .with(&[("kind", "ready")], connected(link.is_ready)),
        counter("ldapsd_searches_failed_total", "Searches that were not answered.")
            .value(whole(link.traffic.failed)),
        histogram(
            "ldapsd_search_duration_seconds",
            "How long the searches took that were answered.",
        )
        .durations(&[], &link.traffic.searches),
    ]
}

fn of_freshness(status: &FreshnessStatus) -> Vec<Family> {
    let polled = status.polled_s.map_or(0, |age| unix(Duration::from_secs(age)));
    vec![
        counter("ldapsd_polls_total", "Questions to the directory whether anything has changed.")
            .value(whole(status.polls)),
        counter("ldapsd_changes_total", "Objects of the directory that have changed.")
            .value(whole(status.changes)),
        gauge(
            "ldapsd_last_poll_timestamp_seconds",
            "When the directory was last asked whether anything has changed; 0: not yet.",
        )
        .value(polled),
        gauge("ldapsd_usn", "Up to which of its domain controller's changes everything is known.")
            .value(status.usn.unwrap_or_default()),
    ]
}

/// Everything is 0 where not everybody is kept.
fn of_sync(sync: Option<&SyncStatus>) -> Vec<Family> {
    let number = |of: fn(&SyncStatus) -> u64| whole(sync.map_or(0, of));
    let is_complete = sync.is_some_and(|sync| sync.phase == SyncPhase::Complete);
    vec![
        gauge("ldapsd_sync_enabled", "Whether everybody is read before anybody asks.")
            .value(i64::from(sync.is_some())),
        gauge(
            "ldapsd_sync_complete",
            "Whether everybody is there, and kept as the directory has them.",
        )
        .value(i64::from(is_complete)),
        gauge(
            "ldapsd_sync_complete_timestamp_seconds",
            "When everybody was there, in seconds since 1970; 0: not yet.",
        )
        .value(number(|sync| sync.done_at.unwrap_or_default())),
        gauge("ldapsd_sync_entries", "How many have been read, or are kept.")
            .with(&[("kind", "user")], number(|sync| sync.users))
            .with(&[("kind", "group")], number(|sync| sync.groups)),
        counter("ldapsd_sync_walks_total", "How often everybody was read.")
            .value(number(|sync| sync.walks)),
    ]
}

/// The same of changes that the domain controller tells of.
fn of_notices(notify: Option<&NotifyStatus>) -> Vec<Family> {
    let is_told = notify.is_some_and(|notify| notify.listening_s.is_some());
    vec![
        gauge("ldapsd_notify_enabled", "Whether the domain controller is to tell of changes.")
            .value(i64::from(notify.is_some())),
        gauge("ldapsd_notify_listening", "Whether it does.").value(i64::from(is_told)),
        counter("ldapsd_notify_changes_total", "Changes that it told of.")
            .value(whole(notify.map_or(0, |notify| notify.changes))),
    ]
}

fn of_endings(endings: &[Ending]) -> Family {
    let name = "ldapsd_certificate_expiry_timestamp_seconds";
    let help = "When a certificate or a revocation list expires, in seconds since 1970.";
    let mut family = gauge(name, help);
    for Ending { kind, subject, place, at, .. } in endings {
        let labels = [("kind", kind.as_str()), ("subject", subject), ("place", place)];
        family = family.with(&labels, *at);
    }
    family
}

/// A moment so long ago, in seconds since 1970.
fn unix(ago: Duration) -> i64 {
    let then = SystemTime::now().checked_sub(ago).unwrap_or(UNIX_EPOCH);
    then.duration_since(UNIX_EPOCH).map_or(0, |since| whole(since.as_secs()))
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

//! `ldapsctl status`: how the daemon is.
#![forbid(unsafe_code)]

use crate::everybody;
use crate::output::Table;
use ldaps_core::protocol::admin::{FreshnessStatus, NotifyStatus, Status, SyncStatus};
use serde::Serialize;

/// What `status` shows.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// How the daemon is.
    #[serde(flatten)]
    pub status: Status,
    /// How what it holds is kept as the directory has it; None: the daemon is too old to say.
    pub freshness: Option<FreshnessStatus>,
    /// How far the reading of everybody is; None: `sync` does not want it, or the daemon is too old.
    pub sync: Option<SyncStatus>,
    /// How the domain controller tells of changes; None: as `sync`.
    pub notify: Option<NotifyStatus>,
}

/// The daemon's status, for a person.
#[must_use]
pub fn describe(shown: &Shown) -> String {
    let Shown { status, freshness, sync, notify } = shown;
    let mut table = Table::default();
    table.lines(
        "servers",
        status.servers.iter().map(|server| {
            let state = if server.connected { "connected" } else { "not connected" };
            format!("{}: {state}", server.server)
        }),
    );
    match &status.domain {
        Some(domain) => {
            let netbios = domain.netbios.as_deref().map(|name| format!(" ({name})"));
            table.line("domain", format!("{}{}", domain.base, netbios.unwrap_or_default()));
            table.line("SID", &domain.sid);
            table.lines(
                "ids",
                domain.ranges.iter().map(|(first, last)| format!("{first} to {last}")),
            );
        }
        None => table.line("domain", "not known yet: no server has answered"),
    }
    match &status.last_error {
        Some((error, age_s)) => table.line("last error", format!("{} ago: {error}", time(*age_s))),
        None => table.line("last error", "none"),
    }
    table.lines("warnings", status.warnings.iter().cloned());
    let counters = &status.counters;
    table.line(
        "look-ups",
        format!("{} from memory, {} from the directory", counters.hits, counters.misses),
    );
    table.line("in memory", format!("{} users, {} groups", counters.users, counters.groups));
    if let Some(freshness) = freshness {
        table.line("changes", changes(freshness));
    }
    table.lines("told of", notify.iter().map(everybody::notify));
    table.lines("everybody", sync.iter().flat_map(everybody::sync));
    table.line(
        "logins",
        format!(
            "{} granted, {} refused, {} binds sent",
            counters.granted, counters.refused, counters.binds
        ),
    );
    let running = time(status.uptime_s);
    format!("ldapsd {}, running for {running}\n{}", status.version, table.render())
}

/// Up to where changes in the directory are known.
fn changes(freshness: &FreshnessStatus) -> String {
    let FreshnessStatus { server, usn, polled_s, every_s, changes, verified, .. } = freshness;
    match (server, usn, polled_s) {
        (Some(server), Some(usn), Some(polled_s)) => format!(
            "known up to {usn} of {server}, asked {} ago, every {}; {changes} seen, {verified} \
             entries held against the directory",
            time(*polled_s),
            time(*every_s)
        ),
        _ => "not asked for yet".to_owned(),
    }
}

/// Seconds in the two largest units that say enough.
pub(crate) fn time(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldaps_core::protocol::admin::{Counters, DomainStatus, ServerStatus};

    fn shown(status: Status) -> Shown {
        let freshness = FreshnessStatus {
            server: Some("dc1.corp.example:636".to_owned()),
            usn: Some(12_345),
            polled_s: Some(4),
            every_s: 10,
            polls: 100,
            searches: 20,
            changes: 33,
            anew: 1,
            verified: 500,
        };
        Shown { status, freshness: Some(freshness), sync: None, notify: None }
    }

    fn status() -> Status {
        let server = |name: &str, connected| ServerStatus { server: name.to_owned(), connected };
        Status {
            version: "0.1.0".to_owned(),
            uptime_s: 3_725,
            servers: vec![server("dc1.corp.example:636", true), server("dc2:636", false)],
            domain: Some(DomainStatus {
                base: "DC=corp,DC=example".to_owned(),
                sid: "S-1-5-21-1-2-3".to_owned(),
                netbios: Some("CORP".to_owned()),
                ranges: vec![(200_000, 399_999)],
            }),
            last_error: Some(("dc2 does not answer".to_owned(), 61)),
            warnings: vec!["TLS_REQCERT never is not obeyed".to_owned()],
            counters: Counters { hits: 7, misses: 2, granted: 1, ..Counters::default() },
        }
    }

    #[test]
    fn a_running_daemon_shows_servers_domain_errors_and_numbers() {
        let text = describe(&shown(status()));
        for part in [
            "ldapsd 0.1.0, running for 1 h 2 min\n",
            "dc1.corp.example:636: connected\n",
            "dc2:636: not connected\n",
            "DC=corp,DC=example (CORP)\n",
            "200000 to 399999\n",
            "1 min 1 s ago: dc2 does not answer\n",
            "TLS_REQCERT never is not obeyed\n",
            "7 from memory, 2 from the directory\n",
            "1 granted, 0 refused, 0 binds sent\n",
            "known up to 12345 of dc1.corp.example:636, asked 4 s ago, every 10 s; 33 seen, 500 \
             entries held against the directory\n",
        ] {
            assert!(text.contains(part), "{part:?} wanted in\n{text}");
        }
    }

    #[test]
    fn a_daemon_that_has_reached_no_server_says_so() {
        let text = describe(&Shown {
            freshness: None,
            ..shown(Status { domain: None, last_error: None, ..status() })
        });
        assert!(text.contains("not known yet: no server has answered"), "{text}");
        assert!(!text.contains("changes") && !text.contains("everybody"), "{text}");
    }

    #[test]
    fn times_are_written_in_two_units() {
        for (seconds, expected) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3600, "1 h 0 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(time(seconds), expected);
        }
    }
}

//! `ldapsctl status`: how the daemon is.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use crate::daemon::{NoAnswer, ask_daemon};
use crate::output::Table;
use crate::{Daemon, answers, everybody, show};
use ldaps_core::protocol::admin::{
    AdminReply, AdminRequest, Counters, FreshnessStatus, NotifyStatus, Status, SyncStatus,
};
use ldaps_core::protocol::tools::Conditions;
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
    /// Connections, what is held, what expires; None: as above.
    pub conditions: Option<Conditions>,
}

/// Asks the daemon and shows it.
pub fn run(daemon: &Daemon) -> ExitCode {
    match ask_daemon(daemon.run_dir.as_deref(), &AdminRequest::Status) {
        Ok(AdminReply::Status(status)) => {
            show(daemon.json, &with_the_rest(status, daemon.run_dir.as_deref()), describe)
        }
        other => answers::none(other),
    }
}

/// Asks the daemon.
///
/// # Errors
/// [`NoAnswer`], or what it answered instead.
pub fn ask(run_dir: Option<&Path>) -> Result<Shown, String> {
    match ask_daemon(run_dir, &AdminRequest::Status) {
        Ok(AdminReply::Status(status)) => Ok(with_the_rest(status, run_dir)),
        Ok(_) => Err("ldapsd answered another question than was asked".to_owned()),
        Err(error) => Err(NoAnswer::to_string(&error)),
    }
}

/// A daemon of an earlier version ends the connection where it is asked for the rest.
fn with_the_rest(status: Status, run_dir: Option<&Path>) -> Shown {
    let freshness = match ask_daemon(run_dir, &AdminRequest::Freshness) {
        Ok(AdminReply::Freshness(freshness)) => Some(freshness),
        Ok(_) | Err(_) => None,
    };
    let conditions = match ask_daemon(run_dir, &AdminRequest::Conditions) {
        Ok(AdminReply::Conditions(conditions)) => Some(*conditions),
        Ok(_) | Err(_) => None,
    };
    let (sync, notify) = match ask_daemon(run_dir, &AdminRequest::Sync) {
        Ok(AdminReply::Sync(sync, notify)) => (sync, notify),
        Ok(_) | Err(_) => (None, None),
    };
    Shown { status, freshness, sync, notify, conditions }
}

/// The daemon's status, for a person.
#[must_use]
pub fn describe(shown: &Shown) -> String {
    let Shown { status, freshness, sync, notify, conditions } = shown;
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
    if let Some(conditions) = conditions {
        connections(conditions, &mut table);
    }
    match &status.last_error {
        Some((error, age_s)) => table.line("last error", format!("{} ago: {error}", time(*age_s))),
        None => table.line("last error", "none"),
    }
    table.lines("warnings", status.warnings.iter().cloned());
    let counters = &status.counters;
    table.line(
        "look-ups",
        format!(
            "{} from memory, {} from the directory{}",
            counters.hits,
            counters.misses,
            hit_rate(counters)
        ),
    );
    table.line("in memory", held(counters, conditions.as_ref()));
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
    let endings = conditions.iter().flat_map(|conditions| &conditions.endings);
    table.lines("expires", endings.filter_map(|ending| ending.warning.clone()));
    let running = time(status.uptime_s);
    format!("ldapsd {}, running for {running}\n{}", status.version, table.render())
}

/// All of it that a log needs.
#[must_use]
pub fn in_one_line(shown: &Shown) -> String {
    let Shown { status, conditions, .. } = shown;
    let Counters { hits, misses, granted, refused, binds, .. } = status.counters;
    let connected = status.servers.iter().find(|server| server.connected);
    let server = connected.map_or("no domain controller", |server| &server.server);
    let outage = conditions.as_ref().and_then(|conditions| conditions.outage);
    let retry = outage.map(|(_, next)| format!(" ({})", next_try(next))).unwrap_or_default();
    format!(
        "{server}{retry}; look-ups {hits} from memory, {misses} from the directory; {}; logins \
         {granted} granted, {refused} refused, {binds} binds",
        held(&status.counters, conditions.as_ref())
    )
}

fn connections(conditions: &Conditions, table: &mut Table) {
    let Conditions { connection, is_ready, answered_s, outage, .. } = conditions;
    if let Some((server, up_s)) = connection {
        let ready = if *is_ready { "; one is ready for the next login" } else { "" };
        table.line("connection", format!("to {server}, for {}{ready}", time(*up_s)));
    }
    if let Some(answered_s) = answered_s {
        table.line("last answer", format!("{} ago", time(*answered_s)));
    }
    if let Some((since_s, next)) = outage {
        let since = time(*since_s);
        table.line("OUTAGE", format!("nobody answers, for {since}; {}", next_try(*next)));
    }
}

fn next_try(next: Option<u64>) -> String {
    match next {
        Some(seconds) => format!("tried again in {}", time(seconds)),
        None => "tried again just now".to_owned(),
    }
}

fn hit_rate(counters: &Counters) -> String {
    let all = counters.hits.saturating_add(counters.misses);
    match counters.hits.saturating_mul(100).checked_div(all) {
        Some(percent) => format!(" ({percent} % from memory)"),
        None => String::new(),
    }
}

fn held(counters: &Counters, conditions: Option<&Conditions>) -> String {
    let mut text = format!("{} users, {} groups", counters.users, counters.groups);
    if let Some(Conditions { held, .. }) = conditions {
        text += &format!(
            ", the groups of {} users, {} names and ids that are nobody's",
            held.memberships, held.nobody
        );
        if held.doubted > 0 {
            text += &format!("; {} of them to be asked for again", held.doubted);
        }
    }
    text
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
    use ldaps_core::protocol::admin::{DomainStatus, ServerStatus};
    use ldaps_core::protocol::tools::{Ending, Held};

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
        let ending = |kind: &str, warning: Option<&str>| Ending {
            kind: kind.to_owned(),
            subject: "CN=x".to_owned(),
            place: "/ca.pem".to_owned(),
            at: 1_800_000_000,
            warning: warning.map(str::to_owned),
        };
        let conditions = Conditions {
            connection: Some(("dc1.corp.example:636".to_owned(), 75)),
            is_ready: true,
            answered_s: Some(2),
            outage: None,
            held: Held { memberships: 4, nobody: 5, doubted: 6, ..Held::default() },
            endings: vec![ending("ca", Some("the CA x expires in 9 days")), ending("server", None)],
        };
        let freshness = Some(freshness);
        Shown { status, freshness, sync: None, notify: None, conditions: Some(conditions) }
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
            "7 from memory, 2 from the directory (77 % from memory)\n",
            "to dc1.corp.example:636, for 1 min 15 s; one is ready for the next login\n",
            "  last answer  2 s ago\n",
            "the groups of 4 users, 5 names and ids that are nobody's; 6 of them to be asked",
            "  expires      the CA x expires in 9 days\n",
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
            conditions: None,
            ..shown(Status { domain: None, last_error: None, ..status() })
        });
        assert!(text.contains("not known yet: no server has answered"), "{text}");
        assert!(!text.contains("changes") && !text.contains("everybody"), "{text}");
    }

    #[test]
    fn an_outage_is_not_seen_at_a_glance() {
        let mut shown = shown(status());
        shown.conditions.as_mut().unwrap().outage = Some((61, Some(4)));
        shown.status.servers[0].connected = false;
        let text = describe(&shown);
        let words = "  OUTAGE       nobody answers, for 1 min 1 s; tried again in 4 s\n";
        assert!(text.contains(words), "{text}");
        let line = in_one_line(&shown);
        assert!(
            line.starts_with("no domain controller (tried again in 4 s); look-ups 7"),
            "{line}"
        );
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

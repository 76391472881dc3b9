//! `ldapsctl status`: how far the reading of everybody is (`sync = "all"`), and whether the domain
//! controller tells of changes (`notify = true`).
#![forbid(unsafe_code)]

use std::time::{SystemTime, UNIX_EPOCH};

use ldaps_core::protocol::admin::{NotifyStatus, SyncPhase, SyncStatus};

use crate::status::time;

/// What everybody on this host should know who sees that everybody is on it.
const PUBLISHED: &str = "every local user can read these names and groups";

/// How far the reading of everybody is.
pub fn sync(status: &SyncStatus) -> Vec<String> {
    let began = status.began_s.map(|seconds| format!(", begun {} ago", time(seconds)));
    let began = began.unwrap_or_default();
    let SyncStatus { users, groups, .. } = status;
    let first = match status.phase {
        SyncPhase::NotBegun => "not begun yet".to_owned(),
        SyncPhase::Counting => format!("counting users and groups{began}"),
        SyncPhase::Reading => {
            let about = |number: Option<u64>| number.map_or("?".to_owned(), |n| n.to_string());
            let (all_users, all_groups) = (about(status.about_users), about(status.about_groups));
            format!("{users} of about {all_users} users read, {all_groups} groups follow{began}")
        }
        SyncPhase::Linking => {
            format!("{users} users read; working out who is in which group{began}")
        }
        SyncPhase::Complete => {
            let since = status.done_at.map(|at| format!(", complete since {} ago", time(ago(at))));
            let swept = status
                .swept_s
                .map(|s| format!(", each held against the directory {} ago", time(s)));
            let (since, swept) = (since.unwrap_or_default(), swept.unwrap_or_default());
            format!("all {users} users and {groups} groups{since}{swept}")
        }
    };
    let problem = status.problem.as_ref().map(|problem| format!("begun anew: {problem}"));
    [first].into_iter().chain(problem).chain([PUBLISHED.to_owned()]).collect()
}

/// How the domain controller tells of changes.
pub fn notify(status: &NotifyStatus) -> String {
    match (status.listening_s, &status.problem) {
        (Some(seconds), _) => {
            format!(
                "changes are told of at once, since {}; {} so far",
                time(seconds),
                status.changes
            )
        }
        (None, Some(problem)) => {
            format!("changes are not told of at once, and polled for as usual: {problem}")
        }
        (None, None) => "changes are not told of yet, and polled for as usual".to_owned(),
    }
}

fn ago(at: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs().saturating_sub(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(phase: SyncPhase) -> SyncStatus {
        SyncStatus {
            phase,
            users: 61_500,
            groups: 900,
            about_users: Some(100_000),
            about_groups: Some(1_000),
            began_s: Some(75),
            done_at: Some(0),
            swept_s: Some(12),
            walks: 1,
            problem: None,
        }
    }

    #[test]
    fn progress_is_told_without_how_far_it_is() {
        let told = |phase| sync(&status(phase))[0].clone();
        assert_eq!(
            told(SyncPhase::Reading),
            "61500 of about 100000 users read, 1000 groups follow, begun 1 min 15 s ago"
        );
        assert!(told(SyncPhase::Complete).starts_with("all 61500 users and 900 groups, complete"));
        assert!(!told(SyncPhase::Linking).contains("all"), "half passes for the whole");
        let failed =
            SyncStatus { problem: Some("dc1 closed".into()), ..status(SyncPhase::NotBegun) };
        assert_eq!(sync(&failed), ["not begun yet", "begun anew: dc1 closed", PUBLISHED]);
    }

    #[test]
    fn a_server_that_does_not_tell_passes_for_one_that_does() {
        let told = |listening_s, problem: Option<&str>| {
            notify(&NotifyStatus { listening_s, changes: 3, problem: problem.map(str::to_owned) })
        };
        assert_eq!(told(Some(5), None), "changes are told of at once, since 5 s; 3 so far");
        assert!(told(None, Some("no")).ends_with("polled for as usual: no"));
    }
}

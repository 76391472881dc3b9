//! Accounts that AD itself refuses: out by every door, with AD's reason in the journal.

#![forbid(unsafe_code)]

use crate::attempt::{Way, attempt, stays_out};
use crate::dc::PASSWORD;
use crate::outcome::{Check, all, ensure};
use crate::scenario::{Scenario, Stage};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "account-states-are-obeyed-and-named",
        shows: (2, 2),
        disturbs: false,
        run: account_states,
    },
    Scenario {
        name: "locked-out-account-stays-out",
        shows: (2, 2),
        disturbs: false,
        run: locked_out,
    },
    Scenario {
        name: "unreadable-state-names-the-right",
        shows: (2, 2),
        disturbs: false,
        run: unreadable_state,
    },
];

/// Account, what a line of the journal must have about it, and what the person at `su` must
/// read (`a|b`: either).
const STATES: &[(&str, &[&str], &str)] = &[
    ("disabled1", &["disabled1", "disabled", "533"], "account is disabled"),
    ("expired1", &["expired1", "expired", "701"], "account has expired"),
    ("mustchange", &["mustchange", "must be changed", "773"], "has to be changed now"),
    ("pwexpired", &["pwexpired", "password has expired", "532"], "has to be changed now"),
];

fn account_states(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let mark = host.journal_mark()?;
    let mut checks: Vec<Box<dyn FnOnce() -> Check + Send + '_>> = Vec::new();
    for (user, _, told) in STATES {
        for way in [Way::SshPassword, Way::Login] {
            checks.push(Box::new(move || stays_out(host, way, user, PASSWORD)));
        }
        checks.push(Box::new(move || {
            let at_su = attempt(host, Way::Su, user, PASSWORD)?;
            ensure(!at_su.entered && at_su.seen.contains(told), || {
                format!("{user} at su was not told '{told}':\n{}", at_su.seen)
            })
        }));
    }
    all(checks)?;
    let mut lines = Vec::new();
    for (_, words, _) in STATES {
        lines.push(host.journal_line(&mark, words)?);
    }
    Ok(lines.join("\n"))
}

fn locked_out(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    stage.dc.lock_locky()?;
    let mark = host.journal_mark()?;
    stays_out(host, Way::SshPassword, "locky", PASSWORD)?;
    host.journal_line(&mark, &["locky", "locked"])
}

fn unreadable_state(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let mark = host.journal_mark()?;
    all(vec![
        Box::new(move || stays_out(host, Way::SshPassword, "hidden", PASSWORD)),
        Box::new(move || stays_out(host, Way::Su, "hidden", PASSWORD)),
    ])?;
    host.journal_line(&mark, &["hidden", "useraccountcontrol"])
}

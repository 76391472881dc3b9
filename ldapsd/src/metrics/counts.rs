//! What is counted of logins: since the start, whatever is reloaded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;
use ldaps_directory::{BindOutcome, Durations, Histogram};

/// The decisions and binds since the start.
#[derive(Debug, Default)]
pub(crate) struct LoginCounts(Mutex<Counts>);

/// By phase and outcome; by phase; by outcome.
#[derive(Debug, Default)]
struct Counts {
    decisions: BTreeMap<(&'static str, &'static str), u64>,
    took: BTreeMap<&'static str, Histogram>,
    binds: BTreeMap<&'static str, u64>,
    binds_took: Histogram,
}

/// The counts at one moment.
#[derive(Debug)]
pub(super) struct CountsNow {
    pub(super) decisions: Vec<((&'static str, &'static str), u64)>,
    pub(super) took: Vec<(&'static str, Durations)>,
    pub(super) binds: Vec<(&'static str, u64)>,
    pub(super) binds_took: Durations,
}

impl LoginCounts {
    /// Counts a decision in this phase.
    pub(crate) fn decision(&self, phase: &'static str, verdict: Verdict, took: Duration) {
        let mut counts = self.lock();
        *counts.decisions.entry((phase, of_verdict(verdict))).or_default() += 1;
        counts.took.entry(phase).or_default().count(took);
    }

    /// Counts a bind of somebody who logs in; None: nothing was said of the account.
    pub(crate) fn bind(&self, outcome: Option<BindOutcome>, took: Duration) {
        let mut counts = self.lock();
        let outcome = match outcome {
            Some(BindOutcome::Accepted) => "accepted",
            Some(BindOutcome::Refused(refusal)) => of_refusal(refusal),
            None => "no_answer",
        };
        *counts.binds.entry(outcome).or_default() += 1;
        counts.binds_took.count(took);
    }

    pub(super) fn now(&self) -> CountsNow {
        let counts = self.lock();
        CountsNow {
            decisions: counts.decisions.iter().map(|(key, count)| (*key, *count)).collect(),
            took: counts.took.iter().map(|(phase, took)| (*phase, took.now())).collect(),
            binds: counts.binds.iter().map(|(outcome, count)| (*outcome, *count)).collect(),
            binds_took: counts.binds_took.now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A verdict as the value of a label: it is in people's alerts, and never changes.
fn of_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Granted => "granted",
        Verdict::ChangeFirst => "granted_for_a_change",
        Verdict::Unavailable => "unavailable",
        Verdict::NotOurs => "left_to_others",
        Verdict::Refused(refusal) => of_refusal(refusal),
    }
}

/// The same of a refusal.
pub(super) fn of_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::WrongPassword => "wrong_password",
        Refusal::NoSuchUser => "no_such_user",
        Refusal::Restriction => "restriction",
        Refusal::LogonHours => "logon_hours",
        Refusal::Workstation => "workstation",
        Refusal::PasswordExpired => "password_expired",
        Refusal::PasswordMustChange => "password_must_change",
        Refusal::AccountDisabled => "account_disabled",
        Refusal::AccountExpired => "account_expired",
        Refusal::LockedOut => "locked_out",
        Refusal::TooManyGroups => "too_many_groups",
        Refusal::OtherSubCode(_) => "other_sub_code",
        Refusal::NotAllowed => "not_allowed",
        Refusal::StateUnreadable => "state_unreadable",
        Refusal::UnusablePassword => "unusable_password",
        Refusal::CallerNotPermitted => "caller_not_permitted",
        Refusal::TooManyAttempts => "too_many_attempts",
        Refusal::NewPasswordRejected => "new_password_rejected",
        Refusal::ChangeForbidden => "change_forbidden",
        Refusal::NotTheSavedPassword => "not_the_saved_password",
    }
}

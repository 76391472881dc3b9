//! The rules for passwords that hold for one account: the domain's, or those of a password settings
//! object (PSO), which stand in their place.

use std::time::Duration;

use crate::entry::Entry;

/// The rules, as far as AD shows them (MS-SAMR 3.1.1.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PasswordPolicy {
    /// Fewest characters.
    pub minimum_length: u32,
    /// How long a password must be kept.
    pub minimum_age: Duration,
    /// How many earlier passwords may not be used again.
    pub history: u32,
    /// Whether three kinds of characters are wanted, and no part of the name.
    pub complexity: bool,
}

/// Which rules hold for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyOfAccount {
    /// These.
    Known(PasswordPolicy),
    /// Those of a PSO that the service account may not read, as it may not by default. The
    /// domain's rules do not hold then.
    HiddenPso,
}

/// The attributes of the domain's head.
pub(crate) const OF_DOMAIN: &[&str] =
    &["minPwdLength", "minPwdAge", "pwdHistoryLength", "pwdProperties"];
/// The attributes of a PSO.
pub(crate) const OF_PSO: &[&str] = &[
    "msDS-MinimumPasswordLength",
    "msDS-MinimumPasswordAge",
    "msDS-PasswordHistoryLength",
    "msDS-PasswordComplexityEnabled",
];
/// DOMAIN_PASSWORD_COMPLEX of pwdProperties (MS-SAMR 2.2.3.5).
const COMPLEX: u32 = 1;
/// AD counts in tenths of a microsecond.
const TICKS: u64 = 10_000_000;

impl PasswordPolicy {
    pub(crate) fn of_domain(head: &Entry) -> Self {
        Self {
            minimum_length: head.unsigned("minPwdLength").unwrap_or_default(),
            minimum_age: interval(head.number("minPwdAge")),
            history: head.unsigned("pwdHistoryLength").unwrap_or_default(),
            complexity: head.unsigned("pwdProperties").is_some_and(|bits| bits & COMPLEX != 0),
        }
    }

    /// None if the service account sees the PSO and not what is in it.
    pub(crate) fn of_pso(pso: &Entry) -> Option<Self> {
        Some(Self {
            minimum_length: pso.unsigned("msDS-MinimumPasswordLength")?,
            minimum_age: interval(pso.number("msDS-MinimumPasswordAge")),
            history: pso.unsigned("msDS-PasswordHistoryLength").unwrap_or_default(),
            complexity: pso.text("msDS-PasswordComplexityEnabled") == Some("TRUE"),
        })
    }
}

/// Intervals are negative in AD.
pub(crate) fn interval(interval: Option<i64>) -> Duration {
    Duration::from_secs(interval.unwrap_or_default().unsigned_abs() / TICKS)
}

//! The state of an account as AD has it now, and whether it may log in at this moment.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ldaps_core::refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::users::Depth;

/// The attributes that decide about an account.
pub(crate) const ATTRIBUTES: &[&str] = &[
    "userAccountControl",
    "accountExpires",
    "logonHours",
    "pwdLastSet",
    "badPwdCount",
    "badPasswordTime",
    "userWorkstations",
];

/// What a domain controller computes of an account's password each time it is asked, from the
/// domain's rules and the PSOs of the account's groups. Samba takes 1 ms for each of them, five
/// times as long as for all the rest of a user: so a login asks for them, and no look-up.
pub(crate) const COMPUTED_ATTRIBUTES: &[&str] =
    &["msDS-User-Account-Control-Computed", "msDS-UserPasswordExpiryTimeComputed"];

/// userAccountControl: ADS_UF_ACCOUNTDISABLE (MS-ADTS 2.2.16).
const ACCOUNT_DISABLED: u32 = 0x2;
/// userAccountControl: ADS_UF_SMARTCARD_REQUIRED (MS-ADTS 2.2.16).
const SMARTCARD_REQUIRED: u32 = 0x4_0000;
/// msDS-User-Account-Control-Computed: the bit that userAccountControl itself never shows.
const LOCKED_OUT: u32 = 0x10;
/// msDS-User-Account-Control-Computed: UF_PASSWORD_EXPIRED.
const PASSWORD_EXPIRED: u32 = 0x80_0000;
/// accountExpires: never, besides 0 (MS-ADA1 2.1).
const NEVER: i64 = i64::MAX;
/// From 1601, where AD counts from, to 1970, in seconds.
const EPOCH_GAP: u64 = 11_644_473_600;
/// AD counts in tenths of a microsecond.
const TICKS: u64 = 10_000_000;
/// 1970-01-01 was a Thursday; logonHours begins on Sunday.
const THURSDAY: u64 = 4;
const HOURS_IN_WEEK: u64 = 7 * 24;

/// What AD says about an account. What AD did not say is None, and never taken for "nothing
/// against it".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    user_account_control: Option<u32>,
    /// None: it was not asked for.
    computed: Option<Computed>,
    account_expires: Option<i64>,
    logon_hours: Option<Vec<u8>>,
    password_last_set: Option<i64>,
    wrong_passwords: Option<u32>,
    wrong_password_at: Option<i64>,
    workstations: Option<String>,
}

/// What AD said of [`COMPUTED_ATTRIBUTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Computed {
    control: Option<u32>,
    password_expires: Option<i64>,
}

/// The state of an account's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordState {
    /// It may be used; until this moment, if it expires at all and AD shows when.
    Good(Option<SystemTime>),
    /// It has expired.
    Expired,
    /// An administrator wants it changed at the next login (pwdLastSet is 0).
    MustChange,
    /// AD was not asked for it: a look-up's reading says nothing of it.
    NotRead,
}

/// What follows from an account's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing speaks against it.
    Open,
    /// The account may not log in.
    Closed(Refusal),
    /// This attribute is needed to tell, and the service account may not read it.
    Unreadable(&'static str),
}

impl AccountState {
    /// What an entry says that was asked for in this depth.
    pub(crate) fn of(entry: &Entry, depth: Depth) -> Self {
        let computed = match depth {
            Depth::Entry => None,
            Depth::Password => Some(Computed {
                control: entry.unsigned("msDS-User-Account-Control-Computed"),
                password_expires: entry.number("msDS-UserPasswordExpiryTimeComputed"),
            }),
        };
        Self {
            user_account_control: entry.unsigned("userAccountControl"),
            computed,
            account_expires: entry.number("accountExpires"),
            logon_hours: entry.bytes("logonHours").map(<[u8]>::to_vec),
            password_last_set: entry.number("pwdLastSet"),
            wrong_passwords: entry.unsigned("badPwdCount"),
            wrong_password_at: entry.number("badPasswordTime"),
            workstations: entry.text("userWorkstations").map(str::to_owned),
        }
    }

    /// Whether the account may log in at this time, whoever vouches for the person: disabled,
    /// expired and outside of the hours always deny. Those are judged in AD's own order
    /// (`docs/architecture.md` names the sources).
    #[must_use]
    pub fn judge(&self, now: SystemTime) -> Judgement {
        match self.objections(now) {
            Err(attribute) => Judgement::Unreadable(attribute),
            Ok(objections) => objections.first().map_or(Judgement::Open, |r| Judgement::Closed(*r)),
        }
    }

    /// Everything that keeps the account out at this time, whoever vouches for the person; the
    /// first decides.
    ///
    /// # Errors
    /// The attribute that is needed to tell, where it may not be read.
    pub fn objections(&self, now: SystemTime) -> Result<Vec<Refusal>, &'static str> {
        let control = self.user_account_control.ok_or("userAccountControl")?;
        let expired = self.account_expires.is_some_and(|expires| has_passed(expires, now));
        let out_of_hours = self.logon_hours.as_deref().is_some_and(|hours| !permits(hours, now));
        let all = [
            (control & ACCOUNT_DISABLED != 0, Refusal::AccountDisabled),
            (expired, Refusal::AccountExpired),
            (out_of_hours, Refusal::LogonHours),
        ];
        Ok(all.into_iter().filter_map(|(holds, refusal)| holds.then_some(refusal)).collect())
    }

    /// Attributes that every account has, and that are not shown of this one; with each, whether
    /// nobody gets in without it.
    #[must_use]
    pub fn hidden(&self) -> Vec<(&'static str, bool)> {
        let all = [
            ("userAccountControl", self.user_account_control.is_none(), true),
            ("pwdLastSet", self.password_last_set.is_none(), false),
            (
                "msDS-User-Account-Control-Computed",
                self.computed.is_some_and(|computed| computed.control.is_none()),
                false,
            ),
        ];
        all.into_iter().filter(|it| it.1).map(|(name, _, decides)| (name, decides)).collect()
    }

    /// When the account ends, if it does.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.account_expires.and_then(moment)
    }

    /// Whether only a smart card opens the account: AD has no password of it that anybody knows.
    #[must_use]
    pub fn is_smartcard_only(&self) -> bool {
        self.user_account_control.is_some_and(|control| control & SMARTCARD_REQUIRED != 0)
    }

    /// The computers that the account may log on to, as AD names them ("Log On To"); empty: all.
    #[must_use]
    pub fn workstations(&self) -> Vec<&str> {
        let list = self.workstations.as_deref().unwrap_or_default().split(',');
        list.map(str::trim).filter(|name| !name.is_empty()).collect()
    }

    /// Whether AD shows any of what is read by the same right as that list (MS-ADTS 5.1.3.2.1, the
    /// property set User-Logon). Each of these may be absent: they are not replicated.
    #[must_use]
    pub fn shows_logon_information(&self) -> bool {
        self.wrong_passwords.is_some()
            || self.wrong_password_at.is_some()
            || self.logon_hours.is_some()
            || self.workstations.is_some()
    }

    /// The state of the password. msDS-UserPasswordExpiryTimeComputed (MS-ADTS 3.1.1.4.5.34) takes
    /// PSOs and "never expires" into account; 0 stands for "must change".
    #[must_use]
    pub fn password(&self, now: SystemTime) -> PasswordState {
        let Some(computed) = self.computed else { return PasswordState::NotRead };
        // By the clock of the domain controller, which ours may be behind.
        let has_expired = computed.control.is_some_and(|bits| bits & PASSWORD_EXPIRED != 0);
        match computed.password_expires {
            Some(0) => PasswordState::MustChange,
            _ if has_expired => PasswordState::Expired,
            Some(expires) if has_passed(expires, now) => PasswordState::Expired,
            Some(expires) => PasswordState::Good(moment(expires)),
            None => PasswordState::Good(None),
        }
    }

    /// When the password was last set; None if never, or if AD does not show it.
    #[must_use]
    pub fn password_last_set(&self) -> Option<SystemTime> {
        self.password_last_set.and_then(moment)
    }

    /// How many wrong passwords this server counts against the account, wherever they were typed,
    /// if the last was within this time: longer ago, AD begins anew.
    #[must_use]
    pub fn wrong_passwords(&self, window: Duration, now: SystemTime) -> u32 {
        let last = self.wrong_password_at.and_then(moment);
        let recent = last.is_some_and(|last| last.checked_add(window).is_some_and(|end| end > now));
        if recent { self.wrong_passwords.unwrap_or_default() } else { 0 }
    }

    /// Whether AD has locked the account after wrong passwords, as far as that was read. It refuses
    /// its passwords then; a key or a cron job is not an attempt, and is not refused here.
    #[must_use]
    pub fn is_locked_out(&self) -> bool {
        let control = self.computed.and_then(|computed| computed.control);
        control.is_some_and(|bits| bits & LOCKED_OUT != 0)
    }

    /// Whether another reading says the same of the account, whatever was computed of its password.
    #[must_use]
    pub fn says_as_much_as(&self, other: &Self) -> bool {
        let without = |state: &Self| Self { computed: None, ..state.clone() };
        without(self) == without(other)
    }

    /// Takes over what an earlier reading says of the password, where this one was not to ask and
    /// nothing else speaks for a newer one. True: it did.
    pub fn remember_password(&mut self, earlier: &Self) -> bool {
        let same = self.user_account_control == earlier.user_account_control
            && self.password_last_set == earlier.password_last_set;
        let taken = earlier.computed.filter(|_| self.computed.is_none() && same);
        self.computed = self.computed.or(taken);
        taken.is_some()
    }
}

/// Both 0 and the largest number stand for never.
fn has_passed(filetime: i64, now: SystemTime) -> bool {
    match u64::try_from(filetime) {
        Ok(0) | Err(_) => false,
        Ok(_) if filetime == NEVER => false,
        Ok(ticks) => Duration::from_secs(ticks / TICKS) <= since_1601(now),
    }
}

/// A FILETIME as a moment; None for both ways to write never, and for what no clock shows.
fn moment(filetime: i64) -> Option<SystemTime> {
    let ticks = u64::try_from(filetime).ok().filter(|ticks| *ticks != 0 && filetime != NEVER)?;
    UNIX_EPOCH.checked_add(Duration::from_secs((ticks / TICKS).checked_sub(EPOCH_GAP)?))
}

fn since_1601(now: SystemTime) -> Duration {
    let unix = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    unix.saturating_add(Duration::from_secs(EPOCH_GAP))
}

/// logonHours (MS-ADA1 2.375): 21 bytes, a bit for each hour of the week in UTC, from Sunday
/// 00:00, the lowest bit of each byte first. Any other length restricts nothing, as on a DC.
fn permits(hours: &[u8], now: SystemTime) -> bool {
    if hours.len() != 21 {
        return true;
    }
    let unix_hours = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 3600;
    let hour = (unix_hours + THURSDAY * 24) % HOURS_IN_WEEK;
    let byte = usize::try_from(hour / 8).ok().and_then(|at| hours.get(at));
    byte.is_none_or(|byte| byte & (1 << (hour % 8)) != 0)
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;

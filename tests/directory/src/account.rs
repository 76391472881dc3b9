//! What an account's attributes say about it now: the constructed attributes, and the sub-code of a refused bind.
#![forbid(unsafe_code)]

use crate::clock::{self, NEVER};
use crate::data::Directory;
use crate::object::Object;

/// userAccountControl: the account is disabled.
pub const UAC_DISABLED: i64 = 0x2;
/// userAccountControl (computed only): the account is locked out.
pub const UAC_LOCKED: i64 = 0x10;
/// userAccountControl: an ordinary user.
pub const UAC_NORMAL: i64 = 0x200;
/// userAccountControl: a workstation's account.
pub const UAC_WORKSTATION: i64 = 0x1000;
/// userAccountControl: a domain controller's account.
pub const UAC_SERVER: i64 = 0x2000;
/// userAccountControl: the password never expires.
pub const UAC_NEVER_EXPIRES: i64 = 0x1_0000;
/// userAccountControl: a smart card is required.
pub const UAC_SMARTCARD: i64 = 0x4_0000;
/// userAccountControl (computed only): the password has expired.
pub const UAC_PASSWORD_EXPIRED: i64 = 0x80_0000;

/// Wrong password or unknown name (ERROR_LOGON_FAILURE).
pub const LOGON_FAILURE: u32 = 0x52e;
/// Outside logonHours.
pub const INVALID_HOURS: u32 = 0x530;
/// userWorkstations does not list where the logon comes from.
pub const INVALID_WORKSTATION: u32 = 0x531;
/// maxPwdAge has passed.
pub const PASSWORD_EXPIRED: u32 = 0x532;
/// The account is disabled.
pub const ACCOUNT_DISABLED: u32 = 0x533;
/// accountExpires has passed.
pub const ACCOUNT_EXPIRED: u32 = 0x701;
/// pwdLastSet is 0.
pub const MUST_CHANGE: u32 = 0x773;
/// Locked out.
pub const LOCKED_OUT: u32 = 0x775;

/// An attribute of the domain's head, as a number; 0 where it is absent.
pub(crate) fn domain_number(directory: &Directory, name: &str) -> i64 {
    let head = directory.id_of_dn(&directory.base).and_then(|id| directory.get(id));
    head.and_then(|head| head.integer(name)).unwrap_or(0)
}

pub(crate) fn is_locked(directory: &Directory, account: &Object, now: i64) -> bool {
    let since = account.integer("lockoutTime").unwrap_or(0);
    // Durations are stored as negative ticks; the lowest number means "until an administrator unlocks".
    let lasts = domain_number(directory, "lockoutDuration");
    since != 0 && (lasts == 0 || lasts == i64::MIN || since.saturating_sub(lasts) > now)
}

/// msDS-UserPasswordExpiryTimeComputed: FILETIME, 0 for "must change now", `NEVER`.
pub(crate) fn password_expiry(directory: &Directory, account: &Object) -> i64 {
    let control = account.integer("userAccountControl").unwrap_or(0);
    let lasts = domain_number(directory, "maxPwdAge");
    let exempt = UAC_NEVER_EXPIRES | UAC_SMARTCARD | UAC_WORKSTATION | UAC_SERVER;
    if control & exempt != 0 {
        return NEVER;
    }
    match account.integer("pwdLastSet").unwrap_or(0) {
        0 => 0,
        _ if lasts == 0 || lasts == i64::MIN => NEVER,
        set => set.saturating_sub(lasts),
    }
}

/// msDS-User-Account-Control-Computed: the bits that only the DC knows.
pub(crate) fn computed_control(directory: &Directory, account: &Object, now: i64) -> i64 {
    let mut bits = 0;
    if is_locked(directory, account, now) {
        bits |= UAC_LOCKED;
    }
    if password_expiry(directory, account) < now {
        bits |= UAC_PASSWORD_EXPIRED;
    }
    bits
}

/// Why the account may not log on although the password is right; `None` if it may.
///
/// The order is the one that domain controllers evaluate in: disabled, locked, expired, must change,
/// password expired, workstation, hours.
pub(crate) fn refusal(directory: &Directory, account: &Object, now: i64) -> Option<u32> {
    let control = account.integer("userAccountControl").unwrap_or(0);
    let expires = account.integer("accountExpires").unwrap_or(0);
    let password_expires = password_expiry(directory, account);
    let ladder = [
        (control & UAC_DISABLED != 0, ACCOUNT_DISABLED),
        (is_locked(directory, account, now), LOCKED_OUT),
        (expires != 0 && expires != NEVER && expires <= now, ACCOUNT_EXPIRED),
        (password_expires == 0, MUST_CHANGE),
        (password_expires < now, PASSWORD_EXPIRED),
        (!workstation_allowed(directory, account), INVALID_WORKSTATION),
        (!hour_allowed(account, clock::hour_of_week(clock::unix_now())), INVALID_HOURS),
    ];
    let refused = ladder.iter().find(|(holds, _)| *holds).map(|(_, sub_code)| *sub_code);
    refused.or(account.forced_sub_code)
}

/// A simple bind names no workstation: the DC takes its own name for it.
fn workstation_allowed(directory: &Directory, account: &Object) -> bool {
    let here = directory.host.split('.').next().unwrap_or_default();
    account.text("userWorkstations").is_none_or(|list| {
        list.is_empty() || list.split(',').any(|name| name.trim().eq_ignore_ascii_case(here))
    })
}

/// logonHours: 21 bytes, one bit an hour, the lowest bit first; anything else restricts nothing.
fn hour_allowed(account: &Object, hour: usize) -> bool {
    match account.values("logonHours").first() {
        Some(bits) if bits.len() == 21 => bits[hour / 8] & (1 << (hour % 8)) != 0,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dn::Dn;

    #[test]
    fn logon_hours_are_read_from_the_lowest_bit_of_the_first_byte_on() {
        let mut bits = vec![0u8; 21];
        bits[1] = 0b0000_0100; // Sunday, 10:00 to 11:00 UTC
        let mut account = Object::new(Dn::default());
        account.set("logonHours", vec![bits]);
        let allowed: Vec<usize> = (0..168).filter(|hour| hour_allowed(&account, *hour)).collect();
        assert_eq!(allowed, [10]);
        account.set("logonHours", vec![vec![0; 20]]);
        assert!(hour_allowed(&account, 0), "hours of the wrong length restrict nothing");
    }

    #[test]
    fn a_lockout_ends_after_its_duration_and_an_endless_one_does_not() {
        let mut directory = Directory::corp_example();
        let now = clock::filetime_now();
        let mut account = Object::new(Dn::default());
        account.set_integer("lockoutTime", now - 1799 * clock::TICKS_PER_SECOND);
        assert!(is_locked(&directory, &account, now));
        account.set_integer("lockoutTime", now - 1801 * clock::TICKS_PER_SECOND);
        assert!(!is_locked(&directory, &account, now));
        directory.set_policy("lockoutDuration", i64::MIN);
        assert!(is_locked(&directory, &account, now));
        account.set_integer("lockoutTime", 0);
        assert!(!is_locked(&directory, &account, now));
    }

    #[test]
    fn a_station_on_the_list_may_log_on() {
        let directory = Directory::corp_example();
        let mut account = Object::new(Dn::default());
        for (list, allowed) in [("PC-ONE, dc1", true), ("PC-ONE", false), ("", true)] {
            account.set_text("userWorkstations", list);
            assert_eq!(workstation_allowed(&directory, &account), allowed, "{list}");
        }
    }

    #[test]
    fn passwords_expire_by_the_domains_age_unless_the_account_is_exempt() {
        let mut directory = Directory::corp_example();
        let mut account = Object::new(Dn::default());
        account.set_integer("pwdLastSet", 1000);
        account.set_integer("userAccountControl", UAC_NORMAL);
        assert_eq!(password_expiry(&directory, &account), 1000 + 42 * clock::TICKS_PER_DAY);
        directory.set_policy("maxPwdAge", 0);
        assert_eq!(password_expiry(&directory, &account), NEVER);
        account.set_integer("pwdLastSet", 0);
        assert_eq!(password_expiry(&directory, &account), 0);
        account.set_integer("userAccountControl", UAC_NORMAL | UAC_NEVER_EXPIRES);
        assert_eq!(password_expiry(&directory, &account), NEVER);
    }
}

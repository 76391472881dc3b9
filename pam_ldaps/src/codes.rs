//! What a verdict of the daemon is in PAM's numbers: one table.
#![forbid(unsafe_code)]

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;
use pam::constants::PamResultCode::{self, *};

/// Which question of PAM's is being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `pam_authenticate`: is it this person?
    Auth,
    /// `pam_acct_mgmt`: may they come in now, however they were recognised?
    Account,
}

/// The code for a verdict.
///
/// The match has no default arm: a reason that is new has to be given a code here, and
/// `PAM_SUCCESS` stands in its one row only. Three codes stand in no row of a refusal, since
/// there are usual stacks in which they let somebody in:
/// - `PAM_NEW_AUTHTOK_REQD`, because `required` and `sufficient` count it as a success
///   (pam.conf(5)). An expired password is refused until this module can change it; the code for
///   that is `PAM_AUTHTOK_EXPIRED`, which sudo shows as "contact your administrator".
/// - `PAM_USER_UNKNOWN` in the account phase, because our own profile ignores it.
/// - `PAM_IGNORE` in the account phase, for the same reason: whoever comes as far as a verdict
///   has an id that is the directory's.
#[must_use]
pub fn code(phase: Phase, verdict: Verdict) -> PamResultCode {
    let (auth, account) = match verdict {
        Verdict::Granted => (PAM_SUCCESS, PAM_SUCCESS),
        Verdict::Unavailable => (PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL),
        Verdict::NotOurs => (PAM_IGNORE, PAM_PERM_DENIED),
        Verdict::Refused(refusal) => match refusal {
            Refusal::WrongPassword => (PAM_AUTH_ERR, PAM_AUTH_ERR),
            Refusal::NoSuchUser => (PAM_AUTH_ERR, PAM_PERM_DENIED),
            Refusal::UnusablePassword => (PAM_AUTH_ERR, PAM_AUTH_ERR),
            Refusal::Restriction => (PAM_PERM_DENIED, PAM_PERM_DENIED),
            Refusal::LogonHours => (PAM_PERM_DENIED, PAM_PERM_DENIED),
            Refusal::Workstation => (PAM_PERM_DENIED, PAM_PERM_DENIED),
            Refusal::PasswordExpired => (PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED),
            Refusal::PasswordMustChange => (PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED),
            Refusal::AccountDisabled => (PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED),
            Refusal::AccountExpired => (PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED),
            // pam_acct_mgmt(3) knows no PAM_MAXTRIES.
            Refusal::LockedOut => (PAM_MAXTRIES, PAM_PERM_DENIED),
            Refusal::TooManyAttempts => (PAM_MAXTRIES, PAM_PERM_DENIED),
            Refusal::TooManyGroups => (PAM_PERM_DENIED, PAM_PERM_DENIED),
            Refusal::OtherSubCode(_) => (PAM_PERM_DENIED, PAM_PERM_DENIED),
            Refusal::NotAllowed => (PAM_PERM_DENIED, PAM_PERM_DENIED),
            Refusal::StateUnreadable => (PAM_PERM_DENIED, PAM_PERM_DENIED),
            Refusal::CallerNotPermitted => (PAM_PERM_DENIED, PAM_PERM_DENIED),
        },
    };
    match phase {
        Phase::Auth => auth,
        Phase::Account => account,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every refusal with its two codes, written down a second time as what peers and programs
    /// expect (`shared/reference/active-directory.md` 3b).
    const REFUSALS: &[(Refusal, PamResultCode, PamResultCode)] = &[
        (Refusal::WrongPassword, PAM_AUTH_ERR, PAM_AUTH_ERR),
        (Refusal::NoSuchUser, PAM_AUTH_ERR, PAM_PERM_DENIED),
        (Refusal::Restriction, PAM_PERM_DENIED, PAM_PERM_DENIED),
        (Refusal::LogonHours, PAM_PERM_DENIED, PAM_PERM_DENIED),
        (Refusal::Workstation, PAM_PERM_DENIED, PAM_PERM_DENIED),
        (Refusal::PasswordExpired, PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED),
        (Refusal::PasswordMustChange, PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED),
        (Refusal::AccountDisabled, PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED),
        (Refusal::AccountExpired, PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED),
        (Refusal::LockedOut, PAM_MAXTRIES, PAM_PERM_DENIED),
        (Refusal::TooManyGroups, PAM_PERM_DENIED, PAM_PERM_DENIED),
        (Refusal::OtherSubCode(0x57), PAM_PERM_DENIED, PAM_PERM_DENIED),
        (Refusal::NotAllowed, PAM_PERM_DENIED, PAM_PERM_DENIED),
        (Refusal::StateUnreadable, PAM_PERM_DENIED, PAM_PERM_DENIED),
        (Refusal::UnusablePassword, PAM_AUTH_ERR, PAM_AUTH_ERR),
        (Refusal::CallerNotPermitted, PAM_PERM_DENIED, PAM_PERM_DENIED),
        (Refusal::TooManyAttempts, PAM_MAXTRIES, PAM_PERM_DENIED),
    ];

    #[test]
    fn a_refusal_reaches_the_program_as_another_code() {
        for (refusal, auth, account) in REFUSALS {
            let verdict = Verdict::Refused(*refusal);
            assert_eq!(&code(Phase::Auth, verdict), auth, "{refusal:?} in auth");
            assert_eq!(&code(Phase::Account, verdict), account, "{refusal:?} in account");
        }
    }

    #[test]
    fn a_refusal_lets_somebody_in_through_a_usual_stack() {
        for (refusal, ..) in REFUSALS {
            let verdict = Verdict::Refused(*refusal);
            for phase in [Phase::Auth, Phase::Account] {
                for open in [PAM_SUCCESS, PAM_IGNORE, PAM_NEW_AUTHTOK_REQD, PAM_USER_UNKNOWN] {
                    assert_ne!(code(phase, verdict), open, "{refusal:?} in {phase:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_refusal_reaches_the_program_as_another_code() {
        let table = [
            (Verdict::Granted, PAM_SUCCESS, PAM_SUCCESS),
            (Verdict::Unavailable, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL),
            (Verdict::NotOurs, PAM_IGNORE, PAM_PERM_DENIED),
        ];
        for (verdict, auth, account) in table {
            assert_eq!(code(Phase::Auth, verdict), auth, "{verdict:?}");
            assert_eq!(code(Phase::Account, verdict), account, "{verdict:?}");
        }
    }
}

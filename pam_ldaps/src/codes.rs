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
    /// `pam_chauthtok`, first half: is this the current password of who wants another one?
    OldPassword,
    /// `pam_chauthtok`, second half: has the new password taken the place of the old one?
    NewPassword,
}

impl Phase {
    /// Whether it is a password that changes, and nobody who comes in.
    #[must_use]
    pub fn is_change(self) -> bool {
        match self {
            Self::OldPassword | Self::NewPassword => true,
            Self::Auth | Self::Account => false,
        }
    }
}

/// The code for a verdict.
///
/// The match has no default arm: a reason that is new has to be given its codes here.
/// `PAM_SUCCESS` stands in two rows only. One is the plain yes. The other is a password that is
/// right and has to be changed: programs ask for a new one on the account phase's word alone
/// (pam_acct_mgmt(3)), and come to that phase only after a success in auth; what keeps the person
/// out until then is `PAM_NEW_AUTHTOK_REQD`, which stands in that row and in no other.
///
/// Three codes stand in no row of a refusal, since there are usual stacks in which they let
/// somebody in:
/// - `PAM_NEW_AUTHTOK_REQD`, because `required` and `sufficient` count it as a success
///   (pam.conf(5)), which is meant where the change follows and only there.
/// - `PAM_USER_UNKNOWN` in the account phase, because our own profile ignores it.
/// - `PAM_IGNORE` in the account phase, for the same reason: whoever comes as far as a verdict
///   has an id that is the directory's.
///
/// For a change the codes are those of pam_sm_chauthtok(3), and for a wrong current password
/// pam_unix's `PAM_AUTH_ERR`; where a stack hides them behind pam_deny's, as Debian's does, the
/// line that the person sees says what the code would have.
#[must_use]
pub fn code(phase: Phase, verdict: Verdict) -> PamResultCode {
    let (auth, account, old, new) = match verdict {
        Verdict::Granted => (PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS),
        // A change is never answered like this: whatever it means, nothing was changed.
        Verdict::ChangeFirst => (PAM_SUCCESS, PAM_NEW_AUTHTOK_REQD, PAM_SUCCESS, PAM_AUTHTOK_ERR),
        Verdict::Unavailable => {
            (PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL, PAM_TRY_AGAIN, PAM_AUTHTOK_ERR)
        }
        Verdict::NotOurs => (PAM_IGNORE, PAM_PERM_DENIED, PAM_IGNORE, PAM_IGNORE),
        Verdict::Refused(refusal) => refused(refusal),
    };
    match phase {
        Phase::Auth => auth,
        Phase::Account => account,
        Phase::OldPassword => old,
        Phase::NewPassword => new,
    }
}

/// The codes of a refusal in auth, in account, for the old password and for the new one.
fn refused(refusal: Refusal) -> (PamResultCode, PamResultCode, PamResultCode, PamResultCode) {
    match refusal {
        Refusal::WrongPassword => (PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTHTOK_ERR),
        Refusal::NotTheSavedPassword => (PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTHTOK_ERR),
        Refusal::NoSuchUser => (PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_AUTH_ERR, PAM_AUTHTOK_ERR),
        Refusal::UnusablePassword => (PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTHTOK_ERR),
        Refusal::PasswordExpired => {
            (PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_ERR, PAM_AUTHTOK_ERR)
        }
        Refusal::PasswordMustChange => {
            (PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_ERR, PAM_AUTHTOK_ERR)
        }
        Refusal::NewPasswordRejected => {
            (PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_AUTHTOK_ERR, PAM_AUTHTOK_ERR)
        }
        Refusal::AccountDisabled => {
            (PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, PAM_PERM_DENIED, PAM_PERM_DENIED)
        }
        Refusal::AccountExpired => {
            (PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, PAM_PERM_DENIED, PAM_PERM_DENIED)
        }
        // Neither pam_acct_mgmt(3) nor pam_chauthtok(3) knows PAM_MAXTRIES.
        Refusal::LockedOut => (PAM_MAXTRIES, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED),
        Refusal::TooManyAttempts => {
            (PAM_MAXTRIES, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED)
        }
        Refusal::Restriction => DENIED,
        Refusal::LogonHours => DENIED,
        Refusal::Workstation => DENIED,
        Refusal::TooManyGroups => DENIED,
        Refusal::OtherSubCode(_) => DENIED,
        Refusal::NotAllowed => DENIED,
        Refusal::StateUnreadable => DENIED,
        Refusal::CallerNotPermitted => DENIED,
        Refusal::ChangeForbidden => DENIED,
    }
}

/// No, whatever the question.
const DENIED: (PamResultCode, PamResultCode, PamResultCode, PamResultCode) =
    (PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED);

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [Phase; 4] =
        [Phase::Auth, Phase::Account, Phase::OldPassword, Phase::NewPassword];
    const NO: PamResultCode = PAM_PERM_DENIED;

    /// Every refusal with its codes in the order of [`PHASES`], written down a second time as what
    /// peers (sssd, nslcd, winbind) and programs expect.
    const REFUSALS: &[(Refusal, [PamResultCode; 4])] = &[
        (Refusal::WrongPassword, [PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTHTOK_ERR]),
        (Refusal::NoSuchUser, [PAM_AUTH_ERR, NO, PAM_AUTH_ERR, PAM_AUTHTOK_ERR]),
        (Refusal::Restriction, [NO, NO, NO, NO]),
        (Refusal::LogonHours, [NO, NO, NO, NO]),
        (Refusal::Workstation, [NO, NO, NO, NO]),
        (
            Refusal::PasswordExpired,
            [PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_ERR, PAM_AUTHTOK_ERR],
        ),
        (
            Refusal::PasswordMustChange,
            [PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_EXPIRED, PAM_AUTHTOK_ERR, PAM_AUTHTOK_ERR],
        ),
        (Refusal::AccountDisabled, [PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, NO, NO]),
        (Refusal::AccountExpired, [PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, NO, NO]),
        (Refusal::LockedOut, [PAM_MAXTRIES, NO, NO, NO]),
        (Refusal::TooManyGroups, [NO, NO, NO, NO]),
        (Refusal::OtherSubCode(0x57), [NO, NO, NO, NO]),
        (Refusal::NotAllowed, [NO, NO, NO, NO]),
        (Refusal::StateUnreadable, [NO, NO, NO, NO]),
        (Refusal::UnusablePassword, [PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTHTOK_ERR]),
        (Refusal::CallerNotPermitted, [NO, NO, NO, NO]),
        (Refusal::TooManyAttempts, [PAM_MAXTRIES, NO, NO, NO]),
        (Refusal::NewPasswordRejected, [NO, NO, PAM_AUTHTOK_ERR, PAM_AUTHTOK_ERR]),
        (Refusal::ChangeForbidden, [NO, NO, NO, NO]),
        (Refusal::NotTheSavedPassword, [PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTHTOK_ERR]),
    ];

    #[test]
    fn a_refusal_reaches_the_program_as_another_code() {
        for (refusal, codes) in REFUSALS {
            for (phase, expected) in PHASES.into_iter().zip(codes) {
                let code = code(phase, Verdict::Refused(*refusal));
                assert_eq!(&code, expected, "{refusal:?} in {phase:?}");
            }
        }
    }

    #[test]
    fn a_refusal_lets_somebody_in_through_a_usual_stack() {
        for (refusal, ..) in REFUSALS {
            let verdict = Verdict::Refused(*refusal);
            for phase in PHASES {
                for open in [PAM_SUCCESS, PAM_IGNORE, PAM_NEW_AUTHTOK_REQD, PAM_USER_UNKNOWN] {
                    assert_ne!(code(phase, verdict), open, "{refusal:?} in {phase:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_refusal_reaches_the_program_as_another_code() {
        let table = [
            (Verdict::Granted, [PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS]),
            (
                Verdict::ChangeFirst,
                [PAM_SUCCESS, PAM_NEW_AUTHTOK_REQD, PAM_SUCCESS, PAM_AUTHTOK_ERR],
            ),
            (
                Verdict::Unavailable,
                [PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL, PAM_TRY_AGAIN, PAM_AUTHTOK_ERR],
            ),
            (Verdict::NotOurs, [PAM_IGNORE, PAM_PERM_DENIED, PAM_IGNORE, PAM_IGNORE]),
        ];
        for (verdict, codes) in table {
            for (phase, expected) in PHASES.into_iter().zip(codes) {
                assert_eq!(code(phase, verdict), expected, "{verdict:?} in {phase:?}");
            }
        }
    }
}

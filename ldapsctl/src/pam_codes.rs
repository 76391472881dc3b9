//! What the PAM module makes of a decision, by the name of PAM's code. The module's own table is the
//! one in force; a test holds this one to it.
#![forbid(unsafe_code)]

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;

/// The code of `pam_authenticate`.
#[must_use]
pub fn of_auth(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Granted | Verdict::ChangeFirst => "PAM_SUCCESS",
        Verdict::Unavailable => "PAM_AUTHINFO_UNAVAIL",
        Verdict::NotOurs => "PAM_IGNORE",
        Verdict::Refused(Refusal::LockedOut | Refusal::TooManyAttempts) => "PAM_MAXTRIES",
        Verdict::Refused(Refusal::NoSuchUser) => "PAM_AUTH_ERR",
        Verdict::Refused(refusal) => of_refusal(refusal),
    }
}

/// The code of `pam_acct_mgmt`.
#[must_use]
pub fn of_account(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Granted => "PAM_SUCCESS",
        Verdict::ChangeFirst => "PAM_NEW_AUTHTOK_REQD",
        Verdict::Unavailable => "PAM_AUTHINFO_UNAVAIL",
        Verdict::NotOurs => "PAM_PERM_DENIED",
        Verdict::Refused(refusal) => of_refusal(refusal),
    }
}

fn of_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::WrongPassword | Refusal::NotTheSavedPassword | Refusal::UnusablePassword => {
            "PAM_AUTH_ERR"
        }
        Refusal::PasswordExpired | Refusal::PasswordMustChange => "PAM_AUTHTOK_EXPIRED",
        Refusal::AccountDisabled | Refusal::AccountExpired => "PAM_ACCT_EXPIRED",
        Refusal::NoSuchUser
        | Refusal::Restriction
        | Refusal::LogonHours
        | Refusal::Workstation
        | Refusal::LockedOut
        | Refusal::TooManyGroups
        | Refusal::OtherSubCode(_)
        | Refusal::NotAllowed
        | Refusal::StateUnreadable
        | Refusal::CallerNotPermitted
        | Refusal::TooManyAttempts
        | Refusal::NewPasswordRejected
        | Refusal::ChangeForbidden => "PAM_PERM_DENIED",
    }
}

/// The module's table itself.
#[cfg(test)]
#[allow(dead_code, reason = "the tool knows two of the module's phases")]
#[path = "../../pam_ldaps/src/codes.rs"]
mod module;

#[cfg(test)]
mod tests {
    use super::*;

    use super::module::Phase;

    #[test]
    fn the_module_answers_another_code_than_the_tool_says() {
        let verdicts = [
            Verdict::Granted,
            Verdict::ChangeFirst,
            Verdict::Unavailable,
            Verdict::NotOurs,
            Verdict::Refused(Refusal::WrongPassword),
            Verdict::Refused(Refusal::NoSuchUser),
            Verdict::Refused(Refusal::Restriction),
            Verdict::Refused(Refusal::LogonHours),
            Verdict::Refused(Refusal::Workstation),
            Verdict::Refused(Refusal::PasswordExpired),
            Verdict::Refused(Refusal::PasswordMustChange),
            Verdict::Refused(Refusal::AccountDisabled),
            Verdict::Refused(Refusal::AccountExpired),
            Verdict::Refused(Refusal::LockedOut),
            Verdict::Refused(Refusal::TooManyGroups),
            Verdict::Refused(Refusal::OtherSubCode(0x57)),
            Verdict::Refused(Refusal::NotAllowed),
            Verdict::Refused(Refusal::StateUnreadable),
            Verdict::Refused(Refusal::UnusablePassword),
            Verdict::Refused(Refusal::CallerNotPermitted),
            Verdict::Refused(Refusal::TooManyAttempts),
            Verdict::Refused(Refusal::NewPasswordRejected),
            Verdict::Refused(Refusal::ChangeForbidden),
            Verdict::Refused(Refusal::NotTheSavedPassword),
        ];
        for verdict in verdicts {
            let module = |phase| format!("{:?}", module::code(phase, verdict));
            assert_eq!(of_auth(verdict), module(Phase::Auth), "{verdict:?}");
            assert_eq!(of_account(verdict), module(Phase::Account), "{verdict:?}");
        }
    }
}

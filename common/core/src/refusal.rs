//! Why a person is not let in: one list, from AD's sub-codes to our own rules.
#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a login was refused. The daemon decides it, the PAM module maps it to a PAM code, and both
/// match it without a default arm.
///
/// It travels between the two: new reasons are added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// AD: 52e. The password is wrong, or AD does not say what else is.
    WrongPassword,
    /// AD: 525, or the account is gone since it was looked up.
    NoSuchUser,
    /// AD: 52f, ERROR_ACCOUNT_RESTRICTION.
    Restriction,
    /// AD: 530, outside of logonHours.
    LogonHours,
    /// AD: 531, userWorkstations.
    Workstation,
    /// AD: 532.
    PasswordExpired,
    /// AD: 773, pwdLastSet is 0.
    PasswordMustChange,
    /// AD: 533, userAccountControl.
    AccountDisabled,
    /// AD: 701, accountExpires.
    AccountExpired,
    /// AD: 775, lockoutTime.
    LockedOut,
    /// AD: 568, more groups than a token holds.
    TooManyGroups,
    /// A sub-code of AD that nobody has seen yet; the number as AD sent it (it writes it in hex).
    OtherSubCode(u32),
    /// The access rules of this host do not allow this account, or deny it.
    NotAllowed,
    /// AD does not show the service account what is needed to judge the account.
    StateUnreadable,
    /// The string given is none that may be sent to AD as a password: empty, or sshd's stand-in.
    UnusablePassword,
    /// The process that asked may not ask for this account.
    CallerNotPermitted,
    /// Too many attempts in a short time.
    TooManyAttempts,
    /// A new password that AD does not take: 0000052D, which stands for length, complexity,
    /// history and minimum age alike.
    NewPasswordRejected,
    /// AD does not let this person change the password at all: 0000216C, or a missing right.
    ChangeForbidden,
    /// No domain controller answers, and this is not the password that was saved when one did.
    NotTheSavedPassword,
}

/// What a refusal says of the password that was sent, or of the account's future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// The password is right, and another one is wanted first.
    PasswordRight,
    /// The password is wrong.
    PasswordWrong,
    /// The account is none that may be used any more.
    AccountEnded,
    /// Nothing of either, or nothing that AD would not say again.
    Nothing,
}

impl Refusal {
    /// What follows from it beyond this one login.
    #[must_use]
    pub fn says(self) -> Says {
        match self {
            Self::PasswordExpired | Self::PasswordMustChange => Says::PasswordRight,
            Self::WrongPassword => Says::PasswordWrong,
            Self::AccountDisabled | Self::AccountExpired => Says::AccountEnded,
            Self::NoSuchUser
            | Self::Restriction
            | Self::LogonHours
            | Self::Workstation
            | Self::LockedOut
            | Self::TooManyGroups
            | Self::OtherSubCode(_)
            | Self::NotAllowed
            | Self::StateUnreadable
            | Self::UnusablePassword
            | Self::CallerNotPermitted
            | Self::TooManyAttempts
            | Self::NewPasswordRejected
            | Self::ChangeForbidden
            | Self::NotTheSavedPassword => Says::Nothing,
        }
    }

    /// The reason that AD's bind failure `data <hex>` stands for
    /// (MS-ERREF 2.2, ERROR_* of winerror.h; the meanings as bind results in MS-ADTS 5.1.1.3).
    #[must_use]
    pub fn from_sub_code(code: u32) -> Self {
        match code {
            0x525 => Self::NoSuchUser,
            0x52e => Self::WrongPassword,
            0x52f => Self::Restriction,
            0x530 => Self::LogonHours,
            0x531 => Self::Workstation,
            0x532 => Self::PasswordExpired,
            0x533 => Self::AccountDisabled,
            0x568 => Self::TooManyGroups,
            0x701 => Self::AccountExpired,
            0x773 => Self::PasswordMustChange,
            0x775 => Self::LockedOut,
            other => Self::OtherSubCode(other),
        }
    }

    /// The one plain line that the person at the prompt sees, or None where the program's own
    /// "login incorrect" says all they may know. AD shows the state of an account only to those
    /// who know its password, and so do we: what is said here never answers a guess.
    #[must_use]
    pub fn for_the_person(self) -> Option<&'static str> {
        match self {
            Self::WrongPassword
            | Self::NotTheSavedPassword
            | Self::NoSuchUser
            | Self::NotAllowed
            | Self::UnusablePassword
            | Self::CallerNotPermitted => None,
            Self::Restriction | Self::OtherSubCode(_) => {
                Some("Your account may not log in now. Please ask your administrator.")
            }
            Self::LogonHours => Some("Your account may not log in at this hour."),
            Self::Workstation => Some("Your account may not log in on this computer."),
            Self::PasswordExpired => Some("Your password has expired and must be changed."),
            Self::PasswordMustChange => Some("You must change your password before you log in."),
            Self::AccountDisabled => {
                Some("Your account is disabled. Please ask your administrator.")
            }
            Self::AccountExpired => {
                Some("Your account has expired. Please ask your administrator.")
            }
            Self::LockedOut => Some(
                "Your account is locked after too many wrong passwords. Please try again later.",
            ),
            Self::TooManyGroups => {
                Some("Your account is in too many groups. Please ask your administrator.")
            }
            Self::StateUnreadable => {
                Some("Your account cannot be checked here. Please ask your administrator.")
            }
            Self::TooManyAttempts => Some("Too many attempts. Please wait a minute."),
            Self::NewPasswordRejected => Some(
                "The new password was not accepted: it is too short, too simple, one you have had \
                 before, or the last change was too recent.",
            ),
            Self::ChangeForbidden => {
                Some("You may not change this password. Please ask your administrator.")
            }
        }
    }
}

/// The words for the journal, which may say everything but a secret.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPassword => f.write_str("wrong password (AD: data 52e)"),
            Self::NoSuchUser => f.write_str("AD knows no such user (data 525)"),
            Self::Restriction => f.write_str("an account restriction forbids it (AD: data 52f)"),
            Self::LogonHours => f.write_str("outside of the account's logon hours (AD: data 530)"),
            Self::Workstation => {
                f.write_str("the account's \"Log On To\" list forbids it (AD: data 531)")
            }
            Self::PasswordExpired => f.write_str("the password has expired (AD: data 532)"),
            Self::PasswordMustChange => {
                f.write_str("the password must be changed first (AD: data 773)")
            }
            Self::AccountDisabled => f.write_str("the account is disabled (AD: data 533)"),
            Self::AccountExpired => f.write_str("the account has expired (AD: data 701)"),
            Self::LockedOut => f.write_str("the account is locked out (AD: data 775)"),
            Self::TooManyGroups => {
                f.write_str("the account is in more groups than a token holds (AD: data 568)")
            }
            Self::OtherSubCode(code) => {
                write!(f, "AD refused with an unknown reason (data {code:x})")
            }
            Self::NotAllowed => f.write_str("the access rules of this host do not allow it"),
            Self::StateUnreadable => {
                f.write_str("the service account may not read what decides about the account")
            }
            Self::UnusablePassword => f.write_str("no password that may be sent to AD was given"),
            Self::CallerNotPermitted => {
                f.write_str("the calling process may not ask for this account")
            }
            Self::TooManyAttempts => f.write_str("too many attempts in a short time"),
            Self::NewPasswordRejected => {
                f.write_str("AD does not take the new password (0000052D)")
            }
            Self::NotTheSavedPassword => {
                f.write_str("not the password that was saved when AD last answered")
            }
            Self::ChangeForbidden => f.write_str("AD does not let the account change its password"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MS-ERREF's numbers, the reasons, and whether the person is told anything.
    const SUB_CODES: &[(u32, Refusal, bool)] = &[
        (0x525, Refusal::NoSuchUser, false),
        (0x52e, Refusal::WrongPassword, false),
        (0x52f, Refusal::Restriction, true),
        (0x530, Refusal::LogonHours, true),
        (0x531, Refusal::Workstation, true),
        (0x532, Refusal::PasswordExpired, true),
        (0x533, Refusal::AccountDisabled, true),
        (0x568, Refusal::TooManyGroups, true),
        (0x701, Refusal::AccountExpired, true),
        (0x773, Refusal::PasswordMustChange, true),
        (0x775, Refusal::LockedOut, true),
        (0x999, Refusal::OtherSubCode(0x999), true),
    ];

    #[test]
    fn a_sub_code_of_ad_reads_as_another_reason() {
        for (code, refusal, told) in SUB_CODES {
            assert_eq!(Refusal::from_sub_code(*code), *refusal, "{code:x}");
            assert_eq!(refusal.for_the_person().is_some(), *told, "{code:x}");
            assert!(refusal.to_string().contains(&format!("data {code:x}")), "{refusal}");
        }
    }
}

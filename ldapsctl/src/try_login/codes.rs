//! PAM's codes: the names of `_pam_types.h`, and what each means at a login.
#![forbid(unsafe_code)]

/// The name of a code and its meaning.
#[must_use]
pub fn of(code: i32) -> (&'static str, &'static str) {
    let index = usize::try_from(code).unwrap_or(usize::MAX);
    CODES.get(index).copied().unwrap_or(("a code that PAM has not", "a module is broken"))
}

pub const SUCCESS: i32 = 0;
pub const AUTHINFO_UNAVAIL: i32 = 9;
pub const NEW_AUTHTOK_REQD: i32 = 12;

/// By number.
const CODES: [(&str, &str); 32] = [
    ("PAM_SUCCESS", "yes"),
    ("PAM_OPEN_ERR", "a module could not be loaded"),
    ("PAM_SYMBOL_ERR", "a module lacks a function"),
    ("PAM_SERVICE_ERR", "a module failed"),
    ("PAM_SYSTEM_ERR", "the system failed"),
    ("PAM_BUF_ERR", "out of memory"),
    ("PAM_PERM_DENIED", "no: not permitted"),
    (
        "PAM_AUTH_ERR",
        "no: the name and the password do not fit together, or no module vouches for them",
    ),
    ("PAM_CRED_INSUFFICIENT", "no: this program may not ask"),
    ("PAM_AUTHINFO_UNAVAIL", "not known: who could say so could not be asked"),
    ("PAM_USER_UNKNOWN", "no: no module knows the user"),
    ("PAM_MAXTRIES", "no: too many tries, or locked out"),
    (
        "PAM_NEW_AUTHTOK_REQD",
        "yes, once the password has been changed: the program asks for a new one",
    ),
    ("PAM_ACCT_EXPIRED", "no: the account is disabled or has expired"),
    ("PAM_SESSION_ERR", "no: no session could be begun"),
    ("PAM_CRED_UNAVAIL", "no: there are no credentials"),
    ("PAM_CRED_EXPIRED", "no: the credentials have expired"),
    ("PAM_CRED_ERR", "no: credentials could not be set"),
    ("PAM_NO_MODULE_DATA", "a module lacks its data"),
    ("PAM_CONV_ERR", "no: a question was not answered"),
    ("PAM_AUTHTOK_ERR", "no: the password could not be changed"),
    ("PAM_AUTHTOK_RECOVERY_ERR", "no: the password of an earlier module was not to be had"),
    ("PAM_AUTHTOK_LOCK_BUSY", "no: the password is being changed"),
    ("PAM_AUTHTOK_DISABLE_AGING", "no: passwords do not age here"),
    ("PAM_TRY_AGAIN", "no: to be tried again"),
    ("PAM_IGNORE", "no word on it"),
    ("PAM_ABORT", "a module gave up"),
    ("PAM_AUTHTOK_EXPIRED", "no: the password has expired"),
    ("PAM_MODULE_UNKNOWN", "a module is not known"),
    ("PAM_BAD_ITEM", "an item is not known"),
    ("PAM_CONV_AGAIN", "to be asked again"),
    ("PAM_INCOMPLETE", "to be called again"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use pam::constants::PamResultCode::{self, *};

    #[test]
    fn a_number_has_another_name_than_libpam_gives_it() {
        let codes: [PamResultCode; 10] = [
            PAM_SUCCESS,
            PAM_PERM_DENIED,
            PAM_AUTH_ERR,
            PAM_AUTHINFO_UNAVAIL,
            PAM_USER_UNKNOWN,
            PAM_MAXTRIES,
            PAM_NEW_AUTHTOK_REQD,
            PAM_ACCT_EXPIRED,
            PAM_AUTHTOK_EXPIRED,
            PAM_INCOMPLETE,
        ];
        for code in codes {
            let name = format!("{code:?}");
            assert_eq!(of(code as i32).0, name);
        }
        assert_eq!(of(32).0, of(-1).0);
    }
}

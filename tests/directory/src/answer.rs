//! The results that AD gives, word for word where clients read the words.
//!
//! AD ends its diagnostic messages with a NUL byte; clients that do not expect it print it, so it is kept.
#![forbid(unsafe_code)]

use ldap3_proto::proto::{LdapResult, LdapResultCode};

/// A result with AD's diagnostic message.
pub(crate) fn result(code: LdapResultCode, message: &str) -> LdapResult {
    let message = if message.is_empty() { String::new() } else { format!("{message}\0") };
    LdapResult { code, matcheddn: String::new(), message, referral: Vec::new() }
}

pub(crate) fn success() -> LdapResult {
    result(LdapResultCode::Success, "")
}

/// A refused simple bind with its sub-code.
pub(crate) fn bind_refused(sub_code: u32) -> LdapResult {
    let message = format!(
        "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {sub_code:x}, v1db1"
    );
    result(LdapResultCode::InvalidCredentials, &message)
}

/// A refused simple bind in these words and no others: not even AD's NUL is added.
pub(crate) fn bind_refused_in_words(words: &str) -> LdapResult {
    LdapResult { message: words.to_owned(), ..result(LdapResultCode::InvalidCredentials, "") }
}

/// What an anonymous client hears to nearly everything.
pub(crate) fn bind_first() -> LdapResult {
    result(
        LdapResultCode::OperationsError,
        "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be \
         completed on the connection., data 0, v4563",
    )
}

pub(crate) fn no_such_object(best_match: &str) -> LdapResult {
    let message = format!(
        "0000208D: NameErr: DSID-0310028B, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'{best_match}'\n"
    );
    LdapResult {
        matcheddn: best_match.to_owned(),
        ..result(LdapResultCode::NoSuchObject, &message)
    }
}

pub(crate) fn bad_name(name: &str) -> LdapResult {
    let message = format!(
        "0000208F: NameErr: DSID-031001F7, problem 2006 (BAD_NAME), data 8350, best match of:\n\t'{name}'\n"
    );
    result(LdapResultCode::InvalidDNSyntax, &message)
}

/// The base is in no naming context of this DC.
pub(crate) fn elsewhere(dns_domain: &str, base: &str) -> LdapResult {
    let message = format!(
        "0000202B: RefErr: DSID-0310082F, data 0, 1 access points\n\tref 1: '{dns_domain}'\n"
    );
    LdapResult {
        referral: vec![format!("ldap://{dns_domain}/{}", base.replace(' ', "%20"))],
        ..result(LdapResultCode::Referral, &message)
    }
}

pub(crate) fn access_denied() -> LdapResult {
    result(
        LdapResultCode::InsufficentAccessRights,
        "00002098: SecErr: DSID-031514A0, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0\n",
    )
}

pub(crate) fn unwilling(win32: u32) -> LdapResult {
    let message =
        format!("{win32:08X}: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n");
    result(LdapResultCode::UnwillingToPerform, &message)
}

/// A password change that was refused: `00000056`, `0000052D`, `00000775`.
pub(crate) fn password_refused(win32: u32) -> LdapResult {
    let message = format!(
        "{win32:08X}: AtrErr: DSID-03190FC9, #1:\n\t0: {win32:08X}: DSID-03190FC9, problem 1005 \
         (CONSTRAINT_ATT_TYPE), data 0, Att 9005a (unicodePwd)\n"
    );
    result(LdapResultCode::ConstraintViolation, &message)
}

pub(crate) fn protocol_error(comment: &str) -> LdapResult {
    let message = format!("00000057: LdapErr: DSID-0C090FCC, comment: {comment}, data 0, v4563");
    result(LdapResultCode::ProtocolError, &message)
}

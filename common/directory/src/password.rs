//! A password change: one Modify that deletes the old password and adds the new one.
//!
//! That is what AD calls a change, as opposed to a reset (MS-ADTS 3.1.1.3.1.5.1): the domain's rules
//! hold, and a service account that may only read can make it, since the old password is what
//! permits it. It is made on the service account's connection, because AD lets nobody bind whose
//! password has expired.

use std::time::Duration;

use ldap3_proto::proto::{LdapOp, LdapResult, LdapResultCode};
use ldaps_core::secret::Password;
use zeroize::Zeroizing;

use crate::ber;
use crate::connection::Connection;
use crate::error::{DirectoryError, words_of};

/// What AD says to a new password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The new password holds.
    Changed,
    /// It does not, and the old one does.
    Refused(ChangeRefusal),
}

/// Why a password was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeRefusal {
    /// 00000056: the old password is wrong.
    WrongOldPassword,
    /// 00000775: the account is locked out.
    LockedOut,
    /// 0000052D: the domain's rules; AD does not say which.
    Policy,
    /// 0000216C: the account may not change its password ("User cannot change password").
    Forbidden,
    /// insufficientAccessRights: the right to change the password is granted to nobody, as on
    /// accounts that AD protects (adminCount). In AD's words.
    NoRight(String),
    /// unwillingToPerform: AD does not take the change as it was made. In AD's words.
    Unwilling(String),
    /// Anything else, in AD's words.
    Other(String),
}

/// Changes the password of a DN, once. Each try with a wrong old password counts against the
/// account, so it is not tried again.
///
/// # Errors
/// [`DirectoryError`]: whether it was changed is unknown, unless nothing was sent.
pub(crate) async fn change(
    connection: &Connection,
    dn: &str,
    old: &Password,
    new: &Password,
    patience: Duration,
) -> Result<ChangeOutcome, DirectoryError> {
    let id = connection.new_id();
    let request = encode(id, dn, old.expose(), new.expose());
    let mut answers = connection.start_encoded(id, request, "a password change", patience).await?;
    match answers.next().await?.op {
        // A read-only server refers to a writable one (RFC 4511 section 4.1.10): nothing was
        // changed, and no referral is followed with a password in hand.
        LdapOp::ModifyResponse(result) if result.code == LdapResultCode::Referral => {
            Err(DirectoryError::ReadOnly { server: connection.server().clone() })
        }
        LdapOp::ModifyResponse(result) => Ok(outcome(&result)),
        _ => Err(DirectoryError::Unusable {
            what: "the answer to a password change",
            problem: "it is another kind of message".to_owned(),
        }),
    }
}

/// The number that AD's message begins with is a Win32 error in hex; what follows it varies
/// between releases. Sources: MS-ERREF 2.2, and Samba's own tests of a DC (`passwords.py`).
fn outcome(result: &LdapResult) -> ChangeOutcome {
    let code = result.message.get(..8).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    ChangeOutcome::Refused(match (&result.code, code) {
        (LdapResultCode::Success, _) => return ChangeOutcome::Changed,
        (_, Some(0x56)) => ChangeRefusal::WrongOldPassword,
        (_, Some(0x775)) => ChangeRefusal::LockedOut,
        (_, Some(0x52d)) => ChangeRefusal::Policy,
        (_, Some(0x216c)) => ChangeRefusal::Forbidden,
        (LdapResultCode::InsufficentAccessRights, _) => ChangeRefusal::NoRight(words_of(result)),
        (LdapResultCode::UnwillingToPerform, _) => ChangeRefusal::Unwilling(words_of(result)),
        _ => ChangeRefusal::Other(words_of(result)),
    })
}

/// `ModifyRequest { dn, [ delete unicodePwd: old, add unicodePwd: new ] }` (RFC 4511 section 4.6).
fn encode(id: i32, dn: &str, old: &[u8], new: &[u8]) -> Zeroizing<Vec<u8>> {
    const MODIFY_REQUEST: u8 = 0x66;
    const ADD: u8 = 0;
    const DELETE: u8 = 1;
    let (old, new) = (unicode_pwd(old), unicode_pwd(new));
    let content = [dn.len(), old.len(), new.len(), 64].iter().sum();
    let change = |operation: u8, value: &[u8]| {
        let values = ber::nested(content, |to| ber::field(to, ber::OCTET_STRING, value));
        let attribute = ber::nested(content, |to| {
            ber::field(to, ber::OCTET_STRING, b"unicodePwd");
            ber::field(to, ber::SET, &values);
        });
        ber::nested(content, |to| {
            ber::field(to, ber::ENUMERATED, &[operation]);
            ber::field(to, ber::SEQUENCE, &attribute);
        })
    };
    let changes = ber::nested(content, |to| {
        ber::field(to, ber::SEQUENCE, &change(DELETE, &old));
        ber::field(to, ber::SEQUENCE, &change(ADD, &new));
    });
    ber::message(id, MODIFY_REQUEST, content, |to| {
        ber::field(to, ber::OCTET_STRING, dn.as_bytes());
        ber::field(to, ber::SEQUENCE, &changes);
    })
}

/// The value of unicodePwd: the password between quotes, in UTF-16LE (MS-ADTS 3.1.1.3.1.5.1).
fn unicode_pwd(password: &[u8]) -> Zeroizing<Vec<u8>> {
    // A type that is not UTF-8 is never made into a Password; a byte of UTF-8 is at most one
    // unit of UTF-16.
    let text = std::str::from_utf8(password).unwrap_or_default();
    let mut value = Zeroizing::new(Vec::with_capacity(password.len().saturating_add(2) * 2));
    let quote = std::iter::once(u16::from(b'"'));
    for unit in quote.clone().chain(text.encode_utf16()).chain(quote) {
        value.extend_from_slice(&unit.to_le_bytes());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use ldap3_proto::LdapCodec;
    use ldap3_proto::proto::LdapPartialAttribute;
    use ldap3_proto::proto::{LdapModify, LdapModifyRequest, LdapModifyType, LdapMsg};
    use proptest::prelude::*;
    use tokio_util::codec::Decoder;

    proptest! {
        #[test]
        fn a_server_reads_another_change_than_was_meant(
            id in 1..i32::MAX,
            dn in "\\PC{0,300}",
            old in "\\PC{1,300}",
            new in "\\PC{1,300}",
        ) {
            let encoded = encode(id, &dn, old.as_bytes(), new.as_bytes());
            let mut bytes = BytesMut::from(encoded.as_slice());
            let message = LdapCodec::default().decode(&mut bytes).unwrap().unwrap();
            prop_assert!(bytes.is_empty());
            let change = |operation, password: &str| {
                let quoted = format!("\"{password}\"");
                let value = quoted.encode_utf16().flat_map(u16::to_le_bytes).collect();
                let modification =
                    LdapPartialAttribute { atype: "unicodePwd".into(), vals: vec![value] };
                LdapModify { operation, modification }
            };
            let changes = vec![
                change(LdapModifyType::Delete, &old),
                change(LdapModifyType::Add, &new),
            ];
            let request = LdapOp::ModifyRequest(LdapModifyRequest { dn, changes });
            prop_assert_eq!(message, LdapMsg::new(id, request));
        }
    }

    #[test]
    fn ads_reason_against_a_new_password_is_read_as_another() {
        use LdapResultCode::{
            ConstraintViolation, InsufficentAccessRights, Success, UnwillingToPerform,
        };
        let result = |code: &LdapResultCode, message: &str| LdapResult {
            code: code.clone(),
            matcheddn: String::new(),
            message: message.to_owned(),
            referral: Vec::new(),
        };
        let table = [
            (
                ConstraintViolation,
                "00000056: AtrErr: DSID-03191083, #1:\n",
                ChangeRefusal::WrongOldPassword,
            ),
            (ConstraintViolation, "00000775: AtrErr: DSID-0319...", ChangeRefusal::LockedOut),
            (ConstraintViolation, "0000052D: AtrErr: DSID-03190FC9, #1: 0", ChangeRefusal::Policy),
            (
                UnwillingToPerform,
                "0000052D: Constraint violation - check_password_restrictions",
                ChangeRefusal::Policy,
            ),
            (ConstraintViolation, "0000216C: AtrErr: DSID-03190F80", ChangeRefusal::Forbidden),
            (
                InsufficentAccessRights,
                "00000005: SecErr: DSID-031A11D5",
                ChangeRefusal::NoRight(
                    "InsufficentAccessRights 00000005: SecErr: DSID-031A11D5".into(),
                ),
            ),
            (
                InsufficentAccessRights,
                "",
                ChangeRefusal::NoRight("InsufficentAccessRights ".into()),
            ),
            (
                UnwillingToPerform,
                "0000001F: SvcErr: DSID-031A12D2\0",
                ChangeRefusal::Unwilling(
                    "UnwillingToPerform 0000001F: SvcErr: DSID-031A12D2".into(),
                ),
            ),
        ];
        for (code, message, refusal) in table {
            assert_eq!(
                outcome(&result(&code, message)),
                ChangeOutcome::Refused(refusal),
                "{message}"
            );
        }
        assert_eq!(outcome(&result(&Success, "")), ChangeOutcome::Changed);
    }
}

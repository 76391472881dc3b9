//! The simple bind: encoded by hand into a buffer that is wiped, and AD's answer to it.

use std::time::Duration;

use ldap3_proto::proto::{LdapOp, LdapResult, LdapResultCode};
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use zeroize::Zeroizing;

use crate::ber;
use crate::connection::Connection;
use crate::error::{DirectoryError, words_of};

/// What AD says to a name and a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindOutcome {
    /// The password is right, and AD lets the account in.
    Accepted,
    /// It is not, or AD does not.
    Refused(Refusal),
}

/// Binds a connection as this DN, once. Whatever comes of it, it is not tried again: each attempt
/// counts against the account.
///
/// # Errors
/// [`DirectoryError`]: there was no answer, or none about the account.
pub(crate) async fn bind(
    connection: &Connection,
    dn: &str,
    password: &Password,
    patience: Duration,
) -> Result<BindOutcome, DirectoryError> {
    let id = connection.new_id();
    let request = encode(id, dn, password.expose());
    let mut answers = connection.start_encoded(id, request, "a bind", patience).await?;
    match answers.next().await?.op {
        LdapOp::BindResponse(response) => outcome(connection, &response.res),
        _ => Err(DirectoryError::Unusable {
            what: "the answer to a bind",
            problem: "it is another kind of message".to_owned(),
        }),
    }
}

fn outcome(connection: &Connection, result: &LdapResult) -> Result<BindOutcome, DirectoryError> {
    match result.code {
        LdapResultCode::Success => Ok(BindOutcome::Accepted),
        LdapResultCode::InvalidCredentials => Ok(BindOutcome::Refused(reason(&result.message))),
        _ => Err(DirectoryError::Refused {
            server: connection.server().clone(),
            what: "a bind",
            answer: words_of(result),
        }),
    }
}

/// The reason in AD's diagnostic message, whose form is
/// `80090308: LdapErr: DSID-0C09XXXX, comment: AcceptSecurityContext error, data 52e, v1db1`:
/// the number behind `data` is a Win32 error in hex. DSID and the last word vary between releases.
fn reason(message: &str) -> Refusal {
    let number = message.split("data ").nth(1).and_then(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_hexdigit()).next()?;
        u32::from_str_radix(digits, 16).ok()
    });
    // Without a number, all that is known is that the credentials are invalid.
    number.map_or(Refusal::WrongPassword, Refusal::from_sub_code)
}

/// `LDAPMessage { id, BindRequest { 3, dn, simple password } }` (RFC 4511 section 4.2), in BER.
fn encode(id: i32, dn: &str, password: &[u8]) -> Zeroizing<Vec<u8>> {
    const BIND_REQUEST: u8 = 0x60;
    const SIMPLE: u8 = 0x80;
    ber::message(id, BIND_REQUEST, dn.len().saturating_add(password.len()), |bind| {
        ber::field(bind, ber::INTEGER, &[3]);
        ber::field(bind, ber::OCTET_STRING, dn.as_bytes());
        ber::field(bind, SIMPLE, password);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use ldap3_proto::LdapCodec;
    use ldap3_proto::proto::{LdapBindCred, LdapBindRequest, LdapMsg};
    use proptest::prelude::*;
    use tokio_util::codec::Decoder;

    proptest! {
        #[test]
        fn a_server_reads_another_name_or_password_than_was_given(
            id in 1..i32::MAX,
            dn in "\\PC{0,300}",
            password in "\\PC{1,300}",
        ) {
            let encoded = encode(id, &dn, password.as_bytes());
            let mut bytes = BytesMut::from(encoded.as_slice());
            let message = LdapCodec::default().decode(&mut bytes).unwrap().unwrap();
            prop_assert!(bytes.is_empty());
            let cred = LdapBindCred::Simple(password);
            let request = LdapBindRequest { version: 3, dn, cred };
            prop_assert_eq!(message, LdapMsg::new(id, LdapOp::BindRequest(request)));
        }
    }

    /// As Windows Server and Samba write it; the trailing NUL is AD's.
    const MESSAGES: &[(&str, Refusal)] = &[
        (
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1",
            Refusal::WrongPassword,
        ),
        (
            "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 533, v3839\0",
            Refusal::AccountDisabled,
        ),
        (
            "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 775, v4563\0",
            Refusal::LockedOut,
        ),
        ("... comment: AcceptSecurityContext error, data 0, v1", Refusal::OtherSubCode(0)),
        ("... data 9ab, v1", Refusal::OtherSubCode(0x9ab)),
        ("... data ffffffffff, v1", Refusal::WrongPassword),
        ("Invalid credentials", Refusal::WrongPassword),
        ("", Refusal::WrongPassword),
    ];

    #[test]
    fn ads_reason_for_a_refusal_is_read_as_another() {
        for (message, refusal) in MESSAGES {
            assert_eq!(reason(message), *refusal, "{message}");
        }
    }
}

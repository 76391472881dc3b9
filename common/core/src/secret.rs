//! Passwords: wiped, never empty, never shown.
#![forbid(unsafe_code)]

use std::fmt;
use zeroize::Zeroizing;

/// Longest password, in bytes, that is taken. AD allows 256 characters; libpam's conversation
/// carries at most 512 bytes (`PAM_MAX_RESP_SIZE`).
pub const PASSWORD_MAX: usize = 1024;

/// What sshd sends in place of the password of a user it has already refused, repeated to the
/// length of the one that was typed (`fake_password` in OpenSSH's auth-pam.c). Sent on to AD it
/// would count as a wrong password, and in the end lock the account.
const SSHD_JUNK: &[u8] = b"\x08\n\r\x7fINCORRECT";

/// A password. It has no Debug, no Display, no Clone, and its buffer is wiped when dropped.
pub struct Password(Zeroizing<Vec<u8>>);

/// Why a byte string is not sent to a directory as a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordError {
    /// AD takes a bind with an empty password for an anonymous one, and answers success.
    Empty,
    /// It contains a NUL, which no terminal can type and some servers end the string at.
    Nul,
    /// Longer than [`PASSWORD_MAX`] bytes.
    TooLong,
    /// Not UTF-8, which a simple bind is defined in (RFC 4513 section 5.1.3).
    NotUtf8,
    /// sshd's stand-in for a user it has already refused.
    SshdJunk,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the password is empty",
            Self::Nul => "the password contains a NUL byte",
            Self::TooLong => "the password is longer than any in Active Directory",
            Self::NotUtf8 => "the password is not UTF-8",
            Self::SshdJunk => "sshd had refused this user already and sent no real password",
        })
    }
}

impl std::error::Error for PasswordError {}

impl Password {
    /// Takes a copy of what a person typed, if it may be sent to a directory at all.
    ///
    /// # Errors
    /// [`PasswordError`], which tells what kind of string it is and nothing of its content.
    pub fn parse(raw: &[u8]) -> Result<Self, PasswordError> {
        if raw.is_empty() {
            return Err(PasswordError::Empty);
        }
        if raw.len() > PASSWORD_MAX {
            return Err(PasswordError::TooLong);
        }
        if raw.contains(&0) {
            return Err(PasswordError::Nul);
        }
        if raw.iter().zip(SSHD_JUNK.iter().cycle()).all(|(byte, junk)| byte == junk) {
            return Err(PasswordError::SshdJunk);
        }
        if std::str::from_utf8(raw).is_err() {
            return Err(PasswordError::NotUtf8);
        }
        Ok(Self(Zeroizing::new(raw.to_vec())))
    }

    /// The bytes, for the one place that writes them to a TLS connection.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(raw: &[u8]) -> Option<PasswordError> {
        Password::parse(raw).err()
    }

    #[test]
    fn a_password_that_must_not_reach_the_directory_is_let_through() {
        let junk_at = |length| SSHD_JUNK.iter().copied().cycle().take(length).collect::<Vec<u8>>();
        assert_eq!(refused(b""), Some(PasswordError::Empty));
        assert_eq!(refused(b"a\0b"), Some(PasswordError::Nul));
        assert_eq!(refused(&[b'a'; PASSWORD_MAX + 1]), Some(PasswordError::TooLong));
        assert_eq!(refused(b"\xff"), Some(PasswordError::NotUtf8));
        for length in [1, 4, 13, 14, 40] {
            assert_eq!(refused(&junk_at(length)), Some(PasswordError::SshdJunk), "{length}");
        }
    }

    #[test]
    fn ordinary_passwords_are_taken_as_they_are() {
        for raw in ["x", " ", "INCORRECT", "Grüße, 世界", "\"quoted\"", "a\tb"] {
            assert_eq!(Password::parse(raw.as_bytes()).unwrap().expose(), raw.as_bytes());
        }
    }
}

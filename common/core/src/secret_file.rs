//! What is in the file with the service account's password: the one rule of the daemon and of the
//! tools, or what passes a set-up would not start the daemon.
#![forbid(unsafe_code)]

use std::fmt;

use crate::secret::{Password, PasswordError};

/// Why a file is none with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretFileError {
    /// Something stands below the first line: part of the password, or a remark?
    MoreLines,
    /// What stands there is no password.
    NoPassword(PasswordError),
}

impl fmt::Display for SecretFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MoreLines => f.write_str("it has more than one line"),
            Self::NoPassword(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SecretFileError {}

/// The password in a file of this content: its one line. Every editor ends the line, and some leave
/// empty ones below it; no password of AD ends so.
///
/// # Errors
/// [`SecretFileError`], which tells nothing of the content.
pub fn password_in(content: &[u8]) -> Result<Password, SecretFileError> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let length = content.iter().rposition(|byte| !is_end(byte)).map_or(0, |last| last + 1);
    let line = content.get(..length).unwrap_or_default();
    if line.contains(&b'\n') {
        return Err(SecretFileError::MoreLines);
    }
    Password::parse(line).map_err(SecretFileError::NoPassword)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_empty_lines_has_no_password_or_one_of_two_lines_has_one() {
        let empty = Err(SecretFileError::NoPassword(PasswordError::Empty));
        let rows: [(&[u8], Result<&[u8], SecretFileError>); 12] = [
            (b"x", Ok(b"x")),
            (b"x\n", Ok(b"x")),
            (b"x\r\n", Ok(b"x")),
            (b"x\n\n", Ok(b"x")),
            (b"x\r\n\r\n\n", Ok(b"x")),
            (b" x \n", Ok(b" x ")),
            (b"", empty),
            (b"\n\n", empty),
            (b"x\ny\n", Err(SecretFileError::MoreLines)),
            (b"x\n\n \n", Err(SecretFileError::MoreLines)),
            (b"\nx\n", Err(SecretFileError::MoreLines)),
            (b"\xff\n", Err(SecretFileError::NoPassword(PasswordError::NotUtf8))),
        ];
        for (content, expected) in rows {
            let found = password_in(content);
            let found = found.as_ref().map(Password::expose).map_err(|error| *error);
            assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(content));
        }
    }
}

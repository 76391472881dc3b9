//! What can go wrong in the test directory, as sentences.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;

use openssl::error::ErrorStack;

/// An error of the test directory.
#[derive(Debug)]
pub enum Error {
    /// OpenSSL refused to make a key, a certificate or a TLS context.
    Tls(ErrorStack),
    /// A file or a socket: what was attempted, and the system's answer.
    Io(String, io::Error),
    /// An edit named an object that is not there.
    NoSuchObject(String),
    /// An edit would have made a second object of the same name.
    NameTaken(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => {
                write!(f, "OpenSSL cannot make the test PKI or its TLS context: {error}")
            }
            Self::Io(what, error) => write!(f, "cannot {what}: {error}"),
            Self::NoSuchObject(name) => write!(
                f,
                "the test directory holds no object named {name:?}; wanted a sAMAccountName or a DN of its population"
            ),
            Self::NameTaken(name) => {
                write!(f, "the test directory already holds {name:?}; choose another name")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<ErrorStack> for Error {
    fn from(error: ErrorStack) -> Self {
        Self::Tls(error)
    }
}

//! One domain controller.

use std::fmt;
use std::net::IpAddr;

/// A domain controller: the name its certificate must bear, and where to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The name (or address) that the certificate is verified against.
    pub name: String,
    /// The TCP port.
    pub port: u16,
    /// The address from `[directory.address]`, where DNS does not know the name.
    pub address: Option<IpAddr>,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)?;
        match self.address {
            Some(address) => write!(f, " (at {address})"),
            None => Ok(()),
        }
    }
}

//! What can go wrong with a directory, each a sentence that names the server and the remedy.

use std::fmt;
use std::time::Duration;

use ldap3_proto::proto::{LdapResult, LdapResultCode};

use crate::reach::is_silence;
use crate::server::Server;
use crate::tls_fault::TlsFault;
use ldaps_core::refusal::Refusal;

/// Why the directory gave no answer. None of these says anything about an account.
#[derive(Debug, Clone)]
pub enum DirectoryError {
    /// DNS has no domain controllers for the domain.
    Discovery {
        /// The domain that was looked for.
        domain: String,
        /// What DNS said.
        problem: String,
    },
    /// The server's name has no address.
    Resolve {
        /// The server.
        server: Server,
        /// What the resolver said.
        problem: String,
    },
    /// No TCP connection.
    Connect {
        /// The server.
        server: Server,
        /// What the system said.
        problem: String,
    },
    /// No TLS connection that may be trusted.
    Tls(Box<TlsFault>),
    /// Nothing came within the time allowed.
    Timeout {
        /// The server.
        server: Server,
        /// What was waited for.
        what: &'static str,
        /// How long.
        after: Duration,
    },
    /// The server ended the connection.
    Closed {
        /// The server.
        server: Server,
        /// What it said, or what was wrong with what it said.
        why: String,
    },
    /// AD did not take the service account's name and password.
    ServiceAccount {
        /// The server.
        server: Server,
        /// The name that was used.
        bind_dn: String,
        /// Why AD refused it.
        refusal: Refusal,
    },
    /// The server refused an operation.
    Refused {
        /// The server.
        server: Server,
        /// What was asked.
        what: &'static str,
        /// Its words.
        answer: String,
    },
    /// The server is no domain controller of the configured domain.
    WrongDomain {
        /// The server.
        server: Server,
        /// What it lacks or says instead.
        problem: String,
    },
    /// A change was wanted, and only read-only domain controllers can be reached.
    ReadOnly {
        /// The read-only one.
        server: Server,
    },
    /// The answer was complete, and cannot be used.
    Unusable {
        /// What was asked.
        what: &'static str,
        /// What is wrong with the answer.
        problem: String,
    },
}

/// What a referral says.
const ELSEWHERE: &str =
    "that part of the directory is on other servers, and referrals are never followed";

/// A server's refusal in its own words, on one line. AD ends its message with a NUL, and breaks the
/// lines of some.
pub(crate) fn words_of(result: &LdapResult) -> String {
    let message = result.message.replace(|c: char| c.is_control(), " ");
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match result.code {
        LdapResultCode::Referral => format!("{ELSEWHERE}; correct `base` ({message})"),
        ref code => format!("{code:?} {message}"),
    }
}

/// What lets the service account in again.
fn of_service_account(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::AccountDisabled => "Enable it in AD (Enable-ADAccount)",
        Refusal::AccountExpired => "Extend it in AD (Clear-ADAccountExpiration)",
        Refusal::LockedOut => "Unlock it in AD (Unlock-ADAccount)",
        Refusal::PasswordExpired | Refusal::PasswordMustChange => {
            "Give it a new password in AD (Set-ADAccountPassword -Reset; and one that never expires), and \
             write that into the file that `bind_secret` names"
        }
        _ => "Correct `bind_dn` or the file that `bind_secret` names",
    }
}

impl DirectoryError {
    /// Whether the connection is at fault, so that the same question may be put again on another.
    #[must_use]
    pub fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// Whether the server has sent us to others.
    #[must_use]
    pub fn is_referral(&self) -> bool {
        matches!(self, Self::Refused { answer, .. } if answer.starts_with(ELSEWHERE))
    }

    /// Whether no domain controller that may be trusted was there to be asked: then, and only then,
    /// may something else speak in its place. A server that refuses us has answered.
    #[must_use]
    pub fn means_nobody_answers(&self) -> bool {
        match self {
            Self::Discovery { .. }
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Tls(_)
            | Self::Timeout { .. }
            | Self::Closed { .. } => true,
            Self::ServiceAccount { .. }
            | Self::Refused { .. }
            | Self::WrongDomain { .. }
            | Self::ReadOnly { .. }
            | Self::Unusable { .. } => false,
        }
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discovery { domain, problem } => write!(
                f,
                "DNS names no domain controller of {domain}: {problem}. Name the servers with \
                 `uri` under [directory], or let this host ask the domain's DNS servers"
            ),
            Self::Resolve { server, problem } if is_silence(problem) => write!(
                f,
                "the name {} has no address: {problem}. Name a DNS server that answers and knows \
                 the domain (resolvectl status; /etc/resolv.conf), or give the address under \
                 [directory.address]",
                server.name
            ),
            Self::Resolve { server, problem } => write!(
                f,
                "the name {} has no address: {problem}. Correct the name, or give its address \
                 under [directory.address]",
                server.name
            ),
            Self::Connect { server, problem } => write!(
                f,
                "{server} cannot be reached: {problem}. Check that the domain controller runs and \
                 that no firewall blocks port {}",
                server.port
            ),
            Self::Tls(fault) => write!(f, "{fault}"),
            Self::Timeout { server, what, after } => {
                write!(f, "{server} did not answer within {} s ({what})", after.as_secs_f32())
            }
            Self::Closed { server, why } => write!(f, "{server} ended the connection: {why}"),
            Self::ServiceAccount { server, bind_dn, refusal } => write!(
                f,
                "{server} refused the service account {bind_dn:?}: {refusal}. {}, then reload \
                 ldapsd; until then AD is asked rarely, so as not to lock the account",
                of_service_account(*refusal)
            ),
            Self::Refused { server, what, answer } => {
                write!(f, "{server} refused {what}: {answer}")
            }
            Self::WrongDomain { server, problem } => write!(f, "{server} is not used: {problem}"),
            Self::ReadOnly { server } => write!(
                f,
                "{server} is a read-only domain controller, which changes nothing, and no writable \
                 one can be reached. Name a writable one first under [directory], and check that no \
                 firewall is before it"
            ),
            Self::Unusable { what, problem } => write!(f, "{what} came back unusable: {problem}"),
        }
    }
}

impl std::error::Error for DirectoryError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_that_is_disabled_is_said_to_be_misspelt() {
        let server = Server { name: "dc1".to_owned(), port: 636, address: None };
        for (refusal, remedy) in [
            (Refusal::AccountDisabled, "Enable it in AD"),
            (Refusal::AccountExpired, "Extend it in AD"),
            (Refusal::LockedOut, "Unlock it in AD"),
            (Refusal::WrongPassword, "Correct `bind_dn` or the file that `bind_secret` names"),
        ] {
            let (server, bind_dn) = (server.clone(), "svc".to_owned());
            let told = DirectoryError::ServiceAccount { server, bind_dn, refusal }.to_string();
            assert!(told.contains(remedy), "{told}");
            assert!(told.contains("then reload ldapsd"), "{told}");
        }
    }
}

//! What a server says about itself and its domain before anything else is asked.

use std::time::Duration;

use ldaps_core::sid::Sid;

use crate::connection::Connection;
use crate::entry::Entry;
use crate::error::DirectoryError;
use crate::filter::{self, FilterValue};
use crate::policy;
use crate::search::{self, Search};

/// AD's own default (MS-ADTS 6.1.1.1.1), for a domain that does not show its window.
const USUAL_WINDOW: Duration = Duration::from_secs(30 * 60);
/// What is read of the head of a domain.
const OF_HEAD: &[&str] = &["objectSid", "lockoutThreshold", "lockOutObservationWindow"];

/// What is read of rootDSE. AD shows it to anybody, before any bind (MS-ADTS 3.1.1.3.2).
const OF_ROOT: &[&str] =
    &["defaultNamingContext", "configurationNamingContext", "supportedCapabilities"];
/// LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID (MS-ADTS 3.1.1.3.4.3): a read-only domain
/// controller, which takes no password change and keeps few people's secrets.
const READ_ONLY: &[u8] = b"1.2.840.113556.1.4.1920";

/// What a server says about itself to anybody: read before the service account's password, or
/// anybody's, is sent to it.
pub(crate) struct Introduction {
    root: Entry,
    /// Whether it is a read-only domain controller.
    pub(crate) is_read_only: bool,
}

impl Introduction {
    /// Asks a server that nobody has bound to yet.
    ///
    /// # Errors
    /// [`DirectoryError`], also where it shows no rootDSE.
    pub(crate) async fn of(
        connection: &Connection,
        patience: Duration,
    ) -> Result<Self, DirectoryError> {
        let root = object(connection, "rootDSE", "", OF_ROOT, patience).await?;
        let root = root.ok_or_else(|| DirectoryError::WrongDomain {
            server: connection.server().clone(),
            problem: "it shows no rootDSE".to_owned(),
        })?;
        let is_read_only = root.values("supportedCapabilities").iter().any(|oid| oid == READ_ONLY);
        Ok(Self { root, is_read_only })
    }
}

/// The domain of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The DN that searches start from: as configured, or the domain's own.
    pub base: String,
    /// The DN of the domain itself.
    pub head: String,
    /// The domain's SID.
    pub sid: Sid,
    /// Its DNS name, in lower case.
    pub dns_name: String,
    /// After how many wrong passwords AD locks an account; None if it never does, or if that may
    /// not be read.
    pub lockout: Option<Lockout>,
    /// Its NetBIOS name, in lower case, for `CORP\name`; None where it may not be read.
    pub netbios: Option<String>,
}

/// When AD locks an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// After so many wrong passwords (lockoutThreshold).
    pub threshold: u32,
    /// Within this time (lockOutObservationWindow).
    pub window: Duration,
}

impl Lockout {
    fn of(head: &Entry) -> Option<Self> {
        let threshold = head.unsigned("lockoutThreshold").filter(|threshold| *threshold > 0)?;
        let window = policy::interval(head.number("lockOutObservationWindow"));
        Some(Self { threshold, window: if window.is_zero() { USUAL_WINDOW } else { window } })
    }
}

impl Domain {
    /// Reads the head of the domain and its cross-reference: what a bound connection needs to
    /// know, once, besides what the server said of itself.
    ///
    /// # Errors
    /// [`DirectoryError::WrongDomain`], where the server is no domain controller, or not one that
    /// has the configured base.
    pub(crate) async fn read(
        connection: &Connection,
        introduction: &Introduction,
        base: Option<&str>,
        patience: Duration,
    ) -> Result<Self, DirectoryError> {
        let root = &introduction.root;
        let wrong = |problem: String| DirectoryError::WrongDomain {
            server: connection.server().clone(),
            problem,
        };
        let missing = |what: &str| wrong(format!("it shows no {what}"));
        let context = root.text("defaultNamingContext").ok_or_else(|| {
            wrong("it shows no defaultNamingContext, so it is no domain controller".to_owned())
        })?;

        let head = object(connection, "the domain", context, OF_HEAD, patience).await?;
        let sid = head.as_ref().and_then(|head| head.sid("objectSid")).filter(Sid::is_domain);
        let netbios = match root.text("configurationNamingContext") {
            Some(configuration) => netbios(connection, configuration, context, patience).await?,
            None => None,
        };
        if let Some(base) = base
            && object(connection, "the search base", base, &["objectClass"], patience)
                .await?
                .is_none()
        {
            return Err(wrong(format!(
                "it has no {base:?}, or does not show it to the service account. Correct `base` \
                 under [directory] (or BASE in ldap.conf); its own is {context:?}"
            )));
        }
        Ok(Self {
            base: base.unwrap_or(context).to_owned(),
            head: context.to_owned(),
            sid: sid.ok_or_else(|| missing("SID of its domain"))?,
            dns_name: dns_name(context),
            lockout: head.as_ref().and_then(Lockout::of),
            netbios,
        })
    }
}

async fn object(
    connection: &Connection,
    what: &'static str,
    dn: &str,
    attributes: &[&str],
    patience: Duration,
) -> Result<Option<Entry>, DirectoryError> {
    let search = Search::of_object(what, dn, attributes);
    Ok(search::few(connection, &search, patience).await?.into_iter().next())
}

/// nETBIOSName of the domain's crossRef object (MS-ADTS 6.1.1.2.1.1.4).
async fn netbios(
    connection: &Connection,
    configuration: &str,
    context: &str,
    patience: Duration,
) -> Result<Option<String>, DirectoryError> {
    let base = format!("CN=Partitions,{configuration}");
    let filter = filter::equals("nCName", FilterValue::text(context));
    let search = Search {
        base_may_be_gone: true,
        ..Search::below("the domain's NetBIOS name", &base, filter, &["nETBIOSName"])
    };
    let found = search::few(connection, &search, patience).await?;
    let name = found.first().and_then(|entry| entry.text("nETBIOSName"));
    Ok(name.map(ldaps_core::names::fold))
}

/// `DC=corp,DC=example` is corp.example (MS-ADTS 3.1.1.1.5).
fn dns_name(context: &str) -> String {
    let label = |part: &str| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("DC").then(|| value.trim().to_lowercase())
    };
    context.split(',').filter_map(label).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domains_name_is_read_wrongly_from_its_dn() {
        assert_eq!(dns_name("DC=corp,DC=example"), "corp.example");
        assert_eq!(dns_name("dc=Corp, DC=Example"), "corp.example");
    }
}

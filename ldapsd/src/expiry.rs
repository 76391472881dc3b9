//! What expires of the certificates and revocation lists that TLS rests on here. The journal warns
//! of it, once a day and not at each login; `ldapsctl status` and the metrics show it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ldaps_core::config::CrlCheck;
use ldaps_core::protocol::tools;
use ldaps_directory::LinkStatus;
use ldaps_directory::certificates::{self, Ending, Ends};
use tokio::time::Instant;

use crate::host::Host;

/// What expires within this is warned of: a certificate of AD CS takes some days to get.
const SOON: Duration = Duration::from_secs(30 * DAY_S);
const DAY_S: u64 = 24 * 3600;
/// The same is told so rarely.
const TOLD_EVERY: Duration = Duration::from_secs(DAY_S);
/// How often the files are read, and all of it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3600);
/// The first time: a domain controller has been reached by then, whose certificates are seen.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// What was read and what was told: a reload takes it over.
#[derive(Debug, Default)]
pub(crate) struct Expiry(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Of the files that the configuration names.
    of_files: Vec<Ending>,
    told: HashMap<String, Instant>,
}

/// Looks at it for as long as the host is in force.
pub(crate) async fn watch(host: Arc<Host>) {
    host.expiry.lock().of_files = certificates::configured(&host.config.tls);
    tokio::time::sleep(FIRST_LOOK).await;
    loop {
        let endings = host.endings(&host.directory.status());
        let warnings = endings.into_iter().filter_map(|ending| ending.warning);
        for warning in warnings.filter(|warning| host.expiry.is_to_be_told(warning)) {
            tracing::warn!("{warning}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
        host.expiry.lock().of_files = certificates::configured(&host.config.tls);
    }
}

impl Host {
    /// Everything that expires, the next to do so first.
    pub(crate) fn endings(&self, link: &LinkStatus) -> Vec<tools::Ending> {
        let of_files = self.expiry.lock().of_files.clone();
        let mut endings: Vec<Ending> = link.endings.clone();
        for ending in of_files {
            // The CA at the end of a chain is mostly one of a file, and there it is mended.
            endings.retain(|known| known.what == Ends::Server || !is_same(known, &ending));
            if !endings.contains(&ending) {
                endings.push(ending);
            }
        }
        endings.sort_by_key(|ending| ending.at);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        endings.into_iter().map(|ending| told(ending, now, self.config.tls.crl_check)).collect()
    }
}

impl Expiry {
    fn is_to_be_told(&self, warning: &str) -> bool {
        // The days that are left change from day to day, and are told by that.
        let subject = warning.split(" expires").next().unwrap_or(warning);
        let mut known = self.lock();
        let told = known.told.get(subject).is_some_and(|at| at.elapsed() < TOLD_EVERY);
        if !told {
            known.told.insert(subject.to_owned(), Instant::now());
        }
        !told
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(one: &Ending, other: &Ending) -> bool {
    (one.what, &one.subject, one.at) == (other.what, &other.subject, other.at)
}

fn told(ending: Ending, now: Duration, crl_check: CrlCheck) -> tools::Ending {
    let at = u64::try_from(ending.at).unwrap_or(0);
    let is_soon = at < now.saturating_add(SOON).as_secs();
    let warning = is_soon.then(|| warning(&ending, at, now.as_secs(), crl_check));
    let Ending { what, subject, place, at } = ending;
    let kind = match what {
        Ends::Server => "server",
        Ends::Ca => "ca",
        Ends::RevocationList => "crl",
    };
    tools::Ending { kind: kind.to_owned(), subject, place, at, warning }
}

/// What expires when, what happens then, and what to do.
fn warning(ending: &Ending, at: u64, now: u64, crl_check: CrlCheck) -> String {
    let Ending { what, subject, place, .. } = ending;
    let when = match (at.checked_sub(now), at.saturating_sub(now) / DAY_S) {
        (None, _) => "expires no more: it has expired".to_owned(),
        (Some(_), 0) => "expires within a day".to_owned(),
        (Some(_), 1) => "expires in 1 day".to_owned(),
        (Some(_), days) => format!("expires in {days} days"),
    };
    match what {
        Ends::Server => format!(
            "the certificate of {place} ({subject}) {when}; from then on nobody of the directory can \
             log in through that server: have it renewed on the domain controller, by the same CA"
        ),
        Ends::Ca => format!(
            "the CA certificate {subject} ({place}) {when}; from then on no certificate that it has \
             issued is trusted: get its successor from whoever runs the CA, and add it with `ldapsctl \
             cert import`"
        ),
        Ends::RevocationList => format!(
            "the revocation list of {subject} ({place}) {when}; {} put the CA's next one into that \
             file, and reload ldapsd",
            match crl_check {
                CrlCheck::None => "it is not looked at here (`crl_check`):",
                CrlCheck::Peer | CrlCheck::All => "from then on no domain controller is trusted:",
            }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn ending(what: Ends, days: i64) -> Ending {
        let at = NOW.as_secs() as i64 + days * DAY_S as i64;
        Ending { what, subject: "CN=x".to_owned(), place: "/ca.pem".to_owned(), at }
    }

    #[test]
    fn what_expires_soon_is_not_warned_of_or_without_a_remedy() {
        let table = [
            (Ends::Server, 31, None),
            (Ends::Server, 29, Some("the certificate of /ca.pem (CN=x) expires in 29 days")),
            (Ends::Server, 1, Some("expires in 1 day;")),
            (Ends::Server, 0, Some("expires within a day")),
            (Ends::Ca, -1, Some("it has expired; from then on no certificate")),
            (Ends::Ca, 3, Some("ldapsctl cert import")),
            (Ends::RevocationList, 3, Some("from then on no domain controller is trusted: put")),
        ];
        for (what, days, words) in table {
            let told = told(ending(what, days), NOW, CrlCheck::Peer).warning;
            match words {
                None => assert_eq!(told, None, "{days}"),
                Some(words) => {
                    assert!(told.as_ref().is_some_and(|it| it.contains(words)), "{told:?}")
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_journal_is_told_twice_a_day_or_once_for_ever() {
        let expiry = Expiry::default();
        assert!(expiry.is_to_be_told("the CA x expires in 5 days"));
        assert!(!expiry.is_to_be_told("the CA x expires in 5 days"));
        assert!(expiry.is_to_be_told("the CA y expires in 5 days"));
        tokio::time::advance(TOLD_EVERY).await;
        assert!(expiry.is_to_be_told("the CA x expires in 4 days"));
    }
}

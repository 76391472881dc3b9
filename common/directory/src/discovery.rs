//! Which servers there are: as configured, or as DNS says.

use std::time::Duration;

use hickory_resolver::TokioResolver;
use ldaps_core::config::{self, Servers};

use crate::error::DirectoryError;
use crate::server::Server;

/// DNS has this long to name the domain controllers (sssd allows 3 s for one DNS operation).
const DISCOVERY_DEADLINE: Duration = Duration::from_secs(3);

/// The servers to try, in this order.
///
/// # Errors
/// [`DirectoryError::Discovery`] where DNS is to name them and does not.
pub(crate) async fn candidates(config: &config::Directory) -> Result<Vec<Server>, DirectoryError> {
    let server = |name: &str, port| Server {
        name: name.to_owned(),
        port,
        address: config.address.get(name).copied(),
    };
    match &config.servers {
        Servers::Uris(uris) => Ok(uris.iter().map(|uri| server(&uri.host, uri.port)).collect()),
        Servers::Domain(domain) => {
            let names = discover(domain)
                .await
                .map_err(|problem| DirectoryError::Discovery { domain: domain.clone(), problem })?;
            Ok(names.iter().map(|name| server(name, config::LDAPS_PORT)).collect())
        }
    }
}

/// The domain controllers that the domain's SRV records name (MS-ADTS 6.3.6.1). The records carry
/// port 389: there are none for LDAPS, so the port is ours to choose.
async fn discover(domain: &str) -> Result<Vec<String>, String> {
    let resolver = TokioResolver::builder_tokio().map_err(|error| error.to_string())?.build();
    let question = format!("_ldap._tcp.dc._msdcs.{domain}.");
    let asked = tokio::time::timeout(DISCOVERY_DEADLINE, resolver.srv_lookup(question.as_str()));
    let records = asked
        .await
        .map_err(|_| format!("no answer within {} s", DISCOVERY_DEADLINE.as_secs()))?
        .map_err(|error| match error.is_no_records_found() {
            true => format!("{question} has no SRV record"),
            false => format!("{question}: DNS gives no answer ({error})"),
        })?;
    let records = records.iter().map(|record| SrvRecord {
        priority: record.priority(),
        weight: record.weight(),
        target: record.target().to_utf8(),
    });
    in_order(records.collect(), domain)
}

struct SrvRecord {
    priority: u16,
    weight: u16,
    target: String,
}

/// By priority, then the heavier first (RFC 2782 draws by weight; with one long-lived connection
/// per host the order needs no lot). A target outside of the domain is left out: DNS is not
/// authenticated, and the CA may well have issued certificates to strangers' names.
fn in_order(mut records: Vec<SrvRecord>, domain: &str) -> Result<Vec<String>, String> {
    records.sort_by_key(|record| (record.priority, std::cmp::Reverse(record.weight)));
    let names = records.iter().map(|record| record.target.trim_end_matches('.').to_lowercase());
    let (inside, outside): (Vec<_>, Vec<_>) =
        names.partition(|name| name.strip_suffix(domain).is_some_and(|host| host.ends_with('.')));
    match inside.is_empty() {
        false => Ok(inside),
        true => {
            Err(format!("its records lead only outside of the domain ({})", outside.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(records: &[(u16, u16, &str)]) -> Result<Vec<String>, String> {
        let record = |(priority, weight, target): &(u16, u16, &str)| SrvRecord {
            priority: *priority,
            weight: *weight,
            target: (*target).to_owned(),
        };
        in_order(records.iter().map(record).collect(), "corp.example")
    }

    #[test]
    fn a_distant_server_is_tried_before_a_near_one() {
        let found = order(&[
            (10, 100, "far.corp.example."),
            (0, 10, "light.corp.example."),
            (0, 100, "Heavy.Corp.Example."),
        ]);
        assert_eq!(
            found.unwrap(),
            ["heavy.corp.example", "light.corp.example", "far.corp.example"]
        );
    }

    #[test]
    fn a_server_outside_of_the_domain_is_trusted() {
        let found = order(&[
            (0, 1, "dc.evil.example."),
            (0, 1, "evilcorp.example."),
            (5, 1, "dc.sub.corp.example."),
        ]);
        assert_eq!(found.unwrap(), ["dc.sub.corp.example"]);
        assert!(order(&[(0, 1, "corp.example.")]).is_err());
        assert!(order(&[]).is_err());
    }
}

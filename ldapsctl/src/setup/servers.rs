//! Which domain controllers: as told, as configured, as DNS names them, or as the domain's own name
//! leads to them.
#![forbid(unsafe_code)]

use super::ask::Asker;
use super::known::Known;
use super::{Failure, PATIENCE, Setup};
use crate::output::say;
use ldaps_core::config::{self, LDAPS_PORT, ServerUri, Servers, server_uri};
use ldaps_directory::certificates::{self, Certificate};
use ldaps_directory::{DirectoryError, Server};
use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, ToSocketAddrs};

/// How often a name is asked for.
const TRIES: usize = 3;
const MISSING: &str = "Nothing says where the domain controllers are. Add --domain corp.example, or \
                       --uri ldaps://dc1.corp.example";

/// The domain controllers.
pub struct Found {
    /// What is to be written; None: what is configured already holds.
    pub servers: Option<Servers>,
    /// Their addresses, as far as they are to be written.
    pub addresses: BTreeMap<String, IpAddr>,
    /// All of them.
    pub list: Vec<Server>,
}

impl Found {
    /// `[directory]` with them in it.
    pub fn directory(&self, known: &Known) -> config::Directory {
        let mut directory = known.config.directory.clone();
        if let Some(servers) = &self.servers {
            directory.servers = servers.clone();
            // An address that no server has is not there either.
            directory.address = self.addresses.clone();
        }
        directory.address.extend(self.addresses.clone());
        directory
    }
}

/// Finds them.
///
/// # Errors
/// When nobody says, or DNS does not know.
pub fn find(setup: &Setup, asker: &Asker, known: &Known) -> Result<Found, Failure> {
    let addresses: BTreeMap<String, IpAddr> = setup.address.iter().cloned().collect();
    let servers = match (setup.uri.as_slice(), &setup.domain) {
        ([], Some(domain)) => return by_domain(domain, addresses),
        ([], None) if known.has_servers => None,
        ([], None) => return asked(asker, addresses),
        (uris, _) => Some(Servers::Uris(uris.to_vec())),
    };
    let mut found = Found { servers, addresses, list: Vec::new() };
    found.list = certificates::servers(&found.directory(known)).map_err(Failure::unknown)?;
    say(&format!(
        "Domain controllers, as {}: {}\n",
        if found.servers.is_some() { "told" } else { "configured" },
        names(&found.list)
    ));
    Ok(found)
}

fn asked(asker: &Asker, addresses: BTreeMap<String, IpAddr>) -> Result<Found, Failure> {
    let guess = likely_domain();
    let question = "Domain of Active Directory, as in corp.example";
    let domain = asker.text(question, guess.as_deref(), MISSING)?;
    match by_domain(&domain, addresses.clone()) {
        Ok(found) => Ok(found),
        Err(failure) => {
            say(&format!("{}\n", failure.text));
            let question =
                "One domain controller, by the name in its certificate, as in dc1.corp.example";
            let uri = one_of(|| asker.text(question, None, MISSING), &addresses)?;
            let servers = Servers::Uris(vec![uri.clone()]);
            Ok(Found { servers: Some(servers), list: vec![server(&uri, &addresses)], addresses })
        }
    }
}

/// A name that can be asked, of somebody who may mistype it.
fn one_of(
    ask: impl Fn() -> Result<String, String>,
    addresses: &BTreeMap<String, IpAddr>,
) -> Result<ServerUri, String> {
    let mut tries = 1;
    loop {
        let problem = match parse_uri(&ask()?) {
            Ok(uri) if addresses.contains_key(&uri.host) || resolves(&uri) => return Ok(uri),
            Ok(uri) => format!(
                "The name {} has no address; where DNS does not know it: --address {0}=IP.",
                uri.host
            ),
            Err(problem) => problem,
        };
        if tries == TRIES {
            return Err(format!("{problem}\nNothing was changed."));
        }
        say(&format!("{problem}\n"));
        tries += 1;
    }
}

/// By DNS SRV; where there is none, by the domain's own name, which every domain controller registers
/// for itself (MS-ADTS 6.3.2.3).
fn by_domain(domain: &str, addresses: BTreeMap<String, IpAddr>) -> Result<Found, Failure> {
    let domain = domain.trim().trim_end_matches('.').to_lowercase();
    // The same characters as in a server's name.
    let own = parse_uri(&domain)?;
    say(&format!("Asking DNS for the domain controllers of {domain} ...\n"));
    let config = config::Directory {
        servers: Servers::Domain(domain.clone()),
        bind_dn: String::new(),
        bind_secret: super::known::SECRET.into(),
        base: None,
        address: addresses.clone(),
        connect_timeout: PATIENCE,
        operation_timeout: PATIENCE,
    };
    match certificates::servers(&config) {
        Ok(list) => {
            say(&format!("DNS names {}\n", names(&list)));
            Ok(Found { servers: Some(Servers::Domain(domain)), addresses, list })
        }
        Err(error) => {
            say(&format!("DNS has no SRV records of {domain}; trying that name itself ...\n"));
            by_own_name(&own, addresses)
                .map_err(|second| Failure::unknown(format!(
                    "{error}.\nThe name {domain} leads to none either: {second}.\nName one: --uri \
                     ldaps://dc1.{domain}, and where DNS does not know that name: --address dc1.{domain}=IP"
                )))
        }
    }
}

/// The certificate tells the domain controller's true name. It is believed only below the domain: what is
/// outside of it, any CA may have signed for anybody.
fn by_own_name(own: &ServerUri, mut addresses: BTreeMap<String, IpAddr>) -> Result<Found, String> {
    let first = server(own, &addresses);
    let sent = certificates::as_sent(&first, PATIENCE).map_err(|error| error.to_string())?;
    let names = sent.certificates.first().map(|it| it.facts().names.clone()).unwrap_or_default();
    let below = |name: &&String| name.to_lowercase().ends_with(&format!(".{}", own.host));
    let host = match names.iter().find(|name| **name == own.host) {
        Some(name) => name.clone(),
        None => names.iter().filter(|name| !name.contains('*')).find(below).cloned().ok_or_else(
            || format!("the certificate there bears no name in the domain ({})", names.join(", ")),
        )?,
    };
    let uri = ServerUri { host: host.to_lowercase(), port: own.port };
    if addresses.remove(&own.host).is_some() || !resolves(&uri) {
        addresses.insert(uri.host.clone(), sent.address.ip());
    }
    say(&format!("It leads to {}, whose certificate is for {host}\n", sent.address.ip()));
    let list = vec![server(&uri, &addresses)];
    Ok(Found { servers: Some(Servers::Uris(vec![uri])), addresses, list })
}

/// A server under another name, that its certificate bears: agreed to by whoever sits at the terminal, as
/// nothing else says that it is the right one.
///
/// # Errors
/// What to tell, where nobody agrees.
pub fn rename(
    found: &mut Found,
    asker: &Asker,
    server: &Server,
    at: IpAddr,
    own: &Certificate,
) -> Result<(), String> {
    let names = &own.facts().names;
    let Some(name) = names.iter().find(|name| !name.contains('*')) else {
        return Err("Its certificate bears no name in subjectAltName: have one issued that does."
            .to_owned());
    };
    let port = if server.port == LDAPS_PORT { String::new() } else { format!(":{}", server.port) };
    let told = format!(
        "If that is the one you mean: --uri ldaps://{name}{port} --address {name}={at} (and leave /etc/hosts alone)"
    );
    let question =
        format!("The certificate is for {}. Use the name {name}, at {at}?", names.join(", "));
    if found.list.len() != 1 || !asker.yes(&question, false)? {
        return Err(told);
    }
    let uri = ServerUri { host: name.to_lowercase(), port: server.port };
    found.addresses = BTreeMap::new();
    if !resolves(&uri) {
        found.addresses.insert(uri.host.clone(), at);
    }
    found.list = vec![self::server(&uri, &found.addresses)];
    found.servers = Some(Servers::Uris(vec![uri]));
    Ok(())
}

fn server(uri: &ServerUri, addresses: &BTreeMap<String, IpAddr>) -> Server {
    let address = addresses.get(&uri.host).copied();
    Server { name: uri.host.clone(), port: uri.port, address }
}

fn resolves(uri: &ServerUri) -> bool {
    (uri.host.as_str(), uri.port).to_socket_addrs().is_ok()
}

/// `ldaps://dc1.corp.example`, or the name alone.
///
/// # Errors
/// A sentence about what is none.
pub fn parse_uri(text: &str) -> Result<ServerUri, String> {
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("ldaps://{text}") };
    server_uri(&whole).map_err(|fault| format!("{}: {}.", fault.problem, fault.remedy))
}

/// `dc1.corp.example=10.0.0.5`
///
/// # Errors
/// A sentence about what is none.
pub fn parse_address(text: &str) -> Result<(String, IpAddr), String> {
    let wanted =
        || format!("{text:?} is no address of a server. Write it as in dc1.corp.example=10.0.0.5");
    let (name, address) = text.split_once('=').ok_or_else(wanted)?;
    let address = address.trim().parse().map_err(|_| wanted())?;
    Ok((parse_uri(name)?.host, address))
}

/// The domain that this host looks names up in, for whoever has nothing better.
fn likely_domain() -> Option<String> {
    let content = fs::read_to_string("/etc/resolv.conf").ok()?;
    let words = content.lines().filter_map(|line| line.split_once(char::is_whitespace));
    let searched = words.filter(|(keyword, _)| matches!(*keyword, "search" | "domain"));
    let mut domains = searched.flat_map(|(_, domains)| domains.split_whitespace());
    domains.find(|domain| domain.contains('.')).map(str::to_owned)
}

fn names(servers: &[Server]) -> String {
    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        Self::unknown(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const WRONG: &str = "no-such-dc.invalid";

    #[test]
    fn a_mistyped_server_ends_the_dialogue() {
        let known = BTreeMap::from([("dc1.corp.example".to_owned(), IpAddr::from([127, 0, 0, 1]))]);
        let typed = |answers: &'static [&'static str]| {
            let at = Cell::new(0);
            let next = || {
                at.set(at.get() + 1);
                Ok((*answers.get(at.get() - 1).unwrap_or(&"")).to_owned())
            };
            one_of(next, &known)
        };
        let found = typed(&["ldap://x", WRONG, "dc1.corp.example"]);
        assert_eq!(found.map(|uri| uri.host), Ok("dc1.corp.example".to_owned()));
        let failed = typed(&[WRONG, WRONG, WRONG, "dc1.corp.example"]).unwrap_err();
        assert!(failed.contains("has no address"), "{failed}");
    }
}

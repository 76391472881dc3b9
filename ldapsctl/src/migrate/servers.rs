//! Servers, search bases and times, which all the old configurations write much alike.
#![forbid(unsafe_code)]

use super::entries::Entry;
use super::plan::{Plan, Value};
use ldaps_core::config::server_uri;

/// A domain controller as it is proposed: LDAPS, on the port for it.
pub enum Proposed {
    /// `ldaps://name`
    Uri(String),
    /// To be found by DNS SRV.
    BySrv,
}

/// Turns URIs or names of servers into what ldaps.toml takes; what had to be changed is noted.
pub fn propose(entry: &Entry, words: &[String], plan: &mut Plan) -> Vec<Proposed> {
    let mut proposed = Vec::new();
    for word in words {
        if word.eq_ignore_ascii_case("_srv_") || word.to_ascii_lowercase().starts_with("dns") {
            proposed.push(Proposed::BySrv);
            continue;
        }
        let (scheme, rest) = word.split_once("://").unwrap_or(("", word));
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let uri = match port {
            Some(port) if !["389", "636", "3268", "3269"].contains(&port) => {
                format!("ldaps://{host}:{port}")
            }
            _ => format!("ldaps://{host}"),
        };
        if scheme.eq_ignore_ascii_case("ldap") {
            plan.leave(
                entry,
                format!("{word} speaks LDAP without TLS from its first byte"),
                format!("{uri} is proposed: port 636 of that server has to be reachable"),
            );
        } else if matches!(port, Some("3268" | "3269")) {
            plan.leave(
                entry,
                format!("{word} is the Global Catalog, which holds a part of each object"),
                format!("{uri} is proposed, which holds the whole domain"),
            );
        }
        match server_uri(&uri) {
            Ok(_) => proposed.push(Proposed::Uri(uri)),
            Err(fault) => plan.leave(entry, fault.problem, fault.remedy),
        }
    }
    proposed
}

/// Writes `uri`, or `domain` where servers are to be found by DNS (then all of them are).
pub fn write(plan: &mut Plan, proposed: Vec<Proposed>, domain: Option<&str>, from: &str) {
    let by_srv = proposed.iter().any(|one| matches!(one, Proposed::BySrv));
    let uris: Vec<String> = proposed
        .into_iter()
        .filter_map(|one| match one {
            Proposed::Uri(uri) => Some(uri),
            Proposed::BySrv => None,
        })
        .collect();
    match domain.filter(|_| by_srv || uris.is_empty()) {
        Some(domain) => plan.set("directory", "domain", domain, from),
        None if !uris.is_empty() => plan.set("directory", "uri", Value::Texts(uris), from),
        None => {}
    }
}

/// A number of seconds as a time of ldaps.toml, brought within `0..=longest`. None: no number.
pub fn seconds(entry: &Entry, longest: u32) -> Option<String> {
    let seconds: u32 = entry.value.parse().ok()?;
    Some(format!("{}s", seconds.clamp(1, longest)))
}

/// The service account's name must say which account in which domain; AD would guess.
pub fn bind_dn(plan: &mut Plan, entry: Option<&Entry>, given: Option<&str>, domain: Option<&str>) {
    if let Some(given) = given {
        plan.set("directory", "bind_dn", given, "--bind-dn");
    } else if let Some(entry) = entry {
        plan.set("directory", "bind_dn", entry.value.as_str(), &entry.key);
    } else {
        let made_up = format!("svc-linux@{}", domain.unwrap_or("corp.example"));
        plan.set("directory", "bind_dn", made_up.as_str(), "TO BE MADE, see the notes");
        plan.leave_key(
            "the service account",
            "there is none: this host asks the directory with its own machine account, or as nobody",
            format!(
                "make an account that can read (here it is called {made_up}), write its password into \
                 /etc/ldaps/secret, and run this again with --bind-dn and --secret to prove it"
            ),
        );
    }
}

/// Certificates of CAs.
pub fn ca(plan: &mut Plan, file: Option<&Entry>, dir: Option<&Entry>, given: Option<&str>) {
    if let Some(given) = given {
        plan.set("tls", "ca", given, "--ca");
        return;
    }
    if let Some(file) = file {
        plan.set("tls", "ca", file.value.as_str(), &file.key);
    }
    if let Some(dir) = dir {
        plan.set("tls", "ca_dir", dir.value.as_str(), &dir.key);
    }
}

/// Verification that the old configuration had turned off, or down.
pub fn verification(plan: &mut Plan, entry: Option<Entry>) {
    let Some(entry) = entry else { return };
    match entry.value.to_ascii_lowercase().as_str() {
        "demand" | "hard" | "yes" | "true" => plan.needless.push(entry.key),
        _ => plan.leave(
            &entry,
            "certificates were taken unverified; here chain and name are always verified",
            "`ldapsctl cert show ldaps://HOST` tells whether they hold, `ldapsctl cert import` takes \
             the CA's",
        ),
    }
}

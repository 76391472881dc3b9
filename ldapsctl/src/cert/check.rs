//! `ldapsctl cert check`: what expires soon, of all that matters for logins here.
#![forbid(unsafe_code)]

use super::store::TrustStore;
use super::{PATIENCE, Place, asking, authorities, words};
use crate::output::{print, print_error};
use crate::terminal::Progress;
use crate::{NOT_KNOWN, print_json};
use ldaps_core::config::Config;
use ldaps_directory::certificates::{self, Certificate};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

/// All that was found.
#[derive(Debug, Default, Serialize)]
struct Found {
    days: u16,
    certificates: Vec<Item>,
    /// Revocation lists.
    lists: Vec<List>,
    /// What could not be looked at.
    unseen: Vec<String>,
    /// What is odd besides.
    remarks: Vec<String>,
}

/// One certificate that matters.
#[derive(Debug, Serialize)]
struct Item {
    at: String,
    subject: String,
    sha256: String,
    not_after: i64,
    days_left: i64,
    /// In words.
    left: String,
    soon: bool,
}

/// A revocation list that matters.
#[derive(Debug, Serialize)]
struct List {
    at: String,
    issuer: String,
    next_update: i64,
    days_left: i64,
    soon: bool,
}

/// CAs publish lists every few days or weeks: one that has less than this to go is late.
const LIST_DAYS: i64 = 1;

/// Looks at all of them.
pub fn run(days: u16, root: &Path, place: &Place, json: bool) -> ExitCode {
    let mut found = Found { days, ..Found::default() };
    let config = place.configuration();
    found.trusted(config.as_ref(), &TrustStore::at(root));
    match &config {
        Some(config) => found.servers(config),
        None => found.remarks.push(
            "There is no configuration without mistakes (ldapsctl check-config), so no domain \
             controller was asked."
                .to_owned(),
        ),
    }
    let printed = if json { print_json(&found) } else { found.print() };
    let soon =
        found.certificates.iter().any(|item| item.soon) || found.lists.iter().any(|it| it.soon);
    match (soon, found.unseen.is_empty()) {
        (true, _) => ExitCode::FAILURE,
        (false, false) => ExitCode::from(NOT_KNOWN),
        (false, true) => printed,
    }
}

impl Found {
    fn add(&mut self, at: &str, certificate: &Certificate) {
        let facts = certificate.facts();
        let now = words::now();
        let days_left = facts.days_left(now);
        self.certificates.push(Item {
            at: at.to_owned(),
            subject: facts.subject.clone(),
            sha256: facts.sha256.clone(),
            not_after: facts.not_after,
            days_left,
            left: words::left(facts, now),
            soon: days_left < i64::from(self.days) || facts.is_not_yet_valid(now),
        });
    }

    /// The CAs, and what has been pasted beside them; the revocation lists.
    fn trusted(&mut self, config: Option<&Config>, store: &TrustStore) {
        let tls = config.map(|config| &config.tls);
        let authorities = authorities::of(tls, store);
        authorities.all.iter().for_each(|(at, certificate)| self.add(at, certificate));
        self.unseen.extend(authorities.unread);
        for (at, list) in authorities::lists(tls) {
            let Some(next_update) = list.next_update else { continue };
            let days_left = next_update.saturating_sub(words::now()).div_euclid(86_400);
            self.lists.push(List {
                at,
                issuer: list.issuer,
                next_update,
                days_left,
                soon: days_left < LIST_DAYS,
            });
        }
        let bundle = store.bundle();
        for certificate in store.pasted() {
            let at = bundle.display().to_string();
            self.remarks.push(format!(
                "{:?} was pasted into {at}, and the next run of update-ca-certificates takes it away. \
                 `ldapsctl cert import` with its file puts it where it stays.",
                words::common_name(certificate.facts())
            ));
            self.add(&at, &certificate);
        }
    }

    fn servers(&mut self, config: &Config) {
        let progress = Progress::begin("Looking for the domain controllers");
        let servers = certificates::servers(&config.directory);
        drop(progress);
        let servers = match servers {
            Ok(servers) => servers,
            Err(error) => return self.unseen.push(format!("{error}.")),
        };
        for server in servers {
            let _shown = asking(&server);
            match certificates::as_sent(&server, PATIENCE) {
                Ok(sent) => {
                    let at = server.to_string();
                    sent.certificates.iter().for_each(|certificate| self.add(&at, certificate));
                }
                Err(error) => self.unseen.push(format!("{error}.")),
            }
        }
    }

    fn print(&self) -> ExitCode {
        let mut text = String::new();
        for item in &self.certificates {
            let mark = if item.soon { "SOON" } else { "ok  " };
            text += &format!("{mark}  {}: {}  ({})\n", item.left, item.subject, item.at);
        }
        for list in &self.lists {
            let mark = if list.soon { "SOON" } else { "ok  " };
            let (day, issuer) = (words::day(list.next_update), &list.issuer);
            text += &format!(
                "{mark}  the revocation list of {issuer} is good until {day}  ({})\n",
                list.at
            );
        }
        if self.certificates.is_empty() {
            text += "No certificate of your own is trusted here, and no server was seen.\n";
        }
        print(&text);
        for line in self.remarks.iter().chain(&self.unseen) {
            print_error(&format!("{line}\n"));
        }
        ExitCode::SUCCESS
    }
}

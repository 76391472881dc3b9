//! `ldapsctl cert check`: what expires soon, of all that matters for logins here.
#![forbid(unsafe_code)]

use super::store::TrustStore;
use super::{PATIENCE, Place, files, words};
use crate::output::{print, print_error};
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
    match (found.certificates.iter().any(|item| item.soon), found.unseen.is_empty()) {
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

    /// The CAs: of the file that is named, or the administrator's own in the system's store. What the
    /// distribution ships, the distribution renews.
    fn trusted(&mut self, config: Option<&Config>, store: &TrustStore) {
        let named = config.and_then(|config| config.tls.ca_file.as_deref());
        match named.filter(|file| *file != store.bundle()) {
            Some(file) => match in_file(file) {
                Ok(all) => all.iter().for_each(|it| self.add(&file.display().to_string(), it)),
                Err(problem) => self.unseen.push(problem),
            },
            None => {
                for (path, certificate) in store.local() {
                    self.add(&path.display().to_string(), &certificate);
                }
            }
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
        let servers = match certificates::servers(&config.directory) {
            Ok(servers) => servers,
            Err(error) => return self.unseen.push(format!("{error}.")),
        };
        for server in servers {
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

fn in_file(path: &Path) -> Result<Vec<Certificate>, String> {
    let content = files::bytes(path)?;
    let read = certificates::read(&content, None);
    read.map(|contents| contents.certificates)
        .map_err(|problem| format!("{} {problem}.", path.display()))
}

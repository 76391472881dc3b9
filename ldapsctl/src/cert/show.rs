//! `ldapsctl cert show`: certificates in words.
#![forbid(unsafe_code)]

use super::source::{self, Source};
use super::{Opening, PATIENCE, Place, asking, files, words};
use crate::output::{print, print_error};
use crate::{NOT_KNOWN, print_json};
use ldaps_core::config::Config;
use ldaps_directory::certificates::{self, Accepted, Certificate, Facts, Format, Sent};
use ldaps_directory::{Server, Tls};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

/// For `--json`.
#[derive(Serialize)]
struct Shown<'a> {
    source: String,
    format: Option<Format>,
    private_key: bool,
    certificates: Vec<&'a Facts>,
    /// Whether the daemon would trust it; null for a file.
    trusted: Option<bool>,
    /// Why it would not.
    fault: Option<String>,
}

/// Shows a file or a server.
pub fn run(text: &str, opening: &Opening, place: &Place, json: bool) -> ExitCode {
    let config = place.configuration();
    match source::parse(text, place, config.as_ref()) {
        Ok(Source::File(path)) => show_file(&path, opening, json),
        Ok(Source::Server(server)) => show_server(&server, config.as_ref(), json),
        Err(problem) => {
            print_error(&format!("{problem}\n"));
            ExitCode::FAILURE
        }
    }
}

fn show_file(path: &Path, opening: &Opening, json: bool) -> ExitCode {
    let contents = match files::read(path, opening) {
        Ok(contents) => contents,
        Err(problem) => {
            print_error(&format!("{problem}\n"));
            return ExitCode::FAILURE;
        }
    };
    if json {
        return print_json(&Shown {
            source: path.display().to_string(),
            format: Some(contents.format),
            private_key: contents.private_key,
            certificates: facts_of(&contents.certificates),
            trusted: None,
            fault: None,
        });
    }
    let key = if contents.private_key { ", and a private key" } else { "" };
    let count = count(contents.certificates.len());
    let heading = format!("{}: {}, {count}{key}\n\n", path.display(), contents.format);
    print(&format!("{heading}{}", describe_all(&contents.certificates)));
    ExitCode::SUCCESS
}

fn show_server(server: &Server, config: Option<&Config>, json: bool) -> ExitCode {
    let progress = asking(server);
    let sent = match certificates::as_sent(server, PATIENCE) {
        Ok(sent) => sent,
        Err(error) => {
            drop(progress);
            print_error(&format!("{error}.\n"));
            return ExitCode::from(NOT_KNOWN);
        }
    };
    progress.now(&format!("Looking whether {server} is trusted here"));
    let verdict = verdict(server, config);
    drop(progress);
    let trusted = verdict.is_ok();
    let code = if trusted { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if json {
        let printed = print_json(&Shown {
            source: server.to_string(),
            format: None,
            private_key: false,
            certificates: facts_of(&sent.certificates),
            trusted: Some(trusted),
            fault: verdict.err(),
        });
        return if trusted { printed } else { code };
    }
    print(&format!(
        "{server} at {} sends {} over {}:\n\n{}\n{}",
        sent.address,
        count(sent.certificates.len()),
        sent.protocol,
        describe_all(&sent.certificates),
        describe_verdict(&sent, &verdict),
    ));
    code
}

/// What the daemon would say to this server.
fn verdict(server: &Server, config: Option<&Config>) -> Result<Accepted, String> {
    let tls = config.map(|config| config.tls.clone()).unwrap_or_default();
    let tls = Tls::new(&tls)?;
    certificates::as_accepted(server, &tls, PATIENCE).map_err(|error| error.to_string())
}

fn describe_verdict(sent: &Sent, verdict: &Result<Accepted, String>) -> String {
    let missing = missing_issuer(&sent.certificates);
    match verdict {
        Ok(accepted) => {
            let anchor = accepted.chain.last().map(|anchor| anchor.facts().subject.clone());
            format!("Trusted here, by {}.\n", anchor.unwrap_or_default())
        }
        Err(problem) => format!("NOT trusted here: {problem}.\n{missing}"),
    }
}

/// What the chain ends with, if not with a root.
fn missing_issuer(sent: &[Certificate]) -> String {
    let Some(last) = sent.last().map(Certificate::facts) else { return String::new() };
    match last.subject == last.issuer {
        true => String::new(),
        false => format!("The server does not send the certificate of {}.\n", last.issuer),
    }
}

fn describe_all(all: &[Certificate]) -> String {
    let now = words::now();
    let one = |(index, certificate): (usize, &Certificate)| {
        words::describe(&format!("{}. ", index + 1), certificate.facts(), now)
    };
    all.iter().enumerate().map(one).collect()
}

fn facts_of(all: &[Certificate]) -> Vec<&Facts> {
    all.iter().map(Certificate::facts).collect()
}

fn count(number: usize) -> String {
    match number {
        1 => "one certificate".to_owned(),
        n => format!("{n} certificates"),
    }
}

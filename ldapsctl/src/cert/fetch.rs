//! `ldapsctl cert fetch`: the issuing CA's certificate, where the server sends it.
#![forbid(unsafe_code)]

use super::{PATIENCE, Place, asking, files, source, words};
use crate::NOT_KNOWN;
use crate::output::{print, print_error};
use ldaps_directory::certificates::{self, Certificate};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Gets it, says what it is, writes it to a file, trusts nothing.
pub fn run(text: &str, save: Option<&Path>, place: &Place) -> ExitCode {
    let config = place.configuration();
    let server = match source::server(text, place, config.as_ref()) {
        Ok(server) => server,
        Err(problem) => return failed(&problem),
    };
    let progress = asking(&server);
    let sent = certificates::as_sent(&server, PATIENCE);
    drop(progress);
    let sent = match sent {
        Ok(sent) => sent.certificates,
        Err(error) => {
            print_error(&format!("{error}.\n"));
            return ExitCode::from(NOT_KNOWN);
        }
    };
    let Some(ca) = issuing_ca(&sent) else { return failed(&none_sent(&sent)) };
    let path = match save {
        Some(path) => path.to_owned(),
        None => PathBuf::from(format!("{}.pem", words::file_stem(ca.facts()))),
    };
    if path.exists() {
        return failed(&format!("{} is there already. Name another with --save.", path.display()));
    }
    match files::put(&path, &ca.pem()) {
        Ok(_) => {
            print(&describe(ca, &path));
            ExitCode::SUCCESS
        }
        Err(problem) => failed(&problem),
    }
}

fn failed(problem: &str) -> ExitCode {
    print_error(&format!("{problem}\n"));
    ExitCode::FAILURE
}

/// The highest CA that really stands above the server's own certificate.
fn issuing_ca(sent: &[Certificate]) -> Option<&Certificate> {
    let mut below = sent.first()?;
    let mut highest = None;
    for _ in sent {
        let above = sent
            .iter()
            .find(|it| it.facts().role.is_ca() && *it != below && below.is_signed_by(it));
        let Some(above) = above else { break };
        highest = Some(above);
        below = above;
    }
    highest
}

fn none_sent(sent: &[Certificate]) -> String {
    let Some(own) = sent.first().map(Certificate::facts) else {
        return "It sends nothing.".to_owned();
    };
    if own.subject == own.issuer {
        return format!(
            "The server has signed its certificate itself ({}): there is no CA. Have the domain \
             controller get a certificate from the organisation's CA.",
            own.subject
        );
    }
    let mut text = format!(
        "The server sends its own certificate alone. It was issued by {}: ask those who run that CA \
         for its certificate, in any format, and run: ldapsctl cert import FILE",
        own.issuer
    );
    if !own.issuer_at.is_empty() {
        text += &format!("\nThe certificate says that it is at: {}", own.issuer_at.join(" "));
    }
    text
}

fn describe(ca: &Certificate, path: &Path) -> String {
    let facts = ca.facts();
    let shown = path.display();
    format!(
        "{}\nWritten to {shown}. It is NOT trusted by that: whoever stands between this host and the \
         server could have sent it.\n\
         Compare the fingerprint by another channel, with one that was not read over this network. On \
         the CA or a domain controller:\n  \
         certutil -ca.cert ca.cer && certutil -hashfile ca.cer SHA256     (the SHA-256 above)\n  \
         certlm.msc, Trusted Root Certification Authorities, Details      (\"Thumbprint\": the SHA-1 above)\n\
         If it is the same: sudo ldapsctl cert import {shown}\n",
        words::describe("", facts, words::now()),
    )
}

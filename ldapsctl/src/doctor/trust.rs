//! Whom this host trusts: CAs that end, that OpenSSL does not take, that the next update takes away;
//! revocation lists.
#![forbid(unsafe_code)]

use super::configuration::Known;
use super::report::{Fix, Report, Severity::Warning};
use super::{Doctor, SOON_DAYS};
use crate::cert::store::TrustStore;
use crate::cert::{authorities, words};

const AREA: &str = "TLS";
/// CAs publish lists every few days or weeks.
const LIST_SECONDS: i64 = 86_400;

/// Looks at all that is trusted by the administrator's choice.
pub fn look(doctor: &Doctor, known: &Known, report: &mut Report) {
    let store = TrustStore::at(&doctor.root);
    let now = words::now();
    for (at, certificate) in authorities::of(Some(&known.tls), &store).all {
        let facts = certificate.facts();
        let name = words::common_name(facts);
        if facts.days_left(now) < SOON_DAYS {
            report.add(
                Warning,
                AREA,
                "ca-ends",
                format!("{at}: the CA {name:?}: {}", words::left(facts, now)),
                "a server whose certificate it has issued is trusted up to that day",
                "get the CA that replaces it from those who run it: sudo ldapsctl cert import FILE; where both \
                 are there, servers are trusted by either",
            );
        }
        for weakness in &facts.weaknesses {
            report.add(
                Warning,
                AREA,
                "ca-weak",
                format!("{at}: the CA {name:?}: {weakness}"),
                "what it has issued may be refused, here or by the next version of OpenSSL",
                "have those who run it issue by a stronger one",
            );
        }
    }
    for (at, list) in authorities::lists(Some(&known.tls)) {
        // One that is out of date already is said of the server that is not trusted for it.
        let left = list.next_update.map(|until| until.saturating_sub(now));
        if left.is_some_and(|left| (0..LIST_SECONDS).contains(&left)) {
            report.add(
                Warning,
                AREA,
                "list-ends",
                format!("{at}: the revocation list of {} ends within a day", list.issuer),
                "when it has ended, nothing that this CA has issued is trusted",
                "fetch the new list into that file, by a timer",
            );
        }
    }
    let pasted = store.pasted();
    let names: Vec<&str> = pasted.iter().map(|it| words::common_name(it.facts())).collect();
    if !names.is_empty() {
        report.add(
            Warning,
            AREA,
            "pasted",
            format!("{} was pasted into {}", names.join(", "), store.bundle().display()),
            "the next run of update-ca-certificates, which any upgrade may start, takes it away",
            "sudo ldapsctl cert import with its file, which puts it where it stays",
        );
        report.mended_by(Fix::Pasted);
    }
}

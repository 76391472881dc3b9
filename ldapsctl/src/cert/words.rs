//! Certificates in words.
#![forbid(unsafe_code)]

use crate::output::Table;
use jiff::{Timestamp, tz::TimeZone};
use ldaps_directory::certificates::Facts;

/// Now, in seconds since 1970.
pub fn now() -> i64 {
    Timestamp::now().as_second()
}

/// A day as people write it.
pub fn day(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(time) => time.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string(),
        Err(_) => "a day that no calendar has".to_owned(),
    }
}

/// How long a certificate has to go.
pub fn left(facts: &Facts, now: i64) -> String {
    let days = facts.days_left(now);
    if facts.has_expired(now) {
        format!("EXPIRED on {}", day(facts.not_after))
    } else if facts.is_not_yet_valid(now) {
        format!("NOT YET VALID: from {} on", day(facts.not_before))
    } else if days == 1 {
        "1 day left".to_owned()
    } else {
        format!("{days} days left")
    }
}

/// One certificate: a heading and what it says.
pub fn describe(heading: &str, facts: &Facts, now: i64) -> String {
    let mut table = Table::default();
    table.line(
        "issued by",
        if facts.role.is_ca() && facts.subject == facts.issuer { "itself" } else { &facts.issuer },
    );
    table.line("it is", facts.role.words());
    match (facts.names.as_slice(), facts.role.is_ca()) {
        ([], true) => {}
        ([], false) => {
            table.line("names", "none (no subjectAltName): no server can be reached by it")
        }
        (names, _) => table.line("names", names.join(", ")),
    }
    table.lines("may sign", facts.name_constraints.iter().cloned());
    let (from, to) = (day(facts.not_before), day(facts.not_after));
    table.line("valid", format!("{from} to {to}; {}", left(facts, now)));
    table.line("key", format!("{}; signed with {}", facts.key, facts.signature));
    table.lines("WEAK", facts.weaknesses.iter().cloned());
    table.line("serial", &facts.serial);
    table.line("SHA-256", &facts.sha256);
    table.line("SHA-1", format!("{} (Windows' \"Thumbprint\")", facts.sha1));
    table.lines("issuer at", facts.issuer_at.iter().cloned());
    format!("{heading}{}\n{}", facts.subject, table.render())
}

/// The name that people call it by: its CN, or all of its name.
pub fn common_name(facts: &Facts) -> &str {
    let parts = facts.subject.split(", ");
    parts.filter_map(|part| part.strip_prefix("CN=")).last().unwrap_or(&facts.subject)
}

/// A file name that says whose certificate it is, and is no other's: letters, digits and dashes
/// alone, whatever the certificate bears.
pub fn file_stem(facts: &Facts) -> String {
    let mut stem = String::new();
    for c in common_name(facts).chars().take(48) {
        match c.is_ascii_alphanumeric() {
            true => stem.push(c.to_ascii_lowercase()),
            false if stem.ends_with('-') || stem.is_empty() => {}
            false => stem.push('-'),
        }
    }
    let stem = stem.trim_end_matches('-');
    let stem = if stem.is_empty() { "ca" } else { stem };
    format!("{stem}-{}", facts.sha256.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldaps_directory::certificates::Role;

    fn facts(subject: &str) -> Facts {
        Facts {
            subject: subject.to_owned(),
            issuer: subject.to_owned(),
            role: Role::RootCa,
            names: Vec::new(),
            name_constraints: Vec::new(),
            issuer_at: Vec::new(),
            not_before: 86_400,
            not_after: 864_000,
            key: String::new(),
            signature: String::new(),
            serial: String::new(),
            sha1: String::new(),
            sha256: "0123456789abcdef".to_owned(),
            weaknesses: Vec::new(),
        }
    }

    #[test]
    fn a_certificate_names_a_file_elsewhere() {
        for (subject, stem) in [
            ("DC=example, DC=corp, CN=Corp Root CA", "corp-root-ca-01234567"),
            ("CN=../../etc/passwd", "etc-passwd-01234567"),
            ("CN=-rf", "rf-01234567"),
            ("CN=\u{1b}[2J", "2j-01234567"),
            ("CN=Ελλάς", "ca-01234567"),
            ("(no name)", "no-name-01234567"),
        ] {
            assert_eq!(file_stem(&facts(subject)), stem, "{subject}");
        }
    }

    #[test]
    fn the_last_day_is_counted_wrong() {
        let facts = facts("CN=x");
        for (now, expected) in [
            (0, "NOT YET VALID: from 2 January 1970 on"),
            (86_400, "9 days left"),
            (864_000 - 86_400, "1 day left"),
            (864_000, "0 days left"),
            (864_001, "EXPIRED on 11 January 1970"),
        ] {
            assert_eq!(left(&facts, now), expected);
        }
    }
}

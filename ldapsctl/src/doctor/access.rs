//! The names in the access rules: one that the directory does not have lets nobody in, and keeps nobody
//! out.
#![forbid(unsafe_code)]

use super::configuration::Known;
use super::report::{
    Report,
    Severity::{Fault, Warning},
};
use ldaps_core::config::{Config, Subject};
use ldaps_directory::{DirectoryError, Misnamed, Survey};

const AREA: &str = "access";

/// One list of one section.
struct List<'a> {
    /// `[access] allow`
    place: String,
    /// Whom it is about: "by any service", "by sudo".
    service: String,
    allows: bool,
    subjects: &'a [Subject],
}

/// A name of a list that the directory does not have.
struct Unknown<'a> {
    subject: &'a Subject,
    misnamed: Misnamed,
}

/// Looks every name up, over the connection that is there.
pub fn look(known: &Known, survey: Option<&Survey>, report: &mut Report) {
    let (Some(config), Some(survey)) = (&known.config, survey) else { return };
    let before = report.count();
    for list in lists(config) {
        match unknown(&list, survey) {
            Ok(unknown) => told(&list, &unknown, config, survey, report),
            Err(error) => {
                let what = format!("{}: not looked up: {error}", list.place);
                report.unseen(AREA, "names", what, "sudo ldapsctl doctor, once more");
            }
        }
    }
    if report.count() == before {
        report.fine(AREA, "names", "the directory has everybody whom the rules name");
    }
}

fn lists(config: &Config) -> Vec<List<'_>> {
    let access = &config.access;
    let list = |section: &str, service: &str, allows, subjects| List {
        place: format!("[{section}] {}", if allows { "allow" } else { "deny" }),
        service: service.to_owned(),
        allows,
        subjects,
    };
    let mut lists = vec![
        list("access", "by any service without a section of its own", true, &access.allow[..]),
        list("access", "by any service", false, &access.deny),
    ];
    for (service, rule) in &access.services {
        let (section, by) = (format!("access.{service}"), format!("by {service}"));
        lists.push(list(&section, &by, true, rule.allow.as_deref().unwrap_or_default()));
        lists.push(list(&section, &by, false, &rule.deny));
    }
    lists
}

fn unknown<'a>(list: &List<'a>, survey: &Survey) -> Result<Vec<Unknown<'a>>, DirectoryError> {
    let mut unknown = Vec::new();
    for subject in list.subjects {
        if let Some(misnamed) = survey.misnamed(subject)? {
            unknown.push(Unknown { subject, misnamed });
        }
    }
    Ok(unknown)
}

fn told(
    list: &List<'_>,
    unknown: &[Unknown<'_>],
    config: &Config,
    survey: &Survey,
    report: &mut Report,
) {
    let List { place, service, allows, subjects } = list;
    let none_is_left = *allows && !unknown.is_empty() && unknown.len() == subjects.len();
    for Unknown { subject, misnamed } in unknown {
        let (kind, name, base) = match subject {
            Subject::Group(name) => ("group", name, &config.groups.base),
            Subject::User(name) => ("user", name, &config.users.base),
            Subject::Everyone => continue,
        };
        let domain = &survey.seen().domain;
        let base = base.as_ref().unwrap_or(&domain.base);
        let what = format!(
            "{place}: there is no {kind} {name:?} in {}, or the service account may not see it under {base}",
            domain.dns_name
        );
        let (severity, id, why) = match (none_is_left, allows) {
            (true, _) => (
                Fault,
                "nobody-allowed",
                format!("that list names nobody else, so nobody may log in {service}"),
            ),
            (false, true) => (
                Warning,
                "unknown-name",
                format!("whom it is to let in, it does not let in {service}"),
            ),
            (false, false) => (
                Warning,
                "unknown-name",
                format!("whom it is to keep out, it does not keep out {service}"),
            ),
        };
        report.add(severity, AREA, id, what, why, remedy(place, subject, misnamed));
    }
}

fn remedy(place: &str, subject: &Subject, misnamed: &Misnamed) -> String {
    let shows = |subject: &Subject| match subject {
        Subject::Group(name) => format!("ldapsctl group {}", quoted(name)),
        Subject::User(name) => format!("ldapsctl user {}", quoted(name)),
        Subject::Everyone => "ldapsctl status".to_owned(),
    };
    match &misnamed.meant {
        Some(meant) => format!(
            "there is \"{meant}\" ({}): if that is meant, write it in {place} in its place; then: sudo systemctl \
             reload ldapsd",
            shows(meant)
        ),
        None => format!(
            "write the sAMAccountName, as {} would show it, in {place} (a group with an @ before it), or take \
             the name out; then: sudo systemctl reload ldapsd",
            match subject {
                Subject::Group(_) => "ldapsctl group NAME",
                Subject::User(_) | Subject::Everyone => "ldapsctl user NAME",
            }
        ),
    }
}

/// A name with blanks, for a shell.
fn quoted(name: &str) -> String {
    match name.contains(|c: char| !c.is_alphanumeric() && !"-_.".contains(c)) {
        true => format!("'{}'", name.replace('\'', "'\\''")),
        false => name.to_owned(),
    }
}

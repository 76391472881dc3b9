//! Who may log in, and how many people that is.
#![forbid(unsafe_code)]

use super::ask::Asker;
use super::known::Known;
use super::{Failure, Setup};
use crate::output::say;
use crate::terminal::{Paint, line};
use ldaps_core::config::Subject;
use ldaps_directory::Survey;
use std::collections::BTreeSet;

const MISSING: &str = "Nobody is named who may log in. Add --allow @linux-users (a group), --allow alice, or --allow '*'.";
/// One of so many people is looked for who could log in now.
const TRIED: usize = 20;

/// Who may log in.
pub struct Allowed {
    /// The rules.
    pub subjects: Vec<Subject>,
    /// One who could log in now, for the look-up at the end.
    pub somebody: Option<String>,
}

/// Asks, if need be, and counts.
///
/// # Errors
/// When a name is nobody's and nobody can be asked again.
pub fn settle(
    setup: &Setup,
    asker: &Asker,
    known: &Known,
    survey: &Survey,
) -> Result<Allowed, Failure> {
    let mut given = match setup.allow.is_empty() {
        false => Some(setup.allow.clone()),
        true => known.stated.allow.clone().filter(|allow| !allow.is_empty()),
    };
    loop {
        let texts = match given.take() {
            Some(texts) => texts,
            None => {
                let question =
                    "Who may log in: users, @groups, * for everybody; as in @linux-users, alice";
                let answer = asker.text(question, None, MISSING)?;
                answer.split(',').map(|part| part.trim().to_owned()).collect()
            }
        };
        match counted(&texts, survey) {
            Ok(allowed) => return Ok(allowed),
            Err(failure) if asker.can_ask() && failure.is_clear => {
                line(Paint::Yellow, &failure.text)
            }
            Err(failure) => return Err(failure),
        }
    }
}

fn counted(texts: &[String], survey: &Survey) -> Result<Allowed, Failure> {
    let mut subjects = Vec::new();
    let mut everybody = BTreeSet::new();
    for text in texts {
        let subject = Subject::parse(text)
            .map_err(|fault| format!("{}: {}.", fault.problem, fault.remedy))?;
        let Some(people) = survey.people(&subject)? else {
            let domain = &survey.seen().domain;
            let what = match &subject {
                Subject::Group(name) => format!("group {name:?}"),
                Subject::User(_) | Subject::Everyone => {
                    format!("user {text:?} (a group has an @ before its name)")
                }
            };
            return Err(Failure::from(format!(
                "There is no {what} in {}, or the service account may not see it under {}. Write the \
                 sAMAccountName. Nothing was changed.",
                domain.dns_name, domain.base
            )));
        };
        everybody.extend(people);
        subjects.push(subject);
    }
    let names: Vec<String> = subjects.iter().map(Subject::to_string).collect();
    let shown = names.join(", ");
    match everybody.len() {
        0 => line(Paint::Yellow, &format!("{shown}: nobody is in it, so nobody may log in yet")),
        1 => say(&format!("{shown} may log in: 1 person\n")),
        count => say(&format!("{shown} may log in: {count} people\n")),
    }
    Ok(Allowed { somebody: somebody(&everybody, survey)?, subjects })
}

fn somebody(people: &BTreeSet<String>, survey: &Survey) -> Result<Option<String>, Failure> {
    let local = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let is_local = |name: &str| local.lines().any(|line| line.split(':').next() == Some(name));
    for name in people.iter().filter(|name| !is_local(name)).take(TRIED) {
        if survey.is_open(name)? {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

//! Names of users and groups in rules: `CORP\alice`, `alice@corp.example` and `%group` as `allow`
//! and `deny` write them.
#![forbid(unsafe_code)]

use super::entries::Entry;
use super::plan::Plan;
use ldaps_core::config::Subject;

/// The names by which the old configuration means our domain.
#[derive(Default, Clone)]
pub struct Domain {
    /// DNS names and NetBIOS names, in any case.
    pub names: Vec<String>,
}

impl Domain {
    /// The name without the domain, if it is this one that it names.
    ///
    /// # Errors
    /// The domain, where it is another.
    pub fn short<'n>(&self, name: &'n str) -> Result<&'n str, &'n str> {
        let is_ours = |domain: &str| self.names.iter().any(|one| one.eq_ignore_ascii_case(domain));
        let (domain, short) = match (name.split_once('\\'), name.rsplit_once('@')) {
            (Some((domain, short)), _) | (None, Some((short, domain))) => (domain, short),
            (None, None) => return Ok(name),
        };
        if is_ours(domain) { Ok(short) } else { Err(domain) }
    }
}

/// Subjects of a list; `is_group` says what its names are. What cannot be one is noted, and where
/// leaving it out would let people in (`denies`), nobody gets in.
pub fn of_list(
    entry: &Entry,
    is_group: bool,
    denies: bool,
    domain: &Domain,
    plan: &mut Plan,
) -> Vec<String> {
    let mut subjects = Vec::new();
    for name in entry.list() {
        let name = name.trim_matches('"');
        let why = match domain.short(name) {
            Err(other) => {
                format!("{name:?} is of the domain {other}, and accounts of one are served")
            }
            Ok(short) => {
                let subject = if is_group { format!("@{short}") } else { short.to_owned() };
                match Subject::parse(&subject) {
                    Ok(_) => {
                        subjects.push(subject);
                        continue;
                    }
                    Err(fault) => fault.problem,
                }
            }
        };
        if denies {
            plan.close(&entry.told(), why, "write under [access] who may log in, and who may not");
        } else {
            plan.leave(entry, why, "name somebody else who may log in, if they shall");
        }
    }
    subjects
}

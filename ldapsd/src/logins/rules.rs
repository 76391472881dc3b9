//! The access rules of the configuration, for one user and one PAM service.

use std::collections::HashSet;

use ldaps_core::config::{Access, Rule, Subject, Verdict};
use ldaps_core::names::GroupName;
use ldaps_core::sid::Sid;
use ldaps_directory::DirectoryError;

use crate::lookups::Lookups;

/// What the rules say, in words where they say no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// The rules let the user in, for this reason.
    Allowed(String),
    /// They do not, for this one.
    Refused(String),
}

/// Whether the rules for a service ask for groups at all: without, no group is looked up.
pub(crate) fn need_groups(access: &Access, service: &str) -> bool {
    !groups_of(&access.rule_for(service)).is_empty()
}

/// What the rules for a service say about a user in these groups.
///
/// # Errors
/// [`DirectoryError`], where a group that a rule names cannot be looked up.
pub(crate) async fn rule(
    access: &Access,
    lookups: &Lookups,
    service: &str,
    user: &str,
    groups: &[Sid],
) -> Result<Ruling, DirectoryError> {
    let rule = access.rule_for(service);
    let mut member_of = HashSet::new();
    for name in groups_of(&rule) {
        let Ok(parsed) = GroupName::parse(name.as_bytes()) else { continue };
        let sid = lookups.rule_group(&parsed).await?;
        if sid.is_some_and(|sid| groups.contains(&sid)) {
            member_of.insert(name);
        }
    }
    Ok(match rule.judge(user, |group| member_of.contains(group)) {
        Verdict::StateAlone => Ruling::Allowed("this service follows the account's state".into()),
        Verdict::Allowed(subject) => Ruling::Allowed(format!("allowed by \"{subject}\"")),
        Verdict::Denied(subject) => {
            Ruling::Refused(format!("the access rules deny \"{subject}\" for {service}"))
        }
        Verdict::NotAllowed => Ruling::Refused(format!(
            "no access rule allows the user for {service} (see [access] in ldaps.toml)"
        )),
    })
}

fn groups_of(rule: &Rule<'_>) -> Vec<String> {
    let Rule::Lists { allow, deny } = rule else { return Vec::new() };
    let name = |subject: &Subject| match subject {
        Subject::Group(name) => Some(name.clone()),
        Subject::Everyone | Subject::User(_) => None,
    };
    allow.iter().chain(deny.iter().copied()).filter_map(name).collect()
}

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
    let member_of = member_of(&rule, lookups, groups).await?;
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

/// Which of the groups that a rule names the user is in.
async fn member_of(
    rule: &Rule<'_>,
    lookups: &Lookups,
    groups: &[Sid],
) -> Result<HashSet<String>, DirectoryError> {
    let mut member_of = HashSet::new();
    for name in groups_of(rule) {
        let Ok(parsed) = GroupName::parse(name.as_bytes()) else { continue };
        let sid = lookups.rule_group(&parsed).await?;
        if sid.is_some_and(|sid| groups.contains(&sid)) {
            member_of.insert(name);
        }
    }
    Ok(member_of)
}

/// One entry of a list, and whether it is about the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The list that it stands in: `deny` (asked first) or `allow`.
    pub(crate) list: &'static str,
    /// The entry, as it is written.
    pub(crate) subject: String,
    /// Whether it is about the user.
    pub(crate) matches: bool,
}

/// Every entry that [`rule`] goes through for a service, in its order.
///
/// # Errors
/// As for [`rule`].
pub(crate) async fn entries(
    access: &Access,
    lookups: &Lookups,
    service: &str,
    user: &str,
    groups: &[Sid],
) -> Result<Vec<Entry>, DirectoryError> {
    let rule = access.rule_for(service);
    let member_of = member_of(&rule, lookups, groups).await?;
    let Rule::Lists { allow, deny } = rule else { return Ok(Vec::new()) };
    let entry = |list, subject: &Subject| {
        let subjects = std::slice::from_ref(subject);
        let alone = Rule::Lists { allow: subjects, deny: Vec::new() };
        let matches = alone.judge(user, |group| member_of.contains(group)).is_in();
        Entry { list, subject: subject.to_string(), matches }
    };
    let deny = deny.into_iter().map(|subject| entry("deny", subject));
    Ok(deny.chain(allow.iter().map(|subject| entry("allow", subject))).collect())
}

fn groups_of(rule: &Rule<'_>) -> Vec<String> {
    let Rule::Lists { allow, deny } = rule else { return Vec::new() };
    let name = |subject: &Subject| match subject {
        Subject::Group(name) => Some(name.clone()),
        Subject::Everyone | Subject::User(_) => None,
    };
    allow.iter().chain(deny.iter().copied()).filter_map(name).collect()
}

//! The access rules of the configuration, for one user and one PAM service.

use std::collections::HashSet;

use ldaps_core::config::{Access, LdapFilter, Rule, Subject, Verdict};
use ldaps_core::names::GroupName;
use ldaps_directory::DirectoryError;

use crate::lookups::Lookups;
use crate::lookups::memory::{KnownUser, Sids};
use crate::offline::record::Record;

/// What the rules say, in words where they say no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// The rules let the user in, for this reason.
    Allowed(String),
    /// They do not, for this one.
    Refused(String),
}

/// Whose word about an account decides.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Word<'a> {
    /// The directory's, now: a password is about to be sent to it.
    Now,
    /// The directory's; where it cannot be asked, what it said earlier.
    NowOrEarlier,
    /// What the directory said earlier: it does not answer now.
    Earlier {
        /// Why not.
        error: &'a DirectoryError,
        /// What is kept of the user for offline logins, which outlasts the memory.
        kept: Option<&'a Record>,
    },
}

impl Word<'_> {
    /// What is kept of a filter.
    fn kept(self, filter: &LdapFilter) -> Option<bool> {
        let Word::Earlier { kept: Some(record), .. } = self else { return None };
        let found = record.matches.iter().find(|(text, _)| text == filter.as_str());
        found.map(|(_, matches)| *matches)
    }
}

/// Whether the rules for a service ask for groups at all: without, no group is looked up.
pub(crate) fn need_groups(access: &Access, service: &str) -> bool {
    !groups_of(&access.rule_for(service)).is_empty()
}

/// What the rules for a service say about a user in these groups: the lists first, which cost
/// nothing, then the filter.
///
/// # Errors
/// [`DirectoryError`], where a group that a rule names cannot be looked up, or the filter cannot
/// be asked: it never counts as matched.
pub(crate) async fn rule(
    access: &Access,
    lookups: &Lookups,
    service: &str,
    user: &KnownUser,
    groups: &Sids,
    word: Word<'_>,
) -> Result<Ruling, DirectoryError> {
    let allowed = match by_lists(access, lookups, service, &user.entry.name, groups).await? {
        Ruling::Allowed(why) => why,
        refused @ Ruling::Refused(_) => return Ok(refused),
    };
    let Some(filter) = access.filter_for(service) else { return Ok(Ruling::Allowed(allowed)) };
    let matched = matches(lookups, user, &filter, word).await?;
    let when = if matched.earlier { ", as AD said earlier" } else { "" };
    Ok(match matched.holds {
        true => Ruling::Allowed(format!("{allowed}, and matches {filter}{when}")),
        false => Ruling::Refused(format!(
            "the account does not match the filter {filter} of the access rules for \
             {service}{when}"
        )),
    })
}

/// What a filter says about a user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matched {
    /// Whether the account matches.
    pub(crate) holds: bool,
    /// Whether that is what the directory said earlier.
    pub(crate) earlier: bool,
}

/// Asks whether a user matches a filter.
///
/// # Errors
/// [`DirectoryError`]: nobody can say, or may.
pub(crate) async fn matches(
    lookups: &Lookups,
    user: &KnownUser,
    filter: &LdapFilter,
    word: Word<'_>,
) -> Result<Matched, DirectoryError> {
    let asked = match word {
        Word::Now | Word::NowOrEarlier => lookups.matches_now(user, filter).await,
        Word::Earlier { error, .. } => Err(error.clone()),
    };
    match (asked, word) {
        (Ok(holds), _) => Ok(Matched { holds, earlier: false }),
        (Err(error), Word::Now) => Err(error),
        (Err(error), Word::NowOrEarlier | Word::Earlier { .. }) => {
            let remembered = lookups.matches_remembered(user, filter);
            let holds = remembered.or_else(|| word.kept(filter)).ok_or(error)?;
            Ok(Matched { holds, earlier: true })
        }
    }
}

async fn by_lists(
    access: &Access,
    lookups: &Lookups,
    service: &str,
    user: &str,
    groups: &Sids,
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
    groups: &Sids,
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

/// Every entry of a list that [`rule`] goes through for a service, in its order.
///
/// # Errors
/// As for [`rule`].
pub(crate) async fn entries(
    access: &Access,
    lookups: &Lookups,
    service: &str,
    user: &str,
    groups: &Sids,
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

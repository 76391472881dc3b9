//! Who may log in, for which PAM service.
#![forbid(unsafe_code)]

use super::errors::Fault;
use super::filter::LdapFilter;
use crate::names::{GroupName, NameError, UserName};
use std::collections::BTreeMap;
use std::fmt;

/// The service that starts a user's `systemd --user`. It follows the account's state alone: a rule
/// that refused it would break the sessions that other rules had let in.
pub const STATE_ALONE_SERVICE: &str = "systemd-user";

/// PAM services that follow another's section unless they have their own: (service, section).
/// The names are those of the files in Debian's and Ubuntu's /etc/pam.d.
const FOLLOWS: &[(&str, &str)] = &[
    ("sudo-i", "sudo"),
    ("su-l", "su"),
    ("runuser-l", "runuser"),
    ("remote", "login"),
    ("gdm-fingerprint", "gdm-password"),
    ("gdm-smartcard", "gdm-password"),
];

/// Whom a rule speaks of. Names are lower-case, as the names this host sees are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// `"*"`
    Everyone,
    /// `"alice"`
    User(String),
    /// `"@linux-users"`: its members, through nested groups too.
    Group(String),
}

impl Subject {
    /// Reads `"*"`, `"name"` or `"@group"`.
    ///
    /// # Errors
    /// A name no account can have, or another way of writing one.
    pub fn parse(text: &str) -> Result<Subject, Fault> {
        if text == "*" {
            return Ok(Subject::Everyone);
        }
        let (is_group, name) = match text.strip_prefix('@') {
            Some(group) => (true, group),
            None => (false, text),
        };
        refuse_other_notations(text, name)?;
        if is_group {
            let group = GroupName::parse(name.as_bytes());
            return group
                .map(|group| Subject::Group(group.to_string()))
                .map_err(|e| no_name(text, e));
        }
        let user = UserName::parse(name.as_bytes());
        user.map(|user| Subject::User(user.to_string())).map_err(|e| no_name(text, e))
    }
}

const WRITE_THE_SHORT_NAME: &str =
    "write the name that `id` shows (sAMAccountName), a group with \"@\" before it";

fn no_name(text: &str, error: NameError) -> Fault {
    Fault::new(format!("{text:?} cannot be a name in the directory: {error}"), WRITE_THE_SHORT_NAME)
}

/// The ways other programs write users and groups, each with the way it is written here. `name` is
/// `text` without the sign of a group.
fn refuse_other_notations(text: &str, name: &str) -> Result<(), Fault> {
    let sign = &text[..text.len() - name.len()];
    let refuse = |what: &str, remedy: String| Err(Fault::new(format!("{text:?} {what}"), remedy));
    if name.trim().is_empty() || name.trim() != name {
        return refuse(
            "names nobody (empty, or with spaces around it)",
            "write a user as \"alice\", a group as \"@linux-users\", everybody as \"*\"".to_owned(),
        );
    }
    if let Some(group) = name.strip_prefix(['%', '@', '+']) {
        return refuse("is not how a group is written here", format!("write \"@{group}\""));
    }
    if name.contains('=') && name.contains(',') {
        return refuse("is a distinguished name", WRITE_THE_SHORT_NAME.to_owned());
    }
    if name.contains(",@") || name.contains(", @") || (sign.is_empty() && name.contains(',')) {
        return refuse(
            "holds more than one name",
            "write each in quotes of its own: [\"alice\", \"@linux-users\"]".to_owned(),
        );
    }
    if name.contains('*') {
        return refuse(
            "is a pattern, and there are none",
            "make a group in the directory, and name that".to_owned(),
        );
    }
    if let Some((_, short)) = name.split_once('\\') {
        return refuse("names a domain", format!("write the name alone: \"{sign}{short}\""));
    }
    if let Some((short, _)) = name.split_once('@').filter(|_| sign.is_empty()) {
        return refuse(
            "is a user principal name or a mail address",
            format!("write the name that `id` shows (sAMAccountName), perhaps \"{short}\""),
        );
    }
    Ok(())
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Everyone => f.write_str("*"),
            Subject::User(name) => f.write_str(name),
            Subject::Group(name) => write!(f, "@{name}"),
        }
    }
}

/// `[access]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Who may log in. Empty: nobody.
    pub allow: Vec<Subject>,
    /// Who may not, whatever else is said.
    pub deny: Vec<Subject>,
    /// What everybody must match besides.
    pub filter: Option<LdapFilter>,
    /// `[access.SERVICE]`, by PAM service. Ask [`Access::rule_for`].
    pub services: BTreeMap<String, ServiceRule>,
}

/// `[access.SERVICE]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceRule {
    /// Replaces `[access] allow` for this service; None: that one holds.
    pub allow: Option<Vec<Subject>>,
    /// Added to `[access] deny`.
    pub deny: Vec<Subject>,
    /// Added to `[access] filter`: both must match.
    pub filter: Option<LdapFilter>,
}

/// What holds for one PAM service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule<'a> {
    /// Only the account's state counts (`systemd-user`).
    StateAlone,
    /// The lists count: `deny` first.
    Lists {
        /// Who may.
        allow: &'a [Subject],
        /// Who may not.
        deny: Vec<&'a Subject>,
    },
}

/// What a rule says about one user, and because of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// The rules do not apply to this service.
    StateAlone,
    /// This entry of `allow` lets the user in.
    Allowed(&'a Subject),
    /// This entry of `deny` keeps the user out.
    Denied(&'a Subject),
    /// No entry of `allow` is about the user.
    NotAllowed,
}

impl Verdict<'_> {
    /// May the user in, as far as the rules go?
    #[must_use]
    pub fn is_in(&self) -> bool {
        match self {
            Verdict::StateAlone | Verdict::Allowed(_) => true,
            Verdict::Denied(_) | Verdict::NotAllowed => false,
        }
    }
}

impl Access {
    /// What holds for a PAM service: its own section, that of the service it belongs to (`sudo` for
    /// `sudo-i`, `su` for `su-l`), or `[access]` itself.
    #[must_use]
    pub fn rule_for(&self, service: &str) -> Rule<'_> {
        if service == STATE_ALONE_SERVICE {
            return Rule::StateAlone;
        }
        let section = self.own_rule(service);
        let own_allow = section.and_then(|rule| rule.allow.as_deref());
        let own_deny = section.map_or(&[][..], |rule| &rule.deny);
        Rule::Lists {
            allow: own_allow.unwrap_or(&self.allow),
            deny: self.deny.iter().chain(own_deny).collect(),
        }
    }

    /// What an account must match to use a PAM service, besides being allowed: the filter of
    /// `[access]` and that of the service's section. None: nothing, or the rules do not apply.
    #[must_use]
    pub fn filter_for(&self, service: &str) -> Option<LdapFilter> {
        if service == STATE_ALONE_SERVICE {
            return None;
        }
        let own = self.own_rule(service).and_then(|rule| rule.filter.as_ref());
        match (&self.filter, own) {
            (Some(general), Some(own)) => Some(general.and(own)),
            (general, own) => general.as_ref().or(own).cloned(),
        }
    }

    /// Every filter that [`Access::filter_for`] may give, each once.
    #[must_use]
    pub fn filters(&self) -> Vec<LdapFilter> {
        let services = self.services.keys().filter_map(|service| self.filter_for(service));
        let mut filters: Vec<LdapFilter> = Vec::new();
        for filter in self.filter.iter().cloned().chain(services) {
            if !filters.contains(&filter) {
                filters.push(filter);
            }
        }
        filters
    }

    fn own_rule(&self, service: &str) -> Option<&ServiceRule> {
        self.section_for(service).and_then(|name| self.services.get(name))
    }

    /// The service whose section holds for a PAM service: its own, or that of the service it
    /// belongs to; None: `[access]` alone does.
    #[must_use]
    pub fn section_for<'a>(&self, service: &'a str) -> Option<&'a str> {
        if self.services.contains_key(service) {
            return Some(service);
        }
        let (_, followed) = FOLLOWS.iter().find(|(name, _)| *name == service)?;
        self.services.contains_key(*followed).then_some(*followed)
    }

    /// The groups that any rule names, sorted, each once.
    #[must_use]
    pub fn groups(&self) -> Vec<&str> {
        let of_services =
            self.services.values().flat_map(|rule| rule.allow.iter().flatten().chain(&rule.deny));
        let mut groups: Vec<&str> = self
            .allow
            .iter()
            .chain(&self.deny)
            .chain(of_services)
            .filter_map(|subject| match subject {
                Subject::Group(name) => Some(name.as_str()),
                Subject::Everyone | Subject::User(_) => None,
            })
            .collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

impl<'a> Rule<'a> {
    /// Judges a user by the canonical (lower-case) name and the complete set of groups, asked
    /// through `is_member` by lower-case group name.
    #[must_use]
    pub fn judge(&self, user: &str, is_member: impl Fn(&str) -> bool) -> Verdict<'a> {
        let Rule::Lists { allow, deny } = self else {
            return Verdict::StateAlone;
        };
        let is_about = |subject: &Subject| match subject {
            Subject::Everyone => true,
            Subject::User(name) => name == user,
            Subject::Group(name) => is_member(name),
        };
        if let Some(subject) = deny.iter().copied().find(|subject| is_about(subject)) {
            return Verdict::Denied(subject);
        }
        match allow.iter().find(|subject| is_about(subject)) {
            Some(subject) => Verdict::Allowed(subject),
            None => Verdict::NotAllowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(names: &[&str]) -> Vec<Subject> {
        names.iter().map(|name| Subject::parse(name).unwrap()).collect()
    }

    fn filter(text: &str) -> Option<LdapFilter> {
        Some(LdapFilter::parse(text).unwrap())
    }

    /// Everybody's rule and those of sudo and su.
    fn access() -> Access {
        let sudo = ServiceRule {
            allow: Some(subjects(&["@admins"])),
            deny: subjects(&["trainee"]),
            filter: filter("(title=admin)"),
        };
        let su = ServiceRule { allow: Some(Vec::new()), ..ServiceRule::default() };
        let cron = ServiceRule { deny: subjects(&["*"]), ..ServiceRule::default() };
        Access {
            allow: subjects(&["@Linux Users", "Bob"]),
            deny: subjects(&["@leavers"]),
            filter: None,
            services: [("sudo", sudo), ("su", su), ("cron", cron)]
                .map(|(name, rule)| (name.to_owned(), rule))
                .into(),
        }
    }

    #[test]
    fn rules_let_in_and_keep_out_whom_they_say() {
        let access = access();
        for (service, user, groups, expected) in [
            ("sshd", "bob", &[][..], "Allowed bob"),
            ("sshd", "alice", &["linux users"], "Allowed @linux users"),
            ("sshd", "alice", &[], "NotAllowed"),
            ("sshd", "bob", &["leavers"], "Denied @leavers"),
            // allow of a service replaces, deny adds.
            ("sudo", "bob", &[], "NotAllowed"),
            ("sudo", "bob", &["admins"], "Allowed @admins"),
            ("sudo", "trainee", &["admins"], "Denied trainee"),
            ("sudo", "bob", &["admins", "leavers"], "Denied @leavers"),
            ("sudo-i", "bob", &[], "NotAllowed"),
            ("sudo-i", "bob", &["admins"], "Allowed @admins"),
            // An empty allow of a service lets nobody in.
            ("su", "bob", &[], "NotAllowed"),
            ("su-l", "bob", &[], "NotAllowed"),
            ("cron", "bob", &[], "Denied *"),
            ("sudoedit", "bob", &[], "Allowed bob"),
            ("systemd-user", "nobody", &["leavers"], "StateAlone"),
        ] {
            let rule = access.rule_for(service);
            let verdict = rule.judge(user, |group| groups.contains(&group));
            let shown = match verdict {
                Verdict::StateAlone => "StateAlone".to_owned(),
                Verdict::Allowed(subject) => format!("Allowed {subject}"),
                Verdict::Denied(subject) => format!("Denied {subject}"),
                Verdict::NotAllowed => "NotAllowed".to_owned(),
            };
            assert_eq!(shown, expected, "{service} {user} {groups:?}");
            assert_eq!(verdict.is_in(), shown.starts_with("Allowed") || shown == "StateAlone");
        }
    }

    #[test]
    fn with_no_rules_nobody_gets_in() {
        let access = Access::default();
        assert_eq!(access.rule_for("sshd").judge("bob", |_| true), Verdict::NotAllowed);
    }

    #[test]
    fn a_section_of_its_own_goes_before_that_of_the_service_followed() {
        let mut access = access();
        let own = ServiceRule { allow: Some(subjects(&["*"])), ..ServiceRule::default() };
        access.services.insert("sudo-i".to_owned(), own);
        assert!(access.rule_for("sudo-i").judge("trainee", |_| false).is_in());
        assert!(!access.rule_for("sudo").judge("trainee", |_| false).is_in());
    }

    #[test]
    fn groups_of_all_rules_are_known() {
        assert_eq!(access().groups(), ["admins", "leavers", "linux users"]);
    }

    #[test]
    fn a_service_s_filter_stands_in_place_of_the_general_one_or_beside_no_rule() {
        let general = Access { filter: filter("(department=IT)"), ..access() };
        let of = |access: &Access, service| access.filter_for(service).map(|f| f.to_string());
        let both = Some("(&(department=IT)(title=admin))".to_owned());
        assert_eq!(of(&general, "sudo"), both);
        assert_eq!(of(&general, "sudo-i"), both);
        assert_eq!(of(&general, "sshd"), Some("(department=IT)".to_owned()));
        assert_eq!(of(&general, "systemd-user"), None);
        assert_eq!(of(&access(), "sudo-i"), Some("(title=admin)".to_owned()));
        assert_eq!(of(&access(), "sshd"), None);
        let all: Vec<_> = general.filters().iter().map(ToString::to_string).collect();
        assert_eq!(all, ["(department=IT)", "(&(department=IT)(title=admin))"]);
    }
}

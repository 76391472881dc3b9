//! Reads `[access]`, `[pam]`, `[nss]` and `[cache]`.
#![forbid(unsafe_code)]

use super::access::{Access, STATE_ALONE_SERVICE, ServiceRule, Subject};
use super::document::Section;
use super::errors::{At, Fault, Place};
use super::filter::LdapFilter;
use super::self_writable::judge_filter;
use super::types::{Cache, Nss, Pam, Sync, WithoutAuth, Workstations};
use super::values;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longer than a day is no cache but a copy.
const LONGEST_CACHED: Duration = Duration::from_secs(24 * 3600);
/// More often is a load without use; more rarely is no care for who has been disabled.
const POLLED: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
/// Where the domain controller tells of changes itself, the poll is for what it could not tell.
const POLLED_WITH_NOTIFY: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(3600);
/// Whoever has not been near a domain controller for a quarter of a year is asked to come by.
const LONGEST_OFFLINE: u32 = 90;

/// `[access]` and `[access.SERVICE]`
pub(super) fn access(mut section: Section<'_, '_>) -> Access {
    let report = section.report;
    let allow = subjects(&mut section, "allow");
    let deny = subjects(&mut section, "deny");
    let forced = section.flag("allow_self_writable").unwrap_or(false);
    let filter = filter(&mut section, forced);
    let mut services = BTreeMap::new();
    for (name, service) in section.free_sections() {
        if let Err(fault) = check_service(&name.value) {
            report.fault(&name.place, "access", fault);
        }
        services.insert(name.value, service_rule(service, forced));
    }
    let place = section.place.clone();
    section.finish();
    let access = Access {
        allow: allow.unwrap_or_default(),
        deny: deny.unwrap_or_default(),
        filter,
        services,
    };
    let nobody = access.allow.is_empty()
        && access.services.values().all(|rule| rule.allow.as_ref().is_none_or(Vec::is_empty));
    if nobody {
        report.warning(
            &place,
            "nobody may log in: access.allow names nobody",
            "write allow = [\"@linux-users\"] under [access] (users, @groups, or \"*\" for everybody)",
        );
    }
    access
}

fn service_rule(mut section: Section<'_, '_>, forced: bool) -> ServiceRule {
    let allow = subjects(&mut section, "allow");
    let deny = subjects(&mut section, "deny");
    let filter = filter(&mut section, forced);
    section.finish();
    ServiceRule { allow, deny: deny.unwrap_or_default(), filter }
}

/// What an account must match; whoever may write an attribute of it on themselves would choose
/// whether they do.
fn filter(section: &mut Section<'_, '_>, forced: bool) -> Option<LdapFilter> {
    let filter = section.parsed("filter", LdapFilter::parse)?;
    judge_filter(&section.path_of("filter"), &filter, forced, section.report);
    Some(filter.value)
}

fn subjects(section: &mut Section<'_, '_>, key: &str) -> Option<Vec<Subject>> {
    let subjects = section.parsed_list(key, Subject::parse)?;
    Some(subjects.into_iter().map(|subject| subject.value).collect())
}

fn check_service(name: &str) -> Result<(), Fault> {
    if name == STATE_ALONE_SERVICE {
        return Err(Fault::new(
            format!(
                "[access.{name}] cannot be: a user's service manager follows the account's state alone"
            ),
            "remove the section, and refuse the services that people log in by",
        ));
    }
    service_name(name).map(|_| ())
}

/// A PAM service is the name of a file in /etc/pam.d.
fn service_name(text: &str) -> Result<String, Fault> {
    let is_file_name = !text.is_empty()
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@+".contains(&b));
    if is_file_name {
        return Ok(text.to_owned());
    }
    Err(Fault::new(
        format!("{text:?} is no PAM service"),
        "write the name of a file in /etc/pam.d, such as sshd or sudo",
    ))
}

/// `[pam]`
pub(super) fn pam(mut section: Section<'_, '_>) -> Pam {
    let mut callers = section.section("callers");
    let report = section.report;
    let defaults = Pam::default();
    let warn_days = section.number("warn_days");
    let without_auth = section.parsed("password_state_without_auth", without_auth);
    let offline_days = section.number("offline_days");
    if let Some(At { value, place }) = &offline_days
        && *value > LONGEST_OFFLINE
    {
        report.error(
            place,
            format!("pam.offline_days is {value}, and a password of that age says little"),
            format!("write {LONGEST_OFFLINE} days at most; a laptop is well served by 14"),
        );
    }
    let workstations = section.parsed("workstations", workstations);
    let workstation_name = section.parsed("workstation_name", workstation_name);
    let mut pam = Pam {
        warn_days: warn_days.map_or(defaults.warn_days, |at| at.value),
        password_state_without_auth: without_auth
            .map_or(defaults.password_state_without_auth, |at| at.value),
        offline_days: offline_days.map_or(defaults.offline_days, |at| at.value),
        workstations: workstations.map_or(defaults.workstations, |at| at.value),
        workstation_name: workstation_name.map(|at| at.value),
        ..defaults
    };
    for (user, services) in callers.free_lists(service_name) {
        if let Err(fault) = check_local_user(&user.value) {
            report.fault(&user.place, "pam.callers", fault);
        }
        let services = services.unwrap_or_default();
        let services = services.into_iter().map(|service| service.value).collect();
        pam.callers.insert(user.value, services);
    }
    callers.finish();
    section.finish();
    pam
}

fn without_auth(text: &str) -> Result<WithoutAuth, Fault> {
    match text {
        "warn" => Ok(WithoutAuth::Warn),
        "deny" => Ok(WithoutAuth::Deny),
        _ => Err(Fault::new(
            format!("{text:?} is not known"),
            "write \"warn\" (a line in the journal) or \"deny\" (no login)",
        )),
    }
}

fn workstations(text: &str) -> Result<Workstations, Fault> {
    match text {
        "ignore" => Ok(Workstations::Ignore),
        "enforce" => Ok(Workstations::Enforce),
        _ => Err(Fault::new(
            format!("{text:?} is not known"),
            "write \"ignore\" (the domain controller alone looks at \"Log On To\") or \"enforce\" (this \
             host must be on the list)",
        )),
    }
}

/// A computer as userWorkstations names it: a NetBIOS or a DNS name.
fn workstation_name(text: &str) -> Result<String, Fault> {
    let plausible =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if plausible {
        return Ok(text.to_owned());
    }
    Err(Fault::new(
        format!("{text:?} is no name of one computer"),
        "write it as it stands in \"Log On To\", as in \"HOST1\"",
    ))
}

fn check_local_user(name: &str) -> Result<(), Fault> {
    if is_local_user(name) {
        return Ok(());
    }
    Err(Fault::new(
        format!("{name:?} is no name of a local user"),
        "write a user of /etc/passwd and its PAM services, as in www-data = [\"django\"]",
    ))
}

/// Can a line of /etc/passwd begin so?
pub(super) fn is_local_user(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.$".contains(&b))
}

/// `[nss]`
pub(super) fn nss(mut section: Section<'_, '_>) -> Nss {
    let enumerate = section.flag("enumerate");
    section.finish();
    Nss { enumerate: enumerate.unwrap_or(Nss::default().enumerate) }
}

/// `[cache]`
pub(super) fn cache(mut section: Section<'_, '_>) -> Cache {
    let defaults = Cache::default();
    let positive = section.parsed("positive", cached);
    let notify = section.flag("notify").unwrap_or(defaults.notify);
    let poll = section.parsed("poll", |text| polled(text, notify));
    let negative = section.parsed("negative", cached);
    let negative_max = section.number("negative_max");
    let sync = section.parsed("sync", sync);
    let map_mib = section.number("map_mib");
    section.finish();
    Cache {
        sync: sync.map_or(defaults.sync, |at| at.value),
        notify,
        positive: positive.map_or(defaults.positive, |at| at.value),
        poll: poll.map_or(defaults.poll, |at| at.value),
        negative: negative.map_or(defaults.negative, |at| at.value),
        negative_max: negative_max
            .and_then(|At { value, place: Place { .. } }| usize::try_from(value).ok())
            .unwrap_or(defaults.negative_max),
        map_mib: map_mib.map(|at| at.value),
    }
}

fn sync(text: &str) -> Result<Sync, Fault> {
    match text {
        "asked" => Ok(Sync::Asked),
        "all" => Ok(Sync::All),
        _ => Err(Fault::new(
            format!("{text:?} is not known"),
            "write \"asked\" (the default) or \"all\" (everybody whom this host serves)",
        )),
    }
}

fn polled(text: &str, notify: bool) -> Result<Duration, Fault> {
    let duration = values::duration(text)?;
    let allowed = if notify { POLLED_WITH_NOTIFY } else { POLLED };
    if allowed.contains(&duration) {
        return Ok(duration);
    }
    let (first, last) = (allowed.start().as_secs(), allowed.end().as_secs());
    Err(Fault::new(
        format!("{text:?} is not between {first} s and {last} s"),
        "write how often the directory is asked what has changed, such as \"10s\"",
    ))
}

fn cached(text: &str) -> Result<Duration, Fault> {
    let duration = values::duration(text)?;
    if duration <= LONGEST_CACHED {
        return Ok(duration);
    }
    Err(Fault::new(format!("{text:?} is too long"), "write a time up to \"24h\""))
}

//! What a login looks at, one line for each thing.

use std::time::SystemTime;

use jiff::{Timestamp, tz::TimeZone};
use ldaps_core::config::Pam;
use ldaps_core::protocol::admin::{Speaks, WhyStep};
use ldaps_core::refusal::Refusal;
use ldaps_directory::{AccountState, PasswordState};

use super::super::account::{Seen, unreadable};
use super::super::hopeless::Hopeless;
use super::super::rules::{self, Ruling, Word};
use super::super::stop::Stop;
use super::super::workstation::{self, LogOnTo};
use super::super::{foresee, may_be_tried};
use crate::host::Host;
use crate::lookups::memory::{KnownUser, Sids};
use crate::offline::tries::{self, Try};

/// What is said where an account is not in a state that AD refuses.
const STATES: [(Refusal, &str); 3] = [
    (Refusal::AccountDisabled, "not disabled"),
    (Refusal::AccountExpired, "not expired"),
    (Refusal::LogonHours, "its logon hours allow it now"),
];

fn step(about: &str, speaks: Speaks, text: impl Into<String>) -> WhyStep {
    WhyStep { about: about.to_owned(), speaks, text: text.into() }
}

fn for_if(holds: bool) -> Speaks {
    if holds { Speaks::For } else { Speaks::Against }
}

/// There is nobody of that name here, for this reason.
pub(super) fn nobody(why: String) -> WhyStep {
    step("this host", Speaks::Against, why)
}

/// Everything that is looked at for a user.
pub(super) async fn of_user(
    host: &Host,
    service: &str,
    seen: &Seen,
    user: &KnownUser,
    hopeless: Option<Hopeless>,
) -> Vec<WhyStep> {
    let now = SystemTime::now();
    let entry = &user.entry;
    let mut steps = vec![step(
        "this host",
        Speaks::For,
        format!("shows it as {}, uid {}, gid {}", entry.name, entry.uid, entry.gid),
    )];
    if let Some(error) = &seen.remembered {
        let text = format!("does not answer ({error}); what follows is what it said earlier");
        steps.push(step("AD", Speaks::Against, text));
    }
    steps.extend(of_kept_password(host, user, now));
    steps.extend(of_account(user, now));
    steps.extend(of_log_on_to(&host.config.pam, &user.record.state));
    steps.extend(of_password(&user.record.state, now));
    steps.push(of_tries(host, user).await);
    let dc = super::dc(host);
    steps.push(of_computers(&user.record.state, &dc));
    let groups = seen.membership.as_ref().map(|membership| &membership.sids);
    steps.push(of_hopeless(hopeless, groups.is_some()));
    match groups {
        Some(groups) => match of_rules(host, service, user, groups, seen.word()).await {
            Ok(of_rules) => steps.extend(of_rules),
            Err(error) => steps.push(step("rules", Speaks::Against, error.to_string())),
        },
        None => steps.push(step("rules", Speaks::Against, unreadable(user, "tokenGroups").why)),
    }
    steps
}

/// What is there for when no server answers.
fn of_kept_password(host: &Host, user: &KnownUser, now: SystemTime) -> Option<WhyStep> {
    let days = host.config.pam.offline_days;
    let about = "offline";
    if days == 0 {
        return None;
    }
    let record = host.offline.of(user.record.sid).filter(|record| record.holds(days, now));
    let Some(record) = record else {
        return Some(step(about, Speaks::Neither, "no password of this account is saved"));
    };
    let saved = date(record.saved_at());
    let text = match (tries::next(&record, now), record.good_until(days)) {
        (Try::Never, _) => format!(
            "the password saved on {saved} opens nothing, after {} wrong ones, before AD has taken \
             it once more",
            record.wrong
        ),
        (Try::After(_), until) => format!(
            "the password saved on {saved} opens the account while no server answers{}",
            until.map(self::until).unwrap_or_default()
        ),
    };
    Some(step(about, Speaks::Neither, text))
}

/// What keeps an account out whoever vouches for the person.
fn of_account(user: &KnownUser, now: SystemTime) -> Vec<WhyStep> {
    match user.record.state.objections(now) {
        Err(attribute) => {
            vec![step("account", Speaks::Against, unreadable(user, attribute).why)]
        }
        Ok(objections) => STATES
            .iter()
            .map(|(refusal, otherwise)| match objections.contains(refusal) {
                true => step("account", Speaks::Against, refusal.to_string()),
                false => step("account", Speaks::For, *otherwise),
            })
            .collect(),
    }
}

/// "Log On To", where it is obeyed here.
fn of_log_on_to(pam: &Pam, state: &AccountState) -> Option<WhyStep> {
    let about = "account";
    Some(match workstation::log_on_to(pam, state) {
        LogOnTo::Ignored => return None,
        LogOnTo::Everywhere => step(about, Speaks::For, "may log on to every computer"),
        LogOnTo::Unseen => step(
            about,
            Speaks::Neither,
            "shows no \"Log On To\" list, nor anything else that \"Read Logon Information\" would \
             show: the service account may lack that right",
        ),
        LogOnTo::Here => step(about, Speaks::For, "its \"Log On To\" list names this host"),
        LogOnTo::Elsewhere(why) => step(about, Speaks::Against, why),
    })
}

/// What keeps out who uses the password; a key or a cron job does not.
fn of_password(state: &AccountState, now: SystemTime) -> [WhyStep; 2] {
    let about = "password";
    let locked = match state.is_locked_out() {
        true => step(about, Speaks::Against, Refusal::LockedOut.to_string()),
        false => step(about, Speaks::For, "not locked after wrong ones"),
    };
    let change_first = |refusal: Refusal| step(about, Speaks::Neither, refusal.to_string());
    let age = match state.password(now) {
        PasswordState::MustChange => change_first(Refusal::PasswordMustChange),
        PasswordState::Expired => change_first(Refusal::PasswordExpired),
        PasswordState::NotRead => {
            step(about, Speaks::Neither, "was not asked about before AD stopped to answer")
        }
        PasswordState::Good(None) => step(about, Speaks::For, "does not expire"),
        PasswordState::Good(Some(expires)) => {
            step(about, Speaks::For, format!("good{}", until(expires)))
        }
    };
    [locked, age]
}

/// "3 December 2026", in the host's own time.
fn date(moment: SystemTime) -> String {
    let moment = Timestamp::try_from(moment).map(|moment| moment.to_zoned(TimeZone::system()));
    moment.map_or_else(|_| "an unknown day".to_owned(), |m| m.strftime("%-d %B %Y").to_string())
}

/// " until 3 December 2026, 14:05", in the host's own time.
fn until(moment: SystemTime) -> String {
    let Ok(moment) = Timestamp::try_from(moment) else { return String::new() };
    moment.to_zoned(TimeZone::system()).strftime(" until %-d %B %Y, %H:%M").to_string()
}

/// How near the wrong passwords of late are to the number at which AD locks the account.
async fn of_tries(host: &Host, user: &KnownUser) -> WhyStep {
    let about = "password";
    match may_be_tried(host, user).await {
        Ok(()) => step(about, Speaks::For, "few enough wrong ones of late: one more may be sent"),
        Err(Stop::Decided(decision)) => step(about, Speaks::Against, decision.why),
        Err(Stop::Directory(error)) => step(about, Speaks::Against, error.to_string()),
    }
}

/// "Log On To".
fn of_computers(state: &AccountState, dc: &str) -> WhyStep {
    let computers = state.workstations();
    if computers.is_empty() {
        return step("password", Speaks::For, "may be used on every computer");
    }
    let text = format!(
        "may be used on {} alone (\"Log On To\"), and AD takes itself for where it is used over LDAP",
        computers.join(", ")
    );
    step("password", for_if(foresee::is_open_at(state, dc)), text)
}

fn of_hopeless(hopeless: Option<Hopeless>, groups_are_known: bool) -> WhyStep {
    let remedy = match hopeless {
        Some(Hopeless::ProtectedUser) => {
            "AD has such people use Kerberos alone. An SSH key works; so does a second account for \
             Linux"
        }
        Some(Hopeless::SmartcardOnly) => {
            "AD has put a random password in place of theirs. An SSH key works"
        }
        None if groups_are_known => {
            let text = "takes its password over LDAP: no member of Protected Users, no smart card \
                        required";
            return step("AD", Speaks::For, text);
        }
        None => {
            let text = "does not show whether it is a member of Protected Users, whose passwords \
                        it refuses over LDAP";
            return step("AD", Speaks::Neither, text);
        }
    };
    let fact = hopeless.map(|hopeless| hopeless.to_string()).unwrap_or_default();
    step("AD", Speaks::Against, format!("{fact}: {remedy}"))
}

/// The rules, entry by entry as they are gone through, and what comes of them.
async fn of_rules(
    host: &Host,
    service: &str,
    user: &KnownUser,
    groups: &Sids,
    word: Word<'_>,
) -> Result<Vec<WhyStep>, ldaps_directory::DirectoryError> {
    let (access, lookups) = (&host.config.access, &host.lookups);
    let sections = match access.section_for(service) {
        Some(section) => format!("[access] and [access.{section}] hold for {service}"),
        None => format!("[access] holds for {service}"),
    };
    let mut steps = vec![step("rules", Speaks::Neither, sections)];
    let mut decided = false;
    for entry in rules::entries(access, lookups, service, &user.entry.name, groups).await? {
        let decides = entry.matches && !decided;
        let outcome = match (entry.matches, decided) {
            (true, false) => "decides",
            (true, true) => "would match, but it is decided",
            (false, _) => "does not match",
        };
        let speaks = match decides {
            true => for_if(entry.list == "allow"),
            false => Speaks::Neither,
        };
        decided |= decides;
        let text = format!("{} \"{}\": {outcome}", entry.list, entry.subject);
        steps.push(step("rules", speaks, text));
    }
    if let Some(filter) = access.filter_for(service) {
        let matched = rules::matches(lookups, user, &filter, word).await?;
        let when = if matched.earlier { ", as AD said earlier" } else { "" };
        let outcome = if matched.holds { "matches" } else { "does not match" };
        let text = format!("filter \"{filter}\": {outcome}{when}");
        steps.push(step("rules", for_if(matched.holds), text));
    }
    steps.push(match rules::rule(access, lookups, service, user, groups, word).await? {
        Ruling::Allowed(why) => step("rules", Speaks::For, why),
        Ruling::Refused(why) => step("rules", Speaks::Against, why),
    });
    Ok(steps)
}

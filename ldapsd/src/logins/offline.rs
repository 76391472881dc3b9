//! Logging in while no domain controller answers, by the password that AD took the last time.
//!
//! When a password is kept, when it is forgotten, and what it opens: AD decides whenever it is
//! there. What it says against an account ends what is kept of it, and a password that it calls
//! wrong is never looked up here.

mod compare;
mod day;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ldaps_core::entries::GroupEntry;
use ldaps_core::names::{GroupName, UserName};
use ldaps_core::protocol::messages::Login;
use ldaps_core::refusal::{Refusal, Says};
use ldaps_core::secret::Password;
use ldaps_core::sid::Sid;
use ldaps_directory::{BindOutcome, DirectoryError, Judgement};

use self::compare::compare;
use self::day::day;
use super::account::EVERYTHING;
use super::hopeless::{self, Hopeless};
use super::readings::Reading;
use super::rules::{self, Word};
use super::stop::{Stop, decided};
use super::{Decision, identity};
use crate::host::Host;
use crate::lookups::memory::{KnownUser, Membership, Sids};
use crate::lookups::person::PersonNow;
use crate::offline::Begun;
use crate::offline::record::{Record, Seen};

/// After a change AD takes the password before it, too, for so long (MS KB 906305,
/// OldPasswordAllowedPeriod): that it took one says little of which one it was.
const OLD_PASSWORD_PERIOD: Duration = Duration::from_secs(3600);

/// Why nothing is kept of a password that AD has just taken.
type NotKept = &'static str;

/// AD says now what it says of the account: if that speaks against what is kept, it goes.
pub(super) async fn heed_account(host: &Host, login: &Login<'_>, user: Option<&KnownUser>) {
    let Some(user) = user else {
        if let Some(record) = host.offline.named(login.user, Some(login.uid)) {
            host.offline.forget(record.sid(), "the directory has no such user any more").await;
        }
        return;
    };
    let (sid, state) = (user.record.sid, &user.record.state);
    let Some(record) = host.offline.of(sid) else { return };
    let set_then = record.user.record.state.password_last_set();
    if state.password_last_set() != set_then {
        return host.offline.forget(sid, "it was changed in the directory").await;
    }
    let objections = state.objections(SystemTime::now()).unwrap_or_default();
    let is_end = |refusal: &Refusal| refusal.says() == Says::AccountEnded;
    if let Some(refusal) = objections.into_iter().find(is_end) {
        host.offline.forget(sid, &refusal.to_string()).await;
    }
}

/// AD says now which groups the user is in: whoever the rules let in nowhere any more, where they
/// let them in before, is forgotten; members of Protected Users are, in any case.
pub(super) async fn heed_groups(host: &Host, user: &KnownUser, groups: &Sids) {
    let sid = user.record.sid;
    let Some(record) = host.offline.of(sid) else { return };
    if let hopeless @ Some(_) = hopeless::of(&user.record, Some(groups)) {
        return heed_hopeless(host, user, hopeless).await;
    }
    let access = &host.config.access;
    for service in &record.services {
        match rules::rule(access, &host.lookups, service, user, groups, Word::Now).await {
            Ok(rules::Ruling::Refused(_)) => {}
            Ok(rules::Ruling::Allowed(_)) | Err(_) => return,
        }
    }
    host.offline.forget(sid, "the access rules no longer allow it").await;
}

/// AD lets nobody use a password of the account.
pub(super) async fn heed_hopeless(host: &Host, user: &KnownUser, hopeless: Option<Hopeless>) {
    if let Some(hopeless) = hopeless {
        host.offline.forget(user.record.sid, &hopeless.to_string()).await;
    }
}

/// The rules have just refused the user. Only a record makes it worth another question to AD.
pub(super) async fn heed_denial(host: &Host, user: &KnownUser) {
    if host.offline.of(user.record.sid).is_some()
        && let Ok(Some(membership)) = host.lookups.membership_now(user).await
    {
        heed_groups(host, user, &membership.sids).await;
    }
}

/// AD has answered to a password: a right one is kept, a wrong one is kept no longer.
pub(super) async fn heed_bind(
    host: &Host,
    login: &Login<'_>,
    user: &Arc<KnownUser>,
    password: &Password,
    outcome: BindOutcome,
    reading: &Reading,
) {
    let sid = user.record.sid;
    let begun = host.offline.begin(sid);
    match outcome {
        BindOutcome::Accepted if host.config.pam.offline_days == 0 => {}
        BindOutcome::Accepted => match reading.person().await {
            // What was set since the account was read is not what AD has just taken.
            Ok(Some(person)) if is_as_it_was(&person.user, user) => {
                keep(host, login, &person, password, begun).await;
            }
            Ok(_) => {
                tracing::info!(
                    "the password of {} is not saved for offline logins: the account has just \
                     changed",
                    login.user
                );
            }
            Err(error) => tracing::debug!("nothing is saved of {}: {error}", login.user),
        },
        BindOutcome::Refused(refusal) => match refusal.says() {
            Says::AccountEnded => host.offline.forget(sid, &refusal.to_string()).await,
            Says::PasswordWrong => {
                if let Some(record) = host.offline.of(sid)
                    && host.offline.matches(&record, password).await
                {
                    host.offline.forget(sid, "AD calls that very password wrong").await;
                }
            }
            Says::PasswordRight | Says::Nothing => {}
        },
    }
}

/// The password was changed here, so it is known which one is the newest.
pub(super) async fn heed_change(
    host: &Host,
    login: &Login<'_>,
    name: &UserName,
    sid: Sid,
    new: &Password,
) {
    host.offline.forget(sid, "it was changed").await;
    let begun = host.offline.begin(sid).of_the_newest();
    if host.config.pam.offline_days > 0
        && let Ok(Some(person)) = host.lookups.person_now(name, EVERYTHING).await
        && person.user.record.sid == sid
    {
        keep(host, login, &person, new, begun).await;
    }
}

/// Whether this is the same account with the same password.
fn is_as_it_was(user: &KnownUser, before: &KnownUser) -> bool {
    let set = |user: &KnownUser| user.record.state.password_last_set();
    user.record.sid == before.record.sid && set(user) == set(before)
}

/// Keeps a password that AD has taken, or has been given, at this moment.
async fn keep(
    host: &Host,
    login: &Login<'_>,
    person: &PersonNow,
    password: &Password,
    begun: Begun,
) {
    let not_saved = |why: NotKept| {
        tracing::info!("the password of {} is not saved for offline logins: {why}", login.user);
    };
    match kept(host, login, person, password, &begun).await {
        Ok(Ok(record)) => {
            if !host.offline.keep(record, &begun).await {
                not_saved("AD has just said otherwise, or another password was saved");
            }
        }
        Ok(Err(why)) => not_saved(why),
        // It was AD that let them in; the next login asks for their groups again.
        Err(error) => tracing::debug!("nothing is saved of {}: {error}", login.user),
    }
}

async fn kept(
    host: &Host,
    login: &Login<'_>,
    person: &PersonNow,
    password: &Password,
    begun: &Begun,
) -> Result<Result<Record, NotKept>, DirectoryError> {
    let (user, now) = (&person.user, SystemTime::now());
    let Some(set_at) = user.record.state.password_last_set() else {
        return Ok(Err("the service account may not read when it was set (pwdLastSet)"));
    };
    let Some(membership) = &person.membership else {
        return Ok(Err("the service account may not read tokenGroups"));
    };
    if hopeless::of(&user.record, Some(&membership.sids)).is_some() {
        return Ok(Err("Protected Users and smart card users have none kept"));
    }
    let rule = rules::rule(
        &host.config.access,
        &host.lookups,
        login.service,
        user,
        &membership.sids,
        Word::Now,
    );
    if let rules::Ruling::Refused(_) = rule.await? {
        return Ok(Err("the access rules do not allow the user for this service"));
    }
    let before = begun.record.as_ref();
    if before.is_some_and(|before| !is_as_it_was(user, &before.user)) {
        return Ok(Err("another one was set meanwhile"));
    }
    let is_old_enough = set_at.checked_add(OLD_PASSWORD_PERIOD).is_some_and(|from| from <= now);
    if before.is_none() && !begun.is_of_the_newest() && !is_old_enough {
        return Ok(Err(
            "it is less than an hour old, and for that long AD takes the one before it, too",
        ));
    }
    let seen = see(host, user, membership).await?;
    let mut record = match before {
        // Of the same pwdLastSet, so of the same password.
        Some(record) => record.seen_again(seen, now),
        None => match host.offline.hash(password).await {
            Some(verifier) => Record::new(seen, verifier, now),
            None => return Ok(Err("no hash could be made of it")),
        },
    };
    record.came_by(login.user, login.service);
    Ok(Ok(record))
}

/// Everything that has to be known of a person while nobody can be asked.
async fn see(
    host: &Host,
    user: &KnownUser,
    membership: &Membership,
) -> Result<Seen, DirectoryError> {
    let granting = host.config.local_groups.values().flatten().map(String::as_str);
    let mut rule_groups = Vec::new();
    for name in host.config.access.groups().into_iter().chain(granting) {
        let Ok(parsed) = GroupName::parse(name.as_bytes()) else { continue };
        rule_groups.push((name.to_owned(), host.lookups.rule_group(&parsed).await?));
    }
    let mut matches = Vec::new();
    for filter in host.config.access.filters() {
        matches.push((filter.to_string(), host.lookups.matches_now(user, &filter).await?));
    }
    let mut groups = host.lookups.group_entries(user, &membership.sids.to_vec()).await?;
    // As much of their members as this person may know of without being asked: themselves.
    let with_member = |group: &mut GroupEntry| group.members = vec![user.entry.name.clone()];
    groups.iter_mut().for_each(with_member);
    let (user, membership) = (user.clone(), membership.clone());
    Ok(Seen { user, membership, groups, rule_groups, matches })
}

/// Decides the auth phase while nobody answers.
pub(super) async fn decide(
    host: &Host,
    login: &Login<'_>,
    name: &UserName,
    password: &Password,
    error: &DirectoryError,
) -> Decision {
    decided(steps(host, login, name, password, error)).await
}

async fn steps(
    host: &Host,
    login: &Login<'_>,
    name: &UserName,
    password: &Password,
    error: &DirectoryError,
) -> Result<Decision, Stop> {
    let record = before_the_password(host, login, name, error).await?;
    let _turn = host.bind_turns.place(login.uid).await;
    Ok(offline(compare(host, record.sid(), password).await, error))
}

/// What would be decided, if the password were the kept one.
pub(super) async fn foresee(
    host: &Host,
    login: &Login<'_>,
    name: &UserName,
    error: &DirectoryError,
) -> Decision {
    let foreseen = before_the_password(host, login, name, error).await.map(|record| {
        let saved = day(record.saved_at(), SystemTime::now());
        offline(Decision::granted(format!("the password saved on {saved} is compared with")), error)
    });
    decided(std::future::ready(foreseen)).await
}

/// Whether a password of this person is worth comparing: the account's state and the rules go by
/// what AD said when it last let them in.
async fn before_the_password(
    host: &Host,
    login: &Login<'_>,
    name: &UserName,
    error: &DirectoryError,
) -> Result<Arc<Record>, Stop> {
    let now = SystemTime::now();
    let Some(record) = usable(host, name, Some(login.uid), error) else {
        return Err(Decision::unavailable(error).into());
    };
    let user = identity::same(Some(Arc::new(record.user.clone())), login)?;
    match user.record.state.judge(now) {
        Judgement::Open => {}
        Judgement::Closed(refusal) => {
            return Err(offline(Decision::refused(refusal), error).into());
        }
        Judgement::Unreadable(attribute) => {
            return Err(super::account::unreadable(&user, attribute).into());
        }
    }
    let (access, groups) = (&host.config.access, &record.membership.sids);
    let word = Word::Earlier { error, kept: Some(&record) };
    let ruling = rules::rule(access, &host.lookups, login.service, &user, groups, word);
    match ruling.await? {
        rules::Ruling::Allowed(_) => Ok(record),
        rules::Ruling::Refused(why) => {
            Err(offline(Decision::refused_because(Refusal::NotAllowed, why), error).into())
        }
    }
}

/// The record of whom this is, if it may stand in for AD at all.
pub(super) fn usable(
    host: &Host,
    name: &UserName,
    uid: Option<u32>,
    error: &DirectoryError,
) -> Option<Arc<Record>> {
    let record = host.offline.named(name.as_str(), uid)?;
    let days = host.config.pam.offline_days;
    (error.means_nobody_answers() && record.holds(days, SystemTime::now())).then_some(record)
}

/// Says in the journal that this was decided without AD.
fn offline(decision: Decision, error: &DirectoryError) -> Decision {
    let why = format!("offline: {}; {error}", decision.why);
    Decision { why, ..decision }
}

/// What the person is told who is in by a kept password.
pub(super) fn notice(record: &Record, now: SystemTime, password_is_old: bool) -> String {
    let saved = day(record.saved_at(), now);
    let more = match password_is_old {
        true => " It has expired; please change it when you are connected again.",
        false => "",
    };
    format!("Offline: using the password saved on {saved}.{more}")
}

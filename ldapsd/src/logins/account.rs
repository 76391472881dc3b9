//! May this account use this service now, whoever vouched for the person (a key, cron, su)?
//! AD's view of it first, read live, by the auth phase of the same login or now; then our rules.

use std::sync::Arc;
use std::time::SystemTime;

use ldaps_core::config::WithoutAuth;
use ldaps_core::names::UserName;
use ldaps_core::protocol::messages::{Login, Verdict};
use ldaps_core::refusal::Refusal;
use ldaps_directory::{Depth, DirectoryError, Judgement, PasswordState, Wanted};

use super::readings::Reading;
use super::rules::{self, Ruling, Word};
use super::{Decision, identity, offline, trace, workstation};
use crate::host::Host;
use crate::lookups::memory::{KnownUser, Membership};
use crate::offline::record::Record;

/// What decides about an account.
pub(super) const EVERYTHING: Wanted = Wanted { depth: Depth::Password, groups: true };

/// What the account phase knows of how the person was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// By a password that AD has just found right; what it wants first, if it said so then.
    Password(Option<Refusal>),
    /// By one that was kept of an earlier login, while no server answered.
    KeptPassword,
    /// By something that is none of ours: a key, cron, root's word.
    Other,
}

/// An account and its groups, and whether AD said so now or at an earlier time.
pub(super) struct Seen {
    pub(super) user: Option<Arc<KnownUser>>,
    pub(super) membership: Option<Arc<Membership>>,
    pub(super) remembered: Option<DirectoryError>,
    /// What is kept of the account for offline logins, where AD says nothing now.
    kept: Option<Arc<Record>>,
}

impl Seen {
    /// Whose word decides about the account from here on.
    pub(super) fn word(&self) -> Word<'_> {
        let kept = self.kept.as_deref();
        let earlier = |error| Word::Earlier { error, kept };
        self.remembered.as_ref().map_or(Word::NowOrEarlier, earlier)
    }
}

/// Decides the account phase: by what the auth phase of this login has had read, or by what is read
/// now.
pub(crate) async fn decide(
    host: &Arc<Host>,
    login: &Login<'_>,
    name: &UserName,
    authenticated: bool,
    reading: Option<Reading>,
) -> Decision {
    let (read, wanted_first) = match reading {
        Some(reading) => (by_reading(host, &reading).await, reading.wanted_first()),
        None => (None, None),
    };
    let seen = match read {
        Some(seen) => seen,
        None => match see(host, name, Some(login.uid)).await {
            Ok(seen) => seen,
            Err(error) => return Decision::unavailable(&error),
        },
    };
    if seen.remembered.is_none() {
        heed(host, login, &seen).await;
    }
    let by = recognised_by(host, &seen, authenticated, wanted_first);
    let mut decision = match judge(host, login, &seen, by).await {
        Ok(decision) => decision,
        Err(error) => return Decision::unavailable(&error),
    };
    if let Some(error) = seen.remembered {
        decision.why.push_str(&format!("; by what AD said earlier, for now {error}"));
    }
    decision
}

fn recognised_by(
    host: &Host,
    seen: &Seen,
    authenticated: bool,
    wanted_first: Option<Refusal>,
) -> By {
    let has_vouched = |user: &Arc<KnownUser>| host.offline.has_vouched(user.record.sid);
    match (authenticated, &seen.remembered) {
        (false, _) => By::Other,
        (true, Some(_)) if seen.user.as_ref().is_some_and(has_vouched) => By::KeptPassword,
        (true, _) => By::Password(wanted_first),
    }
}

/// What AD says now may end what is kept for offline logins.
async fn heed(host: &Host, login: &Login<'_>, seen: &Seen) {
    offline::heed_account(host, login, seen.user.as_deref()).await;
    if let (Some(user), Some(membership)) = (&seen.user, &seen.membership) {
        offline::heed_groups(host, user, &membership.sids).await;
    }
}

/// What the auth phase has had read, if it came to anything and nothing has been heard since that
/// speaks against it.
async fn by_reading(host: &Host, reading: &Reading) -> Option<Seen> {
    let person = reading.person().await.ok().flatten()?;
    host.lookups.stands_by(&person).then_some(Seen {
        user: Some(person.user),
        membership: person.membership,
        remembered: None,
        kept: None,
    })
}

/// What AD says now; where no server answers, what it said before: within a day, or when it last let
/// in whoever may log in offline.
pub(super) async fn see(
    host: &Host,
    name: &UserName,
    uid: Option<u32>,
) -> Result<Seen, DirectoryError> {
    let lookups = &host.lookups;
    match trace::step("the account and its groups read", lookups.person_now(name, EVERYTHING)).await
    {
        Ok(person) => {
            let (user, membership) = person.map(|person| (person.user, person.membership)).unzip();
            let membership = membership.flatten();
            Ok(Seen { user, membership, remembered: None, kept: None })
        }
        Err(error) => {
            let known = lookups.user_remembered(name).and_then(|user| {
                let membership = lookups.membership_remembered(&user)?;
                Some((user, membership))
            });
            let kept = offline::usable(host, name, uid, &error);
            let of_record = |record: &Arc<Record>| {
                let (user, membership) = (record.user.clone(), record.membership.clone());
                (Arc::new(user), Arc::new(membership))
            };
            let known = known.or_else(|| kept.as_ref().map(of_record));
            let Some((user, membership)) = known else { return Err(error) };
            // One name may have been another's when it was kept.
            let kept = kept.filter(|record| record.sid() == user.record.sid);
            let (user, membership) = (Some(user), Some(membership));
            Ok(Seen { user, membership, remembered: Some(error), kept })
        }
    }
}

async fn judge(
    host: &Host,
    login: &Login<'_>,
    seen: &Seen,
    by: By,
) -> Result<Decision, DirectoryError> {
    let user = match identity::same(seen.user.clone(), login) {
        Ok(user) => user,
        Err(decision) => return Ok(decision),
    };
    match user.record.state.judge(SystemTime::now()) {
        Judgement::Open => {}
        Judgement::Closed(refusal) => return Ok(Decision::refused(refusal)),
        Judgement::Unreadable(attribute) => return Ok(unreadable(&user, attribute)),
    }
    let Some(membership) = &seen.membership else {
        return Ok(unreadable(&user, "tokenGroups"));
    };
    let log_on_to = match workstation::check(&host.config.pam, &user) {
        Ok(note) => note,
        Err(decision) => return Ok(decision),
    };
    let (access, lookups, groups) = (&host.config.access, &host.lookups, &membership.sids);
    let ruling = rules::rule(access, lookups, login.service, &user, groups, seen.word()).await?;
    Ok(match ruling {
        Ruling::Refused(why) => Decision::refused_because(Refusal::NotAllowed, why),
        Ruling::Allowed(why) => by_password(host, &user, by, why + log_on_to),
    })
}

/// The state of the password. It decides for who has just used it; for a key or a cron job it is a
/// note, unless the configuration wants it otherwise. So it is where no server answers: nobody can
/// change a password then, and a lockout of earlier may be over.
fn by_password(host: &Host, user: &KnownUser, by: By, why: String) -> Decision {
    let (pam, state, now) = (&host.config.pam, &user.record.state, SystemTime::now());
    let password = state.password(now);
    let against = match password {
        _ if state.is_locked_out() => Some(Refusal::LockedOut),
        PasswordState::MustChange => Some(Refusal::PasswordMustChange),
        PasswordState::Expired => Some(Refusal::PasswordExpired),
        PasswordState::Good(_) | PasswordState::NotRead => None,
    };
    // AD's answer to the password itself counts for more than what its attributes say: those may be
    // another server's, or be compared with another clock.
    let against = match by {
        By::Password(wanted_first) => against.or(wanted_first),
        By::KeptPassword | By::Other => against,
    };
    let not_read = password == PasswordState::NotRead;
    let deny = pam.password_state_without_auth == WithoutAuth::Deny;
    let noted = |refusal| Decision::granted(format!("{why}; for its password, {refusal}"));
    match (by, against) {
        (By::Password(_), None) if not_read => unread_password(why),
        (By::Other, None) if not_read && deny => unread_password(why),
        (
            By::Password(_),
            Some(refusal @ (Refusal::PasswordMustChange | Refusal::PasswordExpired)),
        ) => Decision::change_first(refusal),
        (By::Password(_), Some(refusal)) => Decision::refused(refusal),
        (By::Password(_), None) => warned(pam.warn_days, password, now, why),
        (By::KeptPassword, against) => {
            let decision = against.map_or_else(|| Decision::granted(why.clone()), noted);
            let expired = against == Some(Refusal::PasswordExpired);
            let record = host.offline.of(user.record.sid);
            let notice = record.map(|record| offline::notice(&record, now, expired));
            Decision { notice, ..decision }
        }
        (By::Other, Some(refusal)) if deny => Decision::refused(refusal),
        (By::Other, Some(refusal)) => noted(refusal),
        (By::Other, None) => Decision::granted(why),
    }
}

/// No server answers, and nobody has logged in here of late to whom AD would have told more: whether
/// the password has to be changed is not known, and not known is not "no".
fn unread_password(why: String) -> Decision {
    let why = format!("{why}, but AD was not asked for the state of the password before");
    Decision { verdict: Verdict::Unavailable, why, notice: None }
}

/// "Your password expires in 5 days."
fn warned(warn_days: u32, password: PasswordState, now: SystemTime, why: String) -> Decision {
    const DAY: u64 = 24 * 3600;
    let granted = Decision::granted(why);
    let PasswordState::Good(Some(expires)) = password else { return granted };
    let left = expires.duration_since(now).unwrap_or_default().as_secs();
    match left / DAY {
        days if days >= u64::from(warn_days) => granted,
        0 => granted.telling("Your password expires in less than a day."),
        1 => granted.telling("Your password expires in 1 day."),
        days => granted.telling(format!("Your password expires in {days} days.")),
    }
}

/// What AD does not show cannot speak for the account: denied, and the right that is missing is
/// named (MS-ADTS 5.1.3.2.1: User-Account-Restrictions and Group-Membership are property sets).
pub(crate) fn unreadable(user: &KnownUser, attribute: &str) -> Decision {
    let right = match attribute {
        "tokenGroups" => "\"Read Token Groups\" (group \"Windows Authorization Access Group\")",
        _ => "\"Read Account Restrictions\"",
    };
    let why = format!(
        "the service account may not read {attribute} of {}; grant it {right} there",
        user.record.dn
    );
    Decision::refused_because(Refusal::StateUnreadable, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn somebody_is_warned_too_early_or_never() {
        let now = SystemTime::now();
        let hours = |hours: u64| PasswordState::Good(Some(now + Duration::from_secs(hours * 3600)));
        let table = [
            (7, PasswordState::Good(None), None),
            (7, hours(24 * 30), None),
            (7, hours(24 * 7 + 1), None),
            (7, hours(24 * 6 + 1), Some("Your password expires in 6 days.")),
            (7, hours(25), Some("Your password expires in 1 day.")),
            (7, hours(1), Some("Your password expires in less than a day.")),
            (0, hours(1), None),
        ];
        for (warn_days, password, notice) in table {
            let decision = warned(warn_days, password, now, String::new());
            assert_eq!(decision.notice.as_deref(), notice, "{warn_days} {password:?}");
        }
    }
}

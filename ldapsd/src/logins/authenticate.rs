//! Is this the account's password? The rules come first, so that who may not log in here costs
//! nobody a bind; then one bind, whose answer is final.

use std::sync::Arc;

use ldaps_core::names::UserName;
use ldaps_core::protocol::messages::Login;
use ldaps_core::refusal::{Refusal, Says};
use ldaps_core::secret::Password;
use ldaps_directory::{BindOutcome, Depth, Judgement, Wanted};
use tokio::time::Instant;

use super::hopeless::{self, Hopeless};
use super::readings::Reading;
use super::stop::{Stop, decided};
use super::{Decision, identity, offline, rules, trace};
use crate::host::Host;
use crate::lookups::memory::{KnownUser, Sids};
use crate::lookups::person::PersonNow;
use crate::peer::Peer;
use crate::status::Numbers;

/// Decides the auth phase.
pub(crate) async fn decide(
    host: &Arc<Host>,
    numbers: &Numbers,
    peer: Peer,
    login: &Login<'_>,
    name: &UserName,
    password: &Password,
) -> Decision {
    // Whatever becomes of this one, what was read for one before it is of no use any more.
    drop(host.readings.take(peer, login));
    match steps(host, numbers, peer, login, name, password).await {
        Err(Stop::Directory(error)) => offline::decide(host, login, name, password, &error).await,
        steps => decided(std::future::ready(steps)).await,
    }
}

async fn steps(
    host: &Arc<Host>,
    numbers: &Numbers,
    peer: Peer,
    login: &Login<'_>,
    name: &UserName,
    password: &Password,
) -> Result<Decision, Stop> {
    let groups = rules::need_groups(&host.config.access, login.service);
    let wanted = Wanted { depth: Depth::Entry, groups };
    let began = Instant::now();
    // The connection for the bind is looked at meanwhile; it is there for the next where none is made.
    let person = host.lookups.person_now(name, wanted);
    let (found, ready) =
        tokio::join!(trace::step("the account read", person), host.directory.ready());
    let (found, membership) = found?.map(|found| (found.user, found.membership)).unzip();
    offline::heed_account(host, login, found.as_deref()).await;
    let user = identity::same(found, login)?;
    let person = PersonNow { user: user.clone(), membership: membership.flatten() };
    let groups = person.membership.as_ref().map(|membership| &membership.sids);
    before_the_bind(host, login, &user, groups).await?;
    let turn = super::turn_to_bind(host, &user).await?;
    let unbound = host.directory.unbound(ready).await?;
    let reading = reading(host, name, began, person);
    let outcome = super::bind(host, numbers, &user, password, unbound).await?;
    drop(turn);
    offline::heed_bind(host, login, &user, password, outcome, &reading).await;
    let hopeless = match outcome {
        BindOutcome::Refused(Refusal::WrongPassword | Refusal::Restriction) => {
            let hopeless = hopeless::of_reading(&user, &reading).await;
            offline::heed_hopeless(host, &user, hopeless).await;
            hopeless
        }
        BindOutcome::Accepted | BindOutcome::Refused(_) => None,
    };
    match outcome {
        BindOutcome::Accepted => host.readings.put(peer, login, reading),
        BindOutcome::Refused(refusal) => match refusal.says() {
            Says::PasswordRight => host.readings.put(peer, login, reading.wanting_first(refusal)),
            Says::PasswordWrong | Says::AccountEnded | Says::Nothing => {}
        },
    }
    Ok(after_the_bind(outcome, hopeless))
}

/// What the account phase is to go by: this person, asked for at `began`, where an earlier login leaves
/// no more to ask; else what AD says while it looks at the password, so that nobody waits for it.
fn reading(host: &Arc<Host>, name: &UserName, began: Instant, person: PersonNow) -> Reading {
    // To keep a password takes the account as it is after AD has taken it.
    let earlier = match (host.config.pam.offline_days, &person.membership) {
        (0, Some(_)) => host.expiries.complete(&person.user),
        _ => None,
    };
    match earlier {
        Some(user) => Reading::done(began, PersonNow { user, ..person }),
        None => Reading::begin(host, name),
    }
}

/// Whether a password of this user, who is in these groups, is worth a bind.
///
/// # Errors
/// It is not, and why.
pub(super) async fn before_the_bind(
    host: &Host,
    login: &Login<'_>,
    user: &KnownUser,
    groups: Option<&Sids>,
) -> Result<(), Stop> {
    if let Judgement::Unreadable(attribute) = user.record.state.judge(std::time::SystemTime::now())
    {
        return Err(super::account::unreadable(user, attribute).into());
    }
    match rules(host, login, user, groups).await? {
        rules::Ruling::Refused(why) => {
            offline::heed_denial(host, user).await;
            Err(Decision::refused_because(Refusal::NotAllowed, why).into())
        }
        rules::Ruling::Allowed(why) => {
            trace::note(why);
            Ok(())
        }
    }
}

/// What AD's answer means, with what is known of an account that no password opens.
pub(super) fn after_the_bind(outcome: BindOutcome, hopeless: Option<Hopeless>) -> Decision {
    match (outcome, hopeless) {
        (BindOutcome::Accepted, _) => Decision::granted("the password is right"),
        // AD says this only to who knows the password: the person goes on, to a new one.
        (
            BindOutcome::Refused(
                refusal @ (Refusal::PasswordExpired | Refusal::PasswordMustChange),
            ),
            _,
        ) => Decision::change_first(refusal),
        (
            BindOutcome::Refused(refusal @ (Refusal::WrongPassword | Refusal::Restriction)),
            Some(hopeless),
        ) => Decision::refused_because(refusal, format!("{refusal}; {hopeless}")),
        (BindOutcome::Refused(refusal), _) => Decision::refused(refusal),
    }
}

async fn rules(
    host: &Host,
    login: &Login<'_>,
    user: &KnownUser,
    groups: Option<&Sids>,
) -> Result<rules::Ruling, Stop> {
    let access = &host.config.access;
    let none = Sids::default();
    let groups = match (rules::need_groups(access, login.service), groups) {
        (false, _) => &none,
        (true, Some(groups)) => groups,
        (true, None) => return Err(super::account::unreadable(user, "tokenGroups").into()),
    };
    let word = rules::Word::Now;
    Ok(rules::rule(access, &host.lookups, login.service, user, groups, word).await?)
}

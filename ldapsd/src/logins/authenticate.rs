//! Is this the account's password? The rules come first, so that who may not log in here costs
//! nobody a bind; then one bind, whose answer is final.

use std::sync::Arc;

use ldaps_core::names::UserName;
use ldaps_core::protocol::messages::Login;
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use ldaps_directory::{BindOutcome, Judgement};

use super::hopeless::{self, Hopeless};
use super::stop::{Stop, decided};
use super::{Decision, identity, offline, rules, trace};
use crate::host::Host;
use crate::lookups::memory::KnownUser;
use crate::status::Numbers;

/// Decides the auth phase.
pub(crate) async fn decide(
    host: &Arc<Host>,
    numbers: &Numbers,
    login: &Login<'_>,
    name: &UserName,
    password: &Password,
) -> Decision {
    match steps(host, numbers, login, name, password).await {
        Err(Stop::Directory(error)) => offline::decide(host, login, name, password, &error).await,
        steps => decided(std::future::ready(steps)).await,
    }
}

async fn steps(
    host: &Arc<Host>,
    numbers: &Numbers,
    login: &Login<'_>,
    name: &UserName,
    password: &Password,
) -> Result<Decision, Stop> {
    let found = trace::step("the account read", host.lookups.user_now(name)).await?;
    offline::heed_account(host, login, found.as_deref()).await;
    let user = identity::same(found, login)?;
    before_the_bind(host, login, &user).await?;
    let outcome = super::bind(host, numbers, &user, password).await?;
    offline::heed_bind(host, login, &user, password, outcome).await;
    let hopeless = match outcome {
        BindOutcome::Refused(Refusal::WrongPassword | Refusal::Restriction) => {
            let hopeless = hopeless::of_account(host, &user).await;
            offline::heed_hopeless(host, &user, hopeless).await;
            hopeless
        }
        BindOutcome::Accepted | BindOutcome::Refused(_) => None,
    };
    Ok(after_the_bind(outcome, hopeless))
}

/// Whether a password of this user is worth a bind.
///
/// # Errors
/// It is not, and why.
pub(super) async fn before_the_bind(
    host: &Host,
    login: &Login<'_>,
    user: &KnownUser,
) -> Result<(), Stop> {
    if let Judgement::Unreadable(attribute) = user.record.state.judge(std::time::SystemTime::now())
    {
        return Err(super::account::unreadable(user, attribute).into());
    }
    match rules(host, login, user).await? {
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

async fn rules(host: &Host, login: &Login<'_>, user: &KnownUser) -> Result<rules::Ruling, Stop> {
    let access = &host.config.access;
    let groups = match rules::need_groups(access, login.service) {
        false => Vec::new(),
        true => match trace::step("its groups read", host.lookups.membership_now(user)).await? {
            Some(membership) => membership.sids.clone(),
            None => return Err(super::account::unreadable(user, "tokenGroups").into()),
        },
    };
    let word = rules::Word::Now;
    Ok(rules::rule(access, &host.lookups, login.service, user, &groups, word).await?)
}

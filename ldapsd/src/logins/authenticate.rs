//! Is this the account's password? The rules come first, so that who may not log in here costs
//! nobody a bind; then one bind, whose answer is final.

use std::sync::Arc;

use ldaps_core::names::UserName;
use ldaps_core::protocol::messages::Login;
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use ldaps_directory::{BindOutcome, Judgement};

use super::stop::{Stop, decided};
use super::{Decision, identity, rules};
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
    decided(steps(host, numbers, login, name, password)).await
}

async fn steps(
    host: &Arc<Host>,
    numbers: &Numbers,
    login: &Login<'_>,
    name: &UserName,
    password: &Password,
) -> Result<Decision, Stop> {
    let user = identity::same(host.lookups.user_now(name).await?, login)?;
    if let Judgement::Unreadable(attribute) = user.record.state.judge(std::time::SystemTime::now())
    {
        return Ok(super::account::unreadable(&user, attribute));
    }
    if let rules::Ruling::Refused(why) = rules(host, login, &user).await? {
        return Ok(Decision::refused_because(Refusal::NotAllowed, why));
    }
    match super::bind(host, numbers, &user, password).await? {
        BindOutcome::Accepted => Ok(Decision::granted("the password is right")),
        // AD says this only to who knows the password: the person goes on, to a new one.
        BindOutcome::Refused(
            refusal @ (Refusal::PasswordExpired | Refusal::PasswordMustChange),
        ) => Ok(Decision::change_first(refusal)),
        BindOutcome::Refused(refusal) => Ok(Decision::refused(refusal)),
    }
}

async fn rules(host: &Host, login: &Login<'_>, user: &KnownUser) -> Result<rules::Ruling, Stop> {
    let access = &host.config.access;
    let groups = match rules::need_groups(access, login.service) {
        false => Vec::new(),
        true => match host.lookups.membership_now(user).await? {
            Some(membership) => membership.sids.clone(),
            None => return Err(super::account::unreadable(user, "tokenGroups").into()),
        },
    };
    let name = &user.entry.name;
    Ok(rules::rule(access, &host.lookups, login.service, name, &groups).await?)
}

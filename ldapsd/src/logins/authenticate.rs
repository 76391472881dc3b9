//! Is this the account's password? The rules come first, so that who may not log in here costs
//! nobody a bind; then one bind, whose answer is final.

use std::sync::Arc;

use ldaps_core::names::UserName;
use ldaps_core::protocol::messages::Login;
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use ldaps_directory::{BindOutcome, DirectoryError, Judgement};

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
    match steps(host, numbers, login, name, password).await {
        Ok(decision) | Err(Stop::Decided(decision)) => decision,
        Err(Stop::Directory(error)) => Decision::unavailable(&error),
    }
}

/// Why the steps ended early.
enum Stop {
    Decided(Decision),
    Directory(DirectoryError),
}

impl From<DirectoryError> for Stop {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

impl From<Decision> for Stop {
    fn from(decision: Decision) -> Self {
        Self::Decided(decision)
    }
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
    numbers.count_bind();
    match host.directory.authenticate(&user.record.dn, password).await? {
        BindOutcome::Accepted => Ok(Decision::granted("the password is right")),
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

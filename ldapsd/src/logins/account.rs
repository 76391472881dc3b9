//! May this account use this service now, whoever vouched for the person (a key, cron, su)?
//! AD's view of it first, read live; then our rules.

use std::sync::Arc;
use std::time::SystemTime;

use ldaps_core::names::UserName;
use ldaps_core::protocol::messages::Login;
use ldaps_core::refusal::Refusal;
use ldaps_directory::{DirectoryError, Judgement};

use super::rules::{self, Ruling};
use super::{Decision, identity};
use crate::host::Host;
use crate::lookups::memory::{KnownUser, Membership};

/// An account and its groups, and whether AD said so now or at an earlier time.
struct Seen {
    user: Option<Arc<KnownUser>>,
    membership: Option<Arc<Membership>>,
    remembered: Option<DirectoryError>,
}

/// Decides the account phase.
pub(crate) async fn decide(host: &Arc<Host>, login: &Login<'_>, name: &UserName) -> Decision {
    let seen = match see(host, name).await {
        Ok(seen) => seen,
        Err(error) => return Decision::unavailable(&error),
    };
    let mut decision = match judge(host, login, &seen).await {
        Ok(decision) => decision,
        Err(error) => return Decision::unavailable(&error),
    };
    if let Some(error) = seen.remembered {
        decision.why.push_str(&format!("; by what AD said earlier, for now {error}"));
    }
    decision
}

/// What AD says now; where no server answers, what it said before.
async fn see(host: &Host, name: &UserName) -> Result<Seen, DirectoryError> {
    let lookups = &host.lookups;
    let live = async {
        let user = lookups.user_now(name).await?;
        let membership = match &user {
            Some(user) => lookups.membership_now(user).await?,
            None => None,
        };
        Ok(Seen { user, membership, remembered: None })
    };
    match live.await {
        Ok(seen) => Ok(seen),
        Err(error) => {
            let known = lookups.user_remembered(name).and_then(|user| {
                let membership = lookups.membership_remembered(&user)?;
                Some((user, membership))
            });
            let Some((user, membership)) = known else { return Err(error) };
            let (user, membership) = (Some(user), Some(membership));
            Ok(Seen { user, membership, remembered: Some(error) })
        }
    }
}

async fn judge(host: &Host, login: &Login<'_>, seen: &Seen) -> Result<Decision, DirectoryError> {
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
    let (access, name) = (&host.config.access, &user.entry.name);
    let ruling = rules::rule(access, &host.lookups, login.service, name, &membership.sids).await?;
    Ok(match ruling {
        Ruling::Refused(why) => Decision::refused_because(Refusal::NotAllowed, why),
        Ruling::Allowed(why) if user.record.state.is_locked_out() => {
            Decision::granted(format!("{why}; AD has locked its password after wrong ones"))
        }
        Ruling::Allowed(why) => Decision::granted(why),
    })
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

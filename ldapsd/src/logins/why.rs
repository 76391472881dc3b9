//! How a login would be decided, step by step, for `ldapsctl why`. The answers come from the very
//! functions that decide logins; the steps show what those look at.

mod steps;

use std::sync::Arc;
use std::time::SystemTime;

use ldaps_core::names::{NameForm, UserName};
use ldaps_core::protocol::admin::{AdminReply, FoundAs, WhyAnswer, WhyAnswers, WhyReport};
use ldaps_core::protocol::messages::Login;
use ldaps_directory::{Depth, DirectoryError};

use super::account::{self, Seen};
use super::hopeless::{self, Hopeless};
use super::stop::decided;
use super::{Decision, authenticate, foresee, may_be_tried, offline};
use crate::host::Host;
use crate::lookups::memory::KnownUser;
use crate::peer::Peer;

/// Walks the decision about one user and one PAM service.
///
/// # Errors
/// [`DirectoryError`]: AD says nothing of the account, now or earlier.
pub(crate) async fn why(
    host: &Arc<Host>,
    peer: Peer,
    name: &str,
    service: &str,
) -> Result<AdminReply, DirectoryError> {
    let parsed = match UserName::parse(name.as_bytes()) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(AdminReply::NoSuchUser(format!("{name:?}: {error}"))),
    };
    if host.lookups.local_names()?.has_user(parsed.as_str()) {
        let why = format!("{name:?} is a user of this host itself, and ldapsd leaves it alone");
        return Ok(AdminReply::NoSuchUser(why));
    }
    let seen = account::see(host, &parsed, None).await?;
    let is_self = seen.user.as_ref().is_some_and(|user| user.entry.uid == peer.uid);
    if peer.uid != 0 && !is_self {
        let why = "only root may ask about others. Ask about yourself, or with sudo";
        return Ok(AdminReply::Denied(why.to_owned()));
    }
    let report = match &seen.user {
        None => WhyReport {
            name: name.to_owned(),
            service: service.to_owned(),
            found: None,
            steps: vec![steps::nobody(host.lookups.why_not(&parsed).await?)],
            answers: None,
        },
        Some(user) => of_user(host, &parsed, service, &seen, user).await,
    };
    Ok(AdminReply::Why(Box::new(report)))
}

async fn of_user(
    host: &Arc<Host>,
    name: &UserName,
    service: &str,
    seen: &Seen,
    user: &Arc<KnownUser>,
) -> WhyReport {
    let groups = seen.membership.as_ref().map(|membership| &membership.sids);
    let hopeless = hopeless::of(&user.record, groups);
    let uid = user.entry.uid;
    let login = Login { user: name.as_str(), uid, service, rhost: "", tty: "", ruser: "" };
    let answers = WhyAnswers {
        auth: answer(auth(host, &login, name, seen, user, hopeless).await),
        account: answer(account::decide(host, &login, name, true, None).await),
        account_without_password: answer(account::decide(host, &login, name, false, None).await),
    };
    WhyReport {
        name: name.as_str().to_owned(),
        service: service.to_owned(),
        found: Some(found_as(host, name, user).await),
        steps: steps::of_user(host, service, seen, user, hopeless).await,
        answers: Some(answers),
    }
}

/// The auth phase without its bind: AD's answer to the right password is foreseen.
async fn auth(
    host: &Host,
    login: &Login<'_>,
    name: &UserName,
    seen: &Seen,
    user: &Arc<KnownUser>,
    hopeless: Option<Hopeless>,
) -> Decision {
    decided(async {
        if let Some(error) = &seen.remembered {
            return Ok(offline::foresee(host, login, name, error).await);
        }
        let groups = seen.membership.as_ref().map(|membership| &membership.sids);
        authenticate::before_the_bind(host, login, user, groups).await?;
        may_be_tried(host, user).await?;
        let (state, now) = (&user.record.state, SystemTime::now());
        let outcome = foresee::outcome(state, hopeless, &dc(host), now);
        Ok(authenticate::after_the_bind(outcome, hopeless))
    })
    .await
}

/// The name of the domain controller in use; empty if there is none.
fn dc(host: &Host) -> String {
    host.directory.status().connected.map(|server| server.name).unwrap_or_default()
}

fn answer(decision: Decision) -> WhyAnswer {
    WhyAnswer { verdict: decision.verdict, why: decision.why }
}

async fn found_as(host: &Host, name: &UserName, user: &KnownUser) -> FoundAs {
    let form = match name.form() {
        NameForm::Bare(_) => "a short name",
        NameForm::At(_) => "a name with \"@\"",
        NameForm::DownLevel { .. } => "a name with its domain before it",
    };
    let found = host.directory.user_and_attribute(name, Depth::Entry).await.ok().flatten();
    FoundAs {
        form: form.to_owned(),
        attribute: found.map(|(_, attribute)| attribute.to_owned()),
        dn: user.record.dn.clone(),
        sid: user.record.sid.to_string(),
        entry: user.entry.clone(),
    }
}

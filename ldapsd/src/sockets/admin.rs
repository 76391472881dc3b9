//! admin.sock: the administrator's tool. How the daemon is and what it knows of a user, for
//! anyone: no more than look-ups show. How a login would be decided, for root about anyone and for
//! others about themselves. What else AD says of a person (`[profile]`), for whom the configuration
//! names. What is held, and the last logins, for root.

mod cache;
mod group;

use std::sync::Arc;
use std::time::SystemTime;

use ldaps_core::names::UserName;
use ldaps_core::protocol::admin::{AdminReply, AdminRequest, ProfileReport, UserReport};
use ldaps_core::protocol::frame;
use ldaps_directory::{Depth, DirectoryError, Judgement, Wanted};

use super::{Reply, Request, reply};
use crate::budget::{Asker, Budget};
use crate::host::Host;
use crate::logins;
use crate::lookups::memory::{Key, KnownUser, Sids};
use crate::lookups::person::PersonNow;
use crate::metrics;
use crate::peer::Peer;
use crate::profile;
use crate::ssh_keys;
use crate::status::{self, Numbers};

/// Answers one request.
pub(crate) async fn answer(
    host: Arc<Host>,
    budget: Arc<Budget>,
    numbers: Arc<Numbers>,
    peer: Peer,
    request: Request,
) -> Reply {
    let request = frame::decode(&request)?;
    if is_for_root(&request) && peer.uid != 0 {
        let uid = peer.uid;
        let why = format!("this is for root alone, and uid {uid} has asked. Ask with sudo");
        return reply(&AdminReply::Denied(why));
    }
    let _place = budget.place(peer.uid).await;
    // The place covers every search of the request: one that waited for another of the same uid's
    // places could wait for itself.
    let asker = Asker { budget: &budget, uid: 0 };
    reply(&match request {
        AdminRequest::Status => AdminReply::Status(numbers.status(&host)),
        AdminRequest::Freshness => AdminReply::Freshness(host.freshness.status()),
        AdminRequest::Sync => host.sync_status(),
        AdminRequest::User(name) => match user(&host, asker, &name).await {
            Ok(Ok((_, report))) => AdminReply::User(report),
            Ok(Err(nobody)) => AdminReply::NoSuchUser(nobody),
            Err(error) => AdminReply::Unavailable(error.to_string()),
        },
        AdminRequest::Profile(name) => match with_profile(&host, asker, peer, &name).await {
            Ok(answer) => answer,
            Err(error) => AdminReply::Unavailable(error.to_string()),
        },
        AdminRequest::SshKeys(name) => match ssh_keys::of_user(&host, asker, &name).await {
            Ok(keys) => AdminReply::SshKeys(keys),
            Err(error) => AdminReply::Unavailable(error.to_string()),
        },
        AdminRequest::Why { name, service } => {
            match logins::why::why(&host, peer, &name, &service).await {
                Ok(answer) => answer,
                Err(error) => AdminReply::Unavailable(error.to_string()),
            }
        }
        AdminRequest::Group(name) => match group::group(&host, &name).await {
            Ok(answer) => answer,
            Err(error) => AdminReply::Unavailable(error.to_string()),
        },
        AdminRequest::Conditions => AdminReply::Conditions(Box::new(status::conditions(&host))),
        AdminRequest::Metrics => AdminReply::Metrics(metrics::families(&host, &numbers)),
        AdminRequest::Flush { anyway } => cache::flush(&host, anyway).await,
        AdminRequest::Refresh(whom) => match cache::refresh(&host, &whom).await {
            Ok(answer) => answer,
            Err(error) => AdminReply::Unavailable(error.to_string()),
        },
        AdminRequest::Export(cursor) => cache::export(&host, cursor.as_ref()),
        AdminRequest::Decisions(after) => AdminReply::Decisions(numbers.recent.after(after)),
    })
}

/// Whether root alone is answered, whomever a request is about.
fn is_for_root(request: &AdminRequest) -> bool {
    match request {
        AdminRequest::Flush { .. }
        | AdminRequest::Refresh(_)
        | AdminRequest::Export(_)
        | AdminRequest::Decisions(_) => true,
        AdminRequest::Status
        | AdminRequest::User(_)
        | AdminRequest::Why { .. }
        | AdminRequest::SshKeys(_)
        | AdminRequest::Freshness
        | AdminRequest::Sync
        | AdminRequest::Profile(_)
        | AdminRequest::Group(_)
        | AdminRequest::Conditions
        | AdminRequest::Metrics => false,
    }
}

/// A user and what anybody is told of them, or why there is nobody of that name.
type Found = Result<(Arc<KnownUser>, UserReport), String>;

async fn user(host: &Host, asker: Asker<'_>, name: &str) -> Result<Found, DirectoryError> {
    let parsed = match UserName::parse(name.as_bytes()) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Err(format!("{name:?}: {error}"))),
    };
    if host.lookups.local_names()?.has_user(parsed.as_str()) {
        let why = format!("{name:?} is a user of this host itself, and ldapsd leaves it alone");
        return Ok(Err(why));
    }
    let wanted = Wanted { depth: Depth::Password, groups: true };
    match host.lookups.person_now(&parsed, wanted).await? {
        Some(person) => {
            let report = report(host, asker, &person).await?;
            Ok(Ok((person.user, report)))
        }
        None => Ok(Err(host.lookups.why_not(&parsed).await?)),
    }
}

async fn with_profile(
    host: &Host,
    asker: Asker<'_>,
    peer: Peer,
    name: &str,
) -> Result<AdminReply, DirectoryError> {
    let (user, report) = match user(host, asker, name).await? {
        Ok(found) => found,
        Err(nobody) => return Ok(AdminReply::NoSuchUser(nobody)),
    };
    let profile = profile::for_caller(host, peer, &user).await?;
    Ok(AdminReply::Profile(Box::new(ProfileReport { user: report, profile })))
}

async fn report(
    host: &Host,
    asker: Asker<'_>,
    person: &PersonNow,
) -> Result<UserReport, DirectoryError> {
    let PersonNow { user, membership } = person;
    let none = Sids::default();
    let (sids, gids) = match membership {
        Some(membership) => (&membership.sids, membership.gids.as_slice()),
        None => (&none, Default::default()),
    };
    let mut groups = Vec::with_capacity(gids.len());
    for gid in gids {
        let group = host.lookups.group(Key::Gid(*gid), asker).await?;
        groups.push((*gid, group.map(|group| group.name.clone()).unwrap_or_default()));
    }
    if let Some(membership) = membership {
        let local = host.lookups.local_names()?;
        for gid in host.lookups.local_gids(membership).await? {
            let name = local.group_of(gid).unwrap_or_default();
            groups.push((gid, format!("{name}, this host's own")));
        }
    }
    let state = match user.record.state.judge(SystemTime::now()) {
        _ if membership.is_none() => Some("the service account may not read tokenGroups".into()),
        Judgement::Open if user.record.state.is_locked_out() => {
            Some("AD has locked its password after wrong ones".to_owned())
        }
        Judgement::Open => None,
        Judgement::Closed(refusal) => Some(refusal.to_string()),
        Judgement::Unreadable(attribute) => {
            Some(format!("the service account may not read {attribute}"))
        }
    };
    Ok(UserReport {
        entry: user.entry.clone(),
        dn: user.record.dn.clone(),
        sid: user.record.sid.to_string(),
        groups,
        state,
        access: logins::access_table(host, user, sids).await?,
    })
}

//! What is held, for root: forgotten, read anew, shown.

use ldaps_core::names::{GroupName, UserName};
use ldaps_core::protocol::admin::AdminReply;
use ldaps_core::protocol::messages::Cursor;
use ldaps_core::protocol::tools::{Flushed, Refreshed, Whom};
use ldaps_directory::DirectoryError;

use crate::host::{self, Host};
use crate::lookups::memory::{KnownGroup, KnownUser, Membership};
use crate::lookups::tended::Anew;

/// Forgets what is held, where it can be asked again.
pub(super) async fn flush(host: &Host, anyway: bool) -> AdminReply {
    if !anyway && host.directory.status().connected.is_none() {
        let why = "no domain controller answers now, so nobody of the directory would be known here \
                   until one does. Wait for that, or say --anyway";
        return AdminReply::Unavailable(why.to_owned());
    }
    let held = host.lookups.forget_everything();
    host.mirror.forgotten();
    host.ssh_keys.forget();
    host.expiries.forget_all();
    // Whoever may log in offline has to be known then.
    let kept = host::recollect(&host.config, &host.lookups, &host.offline);
    // What stands in the shared map is withdrawn when this is answered.
    host.published().await;
    tracing::info!(
        "root has had what is held forgotten: {} users, {} groups",
        held.users,
        held.groups
    );
    AdminReply::Flushed(Flushed { held, kept_for_offline: kept })
}

/// Reads somebody anew, and says what has changed.
///
/// # Errors
/// [`DirectoryError`].
pub(super) async fn refresh(host: &Host, whom: &Whom) -> Result<AdminReply, DirectoryError> {
    let refreshed = match whom {
        Whom::User(name) => match UserName::parse(name.as_bytes()) {
            Ok(name) => user(host, &name).await?,
            Err(error) => return Ok(AdminReply::NoSuchUser(format!("{name:?}: {error}"))),
        },
        Whom::Group(name) => match GroupName::parse(name.as_bytes()) {
            Ok(name) => group(host, &name).await?,
            Err(error) => return Ok(AdminReply::NoSuchGroup(format!("{name:?}: {error}"))),
        },
    };
    host.published().await;
    Ok(AdminReply::Refreshed(refreshed))
}

/// A page of what is held.
pub(super) fn export(host: &Host, cursor: Option<&Cursor>) -> AdminReply {
    match host.lookups.page_of_all(cursor) {
        Some(page) => AdminReply::Exported(page),
        None => AdminReply::Denied("this is no place to go on from".to_owned()),
    }
}

async fn user(host: &Host, name: &UserName) -> Result<Refreshed, DirectoryError> {
    let (user, groups) = host.lookups.user_anew(name).await?;
    let mut changes = differences(&user, of_user);
    if user.after.is_some() {
        changes.extend(differences(&groups, of_membership));
    }
    let why_nobody = match &user.after {
        Some(_) => None,
        None => Some(host.lookups.why_not(name).await?),
    };
    Ok(Refreshed {
        name: user.after.as_ref().map(|user| user.entry.name.clone()),
        why_nobody,
        was_known: user.before.is_some(),
        changes,
    })
}

async fn group(host: &Host, name: &GroupName) -> Result<Refreshed, DirectoryError> {
    let group = host.lookups.group_anew(name).await?;
    let why_nobody = match &group.after {
        Some(_) => None,
        None => Some(host.lookups.why_no_group(name).await?),
    };
    Ok(Refreshed {
        name: group.after.as_ref().map(|group| group.name.clone()),
        why_nobody,
        was_known: group.before.is_some(),
        changes: differences(&group, of_group),
    })
}

type Fields = Vec<(&'static str, String)>;

/// What is another, field by field; nothing where there is no before or no after.
fn differences<Known>(
    anew: &Anew<Known>,
    fields: fn(&Known) -> Fields,
) -> Vec<(String, String, String)> {
    let (Some(before), Some(after)) = (&anew.before, &anew.after) else { return Vec::new() };
    let both = fields(before).into_iter().zip(fields(after));
    let changed = both.filter(|((_, before), (_, after))| before != after);
    changed.map(|((field, before), (_, after))| (field.to_owned(), before, after)).collect()
}

fn of_user(user: &KnownUser) -> Fields {
    let KnownUser { entry, record } = user;
    let state = record.state.judge(std::time::SystemTime::now());
    vec![
        ("name", entry.name.clone()),
        ("uid", entry.uid.to_string()),
        ("gid", entry.gid.to_string()),
        ("full name", entry.gecos.clone()),
        ("home", entry.home.clone()),
        ("shell", entry.shell.clone()),
        ("DN", record.dn.clone()),
        ("account", format!("{state:?}")),
    ]
}

fn of_membership(membership: &Membership) -> Fields {
    vec![("groups", listed(membership.gids.iter().map(ToString::to_string)))]
}

fn of_group(group: &KnownGroup) -> Fields {
    vec![
        ("name", group.name.clone()),
        ("gid", group.gid.to_string()),
        ("members", listed(group.members.iter().map(str::to_owned))),
    ]
}

fn listed(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<String> = texts.collect();
    texts.sort_unstable();
    texts.join(", ")
}

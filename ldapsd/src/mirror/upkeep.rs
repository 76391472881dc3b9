//! What has changed, read again, and what follows from it.

use std::collections::HashSet;
use std::sync::Arc;

use ldaps_core::sid::Sid;
use ldaps_directory::{Change, DirectoryError, GroupRecord, Linked, UserRecord};

use super::Content;
use super::graph::Touched;
use super::walk::with_groups;
use crate::host::Host;
use crate::lookups::mirrored::View;

/// A group as the directory has it now.
struct GroupNow {
    group: Linked<GroupRecord>,
    served: bool,
    users: Vec<Sid>,
    groups: Vec<Sid>,
}

/// Takes in these changes.
///
/// # Errors
/// [`DirectoryError`]; what was to be taken in is to come again.
pub(super) async fn take(
    copy: &mut Content,
    host: &Host,
    changes: &[Change],
) -> Result<(), DirectoryError> {
    // What is no group any more, or no user, is looked for as what it was.
    let Some(graph) = &copy.graph else { return Ok(()) };
    let known: HashSet<Sid> = graph.sids().map(|(sid, _)| sid).collect();
    let is_group = |change: &&Change| change.is_group || known.contains(&change.sid);
    let groups: HashSet<Sid> = changes.iter().filter(is_group).map(|change| change.sid).collect();
    let users: HashSet<Sid> = changes.iter().map(|change| change.sid).collect();
    let users = users.difference(&groups).copied().collect();
    again(copy, host, groups.into_iter().collect(), users).await
}

/// Reads these again. Who is not found, is not there.
///
/// # Errors
/// [`DirectoryError`].
pub(super) async fn again(
    copy: &mut Content,
    host: &Host,
    groups: Vec<Sid>,
    users: Vec<Sid>,
) -> Result<(), DirectoryError> {
    if groups.is_empty() && users.is_empty() {
        return Ok(());
    }
    let view = host.lookups.view().await?;
    let groups_now = groups_now(host, &groups).await?;
    let users_now = host.directory.linked_users(&users).await?;
    let Some(shared) = &mut copy.graph else { return Ok(()) };
    copy.half = true;
    let mut touched = Touched::default();
    let graph = Arc::make_mut(shared);
    let gone: HashSet<Sid> = absent(&groups, groups_now.iter().map(|now| now.group.record.sid));
    for now in groups_now {
        graph.set_group(now.group, now.served, (&now.users, &now.groups), &mut touched);
        // Each walks everybody, and the heart is to beat meanwhile.
        tokio::task::yield_now().await;
    }
    for sid in &gone {
        graph.remove_group(*sid, &mut touched);
        tokio::task::yield_now().await;
    }
    view.forget_groups(gone.into_iter());
    let gone = absent(&users, users_now.iter().map(|user| user.record.sid));
    for (_, rid) in gone.iter().filter_map(Sid::split_rid) {
        graph.remove_person(rid, &mut touched);
    }
    view.forget_users(gone.into_iter());
    users_now.iter().for_each(|user| graph.set_person(user, &mut touched));
    view.take_users(with_groups(graph, &users_now), &graph.served_names()).await?;
    doubted(&users_now, &mut touched);
    view.follow(shared, touched).await?;
    copy.half = false;
    Ok(())
}

/// Everything follows anew, with the entries of users where the host's own names have changed.
///
/// # Errors
/// [`DirectoryError`].
pub(super) async fn everything(
    copy: &Content,
    view: &View,
    users_too: bool,
) -> Result<(), DirectoryError> {
    let Some(graph) = &copy.graph else { return Ok(()) };
    if users_too {
        view.remake_users(graph, graph.people()).await?;
    }
    view.follow(graph, graph.everything()).await
}

/// Whose groups were doubted before the copy was complete is told of anew, whether they have
/// changed or not: nobody asks for them.
fn doubted(users: &[Linked<UserRecord>], touched: &mut Touched) {
    let rids = users.iter().filter_map(|user| user.record.sid.split_rid());
    touched.people.extend(rids.map(|(_, rid)| rid));
}

async fn groups_now(host: &Host, sids: &[Sid]) -> Result<Vec<GroupNow>, DirectoryError> {
    let served: HashSet<Sid> =
        host.directory.groups_by_sid(sids).await?.iter().map(|group| group.sid).collect();
    let mut now = Vec::new();
    for group in host.directory.linked_groups(sids).await? {
        let (users, groups) = host.directory.direct_members(&group.record.dn).await?;
        let served = served.contains(&group.record.sid);
        now.push(GroupNow { group, served, users, groups });
    }
    Ok(now)
}

fn absent(asked: &[Sid], found: impl Iterator<Item = Sid>) -> HashSet<Sid> {
    let mut absent: HashSet<Sid> = asked.iter().copied().collect();
    found.for_each(|sid| {
        absent.remove(&sid);
    });
    absent
}

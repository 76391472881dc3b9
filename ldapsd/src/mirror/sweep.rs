//! The SIDs of everybody, held against the copy: for what no change shows. Who was deleted, moved
//! out of the base or does not match the filter any more is not among them.

use std::collections::HashSet;

use ldaps_core::sid::Sid;
use ldaps_directory::{Directory, DirectoryError, Walk};
use tokio::time::Instant;

use super::graph::Graph;
use super::walk::served_groups;
use super::{Mirror, pause_after, upkeep};
use crate::host::Host;
use crate::lookups::mirrored::Sighting;

/// Who is there.
struct There {
    users: HashSet<Sid>,
    /// All groups, and whether each is served.
    groups: HashSet<(Sid, bool)>,
}

impl Mirror {
    /// Looks who is there. Who is missed is looked for by SID before it is forgotten: it may have
    /// come since.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(super) async fn sweep(&self, host: &Host) -> Result<(), DirectoryError> {
        let since = Instant::now();
        let walk = host.directory.walk().await?;
        let there = there(&host.directory, &walk).await?;
        let view = host.lookups.view().await?;
        let mut copy = self.copy.lock().await;
        let Some(graph) = copy.graph.clone().filter(|_| !copy.half) else {
            self.begin_anew(&mut copy);
            return Ok(());
        };
        let (mut groups, mut users) = differences(&graph, &there);
        // What was doubted before the copy was complete, and nobody has asked for since.
        let (doubted_groups, doubted_users) = host.lookups.doubted();
        groups.extend(doubted_groups);
        users.extend(doubted_users);
        let names = view.host_names();
        let before = self.lock_progress().host_names.clone();
        let have_changed = before.as_ref().is_some_and(|before| names.are_others(before));
        if have_changed {
            users.extend(view.withheld(&graph));
        }
        drop(graph);
        upkeep::again(&mut copy, host, groups, users).await?;
        if have_changed || before.is_none() {
            upkeep::everything(&copy, &view, have_changed).await?;
            self.lock_progress().host_names = Some(names);
        }
        if let Some(graph) = &copy.graph {
            self.lock_progress().swept(graph.counts());
        }
        if !copy.recollected {
            let groups = there.groups.into_iter().filter_map(|(sid, served)| served.then_some(sid));
            host.lookups.saw(&Sighting { since, users: there.users, groups: groups.collect() });
        }
        Ok(())
    }
}

/// The groups and users that are on one side alone.
fn differences(graph: &Graph, there: &There) -> (Vec<Sid>, Vec<Sid>) {
    let known: HashSet<(Sid, bool)> = graph.sids().collect();
    let groups = known.symmetric_difference(&there.groups).map(|(sid, _)| *sid);
    let groups: HashSet<Sid> = groups.collect();
    let known = graph.people().filter_map(|rid| graph.domain.with_rid(rid));
    let gone = known.filter(|sid| !there.users.contains(sid));
    let is_new = |sid: &&Sid| {
        sid.split_rid().is_some_and(|(of, rid)| of == graph.domain && !graph.has_person(rid))
    };
    let new = there.users.iter().filter(is_new).copied();
    (groups.into_iter().collect(), gone.chain(new).collect())
}

async fn there(directory: &Directory, walk: &Walk) -> Result<There, DirectoryError> {
    let served = served_groups(directory, walk).await?;
    let (mut groups, mut users) = (HashSet::new(), HashSet::new());
    let mut cookie = Vec::new();
    loop {
        let start = Instant::now();
        let page = directory.walk_group_sids(walk, cookie).await?;
        groups.extend(page.records.into_iter().map(|sid| (sid, served.contains(&sid))));
        if page.next.is_empty() {
            break;
        }
        cookie = page.next;
        pause_after(start).await;
    }
    cookie = Vec::new();
    loop {
        let start = Instant::now();
        let page = directory.walk_user_sids(walk, cookie).await?;
        users.extend(page.records);
        if page.next.is_empty() {
            return Ok(There { users, groups });
        }
        cookie = page.next;
        pause_after(start).await;
    }
}

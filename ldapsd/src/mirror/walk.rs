//! Everybody, read once: the groups, the users, and what follows.

use std::collections::HashSet;
use std::sync::Arc;

use ldaps_core::sid::Sid;
use ldaps_directory::{Changes, Directory, DirectoryError, GroupRecord, Linked, UserRecord, Walk};
use tokio::time::Instant;

use super::graph::{Graph, Touched};
use super::{Content, Mirror, THOUSANDS_OF_CHANGES, pause_after, upkeep};
use crate::host::Host;
use crate::lookups::mirrored::View;

/// Users who are taken in at once, between two answers to somebody else.
const BATCH: usize = 50;

impl Mirror {
    /// Reads everybody, page by page. The copy is complete when this returns.
    ///
    /// # Errors
    /// [`DirectoryError`]: nothing is complete, and it is to be begun anew. Who was read is known
    /// all the same.
    pub(super) async fn walk(&self, host: &Host) -> Result<(), DirectoryError> {
        self.lock_progress().begins();
        let (directory, view) = (&*host.directory, host.lookups.view().await?);
        let walk = directory.walk().await?;
        let served = served_groups(directory, &walk).await?;
        let about = self.count_users(directory, &walk).await?;
        self.lock_progress().expects(about, served.len());
        let groups = self.all_groups(directory, &walk).await?;
        let mut graph = Graph::of_groups(walk.domain(), groups, &served);
        self.all_users(directory, &walk, &view, &mut graph).await?;
        self.lock_progress().links();
        let graph = Arc::new(graph);
        view.forget_others(&graph);
        self.catch_up(host, &walk, &view, graph).await
    }

    /// What has changed since the walk began may not be in it. From here on the polls bring what
    /// changes, too, and wait until this is done: between the two there is no gap.
    async fn catch_up(
        &self,
        host: &Host,
        walk: &Walk,
        view: &View,
        graph: Arc<Graph>,
    ) -> Result<(), DirectoryError> {
        let mut copy = self.copy.lock().await;
        *copy = Content { graph: Some(graph), ..Content::default() };
        let caught_up = async {
            let poll = host.directory.changes(Some(walk.position()), THOUSANDS_OF_CHANGES).await?;
            match &poll.changes {
                Changes::These(changes) => upkeep::take(&mut copy, host, changes).await?,
                Changes::Unknown => {
                    return Err(DirectoryError::Unusable {
                        what: "what has changed meanwhile",
                        problem: "it cannot be told, or is too much".to_owned(),
                    });
                }
            }
            copy.position = Some(poll.position);
            upkeep::everything(&copy, view, false).await
        };
        if let Err(error) = caught_up.await {
            *copy = Content::default();
            return Err(error);
        }
        let counts = copy.graph.as_ref().map(|graph| graph.counts()).unwrap_or_default();
        self.lock_progress().completes(counts, view);
        let (users, groups) = counts;
        tracing::info!("all {users} users and {groups} groups of the directory are known");
        self.put_down(&mut copy);
        Ok(())
    }

    async fn count_users(
        &self,
        directory: &Directory,
        walk: &Walk,
    ) -> Result<usize, DirectoryError> {
        let (mut count, mut cookie) = (0, Vec::new());
        loop {
            let start = Instant::now();
            let page = directory.walk_user_sids(walk, cookie).await?;
            count += page.records.len();
            if page.next.is_empty() {
                return Ok(count);
            }
            cookie = page.next;
            pause_after(start).await;
        }
    }

    async fn all_groups(
        &self,
        directory: &Directory,
        walk: &Walk,
    ) -> Result<Vec<Linked<GroupRecord>>, DirectoryError> {
        let (mut groups, mut cookie) = (Vec::new(), Vec::new());
        loop {
            let start = Instant::now();
            let page = directory.walk_groups(walk, cookie).await?;
            groups.extend(page.records);
            if page.next.is_empty() {
                return Ok(groups);
            }
            cookie = page.next;
            pause_after(start).await;
        }
    }

    async fn all_users(
        &self,
        directory: &Directory,
        walk: &Walk,
        view: &View,
        graph: &mut Graph,
    ) -> Result<(), DirectoryError> {
        let names = graph.served_names();
        let mut cookie = Vec::new();
        loop {
            let start = Instant::now();
            let page = directory.walk_users(walk, cookie).await?;
            for batch in page.records.chunks(BATCH) {
                batch.iter().for_each(|user| graph.set_person(user, &mut Touched::default()));
                let users = with_groups(graph, batch);
                view.take_users(users, &names).await?;
                tokio::task::yield_now().await;
            }
            self.lock_progress().read(page.records.len());
            if page.next.is_empty() {
                return Ok(());
            }
            cookie = page.next;
            pause_after(start).await;
        }
    }
}

/// These users, each with the groups that follow from the graph.
pub(super) fn with_groups(
    graph: &Graph,
    users: &[Linked<UserRecord>],
) -> Vec<(UserRecord, Vec<Sid>)> {
    let groups = |user: &UserRecord| {
        let (_, rid) = user.sid.split_rid()?;
        graph.roots(rid).map(|roots| graph.token(roots))
    };
    let users = users.iter().map(|user| &user.record);
    users.map(|user| (user.clone(), groups(user).unwrap_or_default())).collect()
}

/// The SIDs of all groups that are served.
pub(super) async fn served_groups(
    directory: &Directory,
    walk: &Walk,
) -> Result<HashSet<Sid>, DirectoryError> {
    let (mut sids, mut cookie) = (HashSet::new(), Vec::new());
    loop {
        let start = Instant::now();
        let page = directory.walk_served_groups(walk, cookie).await?;
        sids.extend(page.records);
        if page.next.is_empty() {
            return Ok(sids);
        }
        cookie = page.next;
        pause_after(start).await;
    }
}

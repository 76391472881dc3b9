//! `sync = "all"`: everybody whom this host serves, read before anybody asks for them.
//!
//! ```text
//! walk      at the beginning, and where changes cannot be told: all groups, all users, page by page,
//!           and what follows from who is in which group
//! upkeep    what the poll says has changed is read again, and what follows from it
//! sweep     the SIDs of everybody, page by page, every half of `positive`: who is gone, moved
//!           away, or there without a change that tells
//! graph     who is directly in which group, and what follows
//! progress  how far it is, for `ldapsctl status`
//! ```
//!
//! What is read goes into the memory of the look-ups, as if somebody had asked. No half is shown as a
//! whole: a copy is complete when a walk has come to its end and the changes since its beginning are in
//! it. Across a restart it is complete if the domain controller can tell what has changed since.

pub(crate) mod graph;
pub(crate) mod listing;
mod progress;
pub(crate) mod saved;
mod sweep;
mod upkeep;
mod walk;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldaps_core::config::Sync;
use ldaps_directory::{Changes, DirectoryError, Position};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::host::Host;
use graph::Graph;
use progress::Progress;
use saved::Saved;

/// How soon a walk that has failed is begun anew, and how rarely walks begin at all.
const ANEW_AFTER: Duration = Duration::from_secs(5);
/// How often what the copy is of is written down, while something changes.
const SAVE_EVERY: Duration = Duration::from_secs(600);
/// Thousands of changes that are caught up with; with more, everything is read again.
pub(crate) const THOUSANDS_OF_CHANGES: usize = 20;
/// The longest pause between two pages.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The copy.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    /// Held while something is taken in: one thing after the other.
    copy: tokio::sync::Mutex<Content>,
    progress: Mutex<Progress>,
    /// To be written down.
    to_save: Mutex<Option<Arc<Saved>>>,
    anew: Notify,
}

#[derive(Debug, Default)]
struct Content {
    /// None: nothing is complete.
    graph: Option<Arc<Graph>>,
    /// Up to which change everything is in it.
    position: Option<Position>,
    /// Something is being taken in: still so at the next time, it was not taken in to its end.
    half: bool,
    /// It is from before the start, and what has changed since is not known yet.
    recollected: bool,
    saved: Option<Instant>,
}

/// Keeps the copy. Runs for as long as the host is in force.
pub(crate) async fn keep(host: Arc<Host>) {
    match host.config.cache.sync {
        Sync::Asked => return,
        Sync::All => {}
    }
    let pause = host.config.cache.positive / 2;
    // What was taken over is held against the directory at once: it may be from long ago.
    let mut is_due = true;
    loop {
        if !host.mirror.is_complete() {
            if let Err(error) = host.mirror.walk(&host).await {
                // The link tells the journal; a night without a server is not to fill it.
                tracing::debug!("the reading of all users and groups begins anew: {error}");
                host.mirror.lock_progress().failed(error.to_string());
                tokio::time::sleep(ANEW_AFTER).await;
            }
            is_due = false;
            continue;
        }
        if std::mem::take(&mut is_due) && host.mirror.sweep(&host).await.is_err() {
            // The link tells the journal.
            tokio::time::sleep(ANEW_AFTER.min(pause)).await;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => is_due = true,
            () = host.mirror.anew.notified() => {}
        }
    }
}

impl Mirror {
    /// Whether everybody is in it.
    pub(crate) fn is_complete(&self) -> bool {
        self.lock_progress().is_complete()
    }

    /// Takes up what was written down by the daemon before this one; from where changes are to be
    /// asked for.
    pub(crate) fn recollect(&self, saved: Saved) -> Option<Position> {
        let mut copy = self.copy.try_lock().ok()?;
        let Saved { graph, position, done, .. } = saved;
        let graph = Arc::new(Arc::unwrap_or_clone(graph).restored());
        self.lock_progress().recollected(graph.counts(), done);
        *copy = Content {
            graph: Some(graph),
            position: Some(position.clone()),
            recollected: true,
            ..Content::default()
        };
        Some(position)
    }

    /// What it was of has been forgotten: everybody is read again. A walk that is on its way is waited
    /// for, since its beginning was forgotten too.
    pub(crate) fn forgotten(self: &Arc<Self>) {
        let mirror = self.clone();
        tokio::spawn(async move {
            let mut copy = mirror.copy.lock().await;
            mirror.begin_anew(&mut copy);
        });
    }

    /// Up to which change everything is in it, if it is complete.
    pub(crate) fn position(&self) -> Option<Position> {
        self.copy.try_lock().ok()?.position.clone()
    }

    /// Takes in what a poll says has changed, if the copy is complete: then it need not be looked
    /// for by anybody else. The position is where the next poll goes on; None, where it is not the
    /// poll that tells.
    ///
    /// # Errors
    /// [`DirectoryError`]: it is to be told again.
    pub(crate) async fn take(
        &self,
        host: &Host,
        changes: &Changes,
        position: Option<&Position>,
    ) -> Result<bool, DirectoryError> {
        let mut copy = self.copy.lock().await;
        let changes = match changes {
            _ if copy.graph.is_none() => return Ok(false),
            Changes::These(changes) if !copy.half => changes,
            Changes::These(_) | Changes::Unknown => {
                self.begin_anew(&mut copy);
                return Ok(false);
            }
        };
        upkeep::take(&mut copy, host, changes).await?;
        if std::mem::take(&mut copy.recollected) {
            host.lookups.trust_recollected();
        }
        if let Some(graph) = &copy.graph {
            self.lock_progress().counted(graph.counts());
        }
        if let Some(position) = position {
            copy.position = Some(position.clone());
            if copy.saved.is_none_or(|moment| moment.elapsed() > SAVE_EVERY) {
                self.put_down(&mut copy);
            }
        }
        Ok(true)
    }

    /// Has everything written down as it is now, before the daemon ends.
    pub(crate) fn settle(&self) {
        if let Ok(mut copy) = self.copy.try_lock()
            && !copy.half
            && self.is_complete()
        {
            self.put_down(&mut copy);
        }
    }

    /// What is to be written down: whatever it is of is in the outboxes by now.
    pub(crate) fn to_save(&self) -> Option<Arc<Saved>> {
        self.to_save.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This was written down.
    pub(crate) fn saved(&self, saved: &Arc<Saved>) {
        let mut to_save = self.to_save.lock().unwrap_or_else(PoisonError::into_inner);
        if to_save.as_ref().is_some_and(|waiting| Arc::ptr_eq(waiting, saved)) {
            *to_save = None;
        }
    }

    fn put_down(&self, copy: &mut Content) {
        // From before the start, and not caught up with: what is written down is as good.
        let done = self.lock_progress().done();
        if let (Some(graph), Some(position), Some(done), false) =
            (&copy.graph, &copy.position, done, copy.recollected)
        {
            let (graph, position) = (graph.clone(), position.clone());
            let saved = Some(Arc::new(Saved { graph, position, done }));
            *self.to_save.lock().unwrap_or_else(PoisonError::into_inner) = saved;
            copy.saved = Some(Instant::now());
        }
    }

    fn begin_anew(&self, copy: &mut Content) {
        *copy = Content::default();
        self.lock_progress().begins_anew();
        self.anew.notify_one();
    }

    fn lock_progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between two pages the domain controller has as long for others as the page took.
async fn pause_after(page: Instant) {
    tokio::time::sleep(page.elapsed().min(LONGEST_PAUSE)).await;
}

//! Changes that the domain controller tells of as they happen (`notify = true`): each is taken in at
//! once, as if a poll had found it. The poll goes on, and while nobody tells, as often as usual.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldaps_core::protocol::admin::NotifyStatus;
use ldaps_directory::{Change, Changes, DirectoryError, Told};
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::Instant;

use super::take;
use crate::host::Host;

/// So long after a change it is waited for more of them: a script makes many at once.
const MORE: Duration = Duration::from_millis(50);
/// So many are taken in at once.
const MOST: usize = 500;
/// So many may wait to be taken in; where there are more, a poll finds all of them at once.
const WAITING: usize = 10 * MOST;
/// How soon it is tried again after the connection was lost; a service account that was refused is
/// not to be locked out.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
const REFUSED_AGAIN_AFTER: Duration = Duration::from_secs(600);

/// How the telling goes.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    state: Mutex<State>,
    /// A poll is wanted now: what changed before the telling began was not told.
    pub(super) poll: Notify,
}

#[derive(Debug, Default)]
struct State {
    listening: Option<Instant>,
    changes: u64,
    problem: Option<String>,
}

/// Listens for as long as the host is in force.
pub(super) async fn keep(host: Arc<Host>) {
    loop {
        let (tell, told) = channel(WAITING);
        let error = tokio::select! {
            heard = host.directory.listen(&tell) => heard.err(),
            () = take_in(&host, told) => None,
        };
        let wait = match &error {
            Some(DirectoryError::ServiceAccount { .. }) => REFUSED_AGAIN_AFTER,
            _ => AGAIN_AFTER,
        };
        host.freshness.notices().end(error);
        tokio::time::sleep(wait).await;
    }
}

/// Takes in what is told; returns when that could not be done, for then it would be lost.
async fn take_in(host: &Host, mut told: Receiver<Told>) {
    while let Some(first) = told.recv().await {
        let mut changes = Vec::new();
        let mut next = Some(first);
        while let Some(one) = next {
            match one {
                Told::Listening => host.freshness.notices().begin(),
                Told::Changed(change) => changes.push(change),
            }
            let is_enough = changes.is_empty() || changes.len() >= MOST;
            let more = tokio::time::timeout(MORE, told.recv());
            next = if is_enough { None } else { more.await.ok().flatten() };
        }
        let count = changes.len();
        if count > 0 && take(host, Changes::These(last_of_each(changes)), None).await.is_err() {
            return;
        }
        host.freshness.notices().lock().changes += count as u64;
    }
}

/// What changes twice is read once.
fn last_of_each(mut changes: Vec<Change>) -> Vec<Change> {
    changes.reverse();
    let mut seen = std::collections::HashSet::new();
    changes.retain(|change| seen.insert(change.sid));
    changes
}

impl Notices {
    /// Whether the domain controller tells now.
    pub(super) fn are_told(&self) -> bool {
        self.lock().listening.is_some()
    }

    /// How it goes.
    pub(crate) fn status(&self) -> NotifyStatus {
        let state = self.lock();
        NotifyStatus {
            listening_s: state.listening.map(|moment| moment.elapsed().as_secs()),
            changes: state.changes,
            problem: state.problem.clone(),
        }
    }

    fn begin(&self) {
        let mut state = self.lock();
        state.listening = Some(Instant::now());
        state.problem = None;
        drop(state);
        self.poll.notify_one();
    }

    fn end(&self, error: Option<DirectoryError>) {
        let problem = error.map(|error| error.to_string());
        let mut state = self.lock();
        if state.listening.take().is_some() || (problem.is_some() && state.problem != problem) {
            let problem = problem.as_deref().unwrap_or("what was told could not be looked at");
            tracing::info!("changes are polled for, and not told of at once: {problem}");
        }
        state.problem = problem.or(state.problem.take());
        drop(state);
        self.poll.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Changes in the directory, seen in seconds.
//!
//! ```text
//! every `poll`    highestCommittedUSN; if it moved, which objects changed since: those are doubted,
//!                 and asked for again when somebody wants them        -> lookups/changed.rs
//! as they happen  with `notify`, the domain controller tells      -> notices.rs
//! in rotation     all users and groups that are held, a hundred in one search, each within
//!                 `positive`: who is not found any more is forgotten  -> lookups/rotation.rs
//! ```
//!
//! With `sync = "all"` the copy of everybody takes in what has changed, and holds itself against the
//! directory: see `mirror`.
//!
//! Update sequence numbers are each domain controller's own: at another one, or at one that was
//! restored, nothing can be said of what has changed, so everything is doubted and counted anew.

mod notices;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldaps_core::config::Sync;
use ldaps_core::protocol::admin::FreshnessStatus;
use ldaps_core::sid::Sid;
use ldaps_directory::{Changes, DirectoryError, Poll, Position};
use tokio::time::Instant;

use crate::host::Host;
use crate::mirror;
use notices::Notices;

/// A search that takes long is made more rarely: a domain controller spends a two-hundredth of its
/// time on it for this host at most.
const RARER_BY: u32 = 200;
/// But as often as this.
const RAREST: Duration = Duration::from_secs(60);

/// Thousands of changes that are looked at; with more, all that is known is doubted.
const THOUSANDS_OF_CHANGES: usize = 5;
/// How often it is polled while the domain controller does not tell of changes, though it should.
const UNTOLD: Duration = Duration::from_secs(10);

/// How the polling goes, for `ldapsctl status`.
#[derive(Debug, Default)]
pub(crate) struct Freshness {
    state: Mutex<State>,
    notices: Notices,
}

#[derive(Debug, Default)]
struct State {
    position: Option<Position>,
    polled: Option<Instant>,
    wait: Duration,
    polls: u64,
    searches: u64,
    changes: u64,
    anew: u64,
    verified: u64,
}

/// Keeps what this host knows as the directory has it. Runs for as long as the host is in force.
pub(crate) async fn keep(host: Arc<Host>) {
    let told = async {
        match host.config.cache.notify {
            true => notices::keep(host.clone()).await,
            false => std::future::pending().await,
        }
    };
    tokio::join!(poll(&host), rotate(&host), end_what_is_saved_of_the_gone(&host), told);
}

async fn poll(host: &Host) {
    loop {
        let poll = host.poll();
        let wait = match once(host).await {
            Ok(searched) => pause(poll, searched),
            // The link tells the journal, and tries the servers.
            Err(_) => poll.min(RAREST),
        };
        host.freshness.lock().wait = wait;
        tokio::select! {
            () = tokio::time::sleep(jittered(wait)) => {}
            () = host.freshness.notices.poll.notified() => {}
        }
    }
}

/// Who is known, in turn. The copy of everybody does this by itself, and cheaper.
async fn rotate(host: &Host) {
    match host.config.cache.sync {
        Sync::Asked => {}
        Sync::All => return,
    }
    let every = every(host);
    loop {
        // Not before the first poll: what is known from before the start is held for nothing yet.
        tokio::time::sleep(jittered(every)).await;
        if let Ok(verified) = host.lookups.rotate(every).await {
            host.freshness.lock().verified += verified;
        }
    }
}

/// Ends what is saved for offline logins of whoever the directory has no more. A login would end it,
/// but nobody tries a name that is nobody's; and whichever way it was found out, such a user is not held.
async fn end_what_is_saved_of_the_gone(host: &Host) {
    let mut there: HashMap<Sid, Instant> = HashMap::new();
    loop {
        tokio::time::sleep(jittered(every(host))).await;
        // Who is there, and hidden by a local name for one, is not held either.
        there.retain(|_, seen| seen.elapsed() < host.config.cache.positive);
        let saved = host.offline.all().into_iter().map(|record| record.sid());
        let not_held: Vec<Sid> =
            saved.filter(|sid| !there.contains_key(sid) && !host.lookups.holds(*sid)).collect();
        let Ok(gone) = host.lookups.gone_of(&not_held).await else { continue };
        there.extend(not_held.into_iter().map(|sid| (sid, Instant::now())));
        for sid in gone {
            host.offline.forget(sid, "the directory has no such user any more").await;
        }
    }
}

/// The time between two steps.
fn every(host: &Host) -> Duration {
    host.config.cache.poll.min(RAREST)
}

/// One poll; how long the search took.
async fn once(host: &Host) -> Result<Option<Duration>, DirectoryError> {
    let since = host.freshness.lock().position.clone();
    let most = match host.config.cache.sync {
        Sync::Asked => THOUSANDS_OF_CHANGES,
        Sync::All => mirror::THOUSANDS_OF_CHANGES,
    };
    let polled = host.directory.changes(since.as_ref(), most).await?;
    let Poll { position, changes, searched } = polled;
    let counted = match &changes {
        Changes::These(changes) => changes.len(),
        Changes::Unknown => 0,
    };
    let is_anew = matches!(changes, Changes::Unknown);
    take(host, changes, Some(&position)).await?;
    let mut state = host.freshness.lock();
    state.position = Some(position);
    state.polled = Some(Instant::now());
    state.polls += 1;
    state.searches += u64::from(searched.is_some());
    state.changes += counted as u64;
    state.anew += u64::from(is_anew);
    Ok(searched)
}

/// Takes in what has changed: into the copy of everybody, or by doubting who is concerned.
async fn take(
    host: &Host,
    changes: Changes,
    position: Option<&Position>,
) -> Result<(), DirectoryError> {
    host.lookups.not_nobody(&changes);
    match host.mirror.take(host, &changes, position).await? {
        true => Ok(()),
        false => host.lookups.take_changes(changes).await,
    }
}

fn pause(poll: Duration, searched: Option<Duration>) -> Duration {
    let dear = searched.unwrap_or_default().saturating_mul(RARER_BY);
    poll.max(dear.min(RAREST))
}

/// A fifth more or less: a thousand hosts that were started at once do not ask at once for ever.
fn jittered(wait: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 400;
    wait.saturating_mul(u32::try_from(800 + random).unwrap_or(1000)) / 1000
}

impl Host {
    /// How often it is polled now.
    fn poll(&self) -> Duration {
        let (cache, is_told) = (&self.config.cache, self.freshness.notices.are_told());
        if cache.notify && !is_told { cache.poll.min(UNTOLD) } else { cache.poll }
    }
}

impl Freshness {
    /// Goes on from a change up to which everything is known.
    pub(crate) fn go_on_from(&self, position: Option<Position>) {
        self.lock().position = position;
    }

    /// How the telling of changes goes.
    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    /// How it goes.
    pub(crate) fn status(&self) -> FreshnessStatus {
        let state = self.lock();
        FreshnessStatus {
            server: state.position.as_ref().map(|position| position.server.to_string()),
            usn: state.position.as_ref().map(|position| position.usn),
            polled_s: state.polled.map(|moment| moment.elapsed().as_secs()),
            every_s: state.wait.as_secs(),
            polls: state.polls,
            searches: state.searches,
            changes: state.changes,
            anew: state.anew,
            verified: state.verified,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dear_search_is_made_as_often_as_a_cheap_one() {
        let (poll, ms) = (Duration::from_secs(10), Duration::from_millis);
        assert_eq!(pause(poll, None), poll);
        assert_eq!(pause(poll, Some(ms(1))), poll);
        assert_eq!(pause(poll, Some(ms(100))), Duration::from_secs(20));
        assert_eq!(pause(poll, Some(ms(4000))), RAREST);
        assert_eq!(pause(RAREST, Some(ms(1))), RAREST);
    }

    #[test]
    fn hosts_ask_all_at_once_or_too_rarely() {
        let waits: Vec<_> = (0..100).map(|_| jittered(Duration::from_secs(10))).collect();
        assert!(waits.iter().all(|wait| (8..12).contains(&wait.as_secs())), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}

//! What has changed in memory, for whoever keeps a copy of it: the files that outlast the daemon,
//! the map that other processes read.
//!
//! An outbox says *of whom* something has changed, not what: whoever empties it asks memory how
//! that one is now. So it holds each of them once, however fast they change and however slow the
//! copy is made.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldaps_core::sid::Sid;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::memory::Key;

/// So long after a change whoever keeps a copy is woken: the look-up that has brought it is answered
/// first, and one copying is enough for those that come with it.
const BREATH: Duration = Duration::from_millis(20);

/// Of whom something has changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// The user with this SID.
    User(Sid),
    /// The group with this gid.
    Group(u32),
    /// The groups of the user with this SID.
    Membership(Sid),
    /// That nobody has this name or id: it was asked for again, or is not so any more.
    Nobody(Key),
}

/// Of whom something has changed since it was last emptied.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    /// How many of those that were told the copy has.
    copied: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Waiting {
    subjects: HashSet<Subject>,
    /// How often something was told.
    told: u64,
    /// Whoever waits is about to be woken.
    announced: bool,
    poked: bool,
    closed: bool,
}

/// What was in an outbox.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Emptied {
    pub(crate) subjects: HashSet<Subject>,
    told: u64,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { waiting: Mutex::default(), filled: Condvar::new(), copied: watch::Sender::new(0) }
    }
}

impl Outbox {
    pub(super) fn put(self: &Arc<Self>, subject: Subject) {
        let mut waiting = self.lock();
        waiting.subjects.insert(subject);
        waiting.told += 1;
        if !std::mem::replace(&mut waiting.announced, true) {
            self.announce();
        }
    }

    fn announce(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return self.filled.notify_all() };
        let outbox = self.clone();
        runtime.spawn(async move {
            tokio::time::sleep(BREATH).await;
            outbox.filled.notify_all();
        });
    }

    /// Nothing will come any more: whoever waits hears of it.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Whoever keeps the copy is to look around, though nothing has changed in memory.
    pub(crate) fn poke(&self) {
        self.lock().poked = true;
        self.filled.notify_all();
    }

    /// Waits until something has changed, this long at most, and empties the box; None: it is empty
    /// and closed. Blocks the thread.
    pub(crate) fn wait(&self, patience: Duration) -> Option<Emptied> {
        let is_idle = |waiting: &mut Waiting| {
            waiting.subjects.is_empty() && !waiting.poked && !waiting.closed
        };
        let waited = self.filled.wait_timeout_while(self.lock(), patience, is_idle);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        (waiting.poked, waiting.announced) = (false, false);
        let emptied =
            Emptied { subjects: std::mem::take(&mut waiting.subjects), told: waiting.told };
        (!emptied.subjects.is_empty() || !waiting.closed).then_some(emptied)
    }

    /// The copy has all of this.
    pub(crate) fn is_copied(&self, emptied: &Emptied) {
        self.copied.send_replace(emptied.told);
    }

    /// Waits until the copy has all that was told before this moment.
    pub(crate) async fn copied(&self) {
        let told = self.lock().told;
        self.filled.notify_all();
        let mut copied = self.copied.subscribe();
        // It fails when the box is gone, and then nobody waits here.
        let _ = copied.wait_for(|copied| *copied >= told).await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All who keep a copy of one memory.
#[derive(Debug, Default)]
pub(super) struct Outboxes(Vec<Arc<Outbox>>);

impl Outboxes {
    pub(super) fn open(&mut self) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::default());
        self.0.push(outbox.clone());
        outbox
    }

    pub(super) fn put(&self, subject: Subject) {
        if let Some((last, others)) = self.0.split_last() {
            others.iter().for_each(|outbox| outbox.put(subject.clone()));
            last.put(subject);
        }
    }
}

/// With the memory goes what it tells.
impl Drop for Outboxes {
    fn drop(&mut self) {
        self.0.iter().for_each(|outbox| outbox.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;

    fn subjects(outbox: &Outbox, patience: Duration) -> Option<HashSet<Subject>> {
        outbox.wait(patience).map(|emptied| emptied.subjects)
    }

    #[test]
    fn a_change_is_told_twice_or_a_late_reader_misses_it() {
        let mut all = Outboxes::default();
        let (one, other) = (all.open(), all.open());
        for _ in 0..3 {
            all.put(Subject::Group(7));
        }
        assert_eq!(subjects(&one, AT_ONCE), Some(HashSet::from([Subject::Group(7)])));
        assert_eq!(subjects(&one, AT_ONCE), Some(HashSet::new()));
        all.put(Subject::Group(8));
        drop(all);
        let both = HashSet::from([Subject::Group(7), Subject::Group(8)]);
        assert_eq!(subjects(&other, Duration::from_secs(9)), Some(both));
        assert_eq!(subjects(&other, Duration::from_secs(9)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_goes_on_before_the_copy_has_what_it_has_read() {
        let mut all = Outboxes::default();
        let outbox = all.open();
        let is_copied = || async {
            tokio::time::timeout(Duration::from_secs(1), outbox.copied()).await.is_ok()
        };
        assert!(is_copied().await, "nothing was told");
        all.put(Subject::Group(7));
        assert!(!is_copied().await);
        let emptied = outbox.wait(AT_ONCE).unwrap();
        all.put(Subject::Group(7));
        outbox.is_copied(&emptied);
        assert!(!is_copied().await, "it was told again in between");
        let emptied = outbox.wait(AT_ONCE).unwrap();
        outbox.is_copied(&emptied);
        assert!(is_copied().await);
    }
}

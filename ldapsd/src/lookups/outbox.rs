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

/// Of whom something has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// The user with this SID.
    User(Sid),
    /// The group with this gid.
    Group(u32),
    /// The groups of the user with this SID.
    Membership(Sid),
}

/// Of whom something has changed since it was last emptied.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    subjects: HashSet<Subject>,
    closed: bool,
}

impl Outbox {
    pub(super) fn put(&self, subject: Subject) {
        self.lock().subjects.insert(subject);
        self.filled.notify_all();
    }

    /// Nothing will come any more: whoever waits hears of it.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Waits until something has changed, this long at most, and empties the box; None: it is empty
    /// and closed. Blocks the thread.
    pub(crate) fn wait(&self, patience: Duration) -> Option<HashSet<Subject>> {
        let is_idle = |waiting: &mut Waiting| waiting.subjects.is_empty() && !waiting.closed;
        let waited = self.filled.wait_timeout_while(self.lock(), patience, is_idle);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        let subjects = std::mem::take(&mut waiting.subjects);
        (!subjects.is_empty() || !waiting.closed).then_some(subjects)
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
        self.0.iter().for_each(|outbox| outbox.put(subject));
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

    #[test]
    fn a_change_is_told_twice_or_a_late_reader_misses_it() {
        let mut all = Outboxes::default();
        let (one, other) = (all.open(), all.open());
        for _ in 0..3 {
            all.put(Subject::Group(7));
        }
        assert_eq!(one.wait(AT_ONCE), Some(HashSet::from([Subject::Group(7)])));
        assert_eq!(one.wait(AT_ONCE), Some(HashSet::new()));
        all.put(Subject::Group(8));
        drop(all);
        let both = HashSet::from([Subject::Group(7), Subject::Group(8)]);
        assert_eq!(other.wait(Duration::from_secs(9)), Some(both));
        assert_eq!(other.wait(Duration::from_secs(9)), None);
    }
}

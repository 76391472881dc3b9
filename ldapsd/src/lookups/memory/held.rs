//! One thing that is held, and what is told of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Key;

/// What memory says to a question.
#[derive(Debug)]
pub(crate) enum Recalled<Known> {
    /// Found, and as the directory has it, as far as is known.
    Fresh(Arc<Known>),
    /// Found, and read long ago, or changed since: good enough while no server answers.
    Stale(Arc<Known>),
    /// Asked for not long ago, and nobody's.
    Nobody,
    /// Never asked for, or forgotten.
    Unknown,
}

/// When something was read of the directory; None: before the daemon started, so that it is good
/// enough while no server answers, and for nothing else.
pub(super) type Read = Option<Instant>;

/// One thing that is held.
#[derive(Debug)]
pub(super) struct Held<Known> {
    pub(super) known: Arc<Known>,
    pub(super) read: Read,
    /// When it was last seen in the directory, if not read as a whole.
    pub(super) seen: Read,
    /// When AD itself said so: a login, while no server answers, is decided by nothing else.
    pub(super) vouched: Read,
    /// The directory has something newer, or may have.
    pub(super) doubted: bool,
    /// By what it is found.
    pub(super) keys: Vec<Key>,
}

/// What whoever keeps a copy of memory is told of one thing in it.
#[derive(Debug)]
pub(crate) struct Copied<Known> {
    pub(crate) known: Arc<Known>,
    /// By what it is found.
    pub(crate) keys: Vec<Key>,
    pub(crate) trust: Trust,
}

/// What speaks for something that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It was read since the start, and nothing has been heard since that speaks against it.
    AsTheDirectoryHasIt,
    /// It was known before the start, and nothing speaks against it yet.
    FromBeforeStart,
    /// The directory has something newer, or may have.
    Doubted,
}

impl<Known> Copied<Known> {
    pub(super) fn of(held: &Held<Known>) -> Self {
        let trust = match (held.doubted, held.read) {
            (true, _) => Trust::Doubted,
            (false, None) => Trust::FromBeforeStart,
            (false, Some(_)) => Trust::AsTheDirectoryHasIt,
        };
        Self { known: held.known.clone(), keys: held.keys.clone(), trust }
    }
}

impl<Known> Clone for Held<Known> {
    fn clone(&self) -> Self {
        let Self { known, read, seen, vouched, doubted, keys } = self;
        let (known, keys) = (known.clone(), keys.clone());
        Self { known, read: *read, seen: *seen, vouched: *vouched, doubted: *doubted, keys }
    }
}

impl<Known> Held<Known> {
    pub(super) fn now(known: &Arc<Known>, keys: Vec<Key>) -> Self {
        let now = Some(Instant::now());
        Self { known: known.clone(), read: now, seen: now, vouched: now, doubted: false, keys }
    }

    pub(super) fn before_start(known: Arc<Known>, keys: Vec<Key>) -> Self {
        Self { known, read: None, seen: None, vouched: None, doubted: false, keys }
    }

    /// Notes that it was seen after this moment, and is as it was read, unless doubted.
    pub(super) fn saw(&mut self, since: Read) {
        if !self.doubted && self.read.is_some() {
            self.read = self.read.max(since);
        }
        self.seen = self.seen.max(since);
    }

    /// Holds it for read now, if it is from before the start; whether it was.
    pub(super) fn trust(&mut self, now: Read) -> bool {
        let is_from_before = self.read.is_none() && !self.doubted;
        if is_from_before {
            (self.read, self.seen) = (now, now);
        }
        is_from_before
    }

    /// Whether whoever keeps a copy has something else than this, or nothing to rely on.
    pub(super) fn is_news(before: Option<&Self>, known: &Known) -> bool
    where
        Known: PartialEq,
    {
        before
            .is_none_or(|before| before.doubted || before.read.is_none() || *before.known != *known)
    }

    pub(super) fn recalled(&self, fresh_for: Duration) -> Recalled<Known> {
        match !self.doubted && is_within(self.read, fresh_for) {
            true => Recalled::Fresh(self.known.clone()),
            false => Recalled::Stale(self.known.clone()),
        }
    }
}

pub(super) fn age(read: Read) -> Duration {
    read.map_or(Duration::MAX, |moment| moment.elapsed())
}

pub(super) fn is_within(read: Read, age: Duration) -> bool {
    read.is_some_and(|moment| moment.elapsed() < age)
}

//! Names and ids that nobody has, each with the moment when the directory said so.

use std::time::Duration;

use tokio::time::Instant;

use super::{Key, Memory, Recalled, Subject, canonical_keys};

impl Memory {
    /// Keeps that nobody has a name or id. Only an answer of the directory says so, never an
    /// error; and where a change was heard of since it was begun to ask, not even that.
    pub(crate) fn keep_nobody(&mut self, key: Key, begun: Instant) {
        let may_be_somebodys = self.changed.anything_since(begun);
        if let Some(sid) = self.user_keys.get(&key).copied() {
            // Whether all of the account is gone, or a name of it, is not known.
            if canonical_keys(&self.users[&sid].known.entry).contains(&key) {
                self.forget_user(sid);
            } else {
                self.forget_name(sid, &key);
            }
        }
        if let Some(gid) = self.held_group(&key).map(|held| held.known.gid) {
            self.forget_group(gid);
        }
        if !may_be_somebodys {
            self.nobody.put(key, Instant::now());
        }
    }

    pub(super) fn nobody_or_unknown<Known>(&mut self, key: &Key) -> Recalled<Known> {
        match self.nobody.get(key) {
            Some(read) if read.elapsed() < self.nobody_for => {
                self.outboxes.put(Subject::Nobody(key.clone()));
                Recalled::Nobody
            }
            _ => Recalled::Unknown,
        }
    }

    /// How long it still holds that nobody has this name or id.
    pub(crate) fn nobody_for(&self, key: &Key) -> Option<Duration> {
        let left = self.nobody_for.checked_sub(self.nobody.peek(key)?.elapsed())?;
        (!left.is_zero()).then_some(left)
    }

    pub(super) fn somebody_has(&mut self, key: &Key) {
        if self.nobody.pop(key).is_some() {
            self.outboxes.put(Subject::Nobody(key.clone()));
        }
    }
}

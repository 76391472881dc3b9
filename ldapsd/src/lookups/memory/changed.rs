//! What was heard of since when: an answer that was asked for before is old when it comes.

use std::collections::HashMap;

use ldaps_core::sid::Sid;
use tokio::time::Instant;

use super::held::Held;

/// Users whose last change is remembered by itself; where there are more, it is taken for one of
/// everybody.
const USERS_MAX: usize = 4096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Changed {
    users: HashMap<Sid, Instant>,
    /// Any group, or whatever is in one.
    groups: Option<Instant>,
    everything: Option<Instant>,
    /// The last of all.
    anything: Option<Instant>,
}

impl Changed {
    pub(super) fn user(&mut self, sid: Sid) {
        if self.users.len() >= USERS_MAX {
            return self.everything();
        }
        let now = self.now();
        self.users.insert(sid, now);
    }

    pub(super) fn groups(&mut self) {
        self.groups = Some(self.now());
    }

    pub(super) fn everything(&mut self) {
        self.users.clear();
        self.everything = Some(self.now());
    }

    /// Something that says nothing of whoever is known.
    pub(super) fn anything(&mut self) {
        self.now();
    }

    fn now(&mut self) -> Instant {
        *self.anything.insert(Instant::now())
    }

    /// Whether this user's entry may be old, if it was begun then to ask for it.
    pub(super) fn user_since(&self, sid: Sid, begun: Instant) -> bool {
        let user = self.users.get(&sid).copied();
        [user, self.everything].into_iter().flatten().any(|change| change >= begun)
    }

    /// The same of a group.
    pub(super) fn groups_since(&self, begun: Instant) -> bool {
        [self.groups, self.everything].into_iter().flatten().any(|change| change >= begun)
    }

    /// The same of a user's groups.
    pub(super) fn membership_since(&self, sid: Sid, begun: Instant) -> bool {
        self.user_since(sid, begun) || self.groups_since(begun)
    }

    /// The same of what nobody has.
    pub(super) fn anything_since(&self, begun: Instant) -> bool {
        self.anything.is_some_and(|change| change >= begun)
    }
}

/// Whether what is held was read after that, and is otherwise: who asks together for the same may be
/// answered one after the other.
pub(super) fn is_overtaken<Known>(
    held: Option<&Held<Known>>,
    begun: Instant,
    is_otherwise: impl FnOnce(&Known) -> bool,
) -> bool {
    held.is_some_and(|held| held.read.is_some_and(|read| read > begun) && is_otherwise(&held.known))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use ldaps_core::config::Cache;
    use ldaps_core::names::UserName;

    use super::super::{Key, KnownGroup, Membership, Memory, Recalled};
    use super::*;
    use crate::durable::alice;

    fn memory() -> Memory {
        Memory::new(&Cache::default())
    }

    fn other() -> Sid {
        "S-1-5-21-1-2-3-1999".parse().unwrap()
    }

    /// What is heard while an answer is under way, and whether the user, a group, the user's groups
    /// and a name of nobody's are to be asked for again.
    type Row = (&'static str, fn(&mut Memory, Sid), [bool; 4]);

    const ROWS: &[Row] = &[
        ("nothing", |_, _| {}, [false, false, false, false]),
        ("the user", |memory, sid| memory.doubt_user(sid), [true, false, true, true]),
        ("another", |memory, _| memory.doubt_user(other()), [false, false, false, true]),
        (
            "the user's groups",
            |memory, sid| memory.doubt_membership(sid),
            [true, false, true, true],
        ),
        ("the user is gone", |memory, sid| memory.forget_user(sid), [true, false, true, true]),
        ("a group", |memory, _| memory.doubt_groups(|_| false), [false, true, true, true]),
        ("members", |memory, _| memory.doubt_memberships(|_, _| false), [false, true, true, true]),
        ("somebody new", |memory, _| memory.not_nobody(Vec::new()), [false, false, false, true]),
        ("everything", |memory, _| memory.doubt_everything(), [true, true, true, true]),
        (
            "more than are remembered",
            |memory, _| {
                let many = (0..5000).filter_map(|rid| other().with_last(rid + 2000));
                many.for_each(|sid| memory.doubt_user(sid));
            },
            [true, true, true, true],
        ),
    ];

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_for_before_a_change_is_served_as_fresh_or_what_was_after_is_not() {
        let (user, nobody) = (Arc::new(alice()), Key::UserName(name("nobody")));
        let group = Arc::new(KnownGroup {
            name: "staff".into(),
            gid: 200_009,
            members: Vec::new().into(),
            sid: Some(other()),
        });
        let membership = Arc::new(Membership { sids: Vec::new().into(), gids: vec![200_009] });
        let sid = user.record.sid;
        for (what, change, again) in ROWS {
            for (is_before, again) in [(true, *again), (false, [false; 4])] {
                let mut memory = memory();
                let before = Instant::now();
                tokio::time::advance(Duration::from_millis(1)).await;
                change(&mut memory, sid);
                tokio::time::advance(Duration::from_millis(1)).await;
                let begun = if is_before { before } else { Instant::now() };
                memory.keep_nobody(nobody.clone(), begun);
                memory.keep_user(None, &user, begun);
                memory.keep_group(&group, begun);
                memory.keep_membership(sid, &membership, begun);
                let asked = [
                    !matches!(memory.user(&Key::Uid(user.entry.uid)), Recalled::Fresh(_)),
                    !matches!(memory.group(&Key::Gid(group.gid)), Recalled::Fresh(_)),
                    !matches!(memory.membership(sid), Recalled::Fresh(_)),
                    !matches!(memory.user(&nobody), Recalled::Nobody),
                ];
                assert_eq!(asked, again, "{what}, asked before it: {is_before}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_overtakes_a_newer_one_and_is_served_as_fresh() {
        let mut memory = memory();
        let begun = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        let (old, mut new) = (Arc::new(alice()), alice());
        new.entry.shell = "/bin/zsh".into();
        let (new, uid) = (Arc::new(new), Key::Uid(old.entry.uid));
        memory.keep_user(None, &new, Instant::now());
        memory.keep_user(None, &new, begun);
        assert!(matches!(memory.user(&uid), Recalled::Fresh(_)), "it is the same");
        memory.keep_user(None, &old, begun);
        assert!(matches!(memory.user(&uid), Recalled::Stale(_)));
    }

    fn name(name: &str) -> UserName {
        UserName::parse(name.as_bytes()).unwrap()
    }
}

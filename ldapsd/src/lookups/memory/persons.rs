//! What logins ask of memory, and what they leave in it.

use std::sync::Arc;

use ldaps_core::sid::Sid;
use ldaps_directory::UserRecord;

use super::held::{Held, Recalled};
use super::{Key, KnownUser, Membership, Memory};

impl Memory {
    /// Whose this name or id was when it was last asked for, fresh or not.
    pub(crate) fn sid_of(&self, key: &Key) -> Option<Sid> {
        self.user_keys.get(key).copied()
    }

    /// Whether a user and the user's groups are what they were read as, and nothing has been heard since
    /// that speaks against it.
    pub(crate) fn stands_by(&self, user: &KnownUser, groups: Option<&Membership>) -> bool {
        let sid = user.record.sid;
        let held_user = self.users.get(&sid).map(|held| held.recalled(self.fresh_for));
        let held_groups = self.memberships.get(&sid).map(|held| held.recalled(self.fresh_for));
        match (held_user, held_groups, groups) {
            (Some(Recalled::Fresh(held)), Some(Recalled::Fresh(held_groups)), Some(groups)) => {
                held.entry == user.entry
                    && held.record.dn == user.record.dn
                    && held.record.state.says_as_much_as(&user.record.state)
                    && *held_groups == *groups
            }
            _ => false,
        }
    }
}

/// A look-up does not ask what AD computes of the password: what a login has read of it stays.
pub(super) fn with_password_of(
    before: Option<&Held<KnownUser>>,
    user: &Arc<KnownUser>,
) -> Arc<KnownUser> {
    let Some(before) = before else { return user.clone() };
    let mut state = user.record.state.clone();
    if !state.remember_password(&before.known.record.state) {
        return user.clone();
    }
    let record = UserRecord { state, ..user.record.clone() };
    Arc::new(KnownUser { entry: user.entry.clone(), record })
}

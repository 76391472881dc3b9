//! Who is known from before the start.

use std::sync::Arc;

use ldaps_core::entries::GroupEntry;
use ldaps_core::names::UserName;
use ldaps_core::sid::Sid;

use super::held::Held;
use super::{Key, KnownGroup, KnownUser, Membership, Memory, canonical_keys, group_name};

impl Memory {
    /// Takes over what is known of somebody from before the start; what has been read since goes
    /// before it.
    pub(crate) fn recollect(
        &mut self,
        names: Vec<UserName>,
        user: KnownUser,
        membership: Membership,
        groups: Vec<GroupEntry>,
    ) {
        let keys = names.into_iter().map(Key::UserName).collect();
        self.recollect_membership(user.record.sid, membership);
        self.recollect_user(Arc::new(user), keys);
        for entry in groups {
            self.recollect_group(KnownGroup::of(entry, None));
        }
    }

    /// The same of a user alone, by these names besides the canonical one.
    pub(crate) fn recollect_user(&mut self, user: Arc<KnownUser>, names: Vec<Key>) {
        let sid = user.record.sid;
        if let Some(held) = self.users.get_mut(&sid) {
            for name in names {
                if held.read.is_none() && !self.user_keys.contains_key(&name) {
                    held.keys.push(name.clone());
                    self.user_keys.insert(name, sid);
                }
            }
            return;
        }
        let mut keys = canonical_keys(&user.entry);
        keys.extend(names);
        keys.retain(|key| !self.user_keys.contains_key(key));
        self.put_user(Held::before_start(user, keys));
    }

    /// The same of a group.
    pub(crate) fn recollect_group(&mut self, group: KnownGroup) {
        let name = group_name(&group);
        let is_known = self.groups.contains_key(&group.gid)
            || name.as_ref().is_some_and(|name| self.group_names.contains_key(name));
        if !is_known {
            self.put_group(Held::before_start(Arc::new(group), name.into_iter().collect()));
        }
    }

    /// The same of somebody's groups.
    pub(crate) fn recollect_membership(&mut self, sid: Sid, membership: Membership) {
        let held = || Held::before_start(Arc::new(membership), Vec::new());
        self.memberships.entry(sid).or_insert_with(held);
    }
}

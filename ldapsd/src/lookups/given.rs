//! Ids once given, held against what the directory and the configuration say now.

use std::sync::Arc;

use ldaps_core::config::{Config, IdMapping};
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::idmap::{IdMap, IdMapError, IdSpace};
use ldaps_core::sid::Sid;

use super::accounts::Accounts;
use super::memory::{KnownGroup, KnownUser};
use super::withheld::Withheld;
use crate::durable::ids::{GivenIds, Kind};

/// The id map of a domain, with the slices that it has on this host; None for `posix`, and for what
/// is no domain.
pub(crate) fn id_map(config: &Config, domain: Sid, given: &GivenIds) -> Option<IdMap> {
    let ids = &config.ids;
    let space = match ids.mapping {
        IdMapping::Posix => None,
        IdMapping::Sid => IdSpace::new(ids.range_min, ids.range_max, ids.range_size),
    };
    let mut map = IdMap::new(space?, domain, ids.on_collision)?;
    given.slices_of(domain).iter().for_each(|slice| map.learn(slice));
    for slice in map.slices().collect::<Vec<_>>() {
        if given.take_slice(slice).is_err() {
            map.refuse(&slice);
        }
    }
    Some(map)
}

impl Accounts {
    /// The id that a SID has by the map. A range of RIDs of which nobody was seen before is given
    /// its slice now, for ever.
    pub(super) fn id_of(&self, map: &IdMap, sid: Sid) -> Result<u32, IdMapError> {
        let first_rid = match map.id_of(sid) {
            Err(IdMapError::NewRange { first_rid, .. }) => first_rid,
            known => return known,
        };
        let mut map = map.clone();
        self.given.slices_of(map.domain()).iter().for_each(|slice| map.learn(slice));
        if let Ok(id) = map.id_of(sid) {
            return Ok(id);
        }
        let collision = |slice| IdMapError::Collision { sid, slice };
        let place = map.place_of(first_rid).map_err(collision)?;
        let slice = map.slice_at(place, first_rid);
        self.given.take_slice(slice).map_err(|_| collision(place))?;
        map.learn(&slice);
        map.id_of(sid)
    }

    /// The user's entry, if nobody else was ever given its ids.
    pub(super) fn still_theirs(
        &self,
        entry: PasswdEntry,
        sid: Sid,
    ) -> Result<PasswdEntry, Withheld> {
        self.check_given(Kind::User, entry.uid, sid)?;
        if self.is_private(entry.uid, entry.gid) {
            self.check_given(Kind::Group, entry.gid, sid)?;
        }
        Ok(entry)
    }

    /// The same of a group.
    pub(super) fn still_the_groups(
        &self,
        entry: GroupEntry,
        sid: Sid,
    ) -> Result<GroupEntry, Withheld> {
        self.check_given(Kind::Group, entry.gid, sid).map(|()| entry)
    }

    fn check_given(&self, kind: Kind, id: u32, sid: Sid) -> Result<(), Withheld> {
        self.given.check(kind, id, sid).map_err(|owner| Withheld::Given(id, owner))
    }

    /// Notes that a user is served. What is made of the SID alone belongs to its slice.
    pub(super) fn give_user(&self, user: &KnownUser) {
        let (uid, gid, sid) = (user.entry.uid, user.entry.gid, user.record.sid);
        if self.may_be_twice(uid) {
            self.given.give(Kind::User, uid, sid);
            if self.is_private(uid, gid) {
                self.given.give(Kind::Group, gid, sid);
            }
        }
    }

    /// The same of a group.
    pub(super) fn give_group(&self, group: &KnownGroup) {
        if let Some(sid) = group.sid.filter(|_| self.may_be_twice(group.gid)) {
            self.given.give(Kind::Group, group.gid, sid);
        }
    }
}

/// For all who make [`Accounts`].
pub(super) type Given = Arc<GivenIds>;

//! Groups of the host that groups of the directory grant: `[local_groups]`. The administrator of
//! the host names both; a group of the directory that only bears the name grants nothing.

use std::sync::PoisonError;

use ldaps_core::names::GroupName;
use ldaps_directory::DirectoryError;

use super::Inner;
use super::memory::Membership;

impl Inner {
    /// The gids of the host's groups that a user in these groups of the directory is given, as
    /// /etc/group has them now.
    pub(super) async fn local_gids(
        &self,
        membership: &Membership,
    ) -> Result<Vec<u32>, DirectoryError> {
        let mut gids = Vec::new();
        for (group, granted_by) in &self.config.local_groups {
            let Some(gid) = self.grantable(group)? else { continue };
            for name in granted_by {
                let Ok(name) = GroupName::parse(name.as_bytes()) else { continue };
                let sid = self.rule_group(&name).await?;
                if sid.is_some_and(|sid| membership.sids.contains(&sid)) {
                    gids.push(gid);
                    break;
                }
            }
        }
        Ok(gids)
    }

    /// Whether it is certain, with nothing asked, that these groups grant nothing: what is granted
    /// depends on /etc/group, so it is no part of any copy.
    pub(super) fn grants_nothing(&self, membership: &Membership) -> bool {
        let known = self.rule_groups.lock().unwrap_or_else(PoisonError::into_inner);
        let mut granting = self.config.local_groups.values().flatten();
        granting.all(|name| {
            let name = GroupName::parse(name.as_bytes()).ok();
            let sid = name.and_then(|name| known.get(&name));
            sid.is_some_and(|(sid, _)| sid.is_none_or(|sid| !membership.sids.contains(&sid)))
        })
    }

    /// The gid of a group of the host, if it is there and not root's.
    fn grantable(&self, group: &str) -> Result<Option<u32>, DirectoryError> {
        let gid = self.local_names()?.gid_of(group);
        match gid {
            None => self.told.warn_once(format!(
                "[local_groups] grants {group:?}, and this host has no such group: nobody is given it"
            )),
            Some(0) => self.told.warn_once(format!(
                "[local_groups] grants {group:?}, whose gid is 0, root's: nobody is given it"
            )),
            Some(_) => {}
        }
        Ok(gid.filter(|gid| *gid != 0))
    }
}

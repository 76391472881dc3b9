//! Groups of the host that groups of the directory grant: `[local_groups]`. The administrator of
//! the host names both; a group of the directory that only bears the name grants nothing.

use ldaps_core::config::LocalGroups;
use ldaps_directory::DirectoryError;

use super::Inner;
use super::local_names::Names;
use super::memory::Membership;
use super::named_groups::Named;
use super::told::Told;

impl Inner {
    /// The gids of the host's groups that a user in these groups of the directory is given, as
    /// /etc/group has them now.
    pub(super) async fn local_gids(
        &self,
        membership: &Membership,
    ) -> Result<Vec<u32>, DirectoryError> {
        let granted = &self.config.local_groups;
        if granted.is_empty() {
            return Ok(Vec::new());
        }
        let named = self.named.now(&self.directory, &self.config, &self.told).await?;
        Ok(gids(granted, membership, &named, &*self.local_names()?, &self.told))
    }
}

fn gids(
    granted: &LocalGroups,
    membership: &Membership,
    named: &Named,
    local: &Names,
    told: &Told,
) -> Vec<u32> {
    let mut gids = Vec::new();
    for (group, granted_by) in granted {
        match local.gid_of(group) {
            None => told.warn_once(format!(
                "[local_groups] grants {group:?}, and this host has no such group: nobody is given it"
            )),
            Some(0) => told.warn_once(format!(
                "[local_groups] grants {group:?}, whose gid is 0, root's: nobody is given it"
            )),
            Some(gid) if granted_by.iter().any(|name| named.is_in(name, &membership.sids)) => {
                gids.push(gid);
            }
            Some(_) => {}
        }
    }
    gids
}

//! Users and groups by what gives them their ids here: the SID, or a number in the directory.

use ldaps_core::sid::Sid;

use crate::error::DirectoryError;
use crate::filter::{self, FilterValue};
use crate::groups::GroupRecord;
use crate::queries::{BATCH, Directory};
use crate::users::UserRecord;

impl Directory {
    /// The users with these SIDs, as far as there are such.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn users_by_sid(&self, sids: &[Sid]) -> Result<Vec<UserRecord>, DirectoryError> {
        let mut found = Vec::with_capacity(sids.len());
        for batch in sids.chunks(BATCH) {
            let values = batch.iter().map(|sid| FilterValue::sid(*sid));
            found.extend(self.users(filter::any_of("objectSid", values)).await?);
        }
        found.retain(|user| sids.contains(&user.sid));
        Ok(found)
    }

    /// The users with these numbers as their uidNumber: one number may be several's.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn users_by_uid_number(
        &self,
        uids: &[u32],
    ) -> Result<Vec<UserRecord>, DirectoryError> {
        let mut found = Vec::with_capacity(uids.len());
        for batch in uids.chunks(BATCH) {
            let values = batch.iter().map(|uid| FilterValue::number(*uid));
            found.extend(self.users(filter::any_of("uidNumber", values)).await?);
        }
        Ok(found)
    }

    /// The groups with these SIDs, as far as there are such.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn groups_by_sid(&self, sids: &[Sid]) -> Result<Vec<GroupRecord>, DirectoryError> {
        let mut found = Vec::with_capacity(sids.len());
        for batch in sids.chunks(BATCH) {
            let values = batch.iter().map(|sid| FilterValue::sid(*sid));
            found.extend(self.groups(filter::any_of("objectSid", values)).await?);
        }
        found.retain(|group| sids.contains(&group.sid));
        Ok(found)
    }

    /// The groups with these numbers as their gidNumber: one number may be several's.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn groups_by_gid_number(
        &self,
        gids: &[u32],
    ) -> Result<Vec<GroupRecord>, DirectoryError> {
        let mut found = Vec::with_capacity(gids.len());
        for batch in gids.chunks(BATCH) {
            let values = batch.iter().map(|gid| FilterValue::number(*gid));
            found.extend(self.groups(filter::any_of("gidNumber", values)).await?);
        }
        Ok(found)
    }
}

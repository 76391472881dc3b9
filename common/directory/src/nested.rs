//! The groups that are in a group.

use crate::error::DirectoryError;
use crate::filter::{self, FilterValue};
use crate::groups::GroupRecord;
use crate::queries::Directory;
use crate::question::{Amount, Query};

impl Directory {
    /// The groups that are in this one directly.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn groups_in(&self, group_dn: &str) -> Result<Vec<GroupRecord>, DirectoryError> {
        let of_this = filter::equals("memberOf", FilterValue::text(group_dn));
        let query = Query {
            what: "the groups in a group",
            amount: Amount::All,
            ..self.for_groups(self.group_filter(of_this))
        };
        Ok(query.ask(&self.link).await?.entries.iter().filter_map(GroupRecord::of).collect())
    }
}

//! Whether an account matches a filter of the access rules: asked at each login, and remembered for
//! when no server answers.

use ldaps_core::config::LdapFilter;
use ldaps_directory::{DirectoryError, UserRecord};

use super::memory::KnownUser;
use super::{LOGIN_MEMORY, Lookups};

impl Lookups {
    /// Whether a user matches a filter of the access rules, as the directory says now.
    pub(crate) async fn matches_now(
        &self,
        user: &KnownUser,
        filter: &LdapFilter,
    ) -> Result<bool, DirectoryError> {
        let UserRecord { dn, sid, .. } = &user.record;
        let matches = self.0.directory.matches(dn, filter).await?;
        self.0.memory().keep_match(*sid, filter, matches);
        Ok(matches)
    }

    /// The same as memory has it: for a login while no server answers.
    pub(crate) fn matches_remembered(&self, user: &KnownUser, filter: &LdapFilter) -> Option<bool> {
        self.0.memory().match_within(user.record.sid, filter, LOGIN_MEMORY)
    }
}

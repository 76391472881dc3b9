//! A group as AD has it.

use ldaps_core::sid::Sid;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::error::DirectoryError;

/// What is read of every group.
pub(crate) const ATTRIBUTES: &[&str] = &["sAMAccountName", "objectSid", "gidNumber"];

/// A group as AD has it, without its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// The DN.
    pub dn: String,
    /// The SID, which a rename does not change.
    pub sid: Sid,
    /// sAMAccountName, in AD's spelling.
    pub sam_account_name: String,
    /// gidNumber, for `id_mapping = "posix"`.
    pub gid_number: Option<u32>,
}

/// The groups in an entry that was asked for `tokenGroups`; None where AD does not show them: an
/// object always has some.
///
/// # Errors
/// [`DirectoryError`]: what it shows is no list of SIDs.
pub(crate) fn token_groups(entry: &Entry) -> Result<Option<Vec<Sid>>, DirectoryError> {
    let sids = entry.values("tokenGroups").iter().map(|bytes| Sid::from_bytes(bytes));
    let sids: Vec<Sid> = sids.collect::<Result<_, _>>().map_err(|error| {
        DirectoryError::Unusable { what: "tokenGroups", problem: error.to_string() }
    })?;
    Ok((!sids.is_empty()).then_some(sids))
}

impl GroupRecord {
    /// None where what makes a group of it is missing.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        Some(Self {
            dn: entry.dn().to_owned(),
            sid: entry.sid("objectSid")?,
            sam_account_name: entry.text("sAMAccountName")?.to_owned(),
            gid_number: entry.unsigned("gidNumber"),
        })
    }
}

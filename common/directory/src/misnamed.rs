//! Names of the access rules that the directory does not have, and the one that may be meant.

use ldap3_proto::proto::{LdapFilter, LdapSubstringFilter};
use ldaps_core::config::{Subject, nearest_name};
use ldaps_core::names::{GroupName, fold};

use crate::error::DirectoryError;
use crate::filter;
use crate::queries::Directory;
use crate::question::{Amount, Place, Query};

/// So many names are compared with the one that is not there.
const COMPARED: u16 = 250;
/// Those that begin with the same letters, which the directory has an index for.
const SAME_LETTERS: usize = 2;

/// A name that the directory does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misnamed {
    /// What may be meant: the same name of the other kind, or one that is near.
    pub meant: Option<Subject>,
}

impl Directory {
    /// None where the directory has this user or group.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn misnamed(
        &self,
        subject: &Subject,
    ) -> Result<Option<Misnamed>, DirectoryError> {
        if self.has(subject).await? {
            return Ok(None);
        }
        let other_kind = match subject.clone() {
            Subject::Everyone => return Ok(None),
            Subject::User(name) => Subject::Group(name),
            Subject::Group(name) => Subject::User(name),
        };
        let meant = match self.has(&other_kind).await? {
            true => Some(other_kind),
            false => self.nearest(subject).await?,
        };
        Ok(Some(Misnamed { meant }))
    }

    async fn has(&self, subject: &Subject) -> Result<bool, DirectoryError> {
        match subject {
            Subject::Everyone => Ok(true),
            Subject::User(name) => Ok(self.user_by_account(name).await?.is_some()),
            Subject::Group(name) => match GroupName::parse(name.as_bytes()) {
                Ok(name) => Ok(self.group_by_name(&name).await?.is_some()),
                Err(_) => Ok(false),
            },
        }
    }

    async fn nearest(&self, subject: &Subject) -> Result<Option<Subject>, DirectoryError> {
        let (name, base, kind) = match subject {
            Subject::Everyone => return Ok(None),
            Subject::User(name) => (name, &self.users.base, self.users.complete_filter()),
            Subject::Group(name) => (name, &self.groups.base, self.groups.filter.clone()),
        };
        let initial = name.chars().take(SAME_LETTERS).collect();
        let query = Query {
            what: "names like one that is not there",
            place: Place::Below(base.as_deref()),
            filter: filter::both(begins("sAMAccountName", initial), filter::configured(&kind)),
            attributes: &["sAMAccountName"],
            amount: Amount::Page(COMPARED, Vec::new()),
        };
        let found = query.ask(&self.link).await?.entries;
        let names: Vec<String> =
            found.iter().filter_map(|it| it.text("sAMAccountName").map(fold)).collect();
        Ok(nearest_name(name, names.iter().map(String::as_str)).map(|near| match subject {
            Subject::Group(_) => Subject::Group(near.to_owned()),
            Subject::User(_) | Subject::Everyone => Subject::User(near.to_owned()),
        }))
    }
}

/// `(attribute=initial*)`
fn begins(attribute: &str, initial: String) -> LdapFilter {
    let pieces = LdapSubstringFilter { initial: Some(initial), any: Vec::new(), final_: None };
    LdapFilter::Substring(attribute.to_owned(), pieces)
}

//! Somebody who logs in: the account and its groups. Of who is known already, in one search.

use ldaps_core::names::{NameForm, UserName, fold};
use ldaps_core::sid::Sid;

use crate::error::DirectoryError;
use crate::filter;
use crate::groups;
use crate::queries::Directory;
use crate::question::{Amount, Place, Query};
use crate::users::{self, Depth, UserRecord};

/// The one attribute whose values AD itself keeps unique in a domain.
const ACCOUNT_NAME: &str = "sAMAccountName";

/// What is to be read of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// How much of the account.
    pub depth: Depth,
    /// Whether the groups, too.
    pub groups: bool,
}

/// A person, as AD has them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub record: UserRecord,
    /// The SIDs of every group they are in, as AD itself computes them (`tokenGroups`); None where
    /// AD does not show them, or they were not wanted.
    pub groups: Option<Vec<Sid>>,
}

impl Directory {
    /// The person of this name. Where the name was the account's with this SID before, that object
    /// is read at once with all that is wanted; what it says holds only if the name is still its
    /// own. In any other case the name is searched for first, and the groups then.
    ///
    /// # Errors
    /// [`DirectoryError`]; that nobody has the name is no error.
    pub async fn person(
        &self,
        name: &UserName,
        known: Option<Sid>,
        wanted: Wanted,
    ) -> Result<Option<Person>, DirectoryError> {
        if let Some(sid) = known
            && let Some(person) = self.person_with_sid(name, sid, wanted).await?
        {
            return Ok(Some(person));
        }
        let found = self.user_and_attribute(name, wanted.depth).await?;
        let Some((record, _)) = found else { return Ok(None) };
        let groups = match wanted.groups {
            true => self.token_groups(&record.dn).await?,
            false => None,
        };
        Ok(Some(Person { record, groups }))
    }

    /// The object with this SID, if it is certain that a search for the name would find it and
    /// nothing else: it has the name still, matches the filter, and is below the base. None of
    /// this is certain for names that AD lets several have (mail, userPrincipalName).
    async fn person_with_sid(
        &self,
        name: &UserName,
        sid: Sid,
        wanted: Wanted,
    ) -> Result<Option<Person>, DirectoryError> {
        let NameForm::Bare(bare) = name.form() else { return Ok(None) };
        if !self.users.login.bare.eq_ignore_ascii_case(ACCOUNT_NAME) {
            return Ok(None);
        }
        let mut attributes = users::attributes(&self.users, wanted.depth);
        if wanted.groups {
            attributes.push("tokenGroups");
        }
        // MS-ADTS 3.1.1.3.1.2.4: a SID stands for the DN, wherever the object is now.
        let base = format!("<SID={sid}>");
        let query = Query {
            what: "a user",
            place: Place::Object(&base),
            filter: filter::configured(&self.users.complete_filter()),
            attributes: &attributes,
            amount: Amount::Few,
        };
        let found = match query.ask(&self.link).await {
            Ok(found) => found.entries,
            // Whoever does not take a SID for a DN may take the name.
            Err(DirectoryError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(entry) = found.first() else { return Ok(None) };
        let Some(record) = self.user_record(entry, wanted.depth) else { return Ok(None) };
        let domain = self.domain().await?;
        let base = self.users.base.as_deref().unwrap_or(&domain.base);
        let is_the_same = record.sid == sid && fold(&record.sam_account_name) == bare;
        if !is_the_same || !is_surely_below(&record.dn, base) {
            return Ok(None);
        }
        let groups = if wanted.groups { groups::token_groups(entry)? } else { None };
        Ok(Some(Person { record, groups }))
    }
}

/// Whether a DN is below another, where that can be told from their text: AD has many spellings of
/// one DN, and of those that it does not use itself nothing is said here.
fn is_surely_below(dn: &str, base: &str) -> bool {
    let (dn, base) = (dn.to_lowercase(), base.to_lowercase());
    let above = dn.strip_suffix(&base).and_then(|rest| rest.strip_suffix(','));
    // The comma may be part of a name: `CN=a\,OU=People,DC=x` is not below `OU=People,DC=x`.
    above.is_some_and(|rest| !rest.is_empty() && !rest.ends_with('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_outside_of_the_base_passes_for_being_inside() {
        let base = "OU=People,DC=corp,DC=example";
        for (dn, below) in [
            ("CN=Alice,OU=People,DC=corp,DC=example", true),
            ("cn=alice,ou=people,dc=Corp,dc=example", true),
            ("CN=Alice,OU=Deep,OU=People,DC=corp,DC=example", true),
            ("CN=Alice,OU=Elsewhere,DC=corp,DC=example", false),
            ("CN=Alice,OU=MorePeople,DC=corp,DC=example", false),
            ("CN=Alice,XOU=People,DC=corp,DC=example", false),
            (r"CN=Alice\,OU=People,DC=corp,DC=example", false),
            ("OU=People,DC=corp,DC=example", false),
            ("CN=Alice, OU=People, DC=corp, DC=example", false),
            ("", false),
        ] {
            assert_eq!(is_surely_below(dn, base), below, "{dn}");
        }
    }
}

//! A user by any form of name, and by which attribute.

use ldaps_core::names::{NameForm, UserName};

use crate::error::DirectoryError;
use crate::queries::Directory;
use crate::users::{Depth, UserRecord};

/// What `CORP\name` is compared with: the NetBIOS name speaks of this attribute alone.
const DOWN_LEVEL: &str = "sAMAccountName";

impl Directory {
    /// The user of this name, in whichever form it is.
    ///
    /// # Errors
    /// [`DirectoryError`]; that nobody has the name is no error.
    pub async fn user_by_name(
        &self,
        name: &UserName,
    ) -> Result<Option<UserRecord>, DirectoryError> {
        Ok(self.user_and_attribute(name, Depth::Entry).await?.map(|(user, _)| user))
    }

    /// The user of this name, and the attribute that holds it.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn user_and_attribute(
        &self,
        name: &UserName,
        depth: Depth,
    ) -> Result<Option<(UserRecord, &str)>, DirectoryError> {
        let login = &self.users.login;
        match name.form() {
            NameForm::Bare(bare) => self.by(&login.bare, bare, depth).await,
            NameForm::At(whole) => {
                for attribute in &login.at {
                    if let Some(found) = self.by(attribute, whole, depth).await? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            NameForm::DownLevel { domain, name } => {
                let ours = self.domain().await?;
                match ours.netbios.as_deref() == Some(domain) {
                    true => self.by(DOWN_LEVEL, name, depth).await,
                    false => Ok(None),
                }
            }
        }
    }

    /// The user whose account has this name, whatever the configuration finds logins by: what
    /// NSS shows as the name, folded.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn user_by_account(&self, name: &str) -> Result<Option<UserRecord>, DirectoryError> {
        Ok(self.by(DOWN_LEVEL, name, Depth::Entry).await?.map(|(user, _)| user))
    }

    async fn by<'a>(
        &self,
        attribute: &'a str,
        value: &str,
        depth: Depth,
    ) -> Result<Option<(UserRecord, &'a str)>, DirectoryError> {
        Ok(self.user_where(attribute, value, depth).await?.map(|user| (user, attribute)))
    }
}

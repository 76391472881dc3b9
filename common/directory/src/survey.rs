//! Several questions over one bound connection, one after the other, for a tool that sets a host up:
//! what the service account sees, and whom a rule would let in.

use std::collections::BTreeSet;
use std::time::SystemTime;

use ldaps_core::config::{self, Subject};
use ldaps_core::names::{GroupName, UserName, fold};
use tokio::runtime::{Builder, Runtime};

use crate::account::Judgement;
use crate::error::DirectoryError;
use crate::filter::{self, FilterValue};
use crate::inspect::{self, Seen};
use crate::link::Settings;
use crate::misnamed::Misnamed;
use crate::queries::Directory;
use crate::question::{Amount, Place, Query};

/// A page as large as AD gives.
const PAGE: u16 = 1000;
/// Everybody is counted up to here; a hundred pages are a minute of waiting.
const COUNTED_MAX: usize = 20_000;

/// A bound connection to ask over. The service account has bound once, and does not again.
pub struct Survey {
    runtime: Runtime,
    directory: Directory,
    seen: Seen,
}

impl Survey {
    /// Connects, binds once, and looks.
    ///
    /// # Errors
    /// [`DirectoryError`], as for every question.
    pub fn open(
        settings: Settings,
        users: config::Users,
        groups: config::Groups,
    ) -> Result<Self, DirectoryError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| DirectoryError::Unusable {
            what: "the start of a runtime",
            problem: error.to_string(),
        })?;
        let bind_dn = settings.directory.bind_dn.clone();
        let directory = Directory::new(settings, users, groups);
        match runtime.block_on(inspect::look(&directory, &bind_dn)) {
            Ok(seen) => Ok(Self { runtime, directory, seen }),
            Err(error) => {
                // The name's look-up runs on a thread that cannot be stopped: it is not waited for.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// What the service account sees.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The people whom a rule speaks of, by their lower-case sAMAccountNames, members of groups inside
    /// and by primary group included; None where the directory has no such user or group. Of everybody,
    /// so many as 20,000.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn people(&self, subject: &Subject) -> Result<Option<BTreeSet<String>>, DirectoryError> {
        self.runtime.block_on(async {
            match subject {
                Subject::Everyone => self.everyone().await.map(Some),
                Subject::User(name) => {
                    // The rules compare folded sAMAccountNames, which is what NSS shows.
                    let found = self.directory.user_by_account(name).await?;
                    Ok(found.map(|user| BTreeSet::from([fold(&user.sam_account_name)])))
                }
                Subject::Group(name) => self.members(name).await,
            }
        })
    }

    /// None where the directory has the user or group of a rule.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn misnamed(&self, subject: &Subject) -> Result<Option<Misnamed>, DirectoryError> {
        self.runtime.block_on(self.directory.misnamed(subject))
    }

    /// Whether nothing in the state of this account keeps it from logging in.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn is_open(&self, name: &str) -> Result<bool, DirectoryError> {
        let Ok(name) = UserName::parse(name.as_bytes()) else { return Ok(false) };
        let found = self.runtime.block_on(self.directory.user_by_account(name.as_str()))?;
        Ok(found.is_some_and(|user| matches!(user.state.judge(SystemTime::now()), Judgement::Open)))
    }

    async fn everyone(&self) -> Result<BTreeSet<String>, DirectoryError> {
        let mut names = BTreeSet::new();
        let mut cookie = Vec::new();
        loop {
            let page = self.directory.users_page(PAGE, cookie).await?;
            names.extend(page.records.iter().map(|user| fold(&user.sam_account_name)));
            cookie = page.next;
            if cookie.is_empty() || names.len() >= COUNTED_MAX {
                return Ok(names);
            }
        }
    }

    async fn members(&self, name: &str) -> Result<Option<BTreeSet<String>>, DirectoryError> {
        let Ok(name) = GroupName::parse(name.as_bytes()) else { return Ok(None) };
        let Some(group) = self.directory.group_by_name(&name).await? else { return Ok(None) };
        let members = self.directory.members(&group.dn).await?;
        let mut names: BTreeSet<String> = members.iter().map(|name| fold(name)).collect();
        if let Some((_, rid)) = group.sid.split_rid() {
            names.extend(self.by_primary_group(rid).await?);
        }
        Ok(Some(names))
    }

    /// Those whose primary group it is: `member` does not show them, and `tokenGroups`, by which a
    /// login is decided, does.
    async fn by_primary_group(&self, rid: u32) -> Result<Vec<String>, DirectoryError> {
        let users = &self.directory.users;
        let theirs = filter::equals("primaryGroupID", FilterValue::number(rid));
        let query = Query {
            what: "the users of a primary group",
            place: Place::Below(users.base.as_deref()),
            filter: filter::both(filter::configured(&users.complete_filter()), theirs),
            attributes: &["sAMAccountName"],
            amount: Amount::All,
        };
        let found = query.ask(&self.directory.link).await?.entries;
        Ok(found.iter().filter_map(|user| user.text("sAMAccountName").map(fold)).collect())
    }
}

//! One look at the directory as the service account sees it, for the administrator's tool.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ldaps_core::config;

use crate::account::Judgement;
use crate::domain::Domain;
use crate::error::DirectoryError;
use crate::link::Settings;
use crate::queries::Directory;

/// A page as large as AD gives.
const PAGE: u16 = 1000;

/// What the service account sees.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The domain.
    pub domain: Arc<Domain>,
    /// How long connecting and the bind took.
    pub bound_in: Duration,
    /// How many users the filter finds, on the first page.
    pub users: usize,
    /// How many groups.
    pub groups: usize,
    /// Whether there are more of them than a page holds.
    pub more: bool,
    /// Attributes of a user that decide about logins and may not be read; with the DN that was tried.
    pub unreadable: Vec<(&'static str, String)>,
}

/// Connects, binds once, and counts.
///
/// # Errors
/// [`DirectoryError`], as for every question.
pub fn inspect(
    settings: Settings,
    users: config::Users,
    groups: config::Groups,
) -> Result<Seen, DirectoryError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| DirectoryError::Unusable {
        what: "the start of a runtime",
        problem: error.to_string(),
    })?;
    let seen = runtime.block_on(look(&Directory::new(settings, users, groups)));
    runtime.shutdown_background();
    seen
}

pub(crate) async fn look(directory: &Directory) -> Result<Seen, DirectoryError> {
    let began = Instant::now();
    let domain = directory.domain().await?;
    let bound_in = began.elapsed();
    let users = directory.users_page(PAGE, Vec::new()).await?;
    let groups = directory.groups_page(PAGE, Vec::new()).await?;
    let mut unreadable = Vec::new();
    // AD computes tokenGroups for one object at a time: one stands for all.
    if let Some(user) = users.records.first()
        && directory.token_groups(&user.dn).await?.is_none()
    {
        unreadable.push(("tokenGroups", user.dn.clone()));
    }
    let hidden = users.records.iter().find_map(|user| match user.state.judge(SystemTime::now()) {
        Judgement::Unreadable(attribute) => Some((attribute, user.dn.clone())),
        Judgement::Open | Judgement::Closed(_) => None,
    });
    unreadable.extend(hidden);
    Ok(Seen {
        domain,
        bound_in,
        users: users.records.len(),
        groups: groups.records.len(),
        more: !users.next.is_empty() || !groups.next.is_empty(),
        unreadable,
    })
}

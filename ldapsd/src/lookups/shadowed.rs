//! The directory's groups that this host does not show, because it has groups of those names.
//!
//! Their gids must not be among a user's either: each gid there should have a name, and theirs would
//! be the host's. Which groups these are is asked once for all names of the host, so that no
//! user's groups cost a search more.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldaps_core::sid::Sid;
use ldaps_directory::{Directory, DirectoryError};
use tokio::time::Instant;

use super::local_names::Names;

/// The SIDs of groups that are not shown here, and for which names of the host that was asked.
#[derive(Debug, Default)]
pub(crate) struct Shadowed(Mutex<Option<Known>>);

#[derive(Debug, Clone)]
struct Known {
    for_names: Arc<Names>,
    read: Instant,
    sids: Arc<HashSet<Sid>>,
}

impl Shadowed {
    /// The SIDs as they are now, asked for again when the host's groups have changed.
    ///
    /// # Errors
    /// [`DirectoryError`], where they have never been read.
    pub(crate) async fn now(
        &self,
        directory: &Directory,
        local: &Arc<Names>,
        fresh_for: Duration,
    ) -> Result<Arc<HashSet<Sid>>, DirectoryError> {
        let known = self.known();
        if let Some(known) = &known
            && Arc::ptr_eq(&known.for_names, local)
            && known.read.elapsed() < fresh_for
        {
            return Ok(known.sids.clone());
        }
        match (directory.groups_by_name(&local.group_names()).await, known) {
            (Ok(groups), _) => {
                let sids: Arc<HashSet<Sid>> = Arc::new(groups.iter().map(|g| g.sid).collect());
                let (for_names, read) = (local.clone(), Instant::now());
                *self.lock() = Some(Known { for_names, read, sids: sids.clone() });
                Ok(sids)
            }
            (Err(_), Some(known)) => Ok(known.sids),
            (Err(error), None) => Err(error),
        }
    }

    /// Asks again next time.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }

    fn known(&self) -> Option<Known> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

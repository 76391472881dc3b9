//! The directory's groups that the configuration has something to say of: another gid, another
//! look of their members.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ldaps_core::config::Config;
use ldaps_core::sid::Sid;
use ldaps_directory::{Directory, DirectoryError, GroupRecord};
use tokio::time::Instant;

use super::told::Told;

/// Those groups, asked for once for all.
#[derive(Debug, Default)]
pub(crate) struct NamedGroups(Mutex<Option<(Instant, Arc<Named>)>>);

/// Those groups as the directory has them, by canonical (lower-case) name.
#[derive(Debug, Default)]
pub(crate) struct Named(HashMap<String, GroupRecord>);

impl NamedGroups {
    /// The groups as they are now; as they were, while no server answers. Without any in the
    /// configuration nothing is asked.
    ///
    /// # Errors
    /// [`DirectoryError`], where they have never been read.
    pub(crate) async fn now(
        &self,
        directory: &Directory,
        config: &Config,
        told: &Told,
    ) -> Result<Arc<Named>, DirectoryError> {
        let names = names(config);
        if names.is_empty() {
            return Ok(Arc::default());
        }
        let known = self.known();
        if let Some((read, named)) = &known
            && read.elapsed() < config.cache.positive
        {
            return Ok(named.clone());
        }
        match (directory.groups_by_name(&names).await, known) {
            (Ok(groups), _) => {
                let named = Arc::new(Named::of(groups));
                for name in names.iter().filter(|name| named.sid(name).is_none()) {
                    told.warn_once(format!(
                        "ldaps.toml names the group \"@{name}\", and the directory has no such \
                         security group: what stands there is given to nobody"
                    ));
                }
                let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some((Instant::now(), named.clone()));
                Ok(named)
            }
            (Err(_), Some((_, named))) => Ok(named),
            (Err(error), None) => Err(error),
        }
    }

    /// Asks again next time.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known(&self) -> Option<(Instant, Arc<Named>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Named {
    fn of(groups: Vec<GroupRecord>) -> Self {
        let by_name =
            |group: GroupRecord| (ldaps_core::names::fold(&group.sam_account_name), group);
        Self(groups.into_iter().map(by_name).collect())
    }

    /// The group of this name.
    pub(crate) fn group(&self, name: &str) -> Option<&GroupRecord> {
        self.0.get(name)
    }

    /// The SID of the group of this name.
    pub(crate) fn sid(&self, name: &str) -> Option<Sid> {
        self.group(name).map(|group| group.sid)
    }

    /// Whether the group of this name is among these.
    pub(crate) fn is_in(&self, name: &str, groups: &[Sid]) -> bool {
        self.sid(name).is_some_and(|sid| groups.contains(&sid))
    }
}

/// The names, each once.
fn names(config: &Config) -> Vec<&str> {
    let of_members = config.users.looks.of_group.iter().map(|(name, _)| name);
    let all = config.groups.gids.keys().chain(of_members);
    let mut names: Vec<&str> = all.map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

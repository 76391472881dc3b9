//! `getent passwd` and `getent group`: of the copy where it is complete, else of the directory.

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_directory::{DirectoryError, Page};

use crate::host::Host;

/// Entries in one page; groups have their members with them.
const USERS: usize = 500;
const GROUPS: usize = 20;
/// What a cookie of the copy begins with: the directory's own never does by chance.
const MARK: &[u8] = b"ldapsd mirror ";

/// A page of all users, the first for an empty cookie.
///
/// # Errors
/// [`DirectoryError`].
pub(crate) async fn users(
    host: &Host,
    cookie: Vec<u8>,
) -> Result<Page<PasswdEntry>, DirectoryError> {
    match of_copy(host, &cookie) {
        Some(above) => Ok(page(host.lookups.known_users(above, USERS), USERS, |entry| entry.uid)),
        None => host.lookups.users_page(cookie).await,
    }
}

/// The same of groups.
///
/// # Errors
/// [`DirectoryError`].
pub(crate) async fn groups(
    host: &Host,
    cookie: Vec<u8>,
) -> Result<Page<GroupEntry>, DirectoryError> {
    match of_copy(host, &cookie) {
        Some(above) => {
            Ok(page(host.lookups.known_groups(above, GROUPS), GROUPS, |entry| entry.gid))
        }
        None => host.lookups.groups_page(cookie).await,
    }
}

/// Above which id the page begins, if it is one of the copy. What was begun there goes on there.
#[allow(clippy::option_option, reason = "whether, and from where")]
fn of_copy(host: &Host, cookie: &[u8]) -> Option<Option<u32>> {
    if cookie.is_empty() {
        return host.mirror.is_complete().then_some(None);
    }
    let id = cookie.strip_prefix(MARK)?.first_chunk::<4>()?;
    Some(Some(u32::from_be_bytes(*id)))
}

fn page<Entry>(records: Vec<Entry>, most: usize, id: impl Fn(&Entry) -> u32) -> Page<Entry> {
    let last = records.last().filter(|_| records.len() == most).map(id);
    let next = last.map(|id| [MARK, &id.to_be_bytes()].concat()).unwrap_or_default();
    Page { records, next }
}

//! Is the account that PAM speaks of the directory's? What NSS gave the caller must be what the
//! directory holds now: so AD's `bob` never opens another source's `bob`.

use std::sync::Arc;

use ldaps_core::protocol::messages::Login;

use super::Decision;
use crate::lookups::memory::KnownUser;

/// The user, if it is the one NSS gave.
pub(crate) fn same(
    user: Option<Arc<KnownUser>>,
    login: &Login<'_>,
) -> Result<Arc<KnownUser>, Decision> {
    let Some(user) = user else {
        return Err(Decision::not_ours("the directory has no such user for this host"));
    };
    if user.entry.uid != login.uid {
        return Err(Decision::not_ours("NSS gives the name another uid: it is another's account"));
    }
    Ok(user)
}

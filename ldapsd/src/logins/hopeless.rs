//! Accounts that AD lets in by nothing but Kerberos or a smart card: over LDAP it refuses their
//! passwords, right or wrong, with the code of a wrong one. Somebody has to say so, or the person
//! is sent to reset a password that was never wrong.

use std::fmt;

use ldaps_directory::UserRecord;

use super::readings::Reading;
use crate::lookups::memory::{KnownUser, Sids};

/// The RID of the domain group Protected Users (MS-DTYP 2.4.2.4, PROTECTED_USERS).
const PROTECTED_USERS: u32 = 525;

/// Why no password opens the account over LDAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hopeless {
    /// AD authenticates members by Kerberos alone; a simple bind is checked by other means.
    ProtectedUser,
    /// userAccountControl has SMARTCARD_REQUIRED: AD has put a random password in its place.
    SmartcardOnly,
}

impl fmt::Display for Hopeless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::ProtectedUser => "member of Protected Users",
            Self::SmartcardOnly => "a smart card is required of it",
        };
        write!(f, "AD refuses this account over LDAP whatever the password ({why})")
    }
}

/// What the account and its groups say; None for the groups where AD does not show them.
pub(super) fn of(user: &UserRecord, groups: Option<&Sids>) -> Option<Hopeless> {
    let protected = user.sid.split_rid().and_then(|(domain, _)| domain.with_rid(PROTECTED_USERS));
    if protected.is_some_and(|group| groups.is_some_and(|groups| groups.contains(&group))) {
        return Some(Hopeless::ProtectedUser);
    }
    user.state.is_smartcard_only().then_some(Hopeless::SmartcardOnly)
}

/// The same for a login that was refused, by what was read meanwhile. That it could not be read is
/// no reason to say nothing of the refusal itself.
pub(super) async fn of_reading(user: &KnownUser, reading: &Reading) -> Option<Hopeless> {
    let person = reading.person().await.ok().flatten();
    let membership = person.and_then(|person| person.membership);
    of(&user.record, membership.as_ref().map(|membership| &membership.sids))
}

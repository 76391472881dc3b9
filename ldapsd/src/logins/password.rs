//! A password change: is the old one right, and does AD take the new one? No access rule is looked
//! at: who may not log in here may still change their own password.

use std::sync::Arc;
use std::time::SystemTime;

use ldaps_core::names::UserName;
use ldaps_core::protocol::messages::{Login, Verdict};
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use ldaps_directory::{BindOutcome, ChangeOutcome, ChangeRefusal, Depth, DirectoryError, Wanted};

use super::stop::{Stop, decided};
use super::{Decision, identity, new_password, offline};
use crate::host::Host;
use crate::lookups::memory::KnownUser;
use crate::status::Numbers;

/// Decides whether the old password is right, by one bind.
pub(crate) async fn check_old(
    host: &Arc<Host>,
    numbers: &Numbers,
    login: &Login<'_>,
    name: &UserName,
    old: &Password,
) -> Decision {
    decided(async {
        let user = account_now(host, login, name).await?;
        let _turn = super::turn_to_bind(host, &user).await?;
        let unbound = host.directory.unbound(None).await?;
        Ok(match super::bind(host, numbers, &user, old, unbound).await? {
            BindOutcome::Accepted => Decision::granted("the current password is right"),
            BindOutcome::Refused(refusal) => old_password_refused(refusal),
        })
    })
    .await
}

/// The account as AD has it now, if it is the one that NSS gave.
async fn account_now(
    host: &Host,
    login: &Login<'_>,
    name: &UserName,
) -> Result<Arc<KnownUser>, Stop> {
    let wanted = Wanted { depth: Depth::Entry, groups: false };
    let found = host.lookups.person_now(name, wanted).await?;
    Ok(identity::same(found.map(|person| person.user), login)?)
}

/// AD says that a password has expired only to who knows it.
fn old_password_refused(refusal: Refusal) -> Decision {
    match refusal {
        Refusal::PasswordExpired | Refusal::PasswordMustChange => Decision::change_first(refusal),
        Refusal::WrongPassword => {
            Decision::refused(refusal).telling("The current password is wrong.")
        }
        refusal => Decision::refused(refusal),
    }
}

/// Changes the password, by one Modify, and explains why AD does not take the new one.
pub(crate) async fn change(
    host: &Arc<Host>,
    login: &Login<'_>,
    name: &UserName,
    old: &Password,
    new: &Password,
) -> Decision {
    decided(async {
        let user = account_now(host, login, name).await?;
        let _turn = super::turn_to_bind(host, &user).await?;
        let outcome = host.directory.change_password(&user.record.dn, old, new).await;
        match outcome.map_err(not_changeable)? {
            ChangeOutcome::Changed => {
                offline::heed_change(host, login, name, user.record.sid, new).await;
                Ok(Decision::granted("the password was changed"))
            }
            ChangeOutcome::Refused(refusal) => Ok(refused(host, &user, new, refusal).await?),
        }
    })
    .await
}

/// What the person is told where there is nobody to change a password.
fn not_changeable(error: DirectoryError) -> Stop {
    match error {
        DirectoryError::ReadOnly { .. } => Decision::unavailable(&error)
            .telling(
                "Your password cannot be changed now: no domain controller that changes passwords \
                 can be reached. Please try again later.",
            )
            .into(),
        error => error.into(),
    }
}

async fn refused(
    host: &Host,
    user: &KnownUser,
    new: &Password,
    refusal: ChangeRefusal,
) -> Result<Decision, Stop> {
    Ok(match refusal {
        ChangeRefusal::WrongOldPassword => {
            let refusal = Refusal::WrongPassword;
            host.wrong_passwords.count(user.record.sid, BindOutcome::Refused(refusal));
            old_password_refused(refusal)
        }
        ChangeRefusal::LockedOut => Decision::refused(Refusal::LockedOut),
        ChangeRefusal::Forbidden => Decision::refused_because(
            Refusal::ChangeForbidden,
            "AD lets nobody change this password (0000216C, \"User cannot change password\")"
                .into(),
        ),
        ChangeRefusal::NoRight(words) => Decision::refused_because(
            Refusal::ChangeForbidden,
            format!(
                "the right \"Change Password\" on {} is granted to nobody who could use it here; AD \
                 takes it from accounts that it protects (adminCount): {words}",
                user.record.dn
            ),
        ),
        ChangeRefusal::Unwilling(words) => {
            unexplained(format!("AD does not take the change as it was made: {words}"))
        }
        ChangeRefusal::Other(words) => unexplained(format!("AD refused: {words}")),
        ChangeRefusal::Policy => {
            let (record, now) = (&user.record, SystemTime::now());
            let policy = host.directory.password_policy(&record.dn).await?;
            let last_set = record.state.password_last_set();
            let why = new_password::explain(&policy, new, &user.entry.name, last_set, now);
            let refusal = Refusal::NewPasswordRejected;
            Decision::refused_because(refusal, format!("{refusal}: {why}")).telling(why)
        }
    })
}

/// A refusal that says nothing of the person or the password.
fn unexplained(why: String) -> Decision {
    Decision::refused_because(Refusal::ChangeForbidden, why)
        .telling("The password could not be changed. Please ask your administrator.")
}

impl Decision {
    /// The password is right, and AD wants another one first.
    pub(super) fn change_first(refusal: Refusal) -> Self {
        Self {
            verdict: Verdict::ChangeFirst,
            why: format!("the password is right, and {refusal}"),
            notice: None,
        }
    }
}

//! A login: authentication, the account, credentials.
#![forbid(unsafe_code)]

use ldaps_core::entries::check_id;
use ldaps_core::names::UserName;
use ldaps_core::presence::Presence;
use ldaps_core::protocol::messages::{PamReply, PamRequest, Verdict};
use ldaps_core::refusal::Refusal;
use pam::constants::PamResultCode::{self, *};

use super::{Details, conclude, judge, recognise};
use crate::codes::Phase;
use crate::host::{Host, NoPassword, Resolved, Which};
use crate::report::Level;

/// `pam_sm_authenticate`.
pub fn authenticate(host: &mut dyn Host) -> PamResultCode {
    host.forget_granted();
    let person = match recognise(host, Phase::Auth) {
        Ok(person) => person,
        Err(code) => return code,
    };
    let password = match host.password(Which::Login) {
        Ok(password) => password,
        Err(NoPassword::Unusable(error)) => {
            let verdict = Verdict::Refused(Refusal::UnusablePassword);
            return conclude(host, &person, verdict, &Details::why(&error.to_string()));
        }
        Err(NoPassword::Pam(code)) => {
            host.log(Level::Notice, &format!("{} gave no password ({code:?})", person.user));
            return code;
        }
    };
    let request = PamRequest::Authenticate { login: person.login(), password: password.expose() };
    let answer = host.decide(&person.page, &request);
    let code = judge(host, &person, &answer);
    if code == PAM_SUCCESS {
        // Only a password that has to be changed is needed once more, and only that one is kept.
        let pending = matches!(answer, Ok(PamReply { verdict: Verdict::ChangeFirst, .. }));
        host.note_granted(&person.user, pending.then_some(password));
    }
    code
}

/// `pam_sm_acct_mgmt`. It needs no authentication before it: sshd comes here with a key, and cron
/// with nothing.
pub fn account(host: &mut dyn Host) -> PamResultCode {
    let person = match recognise(host, Phase::Account) {
        Ok(person) => person,
        Err(code) => return code,
    };
    let authenticated = host.has_granted(&person.user);
    let request = PamRequest::Account { login: person.login(), authenticated };
    let answer = host.decide(&person.page, &request);
    judge(host, &person, &answer)
}

/// `pam_sm_setcred`: there are no credentials to set, only an answer to give that breaks no chain.
///
/// libpam walks the auth block again, along the jumps of `pam_authenticate` where there was one.
/// For our users that must not end at `pam_deny`, as it would in a block of this module alone if
/// this were `PAM_IGNORE`: with an SSH key there was no `pam_authenticate`, and sshd's
/// keyboard-interactive authentication happens in another process. For everybody else it must be
/// `PAM_IGNORE`, or the jump would pass over the module that does have credentials for them.
///
/// A password kept for a change is kept no longer: programs make the change before this, and sshd,
/// which leaves it to passwd where a password was its own prompt's, holds the handle all session.
pub fn set_credentials(host: &mut dyn Host) -> PamResultCode {
    host.take_kept(None);
    let Ok(user) = host.user() else { return PAM_IGNORE };
    if user.to_str().is_ok_and(|user| host.has_granted(user)) {
        return PAM_SUCCESS;
    }
    if UserName::parse(user.to_bytes()).is_err()
        || !matches!(host.is_local(user.to_bytes()), Ok(false))
    {
        return PAM_IGNORE;
    }
    let Presence::Page(_, ctl) = host.presence() else { return PAM_IGNORE };
    match host.resolve(&user) {
        Resolved::Found { uid, .. } if ctl.holds_id(uid) && check_id(uid).is_ok() => PAM_SUCCESS,
        Resolved::Found { .. } | Resolved::NotFound | Resolved::Failed(_) => PAM_IGNORE,
    }
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;

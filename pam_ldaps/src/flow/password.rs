//! A password change, in the two halves of `pam_sm_chauthtok`.
//!
//! Whoever asks for it, root too, gives the current password: AD changes a password only for who
//! knows it, and a reset, which needs no old one, is not what this module is for.
#![forbid(unsafe_code)]

use ldaps_core::protocol::client::AskError;
use ldaps_core::protocol::messages::{PamRequest, Verdict};
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use pam::constants::PamResultCode;

use super::{Details, Person, conclude, judge, recognise};
use crate::codes::Phase;
use crate::host::{Host, NoPassword, Which};
use crate::report::Level;
use crate::words;

/// `pam_sm_chauthtok` with `PAM_PRELIM_CHECK`: nothing is changed, and the person is not made to
/// think of a new password for nothing.
///
/// A password that was kept at the login is not tried again: AD has just said that it is right,
/// and every further bind would count, were it not.
pub fn check_current_password(host: &mut dyn Host) -> PamResultCode {
    let person = match recognise(host, Phase::OldPassword) {
        Ok(person) => person,
        Err(code) => return code,
    };
    if host.offer_kept(&person.user) {
        let why = Details::why("it was checked at the login");
        return conclude(host, &person, Verdict::Granted, &why);
    }
    let old = match current(host, &person) {
        Ok(old) => old,
        Err(code) => return code,
    };
    let request = PamRequest::CheckOldPassword { login: person.login(), old: old.expose() };
    let answer = host.decide(&person.page, &request);
    judge(host, &person, &answer)
}

/// `pam_sm_chauthtok` with `PAM_UPDATE_AUTHTOK`: the change itself. Whatever comes of it, the
/// password that was kept at the login is kept no longer.
pub fn change_password(host: &mut dyn Host) -> PamResultCode {
    let person = match recognise(host, Phase::NewPassword) {
        Ok(person) => person,
        Err(code) => {
            host.take_kept(None);
            return code;
        }
    };
    let old = match host.take_kept(Some(&person.user)) {
        Some(kept) => kept,
        None => match current(host, &person) {
            Ok(old) => old,
            Err(code) => return code,
        },
    };
    let new = match new(host, &person, &old) {
        Ok(new) => new,
        Err(code) => return code,
    };
    let (old, new) = (old.expose(), new.expose());
    let request = PamRequest::ChangePassword { login: person.login(), old, new };
    let answer = host.decide(&person.page, &request);
    match answer {
        Err(error) if may_have_arrived(&error) => {
            let details = Details {
                why: Some(&error.to_string()),
                notice: Some(words::PERHAPS_CHANGED),
                request: None,
            };
            conclude(host, &person, Verdict::Unavailable, &details)
        }
        answer => judge(host, &person, &answer),
    }
}

/// Whether the request was on its way when the daemon was lost: the change may have been made.
fn may_have_arrived(error: &AskError) -> bool {
    match error {
        AskError::Deadline | AskError::Frame(_) => true,
        AskError::Ctl(_)
        | AskError::NotRunning
        | AskError::Connect(_)
        | AskError::Impostor(_)
        | AskError::Unmapped => false,
    }
}

/// The current password: the one that the first half has asked for, or what is typed now.
fn current(host: &mut dyn Host, person: &Person) -> Result<Password, PamResultCode> {
    host.password(Which::Current).map_err(|missing| match missing {
        NoPassword::Unusable(error) => {
            let why = error.to_string();
            let verdict = Verdict::Refused(Refusal::UnusablePassword);
            conclude(host, person, verdict, &Details::why(&why))
        }
        NoPassword::Pam(code) => not_given(host, person, "current", code),
    })
}

/// The new password, if it is one that the daemon need be asked about at all.
fn new(host: &mut dyn Host, person: &Person, old: &Password) -> Result<Password, PamResultCode> {
    let (why, notice) = match host.password(Which::New) {
        Ok(new) if new.expose() == old.expose() => {
            ("the new password is the current one".to_owned(), words::SAME_PASSWORD)
        }
        Ok(new) => return Ok(new),
        Err(NoPassword::Unusable(error)) => (error.to_string(), words::unusable(error)),
        Err(NoPassword::Pam(code)) => return Err(not_given(host, person, "new", code)),
    };
    let details = Details { why: Some(&why), notice: Some(notice), request: None };
    let verdict = Verdict::Refused(Refusal::UnusablePassword);
    Err(conclude(host, person, verdict, &details))
}

/// libpam has no password for us, and has told the person why itself.
fn not_given(
    host: &mut dyn Host,
    person: &Person,
    which: &str,
    code: PamResultCode,
) -> PamResultCode {
    host.log(Level::Notice, &format!("{} gave no {which} password ({code:?})", person.user));
    code
}

#[cfg(test)]
#[path = "password_tests.rs"]
mod tests;

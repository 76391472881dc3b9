//! Modify requests: a password change by delete-old-add-new of unicodePwd. Everything else is refused, for a
//! service account can only read.
#![forbid(unsafe_code)]

use ldap3_proto::proto::{
    LdapModify, LdapModifyRequest, LdapModifyType, LdapResult, LdapResultCode,
};

use crate::account;
use crate::answer;
use crate::bind;
use crate::clock;
use crate::data::Directory;
use crate::dn::Dn;
use crate::fold::fold;
use crate::object::{Credentials, ObjectId};

/// The old password is wrong (ERROR_INVALID_PASSWORD).
const INVALID_PASSWORD: u32 = 0x56;
/// The new password breaks the policy: length, complexity, history, age (ERROR_PASSWORD_RESTRICTION).
const PASSWORD_RESTRICTION: u32 = 0x52D;
/// A unicodePwd value is not a quoted UTF-16LE string (ERROR_GEN_FAILURE).
const GENERAL_FAILURE: u32 = 0x1F;
/// userAccountControl: the user may not change the password.
const UAC_CANNOT_CHANGE: i64 = 0x40;
/// ERROR_ACCESS_DENIED (MS-ERREF 2.2).
const ACCESS_DENIED: u32 = 5;
/// pwdProperties: passwords must be complex.
const COMPLEX: i64 = 1;

/// Carries out a Modify from somebody who has bound.
pub(crate) fn modify(directory: &mut Directory, request: &LdapModifyRequest) -> LdapResult {
    let Some(dn) = Dn::parse(&request.dn) else { return answer::bad_name(&request.dn) };
    let Some(id) = directory.id_of_dn(&dn) else {
        return answer::no_such_object(&directory.base_dn());
    };
    let password =
        |change: &LdapModify| change.modification.atype.eq_ignore_ascii_case("unicodePwd");
    if request.changes.is_empty() || !request.changes.iter().all(password) {
        return answer::access_denied();
    }
    match change_values(&request.changes) {
        Ok((old, new)) => change_password(directory, id, &old, &new),
        Err(refused) => refused,
    }
}

/// The old and the new password of a delete-and-add; any other form is refused as AD refuses it.
fn change_values(changes: &[LdapModify]) -> Result<(String, String), LdapResult> {
    let values = |kind: LdapModifyType| {
        let chosen = changes.iter().filter(move |change| change.operation == kind);
        chosen.flat_map(|change| change.modification.vals.iter()).collect::<Vec<_>>()
    };
    let (deleted, added) = (values(LdapModifyType::Delete), values(LdapModifyType::Add));
    match (deleted.as_slice(), added.as_slice(), changes.len()) {
        ([old], [new], 2) => match (unquote(old), unquote(new)) {
            (Some(old), Some(new)) => Ok((old, new)),
            _ => Err(answer::unwilling(GENERAL_FAILURE)),
        },
        ([_], [], 1) => Err(answer::result(LdapResultCode::NoSuchAttribute, "")),
        ([], [_], 1) => Err(answer::result(LdapResultCode::AttributeOrValueExists, "")),
        // A replace is a reset, which wants a right that a service account has not.
        _ => Err(answer::access_denied()),
    }
}

/// The password inside a unicodePwd value: UTF-16LE with a quotation mark at each end.
fn unquote(value: &[u8]) -> Option<String> {
    let pairs = value.chunks_exact(2);
    let odd = !pairs.remainder().is_empty();
    let units: Vec<u16> = pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).ok().filter(|_| !odd)?;
    text.strip_prefix('"')?.strip_suffix('"').map(str::to_owned)
}

fn change_password(directory: &mut Directory, id: ObjectId, old: &str, new: &str) -> LdapResult {
    let now = clock::filetime_now();
    let Some(object) = directory.get(id) else { return answer::no_such_object("") };
    if object.integer("userAccountControl").unwrap_or(0) & UAC_CANNOT_CHANGE != 0 {
        return answer::access_denied();
    }
    match object.forced_change {
        None => {}
        Some(ACCESS_DENIED) => return answer::access_denied(),
        Some(GENERAL_FAILURE) => return answer::unwilling(GENERAL_FAILURE),
        Some(win32) => return answer::password_refused(win32),
    }
    let Some(known) = object.credentials.as_ref() else { return answer::access_denied() };
    if account::is_locked(directory, object, now) {
        return answer::password_refused(account::LOCKED_OUT);
    }
    if known.current != old {
        bind::count_bad_password(directory, id, now);
        return answer::password_refused(INVALID_PASSWORD);
    }
    if breaks_policy(directory, id, new, now) {
        return answer::password_refused(PASSWORD_RESTRICTION);
    }
    replace_password(directory, id, new, now);
    answer::success()
}

fn breaks_policy(directory: &Directory, id: ObjectId, new: &str, now: i64) -> bool {
    let number = |name: &str| account::domain_number(directory, name);
    let Some(object) = directory.get(id) else { return true };
    let set = object.integer("pwdLastSet").unwrap_or(0);
    let too_short = (new.encode_utf16().count() as i64) < number("minPwdLength");
    let too_soon = set != 0 && set.saturating_sub(number("minPwdAge")) > now;
    let simple = number("pwdProperties") & COMPLEX != 0
        && !is_complex(new, object.text("sAMAccountName").unwrap_or(""));
    let used = object.credentials.as_ref().is_some_and(|known| {
        let remembered = usize::try_from(number("pwdHistoryLength")).unwrap_or(0);
        remembered > 0
            && (known.current == new
                || known.history.iter().rev().take(remembered).any(|old| old == new))
    });
    too_short || too_soon || simple || used
}

/// Three of four kinds of characters, and not the account's own name.
fn is_complex(password: &str, account: &str) -> bool {
    let kinds: [fn(char) -> bool; 4] =
        [char::is_lowercase, char::is_uppercase, |c| c.is_ascii_digit(), |c| !c.is_alphanumeric()];
    let present = kinds.iter().filter(|kind| password.chars().any(kind)).count();
    let named = account.len() > 2 && fold(password).contains(&fold(account));
    present >= 3 && !named
}

/// Puts a new password in place, with the old one kept as AD keeps it.
pub(crate) fn replace_password(directory: &mut Directory, id: ObjectId, new: &str, now: i64) {
    let Some(object) = directory.get_mut(id) else { return };
    let mut known = object.credentials.take().unwrap_or_default();
    let old = std::mem::take(&mut known.current);
    known.history.push(old.clone());
    object.credentials = Some(Credentials {
        current: new.to_owned(),
        replaced: Some((old, now)),
        history: known.history,
    });
    directory.put_integer(id, "pwdLastSet", now);
}

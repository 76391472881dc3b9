//! Simple binds: who is meant by a name, and whether AD lets them in.
#![forbid(unsafe_code)]

use ldap3_proto::proto::LdapResult;

use crate::account;
use crate::answer;
use crate::clock;
use crate::data::Directory;
use crate::dn::Dn;
use crate::fold::fold;
use crate::object::ObjectId;
use crate::sid::Sid;

/// What a bind came to.
pub(crate) struct Outcome {
    /// The account that the name means, if it means exactly one.
    pub(crate) account: Option<ObjectId>,
    /// The sub-code of a refusal; `None` for success.
    pub(crate) sub_code: Option<u32>,
    /// The words of the refusal, where they are not the usual ones.
    words: Option<&'static str>,
}

impl Outcome {
    pub(crate) fn result(&self) -> LdapResult {
        match (self.sub_code, self.words) {
            (None, _) => answer::success(),
            (Some(_), Some(words)) => answer::bind_refused_in_words(words),
            (Some(sub_code), None) => answer::bind_refused(sub_code),
        }
    }
}

/// The account that a bind name means. AD tries each form in turn; a form that fits two accounts fits nobody.
pub(crate) fn resolve(directory: &Directory, name: &str) -> Option<ObjectId> {
    if let Some(id) =
        Dn::parse(name).filter(|dn| dn.depth() > 0).and_then(|dn| directory.id_of_dn(&dn))
    {
        return Some(id);
    }
    let forms: [&dyn Fn() -> Vec<ObjectId>; 5] = [
        &|| holders(directory, "userPrincipalName", name),
        &|| implicit_principal(directory, name),
        &|| down_level_name(directory, name),
        &|| holders(directory, "displayName", name),
        &|| {
            Sid::parse(name)
                .and_then(|sid| directory.id_of_sid(&sid.to_bytes()))
                .into_iter()
                .collect()
        },
    ];
    let found = forms.iter().map(|form| form()).find(|found| !found.is_empty())?;
    (found.len() == 1).then(|| found[0])
}

fn holders(directory: &Directory, attribute: &str, name: &str) -> Vec<ObjectId> {
    let wanted = fold(name);
    let holds = |object: &crate::object::Object| {
        object.text(attribute).is_some_and(|text| fold(text) == wanted)
    };
    directory.objects_after(None).filter(|(_, object)| holds(object)).map(|(id, _)| id).collect()
}

/// `alice@corp.example` means the sAMAccountName alice, whatever her userPrincipalName says.
fn implicit_principal(directory: &Directory, name: &str) -> Vec<ObjectId> {
    let parts = name.rsplit_once('@');
    let ours = parts.filter(|(_, domain)| domain.eq_ignore_ascii_case(&directory.dns_domain));
    ours.and_then(|(account, _)| directory.id_of_account(account)).into_iter().collect()
}

/// `CORP\alice`; the DNS name of the domain does as well.
fn down_level_name(directory: &Directory, name: &str) -> Vec<ObjectId> {
    let ours = |domain: &str| {
        domain.eq_ignore_ascii_case(&directory.netbios)
            || domain.eq_ignore_ascii_case(&directory.dns_domain)
    };
    let parts = name.split_once('\\').filter(|(domain, _)| ours(domain));
    parts.and_then(|(_, account)| directory.id_of_account(account)).into_iter().collect()
}

/// One simple bind with a password, and what it does to the account's counters.
pub(crate) fn attempt(directory: &mut Directory, name: &str, password: &str) -> Outcome {
    let now = clock::filetime_now();
    let Some(id) = resolve(directory, name) else {
        return Outcome { account: None, sub_code: Some(account::LOGON_FAILURE), words: None };
    };
    let sub_code = match check(directory, id, password, now) {
        Ok(()) => {
            clear_bad_passwords(directory, id, now);
            None
        }
        Err(sub_code) => Some(sub_code),
    };
    // Only the forced code, which only a right password gets, comes in words of its own.
    let account = directory.get(id).filter(|account| account.forced_sub_code == sub_code);
    let words = account.and_then(|account| account.forced_words);
    Outcome { account: Some(id), sub_code, words }
}

fn check(directory: &mut Directory, id: ObjectId, password: &str, now: i64) -> Result<(), u32> {
    let Some(account) = directory.get(id) else { return Err(account::LOGON_FAILURE) };
    let right = account.credentials.as_ref().is_some_and(|known| {
        let grace = directory.old_password_seconds.saturating_mul(clock::TICKS_PER_SECOND);
        known.current == password
            || known
                .replaced
                .as_ref()
                .is_some_and(|(old, when)| old == password && now < when.saturating_add(grace))
    });
    if right {
        return account::refusal(directory, account, now).map_or(Ok(()), Err);
    }
    if account::is_locked(directory, account, now) {
        return Err(account::LOCKED_OUT);
    }
    count_bad_password(directory, id, now);
    Err(account::LOGON_FAILURE)
}

/// Counts a wrong password and locks the account at the domain's lockoutThreshold (0: never).
pub(crate) fn count_bad_password(directory: &mut Directory, id: ObjectId, now: i64) {
    let threshold = account::domain_number(directory, "lockoutThreshold");
    let Some(object) = directory.get_mut(id) else { return };
    if object.credentials.is_none() {
        return;
    }
    let count = object.integer("badPwdCount").unwrap_or(0) + 1;
    // badPwdCount is not replicated and moves no uSNChanged; lockoutTime is and does.
    object.set_integer("badPwdCount", count);
    object.set_integer("badPasswordTime", now);
    if threshold > 0 && count >= threshold {
        directory.put_integer(id, "lockoutTime", now);
    }
}

fn clear_bad_passwords(directory: &mut Directory, id: ObjectId, now: i64) {
    let Some(object) = directory.get_mut(id) else { return };
    object.set_integer("badPwdCount", 0);
    object.set_integer("lastLogon", now);
    if object.integer("lockoutTime").unwrap_or(0) != 0 {
        directory.put_integer(id, "lockoutTime", 0);
    }
}

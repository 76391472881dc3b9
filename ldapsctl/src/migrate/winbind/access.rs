//! pam_winbind.conf: who may log in, offline logins, warnings.
#![forbid(unsafe_code)]

use super::super::entries::{Section, account_for_rest};
use super::super::plan::{Plan, Value};
use super::super::subjects::{self, Domain};
use super::fates;

/// pam_winbind.conf(5) has no end for cached logins; `pam.offline_days` has one.
const OFFLINE_DAYS: u32 = 90;

pub(super) fn plan(pam: &mut Section, names: &Domain, plan: &mut Plan) {
    match pam.take("require_membership_of").or_else(|| pam.take("require-membership-of")) {
        Some(entry) => {
            if entry.list().iter().any(|name| name.to_uppercase().starts_with("S-1-")) {
                plan.close(
                    &entry.told(),
                    "it names groups by SID, and rules name them by name here",
                    "`wbinfo --sid-to-name SID` tells the name: allow = [\"@name\"] under [access]",
                );
            } else {
                let groups = subjects::of_list(&entry, true, false, names, plan);
                plan.set("access", "allow", Value::Texts(groups), "require_membership_of");
            }
        }
        None => plan.set(
            "access",
            "allow",
            Value::Texts(vec!["*".to_owned()]),
            "no require_membership_of",
        ),
    }
    plan.leave_key(
        "/etc/pam.d",
        "require_membership_of may stand there too, behind pam_winbind.so",
        "look for it (grep -r require /etc/pam.d), and write those groups under [access]",
    );
    if let Some(entry) = pam.take("cached_login")
        && entry.flag() == Some(true)
    {
        plan.set("pam", "offline_days", OFFLINE_DAYS, "cached_login");
    }
    if let Some(entry) = pam.take("warn_pwd_expire")
        && let Ok(days) = entry.value.parse::<u32>()
    {
        plan.set("pam", "warn_days", days, "warn_pwd_expire");
    }
    account_for_rest(std::mem::take(pam), fates::PAM, plan);
}

//! Who may log in. A rule that cannot be carried over lets nobody in, rather than everybody.
#![forbid(unsafe_code)]

use super::super::entries::Entry;
use super::super::filters;
use super::super::plan::{Plan, Value};
use super::super::subjects;
use super::Sssd;

const SAY_WHO: &str = "write under [access] who may log in";

pub(super) fn plan(sssd: &mut Sssd, plan: &mut Plan) {
    let provider = sssd.domain.take("access_provider");
    let name = provider.as_ref().map_or("permit", |entry| entry.value.as_str()).to_lowercase();
    let from = provider
        .as_ref()
        .map_or("sssd's access_provider is permit by default", |_| "access_provider");
    match name.as_str() {
        "permit" => everybody(plan, from),
        "deny" => plan.set("access", "allow", Value::Texts(Vec::new()), from),
        "simple" => simple(sssd, plan),
        "ldap" => by_ldap(sssd, plan),
        "ad" => by_ad(sssd, plan),
        other => {
            let key = provider.as_ref().map(Entry::told).unwrap_or_default();
            plan.close(&key, format!("the rules of {other:?} are kept elsewhere"), SAY_WHO);
        }
    }
    plan.needless.extend(sssd.domain.take_prefix("simple_").into_iter().map(|entry| entry.key));
}

fn everybody(plan: &mut Plan, from: &str) {
    plan.set("access", "allow", Value::Texts(vec!["*".to_owned()]), from);
}

fn simple(sssd: &mut Sssd, plan: &mut Plan) {
    let mut list = |key: &str, plan: &mut Plan| {
        let entry = sssd.domain.take(key)?;
        let (is_group, denies) = (key.ends_with("groups"), key.contains("deny"));
        Some(subjects::of_list(&entry, is_group, denies, &sssd.names, plan))
    };
    let allowed = [list("simple_allow_users", plan), list("simple_allow_groups", plan)];
    let denied = [list("simple_deny_users", plan), list("simple_deny_groups", plan)];
    // With no list at all of who is allowed, everybody is who is not denied.
    if allowed.iter().all(Option::is_none) {
        everybody(plan, "access_provider = simple without a list of who is allowed");
    } else {
        let allowed = allowed.into_iter().flatten().flatten().collect();
        plan.set(
            "access",
            "allow",
            Value::Texts(allowed),
            "simple_allow_users, simple_allow_groups",
        );
    }
    let denied: Vec<String> = denied.into_iter().flatten().flatten().collect();
    if !denied.is_empty() {
        plan.set("access", "deny", Value::Texts(denied), "simple_deny_users, simple_deny_groups");
    }
}

fn by_ldap(sssd: &mut Sssd, plan: &mut Plan) {
    let order = sssd.domain.take("ldap_access_order");
    let told = order.as_ref().map_or_else(|| "ldap_access_order".to_owned(), Entry::told);
    let order = order.map_or_else(|| vec!["filter".to_owned()], |entry| entry.list());
    let filter = sssd.domain.take("ldap_access_filter");
    everybody(plan, "access_provider = ldap");
    for rule in &order {
        match (rule.as_str(), &filter) {
            ("filter", Some(entry)) => access_filter(entry, &entry.value, plan),
            // sssd-ldap(5): without a filter, this rule denies everybody.
            ("filter", None) => {
                plan.set(
                    "access",
                    "allow",
                    Value::Texts(Vec::new()),
                    "sssd lets nobody in without ldap_access_filter",
                );
            }
            // Disabled, expired, locked: always judged here, by AD's own word.
            (
                "expire"
                | "lockout"
                | "ppolicy"
                | "pwd_expire_policy_reject"
                | "pwd_expire_policy_warn"
                | "pwd_expire_policy_renew",
                _,
            ) => plan.needless.push(format!("ldap_access_order {rule}")),
            _ => plan.close(&told, format!("the rule {rule:?} has no counterpart"), SAY_WHO),
        }
    }
}

fn by_ad(sssd: &mut Sssd, plan: &mut Plan) {
    everybody(plan, "access_provider = ad");
    if let Some(entry) = sssd.domain.take("ad_access_filter") {
        match of_this_domain(&entry.value, sssd) {
            Some(filter) => access_filter(&entry, &filter, plan),
            None => {
                let why = "it has filters for several domains, or for another";
                plan.close(&entry.told(), why, SAY_WHO);
            }
        }
    }
    let control = sssd.domain.take("ad_gpo_access_control");
    match control.as_ref().map(|entry| entry.value.to_lowercase()).as_deref() {
        Some("disabled" | "permissive") => plan.needless.push("ad_gpo_access_control".to_owned()),
        _ => {
            let key = control.as_ref().map_or_else(
                || "ad_gpo_access_control (enforcing by default)".to_owned(),
                Entry::told,
            );
            plan.close(
                &key,
                "group policies (\"Allow log on locally\", \"Deny log on through ...\") are not read here",
                "if they restrict nobody on this host, write allow = [\"*\"] under [access]; or else the \
                 users and groups that they name",
            );
        }
    }
}

/// `filter`, or `DOM:name:filter` with our name.
fn of_this_domain(text: &str, sssd: &Sssd) -> Option<String> {
    if text.contains(")?(") || text.contains("?DOM:") || text.contains("?FOREST:") {
        return None;
    }
    let Some(rest) = text.strip_prefix("DOM:") else {
        return (!text.starts_with("FOREST:")).then(|| text.to_owned());
    };
    let (name, filter) = rest.split_once(':')?;
    sssd.names.names.iter().any(|one| one.eq_ignore_ascii_case(name)).then(|| filter.to_owned())
}

fn access_filter(entry: &Entry, filter: &str, plan: &mut Plan) {
    match filters::usable(filter) {
        Ok(filter) => plan.set("access", "filter", filter, &entry.key),
        Err(why) => plan.close(&entry.told(), why, SAY_WHO),
    }
}

//! Servers, service account, trust, search bases.
#![forbid(unsafe_code)]

use super::super::Given;
use super::super::entries::Entry;
use super::super::filters;
use super::super::plan::Plan;
use super::super::servers::{self, Proposed};
use super::Sssd;
use zeroize::Zeroizing;

pub(super) fn plan(sssd: &mut Sssd, given: &Given, plan: &mut Plan) {
    where_it_is(sssd, plan);
    as_whom(sssd, given, plan);
    let domain = &mut sssd.domain;
    let (file, dir) = (domain.take("ldap_tls_cacert"), domain.take("ldap_tls_cacertdir"));
    servers::ca(plan, file.as_ref(), dir.as_ref(), given.ca.as_deref());
    if file.or(dir).is_none() && given.ca.is_none() && sssd.provider == "ad" {
        plan.leave_key(
            "the domain controllers' CA",
            "sssd's provider ad trusts by Kerberos and needs none",
            "where it is not in the system's store, get it (`ldapsctl cert fetch`), and name it with --ca",
        );
    }
    servers::verification(plan, sssd.domain.take("ldap_tls_reqcert"));
    for (key, ours) in
        [("ldap_network_timeout", "connect_timeout"), ("ldap_opt_timeout", "operation_timeout")]
    {
        if let Some(entry) = sssd.domain.take(key)
            && let Some(time) = servers::seconds(&entry, 30)
        {
            plan.set("directory", ours, time, key);
        }
    }
    bases(sssd, plan);
}

fn where_it_is(sssd: &mut Sssd, plan: &mut Plan) {
    let mut proposed: Vec<Proposed> = Vec::new();
    let mut from = Vec::new();
    for key in ["ldap_uri", "ldap_backup_uri", "ad_server", "ad_backup_server"] {
        if let Some(entry) = sssd.domain.take(key) {
            proposed.extend(servers::propose(&entry, &entry.list(), plan));
            from.push(entry.key);
        }
    }
    let discovery =
        sssd.domain.take("dns_discovery_domain").map(|entry| entry.value.to_lowercase());
    let domain = discovery.or_else(|| sssd.dns.clone());
    let from = if from.is_empty() { "the domain's name".to_owned() } else { from.join(", ") };
    servers::write(plan, proposed, domain.as_deref(), &from);
    if plan.get("directory", "uri").or_else(|| plan.get("directory", "domain")).is_none() {
        plan.leave_key(
            "ldap_uri",
            "no server is named, and the domain's name is no DNS name",
            "URI of /etc/ldap/ldap.conf holds then; or write `domain` or `uri` under [directory]",
        );
    }
}

fn as_whom(sssd: &mut Sssd, given: &Given, plan: &mut Plan) {
    let bind_dn = sssd.domain.take("ldap_default_bind_dn");
    servers::bind_dn(plan, bind_dn.as_ref(), given.bind_dn.as_deref(), sssd.dns.as_deref());
    let kind = sssd.domain.take("ldap_default_authtok_type");
    let secret = sssd.domain.take("ldap_default_authtok");
    let is_plain = kind.as_ref().is_none_or(|kind| kind.value.as_str() == "password");
    match secret {
        Some(entry) if is_plain => plan.secret = Some(Zeroizing::new(entry.value.to_string())),
        Some(entry) => plan.leave(
            &entry,
            "the password is obfuscated",
            "write the password itself into /etc/ldaps/secret",
        ),
        None => {}
    }
}

/// `base?scope?filter`, for everything, users and groups.
fn bases(sssd: &mut Sssd, plan: &mut Plan) {
    for (key, section) in [
        ("ldap_search_base", "directory"),
        ("ldap_user_search_base", "users"),
        ("ldap_group_search_base", "groups"),
    ] {
        let Some(entry) = sssd.domain.take(key) else { continue };
        let parts: Vec<&str> = entry.value.split('?').map(str::trim).collect();
        if parts.len() > 3 {
            let remedy = "write one `base` that is above all of them, and `filter` or `condition`";
            plan.leave(&entry, "it names several bases", remedy);
            continue;
        }
        let base = parts.first().copied().unwrap_or_default();
        plan.set(section, "base", base, key);
        if parts.get(1).is_some_and(|scope| !scope.is_empty() && !scope.starts_with("sub")) {
            plan.leave(
                &entry,
                "searches go through the whole tree below the base",
                "compare with `--prove`",
            );
        }
        if let Some(filter) = parts.get(2).filter(|filter| !filter.is_empty()) {
            search_filter(&entry, filter, section, plan);
        }
    }
}

/// Who does not match the filter of a search does not exist: a filter that gets lost would let
/// people in.
fn search_filter(entry: &Entry, filter: &str, section: &str, plan: &mut Plan) {
    match (filters::usable(filter), section) {
        (Ok(filter), "users") => plan.set("users", "condition", filter, &entry.key),
        (Ok(filter), "groups") => {
            let filter =
                format!("(&(|(sAMAccountType=268435456)(sAMAccountType=536870912)){filter})");
            plan.set("groups", "filter", filter, &entry.key);
        }
        (Ok(filter), _) => {
            let key = entry.told();
            plan.set("users", "condition", filter, &entry.key);
            plan.leave_key(
                &key,
                "its filter was for groups as well",
                "it is proposed for users alone",
            );
        }
        (Err(why), "groups") => plan.leave(entry, why, "write `filter` under [groups] by hand"),
        (Err(why), _) => {
            plan.close(
                &entry.told(),
                why,
                "write `condition` under [users] by hand, then who may log in",
            );
        }
    }
}

//! Ids: sssd's own mapping, which is ours too, or those that stand in the directory.
#![forbid(unsafe_code)]

use super::super::plan::{Plan, Value};
use super::Sssd;
use ldaps_core::config::{IdMapping, Ids};

/// The attributes that ids are read from here, and sssd's keys for others.
const POSIX: &[(&str, &str)] = &[
    ("ldap_user_uid_number", "uidNumber"),
    ("ldap_user_gid_number", "gidNumber"),
    ("ldap_group_gid_number", "gidNumber"),
];

pub(super) fn plan(sssd: &mut Sssd, plan: &mut Plan) {
    let domain = &mut sssd.domain;
    let mapping = domain.take("ldap_id_mapping");
    let is_mapped = mapping.and_then(|entry| entry.flag()).unwrap_or(sssd.provider == "ad");
    let defaults = Ids::defaults(IdMapping::Sid);
    if is_mapped {
        plan.set("ids", "mapping", "sid", "ldap_id_mapping");
        range(sssd, plan, &defaults);
    } else {
        plan.set("ids", "mapping", "posix", "ldap_id_mapping");
        for (key, ours) in POSIX {
            if let Some(entry) = domain.take(key)
                && !entry.value.eq_ignore_ascii_case(ours)
            {
                plan.leave(
                    &entry,
                    format!("ids are read from {ours} here"),
                    format!("copy the numbers into {ours} in the directory, or keep them with --keep-ids"),
                );
            }
        }
        for key in ["ldap_idmap_range_min", "ldap_idmap_range_max", "ldap_idmap_range_size"] {
            plan.needless.extend(domain.take(key).map(|entry| entry.key));
        }
    }
    lowest(sssd, plan, is_mapped);
    own_groups(sssd, plan);
}

/// The three numbers, where they are not sssd's defaults; and the domain that is given the first
/// slice whatever its SID: with room for one slice there is no other.
fn range(sssd: &mut Sssd, plan: &mut Plan, defaults: &Ids) {
    let domain = &mut sssd.domain;
    let mut number = |key: &str| domain.take(key).and_then(|entry| entry.value.parse::<u32>().ok());
    let min = number("ldap_idmap_range_min");
    let (max, size) = (number("ldap_idmap_range_max"), number("ldap_idmap_range_size"));
    for (key, ours, value) in [
        ("ldap_idmap_range_min", "range_min", min),
        ("ldap_idmap_range_max", "range_max", max),
        ("ldap_idmap_range_size", "range_size", size),
    ] {
        if let Some(value) = value {
            plan.set("ids", ours, value, key);
        }
    }
    let first = domain.take("ldap_idmap_default_domain_sid");
    let autorid = domain.take("ldap_idmap_autorid_compat");
    let autorid = autorid.filter(|entry| entry.flag() == Some(true));
    let Some(entry) = first.or(autorid) else { return };
    let min = min.unwrap_or(defaults.range_min);
    let size = size.unwrap_or(defaults.range_size);
    if let Some(end) = min.checked_add(size) {
        plan.set("ids", "range_min", min, "ldap_idmap_range_min");
        plan.set("ids", "range_max", end, &format!("{}: one slice, the domain's", entry.key));
        plan.set("ids", "range_size", size, "ldap_idmap_range_size");
    }
    plan.leave(
        &entry,
        "the domain has the first slice whatever its SID: here it has the only one, so that accounts \
         with a RID above its size have no ids",
        "compare with `--prove`; keep the ids of those few with --keep-ids",
    );
}

fn lowest(sssd: &mut Sssd, plan: &mut Plan, is_mapped: bool) {
    if let Some(entry) = sssd.domain.take("min_id") {
        match entry.value.parse::<u32>() {
            Ok(id) if id >= ldaps_core::config::LOWEST_MIN_ID => {
                // With a mapping, the range's beginning is the lowest by itself.
                if !is_mapped || id > 200_000 {
                    plan.set("ids", "min_id", id, "min_id");
                }
            }
            _ if is_mapped => plan.needless.push(entry.key),
            _ => plan.leave(
                &entry,
                "ids below 1000 are the host's own here",
                "give whoever has one another id, and their files: `--prove` names them",
            ),
        }
    }
    if let Some(entry) = sssd.domain.take("max_id")
        && entry.value.as_str() != "0"
    {
        let remedy = "if higher ids must not exist here, write a `condition` under [users]";
        plan.leave(&entry, "there is a lowest id here and no highest", remedy);
    }
}

/// Primary groups other than the directory's.
fn own_groups(sssd: &mut Sssd, plan: &mut Plan) {
    if let Some(entry) = sssd.domain.take("auto_private_groups") {
        match entry.value.to_lowercase().as_str() {
            "true" => plan.set("users", "primary_group", "private", "auto_private_groups"),
            "hybrid" => plan.leave(
                &entry,
                "a private group for some and not for others has no counterpart",
                "primary_group = \"private\" under [users] gives everybody one; see whose gid differs \
                 with `--prove`, and keep those with --keep-ids",
            ),
            _ => plan.needless.push(entry.key),
        }
    }
    let Some(entry) = sssd.nss.take("override_gid").or_else(|| sssd.domain.take("override_gid"))
    else {
        return;
    };
    match entry.value.parse::<u32>() {
        Ok(gid) if gid >= ldaps_core::config::LOWEST_MIN_ID => {
            let section = "users.of_group.\"domain users\"";
            plan.set(section, "gid", gid, "override_gid: everybody is in that group");
            if plan.get("ids", "min_id").is_none() {
                plan.set("ids", "min_id", Value::Number(gid.min(200_000)), "override_gid");
            }
        }
        _ => plan.leave(
            &entry,
            "a gid below 1000 is the host's own here",
            "give these people a group of the directory, and their files",
        ),
    }
}

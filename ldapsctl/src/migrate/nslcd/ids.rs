//! Ids: numbers of the directory, or RIDs, with an offset.
#![forbid(unsafe_code)]

use super::super::entries::Section;
use super::super::plan::{Plan, Value};
use ldaps_core::config::LOWEST_MIN_ID;

/// Room for RIDs where ids are RIDs: more than any domain has given away (2^30 is AD's own limit,
/// MS-ADTS 3.1.1.1.9), and few enough that other ids fit above.
const RIDS: u32 = 1_000_000_000;

/// Groups that every domain has, whose RIDs are below 1000 (MS-DTYP 2.4.2.4), by their English names.
const LOW_GROUPS: &[(&str, u32)] = &[
    ("enterprise read-only domain controllers", 498),
    ("domain admins", 512),
    ("domain users", 513),
    ("domain guests", 514),
    ("domain computers", 515),
    ("domain controllers", 516),
    ("cert publishers", 517),
    ("schema admins", 518),
    ("enterprise admins", 519),
    ("group policy creator owners", 520),
    ("read-only domain controllers", 521),
    ("cloneable domain controllers", 522),
    ("protected users", 525),
    ("key admins", 526),
    ("enterprise key admins", 527),
    ("ras and ias servers", 553),
    ("allowed rodc password replication group", 571),
    ("denied rodc password replication group", 572),
];

pub(super) fn plan(conf: &mut Section, plan: &mut Plan) {
    let uid = conf.take("map passwd uidnumber");
    let gid = conf.take("map group gidnumber");
    let primary = conf.take("map passwd gidnumber");
    let offset = |conf: &mut Section, key| {
        conf.take(key).and_then(|entry| entry.value.parse::<u32>().ok()).unwrap_or(0)
    };
    let (of_users, of_groups) = (offset(conf, "nss_uid_offset"), offset(conf, "nss_gid_offset"));
    let by_sid = |entry: &Option<super::Entry>| {
        entry.as_ref().is_some_and(|entry| entry.value.to_lowercase().starts_with("objectsid"))
    };
    if by_sid(&uid) || by_sid(&gid) {
        by_rid(of_users, of_groups, plan);
    } else {
        plan.set("ids", "mapping", "posix", "ids are uidNumber and gidNumber");
        if of_users + of_groups > 0 {
            plan.leave_key(
                "nss_uid_offset, nss_gid_offset",
                "numbers of the directory are served as they are",
                "add the offset in the directory, or keep ids with --keep-ids",
            );
        }
        for (entry, ours) in [(&uid, "uidNumber"), (&primary, "gidNumber"), (&gid, "gidNumber")] {
            if let Some(entry) =
                entry.as_ref().filter(|entry| !entry.value.eq_ignore_ascii_case(ours))
            {
                let remedy = "copy the numbers there, or keep them with --keep-ids";
                plan.leave(entry, format!("ids are read from {ours} here"), remedy);
            }
        }
    }
    if let Some(entry) = conf.take("nss_min_uid")
        && let Ok(id) = entry.value.parse::<u32>()
        && id >= LOWEST_MIN_ID
    {
        plan.set("ids", "min_id", id, "nss_min_uid");
    }
}

/// One slice that begins where RID 0 would be: ids are RIDs and the offset.
fn by_rid(of_users: u32, of_groups: u32, plan: &mut Plan) {
    let from = "objectSid: ids are RIDs";
    plan.set("ids", "mapping", "sid", from);
    plan.set("ids", "range_min", of_users, if of_users == 0 { from } else { "nss_uid_offset" });
    plan.set(
        "ids",
        "range_max",
        of_users.saturating_add(RIDS),
        "one slice, so that nothing is added",
    );
    plan.set("ids", "range_size", RIDS.min(u32::MAX - of_users), "room for all RIDs");
    if of_users != of_groups {
        plan.leave_key(
            "nss_uid_offset, nss_gid_offset",
            "users and groups have one range here, and there were two offsets",
            "keep the gids of groups with --keep-ids, or give their files to the new ones",
        );
    }
    if of_users >= LOWEST_MIN_ID {
        return;
    }
    plan.set("ids", "min_id", LOWEST_MIN_ID, "lower ids are the host's own");
    for (name, rid) in LOW_GROUPS.iter().filter(|(_, rid)| rid + of_users < LOWEST_MIN_ID) {
        let gid = RIDS + of_users + rid;
        let table = Value::Table(vec![("gid", gid.into())]);
        let key = super::super::plan::quoted(name);
        plan.set("groups.override", &key, table, &format!("was {}", rid + of_users));
    }
    plan.leave_key(
        "gids below 1000",
        "groups that every domain has, such as domain users (513), had gids that are the host's own \
         here, and get others (see [groups.override]; their names differ in domains that are not English)",
        "give their files to the new gids, on each file system: find / -xdev -gid 513 -exec chgrp -h \
         1000000513 {} +",
    );
}

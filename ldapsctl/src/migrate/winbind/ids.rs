//! `idmap config DOMAIN : backend`: numbers of the directory, or RIDs, or what a table of this host
//! says.
#![forbid(unsafe_code)]

use super::super::entries::{Entry, Section};
use super::super::plan::Plan;
use ldaps_core::config::LOWEST_MIN_ID;

/// Plans the ids; whether homes and shells come from the directory with them.
pub(super) fn plan(global: &mut Section, workgroup: &str, plan: &mut Plan) -> bool {
    let own = format!("idmap config {} : ", workgroup.to_lowercase());
    let entries = global.take_prefix(&own);
    let of = |name: &str| entries.iter().rfind(|entry| entry.key == format!("{own}{name}"));
    let everybody = "idmap config * : ";
    let defaults = global.take_prefix(everybody);
    let of_all =
        |name: &str| defaults.iter().rfind(|entry| entry.key == format!("{everybody}{name}"));
    // Without a line of its own, the domain has what all others have.
    let backend = of("backend").or_else(|| of_all("backend"));
    let range = of("range").or_else(|| of_all("range"));
    for other in global.take_prefix("idmap config ") {
        plan.leave(&other, "accounts of one domain are served", "see whether it is used");
    }
    let name = backend.map_or("tdb", |entry| entry.value.as_str()).to_lowercase();
    let told = backend.map_or_else(|| "idmap config (none)".to_owned(), Entry::told);
    let (low, high) = range.and_then(|entry| ends(&entry.value)).unwrap_or((0, 0));
    match name.as_str() {
        "ad" => {
            plan.set("ids", "mapping", "posix", "idmap backend ad");
            plan.set("ids", "min_id", low.max(LOWEST_MIN_ID), "the range's beginning");
            numbers_of_the_directory(&of, plan)
        }
        "rid" => {
            rid(&of, &told, low, high, plan);
            false
        }
        "autorid" => {
            autorid(&of_all, &told, low, plan);
            false
        }
        other => {
            plan.set("ids", "mapping", "sid", "");
            plan.leave_key(
                &told,
                format!("with the backend {other}, a table of this host says which id is whose"),
                "run this again with --prove --keep-ids: it writes each id that differs under \
                 [users.override] and [groups.override]",
            );
            false
        }
    }
}

fn ends(range: &str) -> Option<(u32, u32)> {
    let (low, high) = range.split_once('-')?;
    Some((low.trim().parse().ok()?, high.trim().parse().ok()?))
}

fn numbers_of_the_directory<'e>(of: &impl Fn(&str) -> Option<&'e Entry>, plan: &mut Plan) -> bool {
    let is_set = |name: &str| of(name).and_then(Entry::flag) == Some(true);
    if let Some(entry) = of("schema_mode")
        && !["rfc2307", "ad"].contains(&entry.value.to_lowercase().as_str())
    {
        let remedy = "copy the numbers into uidNumber and gidNumber, or keep them with --keep-ids";
        plan.leave(entry, "uidNumber and gidNumber (RFC 2307) are read here", remedy);
    }
    if !is_set("unix_primary_group") {
        plan.leave_key(
            "idmap config : unix_primary_group (no)",
            "a user's primary group was the one of primaryGroupID; with mapping = \"posix\" it is gidNumber",
            "see with `--prove` whose gid differs; --keep-ids keeps them",
        );
    }
    is_set("unix_nss_info")
}

/// idmap_rid(8): ID = RID - BASE_RID + LOW_RANGE_ID, which is one slice that begins at RID 0.
fn rid<'e>(
    of: &impl Fn(&str) -> Option<&'e Entry>,
    told: &str,
    low: u32,
    high: u32,
    plan: &mut Plan,
) {
    let base = of("base_rid").and_then(|entry| entry.value.parse::<u32>().ok()).unwrap_or(0);
    let first = low.checked_sub(base);
    let (Some(first), Some(size)) =
        (first, high.checked_sub(low).and_then(|size| size.checked_add(base + 1)))
    else {
        plan.leave_key(
            told,
            "its range cannot be read",
            "write range_min and range_max under [ids] by hand",
        );
        return;
    };
    plan.set("ids", "mapping", "sid", "idmap backend rid");
    plan.set("ids", "range_min", first, "where RID 0 would be");
    plan.set("ids", "range_max", first.saturating_add(size), "the range's end, and one slice");
    plan.set("ids", "range_size", size, "one slice, so that nothing is added but this");
    if low < LOWEST_MIN_ID || base > 0 {
        plan.set("ids", "min_id", low.max(LOWEST_MIN_ID), "the range's beginning");
    }
}

/// idmap_autorid(8): ID = range's beginning + range of the domain * size + RID. Which range the
/// domain was given only this host knows.
fn autorid<'e>(of: &impl Fn(&str) -> Option<&'e Entry>, told: &str, low: u32, plan: &mut Plan) {
    let size = of("rangesize").and_then(|entry| entry.value.parse::<u32>().ok()).unwrap_or(100_000);
    // The first is for BUILTIN and the well-known, so the domain most often has the second.
    let first = low.saturating_add(size);
    plan.set("ids", "mapping", "sid", "idmap backend autorid");
    plan.set("ids", "range_min", first, "SUPPOSED: the domain's range, see the notes");
    plan.set("ids", "range_max", first.saturating_add(size), "one slice, the domain's");
    plan.set("ids", "range_size", size, "rangesize");
    plan.leave_key(
        told,
        "which range the domain was given stands in a table of this host (autorid.tdb)",
        format!(
            "`net idmap get ranges` shows it: range_min is {low} + its number * {size}; `--prove` tells \
             whether the one supposed here is right"
        ),
    );
}

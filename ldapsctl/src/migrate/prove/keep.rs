//! Lines that keep what differs: for one account each, where no rule gives it.
#![forbid(unsafe_code)]

use super::super::plan::{Plan, Value, quoted};
use super::compare::Proof;
use ldaps_core::entries::check_id;
use std::collections::BTreeMap;

const FROM: &str = "kept as it was";

/// Adds them to the plan; how many. What cannot be kept (ids below 1000) stays a difference.
pub fn keep(proof: &Proof, plan: &mut Plan) -> usize {
    let mut lines = 0;
    let mut lowest = u32::MAX;
    let mut kept_groups: BTreeMap<u32, u32> = BTreeMap::new();
    for group in &proof.groups {
        let (Some(old), Some(ours)) = (group.old, group.ours) else { continue };
        if old == ours || check_id(old).is_err() {
            continue;
        }
        let table = Value::Table(vec![("gid", old.into())]);
        plan.set("groups.override", &quoted(&group.name), table, FROM);
        kept_groups.insert(ours, old);
        lowest = lowest.min(old);
        lines += 1;
    }
    let is_posix = plan.get("ids", "mapping") == Some(&Value::from("posix"));
    for user in &proof.users {
        let (Some(old), Some(ours)) = (&user.old, &user.ours) else { continue };
        let mut table = Vec::new();
        if old.uid != ours.uid && check_id(old.uid).is_ok() {
            table.push(("uid", Value::from(old.uid)));
            lowest = lowest.min(old.uid);
        }
        // With posix, a user's gidNumber does not follow the group's override.
        let follows = !is_posix && kept_groups.get(&ours.gid) == Some(&old.gid);
        if old.gid != ours.gid && !follows && check_id(old.gid).is_ok() {
            table.push(("gid", Value::from(old.gid)));
            lowest = lowest.min(old.gid);
        }
        if old.home != ours.home && old.home.starts_with('/') {
            table.push(("home", Value::from(old.home.replace('%', "%%"))));
        }
        if old.shell != ours.shell && old.shell.starts_with('/') {
            table.push(("shell", Value::from(old.shell.as_str())));
        }
        if !table.is_empty() {
            plan.set("users.override", &quoted(&user.name), Value::Table(table), FROM);
            lines += 1;
        }
    }
    lower(plan, lowest);
    lines
}

/// Ids that are given must not be below `min_id`, which with SIDs is the range's beginning.
fn lower(plan: &mut Plan, lowest: u32) {
    let number = |key: &str| match plan.get("ids", key) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    };
    let usual =
        if plan.get("ids", "mapping") == Some(&Value::from("posix")) { 1000 } else { 200_000 };
    let min = number("min_id").or_else(|| number("range_min")).unwrap_or(usual);
    if lowest < min {
        plan.set("ids", "min_id", lowest, "the lowest id that is kept");
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::GroupPair;
    use super::super::compare::tests::{pair, proof};
    use super::*;

    #[test]
    fn an_id_that_could_be_kept_is_lost() {
        let mut plan = Plan::default();
        let users = vec![pair(
            "alice:5001:5002:/srv/alice:/bin/sh",
            "alice:9001:9002:/home/alice:/bin/sh",
            (&[], &[]),
        )];
        let groups = vec![
            GroupPair { name: "domain users".to_owned(), old: Some(5002), ours: Some(9002) },
            GroupPair { name: "low".to_owned(), old: Some(513), ours: Some(9513) },
            GroupPair { name: "gone".to_owned(), old: Some(5003), ours: None },
        ];
        assert_eq!(keep(&proof(users, groups), &mut plan), 2);
        let toml = plan.toml("x");
        for line in [
            "\"alice\" = { uid = 5001, home = \"/srv/alice\" }  # kept as it was\n",
            "\"domain users\" = { gid = 5002 }  # kept as it was\n",
            "min_id = 5001  # the lowest id that is kept\n",
        ] {
            assert!(toml.contains(line), "{line} wanted in\n{toml}");
        }
        assert!(!toml.contains("513") && !toml.contains("gone"), "{toml}");
    }
}

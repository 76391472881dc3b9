//! Reads `[ids]`, `[users]`, `[groups]` and `[ssh]`.
#![forbid(unsafe_code)]

use super::document::Section;
use super::errors::{At, Fault, Place, Report};
use super::filter::LdapFilter;
use super::looks::PrimaryGroup;
use super::read_looks::{self, Claims};
use super::self_writable;
use super::types::{Groups, IdMapping, Ids, LOWEST_MIN_ID, LoginAttributes, Ssh, Users};
use super::values::{self, AttributeName, HomeTemplate};
use crate::idmap::OnCollision;

/// `[ids]`
pub(super) fn ids(mut section: Section<'_, '_>) -> Ids {
    let report = section.report;
    let mapping = section.parsed("mapping", |text| match text {
        "sid" => Ok(IdMapping::Sid),
        "posix" => Ok(IdMapping::Posix),
        _ => Err(Fault::new(
            format!("{text:?} is not known"),
            "write \"sid\" (ids made from SIDs, as sssd does) or \"posix\" (uidNumber, gidNumber)",
        )),
    });
    let mapping = mapping.map_or(IdMapping::Sid, |mapping| mapping.value);
    let collision = section.parsed("collision", |text| match text {
        "refuse" => Ok(OnCollision::Refuse),
        "shift" => Ok(OnCollision::Shift),
        _ => Err(Fault::new(
            format!("{text:?} is not known"),
            "write \"refuse\" (no ids for those people) or \"shift\" (the next free slice, as sssd)",
        )),
    });
    let defaults = Ids::defaults(mapping);
    let min_id = section.number("min_id");
    let range = ["range_min", "range_max", "range_size"].map(|key| section.number(key));
    if mapping == IdMapping::Posix {
        for (key, given) in ["range_min", "range_max", "range_size"].iter().zip(&range) {
            if let Some(given) = given {
                report.error(
                    &given.place,
                    format!("ids.{key} has no meaning with mapping = \"posix\""),
                    "remove it",
                );
            }
        }
        if let Some(At { place, .. }) = &collision {
            let what = "ids.collision has no meaning with mapping = \"posix\"";
            report.error(place, what, "remove it");
        }
    }
    let place = range.iter().flatten().next().map(|at| at.place.clone());
    let [range_min, range_max, range_size] = range.map(|at| at.map(|at| at.value));
    let range_min = range_min.unwrap_or(defaults.range_min);
    let ids = Ids {
        mapping,
        min_id: match (&min_id, mapping) {
            (Some(min_id), _) => min_id.value,
            // The range moved, and nothing was said about the lowest id: it moves along.
            (None, IdMapping::Sid) => range_min,
            (None, IdMapping::Posix) => defaults.min_id,
        },
        range_min,
        range_max: range_max.unwrap_or(defaults.range_max),
        range_size: range_size.unwrap_or(defaults.range_size),
        on_collision: collision.map_or(defaults.on_collision, |at| at.value),
    };
    check_ids(&ids, min_id.map(|at| at.place), place, &section);
    section.finish();
    ids
}

fn check_ids(ids: &Ids, min_id: Option<Place>, range: Option<Place>, section: &Section<'_, '_>) {
    let report = section.report;
    let range_place = range.unwrap_or_else(|| section.place.clone());
    let min_id_place = min_id.unwrap_or_else(|| range_place.clone());
    if ids.min_id < LOWEST_MIN_ID {
        report.error(
            &min_id_place,
            format!(
                "ids.min_id is {}, but ids under {LOWEST_MIN_ID} belong to the host's own accounts",
                ids.min_id
            ),
            format!("write {LOWEST_MIN_ID} or more"),
        );
    }
    if ids.mapping == IdMapping::Posix {
        return;
    }
    let slices = ids
        .range_max
        .checked_sub(ids.range_min)
        .and_then(|ids_in_range| ids_in_range.checked_div(ids.range_size));
    if slices.is_none_or(|slices| slices == 0) {
        report.error(
            &range_place,
            format!(
                "no slice of {} ids fits between ids.range_min {} and ids.range_max {}",
                ids.range_size, ids.range_min, ids.range_max
            ),
            "make range_max larger than range_min by range_size at least; sssd's defaults are \
             200000, 2000200000 and 200000",
        );
    } else if ids.min_id >= ids.range_max {
        report.error(
            &min_id_place,
            format!(
                "ids.min_id {} lies above the mapped range, which ends before {}: nobody would \
                 have an id",
                ids.min_id, ids.range_max
            ),
            "leave min_id out (it is range_min then)",
        );
    }
}

/// `[users]`
pub(super) fn users(mut section: Section<'_, '_>, ids: &Ids, claims: &mut Claims) -> Users {
    let report = section.report;
    let defaults = Users::defaults(ids.mapping);
    let forced = section.flag("allow_self_writable").unwrap_or(false);
    let filter = section.parsed("filter", LdapFilter::parse);
    let condition = section.parsed("condition", LdapFilter::parse);
    let base = section.parsed("base", values::distinguished_name);
    let home = section.parsed("home", HomeTemplate::parse);
    let home_attribute = section.parsed("home_attribute", attribute_or_none);
    let shell = section.parsed("shell", values::passwd_path);
    let shell_attribute = section.parsed("shell_attribute", attribute_or_none);
    let allowed_shells = section.parsed_list("allowed_shells", values::passwd_path);
    let gecos = section.parsed("gecos", AttributeName::parse);
    let primary_group = section.parsed("primary_group", primary_group);
    for (key, filter) in [("users.filter", &filter), ("users.condition", &condition)] {
        if let Some(filter) = filter {
            self_writable::judge_filter(key, filter, forced, report);
        }
    }
    let named = [("home_attribute", &home_attribute), ("shell_attribute", &shell_attribute)];
    for (key, attribute) in named {
        if let Some(At { value: Some(name), place }) = attribute {
            self_writable::judge(&format!("users.{key}"), name, place, forced, report);
        }
    }
    let login = login(section.section("login"), forced);
    if let Some(At { value, place }) = &shell {
        warn_of_missing_shell("users.shell", value, place, report);
    }
    let looks = read_looks::user_looks(&mut section, ids, claims);
    section.finish();
    Users {
        filter: filter.map_or(defaults.filter, |at| at.value),
        condition: condition.map(|at| at.value),
        base: base.map(|at| at.value),
        login,
        home: home.map_or(defaults.home, |at| at.value),
        home_attribute: home_attribute.map_or(defaults.home_attribute, |at| at.value),
        shell: shell.map_or(defaults.shell, |at| at.value),
        shell_attribute: shell_attribute.map_or(defaults.shell_attribute, |at| at.value),
        allowed_shells: allowed_shells
            .map(|shells| shells.into_iter().map(|shell| shell.value).collect()),
        gecos: gecos.map_or(defaults.gecos, |at| at.value),
        primary_group: primary_group.map_or(defaults.primary_group, |at| at.value),
        looks,
    }
}

/// `[users.login]`
fn login(mut section: Section<'_, '_>, forced: bool) -> LoginAttributes {
    let report = section.report;
    let defaults = LoginAttributes::default();
    let bare = section.parsed("bare", AttributeName::parse);
    let at = section.parsed_list("at", AttributeName::parse);
    let named = [("users.login.bare", bare.as_ref())]
        .into_iter()
        .chain(at.iter().flatten().map(|name| ("users.login.at", Some(name))));
    for (key, name) in named {
        if let Some(At { value, place }) = name {
            self_writable::judge(key, value, place, forced, report);
        }
    }
    section.finish();
    LoginAttributes {
        bare: bare.map_or(defaults.bare, |bare| bare.value),
        at: at.map_or(defaults.at, |at| at.into_iter().map(|name| name.value).collect()),
    }
}

/// The name of an attribute; empty: none.
fn attribute_or_none(text: &str) -> Result<Option<AttributeName>, Fault> {
    if text.is_empty() { Ok(None) } else { AttributeName::parse(text).map(Some) }
}

fn primary_group(text: &str) -> Result<PrimaryGroup, Fault> {
    match text {
        "domain" => Ok(PrimaryGroup::Domain),
        "private" => Ok(PrimaryGroup::Private),
        _ => Err(Fault::new(
            format!("{text:?} is not known"),
            "write \"domain\" (the directory's primary group) or \"private\" (one of the user's own, \
             whose gid is the uid)",
        )),
    }
}

/// A warning, if nothing on this host is the shell `key` names.
pub(super) fn warn_of_missing_shell(key: &str, shell: &str, place: &Place, report: &Report) {
    if !std::path::Path::new(shell).exists() {
        report.warning(
            place,
            format!("{key}: {shell:?} is not on this host, so nobody could start it"),
            "install it, or write a shell that is there, such as \"/bin/bash\"",
        );
    }
}

/// `[groups]`
pub(super) fn groups(mut section: Section<'_, '_>, ids: &Ids, claims: &mut Claims) -> Groups {
    let defaults = Groups::default();
    let filter = section.parsed("filter", LdapFilter::parse);
    let base = section.parsed("base", values::distinguished_name);
    let gids = read_looks::group_gids(&mut section, ids, claims);
    section.finish();
    let filter = filter.map_or(defaults.filter, |at| at.value);
    Groups { filter, base: base.map(|at| at.value), gids }
}

/// `[ssh]`
pub(super) fn ssh(mut section: Section<'_, '_>) -> Ssh {
    let report = section.report;
    let forced = section.flag("allow_self_writable").unwrap_or(false);
    let attribute = section.parsed("attribute", AttributeName::parse);
    if let Some(At { value, place }) = attribute.as_ref() {
        self_writable::judge("ssh.attribute", value, place, forced, report);
    }
    section.finish();
    Ssh { attribute: attribute.map_or(Ssh::default().attribute, |at| at.value) }
}

//! Reads what the configuration says of single users and groups: `[users.override]`,
//! `[users.of_group]`, `[groups.override]` and `[local_groups]`.
#![forbid(unsafe_code)]

use super::access::Subject;
use super::document::Section;
use super::errors::{At, Fault, Place, Report};
use super::looks::{LocalGroups, Look, PrimaryGroup, UserLooks, UserOverride};
use super::read_accounts::warn_of_missing_shell;
use super::types::Ids;
use super::values::{self, HomeTemplate};
use crate::ctl::RANGES_MAX;
use crate::entries::check_id;
use crate::local::{self, GROUP_FILE};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Ids that may be given here, all told: each has to fit into the daemon's page beside the ranges
/// of the domain.
const IDS_MAX: usize = RANGES_MAX - 64;

/// The ids that sections give, so that none is given twice.
#[derive(Debug, Default)]
pub(super) struct Claims {
    uids: Vec<(At<u32>, String)>,
    gids: Vec<(At<u32>, String)>,
    /// The primary groups of users, which may be the same.
    shared: Vec<At<u32>>,
}

impl Claims {
    /// Reports each id that two users or two groups are given.
    pub(super) fn refuse_twice(self, primary_group: PrimaryGroup, report: &Report) {
        let all: BTreeMap<u32, &Place> = self
            .uids
            .iter()
            .chain(&self.gids)
            .map(|(id, _)| id)
            .chain(&self.shared)
            .map(|id| (id.value, &id.place))
            .collect();
        if let Some(place) = all.values().max().filter(|_| all.len() > IDS_MAX) {
            report.error(
                place,
                format!("{} ids are given in this file, and at most {IDS_MAX} fit", all.len()),
                "write uidNumber and gidNumber into the directory, and ids.mapping = \"posix\"",
            );
        }
        let (uids, mut gids) = (self.uids, self.gids);
        if primary_group == PrimaryGroup::Private {
            gids.extend(uids.iter().cloned());
        }
        for claims in [uids, gids] {
            refuse_same(claims, report);
        }
    }
}

fn refuse_same(mut claims: Vec<(At<u32>, String)>, report: &Report) {
    claims.sort_by(|a, b| a.0.place.cmp(&b.0.place));
    let mut given: BTreeMap<u32, String> = BTreeMap::new();
    for (id, whom) in claims {
        if let Some(other) = given.get(&id.value) {
            report.error(
                &id.place,
                format!("the id {} of {whom} is that of {other} already", id.value),
                "give each an id of its own",
            );
        } else {
            given.insert(id.value, whom);
        }
    }
}

/// `[users.override]` and `[users.of_group]`
pub(super) fn user_looks(
    section: &mut Section<'_, '_>,
    ids: &Ids,
    claims: &mut Claims,
) -> UserLooks {
    let mut looks = UserLooks::default();
    for (key, mut user) in named_sections(section.section("override")) {
        let Some(name) = named(&key, &user, user_name) else { continue };
        let uid = id(&mut user, "uid", ids);
        let look = look(&mut user, ids, HomeTemplate::of_one, claims);
        user.finish();
        claims.uids.extend(uid.clone().map(|uid| (uid, format!("the user {name:?}"))));
        let given = UserOverride { uid: uid.map(|at| at.value), look };
        if looks.of_user.insert(name.clone(), given).is_some() {
            refuse_again(&key.place, &name, section.report);
        }
    }
    for (key, mut group) in named_sections(section.section("of_group")) {
        let Some(name) = named(&key, &group, group_name) else { continue };
        let look = look(&mut group, ids, HomeTemplate::parse, claims);
        group.finish();
        if looks.of_group.iter().any(|(other, _)| *other == name) {
            refuse_again(&key.place, &name, section.report);
        }
        looks.of_group.push((name, look));
    }
    looks
}

/// `[groups.override]`
pub(super) fn group_gids(
    section: &mut Section<'_, '_>,
    ids: &Ids,
    claims: &mut Claims,
) -> BTreeMap<String, u32> {
    let mut gids = BTreeMap::new();
    for (key, mut group) in named_sections(section.section("override")) {
        let Some(name) = named(&key, &group, group_name) else { continue };
        let gid = id(&mut group, "gid", ids);
        group.finish();
        let Some(gid) = gid else { continue };
        if gids.insert(name.clone(), gid.value).is_some() {
            refuse_again(&key.place, &name, section.report);
        }
        claims.gids.push((gid, format!("the group {name:?}")));
    }
    gids
}

/// `[local_groups]`
pub(super) fn local_groups(mut section: Section<'_, '_>) -> LocalGroups {
    let report = section.report;
    let host = local::names_and_ids(Path::new(GROUP_FILE)).ok();
    let mut groups = LocalGroups::new();
    for (local, granted_by) in section.free_lists(group_name_marked) {
        if let Err(fault) = grantable(&local.value) {
            report.fault(&local.place, "local_groups", fault);
            continue;
        }
        if host.as_ref().is_some_and(|host| !host.iter().any(|(name, _)| *name == local.value)) {
            report.warning(
                &local.place,
                format!(
                    "local_groups: this host has no group {:?}, so nobody is given it",
                    local.value
                ),
                format!("make it (groupadd --system {}), or remove the line", local.value),
            );
        }
        let names = granted_by.into_iter().flatten().map(|group| group.value);
        groups.insert(local.value, names.collect::<BTreeSet<_>>());
    }
    section.finish();
    groups
}

/// The sections that the administrator named, in the order of the file; other keys are unknown.
fn named_sections<'d, 't>(mut section: Section<'d, 't>) -> Vec<(At<String>, Section<'d, 't>)> {
    let mut sections = section.free_sections();
    section.finish();
    sections.sort_by(|a, b| a.0.place.cmp(&b.0.place));
    sections
}

/// What `[users.override]` and `[users.of_group]` have in common.
fn look(
    section: &mut Section<'_, '_>,
    ids: &Ids,
    home: impl Fn(&str) -> Result<HomeTemplate, Fault>,
    claims: &mut Claims,
) -> Look {
    let gid = id(section, "gid", ids);
    claims.shared.extend(gid.clone());
    let home = section.parsed("home", home);
    let shell = section.parsed("shell", values::passwd_path);
    let gecos = section.parsed("gecos", values::passwd_text);
    if let Some(At { value, place }) = &shell {
        warn_of_missing_shell(&section.path_of("shell"), value, place, section.report);
    }
    Look {
        gid: gid.map(|at| at.value),
        home: home.map(|at| at.value),
        shell: shell.map(|at| at.value),
        gecos: gecos.map(|at| at.value),
    }
}

/// An id that an account of the directory may have here.
fn id(section: &mut Section<'_, '_>, key: &str, ids: &Ids) -> Option<At<u32>> {
    let id = section.number(key)?;
    let path = section.path_of(key);
    if check_id(id.value).is_err() {
        section.report.error(
            &id.place,
            format!("{path}: {} is an id of the host's own, or reserved", id.value),
            "write an id that no account of the host can have",
        );
        return None;
    }
    if id.value < ids.min_id {
        section.report.error(
            &id.place,
            format!("{path}: {} is below ids.min_id, which is {}", id.value, ids.min_id),
            "write a higher id, or a lower min_id under [ids]",
        );
        return None;
    }
    Some(id)
}

/// The name that a section's header says.
fn named(
    key: &At<String>,
    section: &Section<'_, '_>,
    parse: impl Fn(&str) -> Result<String, Fault>,
) -> Option<String> {
    match parse(&key.value) {
        Ok(name) => Some(name),
        Err(fault) => {
            section.report.error(&key.place, fault.problem, fault.remedy);
            None
        }
    }
}

fn refuse_again(place: &Place, name: &str, report: &Report) {
    report.error(
        place,
        format!("{name:?} has a section of this kind already: upper and lower case are one"),
        "put both into one section",
    );
}

fn user_name(text: &str) -> Result<String, Fault> {
    match Subject::parse(text)? {
        Subject::User(name) => Ok(name),
        Subject::Group(group) => Err(Fault::new(
            format!("{text:?} is a group"),
            format!("write [users.of_group.\"{group}\"] for its members"),
        )),
        Subject::Everyone => Err(Fault::new(
            "\"*\" is everybody",
            "write home, shell and gecos under [users], which is about everybody",
        )),
    }
}

/// A group where nothing else can stand: with or without the sign of one.
fn group_name(text: &str) -> Result<String, Fault> {
    match text.starts_with('@') {
        true => group_name_marked(text),
        false => group_name_marked(&format!("@{text}")),
    }
}

fn group_name_marked(text: &str) -> Result<String, Fault> {
    match Subject::parse(text)? {
        Subject::Group(name) => Ok(name),
        Subject::User(_) | Subject::Everyone => Err(Fault::new(
            format!("{text:?} is no group of the directory"),
            "write a group with \"@\" before it, as in docker = \"@linux-docker\"",
        )),
    }
}

/// A name that a group of the host can have, and the directory may grant.
fn grantable(name: &str) -> Result<(), Fault> {
    if name == "root" {
        return Err(Fault::new(
            "the host's group root is granted to nobody",
            "let people become root by sudo, or grant a group of less power",
        ));
    }
    let plausible = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.$".contains(&b));
    if plausible {
        return Ok(());
    }
    Err(Fault::new(
        format!("{name:?} is no name of a local group"),
        "write a group of /etc/group, as in docker = \"@linux-docker\"",
    ))
}

//! About whom both are asked.
#![forbid(unsafe_code)]

use super::super::Migrate;
use super::compare::Names;
use super::old::OldStack;
use super::ours::Ours;
use ldaps_core::local::{self, GROUP_FILE, PASSWD_FILE};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Names as the old stack takes them.
pub struct Asked {
    /// Users.
    pub users: BTreeSet<String>,
    /// Groups, besides those that the users are in.
    pub groups: BTreeSet<String>,
    /// Users and groups of the host itself, which no directory may have.
    pub local_users: BTreeSet<String>,
    /// The same of groups.
    pub local_groups: BTreeSet<String>,
}

/// Whoever is listed, cached, at home here, or named; with `all`, everybody in the directory too.
///
/// # Errors
/// A sentence, where one of the two does not answer, or there is nobody to compare.
pub fn whom(
    migrate: &Migrate,
    old: &OldStack,
    names: &Names,
    ours: &Ours,
) -> Result<Asked, String> {
    let host = |file: &str| -> BTreeSet<String> {
        let names = local::names_and_ids(Path::new(file)).unwrap_or_default();
        names.into_iter().map(|(name, _)| name).collect()
    };
    let mut asked = Asked {
        users: migrate.users.iter().cloned().collect(),
        groups: migrate.groups.iter().cloned().collect(),
        local_users: host(PASSWD_FILE),
        local_groups: host(GROUP_FILE),
    };
    asked.users.extend(old.users(&[])?.into_iter().map(|user| user.name));
    asked.groups.extend(old.groups(&[])?.into_iter().map(|group| group.name));
    asked.users.extend(old.cached_users());
    let owners: Vec<String> = owners_of_homes().into_iter().collect();
    if !owners.is_empty() {
        asked.users.extend(old.users(&owners)?.into_iter().map(|user| user.name));
    }
    if migrate.all {
        add_missing(&mut asked.users, ours.everybody()?, names);
    }
    if asked.users.is_empty() && asked.groups.is_empty() {
        return Err("there is nobody to compare: the old stack lists and has cached nobody, and nobody has \
                    a home directory here. Name somebody with --user, or compare --all."
            .to_owned());
    }
    Ok(asked)
}

/// Those whom the old stack has not named already, in its own way of writing.
fn add_missing(asked: &mut BTreeSet<String>, more: Vec<String>, names: &Names) {
    let known: BTreeSet<String> = asked.iter().map(|name| names.canonical(name)).collect();
    asked.extend(more.into_iter().filter(|name| !known.contains(name)));
}

/// The uids of directories in /home, and in the directories there (`/home/corp.example/alice`).
pub fn owners_of_homes() -> BTreeSet<String> {
    let below = |dir: &Path| -> Vec<std::path::PathBuf> {
        fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let first = below(Path::new("/home"));
    let second = first.iter().filter(|path| owner(path) == Some(0)).flat_map(|path| below(path));
    let homes: Vec<_> = first.iter().cloned().chain(second).collect();
    let uids = homes.iter().filter_map(|path| owner(path)).filter(|uid| *uid >= 1000);
    uids.map(|uid| uid.to_string()).collect()
}

fn owner(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_dir).map(|metadata| metadata.uid())
}

//! The host's own users and groups, which nothing from the directory may shadow. Read from the
//! files, and read again when they change.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ldaps_core::local::{self, GROUP_FILE, PASSWD_FILE};

/// Names that no user or group of the directory may have, whether the host has them yet or not:
/// Debian makes these (or the ids they stand for) at any time.
const RESERVED: &[&str] = &["root", "nobody", "nogroup", "ldapsd"];

/// What is in /etc/passwd and /etc/group.
#[derive(Debug, Default, Clone)]
pub(crate) struct Names {
    users: HashMap<String, u32>,
    groups: HashMap<String, u32>,
}

impl Names {
    /// Whether the host has a user of this name, or reserves it.
    pub(crate) fn has_user(&self, name: &str) -> bool {
        RESERVED.contains(&name) || self.users.contains_key(name)
    }

    /// Whether the host has a group of this name, or reserves it.
    pub(crate) fn has_group(&self, name: &str) -> bool {
        RESERVED.contains(&name) || self.groups.contains_key(name)
    }

    /// The names that no group of the directory may have here.
    pub(crate) fn group_names(&self) -> Vec<&str> {
        RESERVED.iter().copied().chain(self.groups.keys().map(String::as_str)).collect()
    }

    /// Whether a user of the host has this id.
    pub(crate) fn has_uid(&self, uid: u32) -> bool {
        self.users.values().any(|local| *local == uid)
    }

    /// Whether a group of the host has this id.
    pub(crate) fn has_gid(&self, gid: u32) -> bool {
        self.groups.values().any(|local| *local == gid)
    }

    /// The gid of a group of the host.
    pub(crate) fn gid_of(&self, group: &str) -> Option<u32> {
        self.groups.get(group).copied()
    }

    /// The name of a group of the host.
    pub(crate) fn group_of(&self, gid: u32) -> Option<&str> {
        self.groups.iter().find_map(|(name, local)| (*local == gid).then_some(name.as_str()))
    }

    /// The name of a user of the host.
    pub(crate) fn user_of(&self, uid: u32) -> Option<&str> {
        self.users.iter().find_map(|(name, local)| (*local == uid).then_some(name.as_str()))
    }

    #[cfg(test)]
    pub(crate) fn of(users: &[(&str, u32)], groups: &[(&str, u32)]) -> Self {
        let map = |names: &[(&str, u32)]| {
            names.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect()
        };
        Self { users: map(users), groups: map(groups) }
    }
}

/// Tells one version of a file from the next: its inode (useradd replaces it), size and time.
type Version = (u64, u64, i64, i64);

/// The two files, read again when they change.
#[derive(Debug)]
pub(crate) struct LocalNames {
    passwd: PathBuf,
    group: PathBuf,
    read: Mutex<([Option<Version>; 2], Arc<Names>)>,
}

impl LocalNames {
    /// Of this host.
    pub(crate) fn of_this_host() -> Self {
        Self::of_files(Path::new(PASSWD_FILE), Path::new(GROUP_FILE))
    }

    fn of_files(passwd: &Path, group: &Path) -> Self {
        Self { passwd: passwd.to_owned(), group: group.to_owned(), read: Mutex::default() }
    }

    /// The names as they are now.
    ///
    /// # Errors
    /// The error of reading a file that has never been read: nobody knows then what to hide.
    pub(crate) fn now(&self) -> io::Result<Arc<Names>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = [version(&self.passwd), version(&self.group)];
        if versions != read.0 || versions.contains(&None) {
            match self.read_files() {
                Ok(names) => *read = (versions, Arc::new(names)),
                // A file in the middle of being replaced: what was read before still hides.
                Err(error) if read.0 != [None, None] => {
                    tracing::warn!("the local users and groups cannot be read again: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(read.1.clone())
    }

    fn read_files(&self) -> io::Result<Names> {
        Ok(Names {
            users: local::names_and_ids(&self.passwd)?.into_iter().collect(),
            groups: local::names_and_ids(&self.group)?.into_iter().collect(),
        })
    }
}

fn version(file: &Path) -> Option<Version> {
    let found = fs::metadata(file).ok()?;
    Some((found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_made_later_is_shadowed_by_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let (passwd, group) = (dir.path().join("passwd"), dir.path().join("group"));
        let names = LocalNames::of_files(&passwd, &group);
        assert!(names.now().is_err());

        fs::write(&passwd, "root:x:0:0::/root:/bin/sh\n").unwrap();
        fs::write(&group, "sudo:x:27:\n").unwrap();
        let now = names.now().unwrap();
        assert!(now.has_user("root") && now.has_group("sudo") && !now.has_user("alice"));
        assert!(now.has_user("nobody"), "a reserved name");

        fs::write(&passwd, "root:x:0:0::/root:/bin/sh\nalice:x:1001:1001::/:/bin/sh\n").unwrap();
        let now = names.now().unwrap();
        assert!(now.has_user("alice") && now.has_uid(1001));
        assert_eq!(now.user_of(1001), Some("alice"));

        fs::remove_file(&passwd).unwrap();
        assert!(names.now().unwrap().has_user("alice"), "a missing file hides nobody any more");
    }
}

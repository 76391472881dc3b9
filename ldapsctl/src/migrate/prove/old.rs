//! The old stack, asked by its own NSS module alone: `getent -s` goes past nsswitch.conf and past
//! nscd.
#![forbid(unsafe_code)]

use super::super::source::Kind;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Names in one call: all of them have to fit on a command line.
const AT_ONCE: usize = 200;

/// A user as the old stack has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldUser {
    /// As it shows the name.
    pub name: String,
    /// The uid.
    pub uid: u32,
    /// The gid of the primary group.
    pub gid: u32,
    /// The full name.
    pub gecos: String,
    /// The home directory.
    pub home: String,
    /// The shell.
    pub shell: String,
}

/// A group as the old stack has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldGroup {
    /// As it shows the name.
    pub name: String,
    /// The gid.
    pub gid: u32,
}

/// See the module.
pub struct OldStack {
    kind: Kind,
}

impl OldStack {
    /// Nothing is asked yet.
    pub fn new(kind: Kind) -> Self {
        Self { kind }
    }

    /// Users by name or uid; those that it does not know are left out. Without keys, those that it
    /// lists.
    ///
    /// # Errors
    /// A sentence, where getent cannot be run.
    pub fn users(&self, keys: &[String]) -> Result<Vec<OldUser>, String> {
        Ok(self.lines("passwd", keys)?.iter().filter_map(|line| user(line)).collect())
    }

    /// Groups, in the same way.
    ///
    /// # Errors
    /// A sentence, where getent cannot be run.
    pub fn groups(&self, keys: &[String]) -> Result<Vec<OldGroup>, String> {
        Ok(self.lines("group", keys)?.iter().filter_map(|line| group(line)).collect())
    }

    /// The gids of all groups of each of these users, in their order.
    ///
    /// # Errors
    /// A sentence, where getent cannot be run, or says something else.
    pub fn gids_of(&self, names: &[String]) -> Result<Vec<BTreeSet<u32>>, String> {
        let lines = self.lines("initgroups", names)?;
        // There is a line for each name, known or not.
        if lines.len() != names.len() {
            return Err(format!(
                "getent initgroups answered with {} lines for {} users of {}.",
                lines.len(),
                names.len(),
                self.kind.title()
            ));
        }
        Ok(lines.iter().zip(names).map(|(line, name)| gids(line, name)).collect())
    }

    /// Names that its cache has on the disk, known or not any more.
    pub fn cached_users(&self) -> BTreeSet<String> {
        let dir = Path::new("/var/lib/sss/db");
        if self.kind != Kind::Sssd {
            return BTreeSet::new();
        }
        let files = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let caches = files.filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("cache_"))
        });
        caches
            .filter_map(|path| fs::read(path).ok())
            .flat_map(|content| names_in(&content))
            .collect()
    }

    fn lines(&self, database: &str, keys: &[String]) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let plain: Vec<&String> = keys.iter().filter(|key| !key.starts_with('-')).collect();
        let calls: Vec<&[&String]> = match keys {
            [] => vec![&[]],
            _ => plain.chunks(AT_ONCE).collect(),
        };
        for keys in calls {
            let mut command = Command::new("getent");
            command.args(["-s", self.kind.service(), database]).args(keys);
            let output =
                command.output().map_err(|error| format!("getent cannot be run: {error}."))?;
            let text = String::from_utf8_lossy(&output.stdout);
            lines.extend(text.lines().map(str::to_owned));
        }
        Ok(lines)
    }
}

fn user(line: &str) -> Option<OldUser> {
    let fields: Vec<&str> = line.split(':').collect();
    let &[name, _, uid, gid, gecos, home, shell] = fields.as_slice() else { return None };
    Some(OldUser {
        name: name.to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        gecos: gecos.to_owned(),
        home: home.to_owned(),
        shell: shell.to_owned(),
    })
}

fn group(line: &str) -> Option<OldGroup> {
    let mut fields = line.split(':');
    let (name, _, gid) = (fields.next()?, fields.next()?, fields.next()?);
    Some(OldGroup { name: name.to_owned(), gid: gid.parse().ok()? })
}

/// `alice                 1001 1002`: names may have spaces in them.
fn gids(line: &str, name: &str) -> BTreeSet<u32> {
    let numbers = line.strip_prefix(name).unwrap_or_default();
    numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// The keys of sssd's cache (ldb on tdb): `DN=NAME=ALICE@CORP.EXAMPLE,CN=USERS,...`. What is left
/// of deleted records is found too; whoever is asked about them says no.
fn names_in(content: &[u8]) -> BTreeSet<String> {
    const BEGIN: &[u8] = b"DN=NAME=";
    let mut names = BTreeSet::new();
    let mut rest = content;
    while let Some(at) = rest.windows(BEGIN.len()).position(|window| window == BEGIN) {
        rest = rest.get(at + BEGIN.len()..).unwrap_or_default();
        let end = rest.iter().take(300).position(|byte| *byte == b',').unwrap_or(0);
        let (name, behind) = rest.split_at(end);
        if behind.starts_with(b",CN=USERS,")
            && let Ok(name) = std::str::from_utf8(name)
            && !name.contains(|c: char| c.is_control() || c == '\\')
        {
            names.insert(name.to_lowercase());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_getent_is_read_wrongly() {
        let alice = user("alice:*:1001:1002:Alice, Example:/home/alice:").unwrap();
        assert_eq!((alice.uid, alice.gid, alice.shell.as_str()), (1001, 1002, ""));
        assert_eq!(user("alice:*:x:1002::/home/alice:/bin/sh"), None);
        assert_eq!(group("file servers read:*:77:a,b").unwrap().gid, 77);
        assert_eq!(gids("jo 2 smith                 7 8", "jo 2 smith"), [7, 8].into());
        assert_eq!(gids("nobody", "nobody"), [].into());
    }

    #[test]
    fn people_in_the_cache_are_not_seen() {
        let cache = b"\0\0DN=NAME=BR\0KEN@CORP.EXAMPLE,CN=USERS,DN=NAME=ALICE@CORP.EXAMPLE,CN=USERS,CN=CORP.EXAMPLE,CN=SYSDB\0garbage\
                      DN=NAME=LINUX-USERS@CORP.EXAMPLE,CN=GROUPS,CN=CORP\0DN=NAME=";
        assert_eq!(names_in(cache), ["alice@corp.example".to_owned()].into());
    }
}

//! Account by account: what differs.
#![forbid(unsafe_code)]

use super::accounts::Asked;
use super::old::{OldGroup, OldStack, OldUser};
use super::ours::Ours;
use ldaps_core::entries::PasswdEntry;
use std::collections::{BTreeMap, BTreeSet};

/// passwd(5): an empty shell is this one.
const EMPTY_SHELL: &str = "/bin/sh";

/// The names of the domain, which an old stack may write before or behind an account's.
pub struct Names(pub Vec<String>);

impl Names {
    /// The name as ldaps-login writes it: `CORP\Alice` and `Alice@corp.example` are alice.
    pub fn canonical(&self, name: &str) -> String {
        let is_ours = |domain: &str| self.0.iter().any(|one| one.eq_ignore_ascii_case(domain));
        let short = match (name.split_once('\\'), name.rsplit_once('@')) {
            (Some((domain, short)), _) | (None, Some((short, domain))) if is_ours(domain) => short,
            _ => name,
        };
        short.to_lowercase()
    }
}

/// What both say of a user; `groups` by canonical name.
pub struct UserPair {
    /// As we write it.
    pub name: String,
    /// The old stack's word.
    pub old: Option<OldUser>,
    /// Ours.
    pub ours: Option<PasswdEntry>,
    /// The groups that each of the two says.
    pub groups: (BTreeSet<String>, BTreeSet<String>),
}

/// What both say of a group.
pub struct GroupPair {
    /// As we write it.
    pub name: String,
    /// The old stack's gid.
    pub old: Option<u32>,
    /// Ours.
    pub ours: Option<u32>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `user alice`
    pub account: String,
    /// `uid`
    pub what: &'static str,
    /// The old stack's word.
    pub old: String,
    /// Ours.
    pub ours: String,
}

/// The outcome.
pub struct Proof {
    /// All users that were compared.
    pub users: Vec<UserPair>,
    /// All groups.
    pub groups: Vec<GroupPair>,
    /// What differs, users first.
    pub differences: Vec<Difference>,
}

/// Asks both about everybody.
///
/// # Errors
/// A sentence, where one of the two does not answer.
pub fn compare(asked: &Asked, old: &OldStack, names: &Names, ours: &Ours) -> Result<Proof, String> {
    let keys: Vec<String> =
        asked.users.iter().filter(|name| !name.starts_with('-')).cloned().collect();
    let known = old.users(&keys)?;
    let is_local = |name: &str| asked.local_users.contains(name);
    let mut by_name: BTreeMap<String, Option<OldUser>> = BTreeMap::new();
    for key in &keys {
        by_name.insert(names.canonical(key), None);
    }
    for user in known {
        by_name.insert(names.canonical(&user.name), Some(user));
    }
    // A name that ends so is a computer's, and no computer logs in.
    by_name.retain(|name, _| !is_local(name) && !name.ends_with('$'));
    let shown: Vec<String> = by_name.values().flatten().map(|user| user.name.clone()).collect();
    let gids: BTreeMap<String, BTreeSet<u32>> =
        shown.iter().cloned().zip(old.gids_of(&shown)?).collect();
    let mut groups = Groups { old, names, ours, of_old: BTreeMap::new(), of_ours: BTreeMap::new() };
    groups.learn(&gids, asked)?;
    let mut users = Vec::new();
    for (name, old_user) in by_name {
        let our_user = ours.user(&name)?;
        if old_user.is_none() && our_user.is_none() {
            continue;
        }
        let of_old = old_user.as_ref().map(|user| {
            let all = gids.get(&user.name).into_iter().flatten().copied().chain([user.gid]);
            all.map(|gid| groups.old_name(gid)).collect()
        });
        let mut of_ours = BTreeSet::new();
        if let Some(user) = &our_user {
            for gid in ours.gids_of(&name)?.into_iter().chain([user.gid]) {
                of_ours.insert(groups.our_name(gid)?);
            }
        }
        let mut both: (BTreeSet<String>, BTreeSet<String>) = (of_old.unwrap_or_default(), of_ours);
        // What the host itself has of that name is no group of a directory.
        both.0.retain(|group| !asked.local_groups.contains(group));
        both.1.retain(|group| !asked.local_groups.contains(group));
        users.push(UserPair { name, old: old_user, ours: our_user, groups: both });
    }
    let groups = groups.pairs(asked)?;
    let differences = differences(&users, &groups);
    Ok(Proof { users, groups, differences })
}

/// The groups that anybody is in, by gid, as each of the two names them.
struct Groups<'a> {
    old: &'a OldStack,
    names: &'a Names,
    ours: &'a Ours,
    of_old: BTreeMap<u32, String>,
    of_ours: BTreeMap<u32, String>,
}

impl Groups<'_> {
    fn learn(
        &mut self,
        gids: &BTreeMap<String, BTreeSet<u32>>,
        asked: &Asked,
    ) -> Result<(), String> {
        let all: BTreeSet<u32> = gids.values().flatten().copied().collect();
        let keys: Vec<String> = all.iter().map(u32::to_string).collect();
        let named = asked.groups.iter().filter(|name| !name.starts_with('-')).cloned();
        let keys: Vec<String> = keys.into_iter().chain(named).collect();
        let found = if keys.is_empty() { Vec::new() } else { self.old.groups(&keys)? };
        for OldGroup { name, gid } in found {
            self.of_old.insert(gid, self.names.canonical(&name));
        }
        Ok(())
    }

    fn old_name(&self, gid: u32) -> String {
        self.of_old.get(&gid).cloned().unwrap_or_else(|| format!("gid {gid}"))
    }

    fn our_name(&mut self, gid: u32) -> Result<String, String> {
        if let Some(name) = self.of_ours.get(&gid) {
            return Ok(name.clone());
        }
        let group = self.ours.group_of(gid)?;
        let name = group.map_or_else(|| format!("gid {gid}"), |group| group.name);
        self.of_ours.insert(gid, name.clone());
        Ok(name)
    }

    /// Every group of both, and those that were named.
    fn pairs(self, asked: &Asked) -> Result<Vec<GroupPair>, String> {
        let named = |map: &BTreeMap<u32, String>| -> BTreeMap<String, u32> {
            map.iter().map(|(gid, name)| (name.clone(), *gid)).collect()
        };
        let (old, mut ours) = (named(&self.of_old), named(&self.of_ours));
        let mut all: BTreeSet<String> = old.keys().chain(ours.keys()).cloned().collect();
        all.extend(asked.groups.iter().map(|name| self.names.canonical(name)));
        all.retain(|name| !asked.local_groups.contains(name) && !name.starts_with("gid "));
        let mut pairs = Vec::new();
        for name in all {
            if !ours.contains_key(&name)
                && let Some(group) = self.ours.group(&name)?
            {
                ours.insert(name.clone(), group.gid);
            }
            let (old, ours) = (old.get(&name).copied(), ours.get(&name).copied());
            if old.is_some() || ours.is_some() {
                pairs.push(GroupPair { name, old, ours });
            }
        }
        Ok(pairs)
    }
}

/// What differs, users first.
fn differences(users: &[UserPair], groups: &[GroupPair]) -> Vec<Difference> {
    let mut found = Vec::new();
    for user in users {
        of_user(user, &mut found);
    }
    for group in groups.iter().filter(|group| group.old != group.ours) {
        let shown = |gid: Option<u32>| {
            gid.map_or_else(|| "no such group".to_owned(), |gid| gid.to_string())
        };
        found.push(Difference {
            account: format!("group {}", group.name),
            what: "gid",
            old: shown(group.old),
            ours: shown(group.ours),
        });
    }
    found
}

fn of_user(user: &UserPair, found: &mut Vec<Difference>) {
    let account = format!("user {}", user.name);
    let mut differ = |what, old: String, ours: String| {
        if old != ours {
            found.push(Difference { account: account.clone(), what, old, ours });
        }
    };
    let (Some(old), Some(ours)) = (&user.old, &user.ours) else {
        let shown = |known: bool| if known { "known" } else { "no such user" }.to_owned();
        differ("", shown(user.old.is_some()), shown(user.ours.is_some()));
        return;
    };
    let shell = if old.shell.is_empty() { EMPTY_SHELL } else { &old.shell };
    differ("uid", old.uid.to_string(), ours.uid.to_string());
    differ("gid", old.gid.to_string(), ours.gid.to_string());
    differ("home", old.home.clone(), ours.home.clone());
    differ("shell", shell.to_owned(), ours.shell.clone());
    let (of_old, of_ours) = &user.groups;
    let list = |groups: Vec<&String>| {
        if groups.is_empty() {
            "-".to_owned()
        } else {
            groups.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        }
    };
    differ(
        "groups of one",
        list(of_old.difference(of_ours).collect()),
        list(of_ours.difference(of_old).collect()),
    );
}

impl Proof {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn old(line: &str) -> OldUser {
        let fields: Vec<&str> = line.split(':').collect();
        let &[name, uid, gid, home, shell] = fields.as_slice() else { panic!("{line}") };
        OldUser {
            name: name.to_owned(),
            uid: uid.parse().unwrap(),
            gid: gid.parse().unwrap(),
            gecos: String::new(),
            home: home.to_owned(),
            shell: shell.to_owned(),
        }
    }

    pub fn pair(old_line: &str, our_line: &str, groups: (&[&str], &[&str])) -> UserPair {
        let ours = (!our_line.is_empty()).then(|| old(our_line)).map(|user| PasswdEntry {
            name: user.name,
            uid: user.uid,
            gid: user.gid,
            gecos: "Somebody".to_owned(),
            home: user.home,
            shell: user.shell,
        });
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let old = (!old_line.is_empty()).then(|| old(old_line));
        let groups = (set(groups.0), set(groups.1));
        UserPair { name: "alice".to_owned(), old, ours, groups }
    }

    pub fn proof(users: Vec<UserPair>, groups: Vec<GroupPair>) -> Proof {
        let differences = differences(&users, &groups);
        Proof { users, groups, differences }
    }

    /// The old stack's line, ours, the groups of both; what differs.
    type Row = (
        &'static str,
        &'static str,
        (&'static [&'static str], &'static [&'static str]),
        &'static [&'static str],
    );

    const ROWS: &[Row] = &[
        ("CORP\\Alice:1:2:/h:/b", "alice:1:2:/h:/b", (&["g"], &["g"]), &[]),
        ("a:1:2:/h:", "a:1:2:/h:/bin/sh", (&[], &[]), &[]),
        ("a:1:2:/h:", "a:1:2:/h:/bin/bash", (&[], &[]), &["shell"]),
        ("a:1:2:/h:/b", "a:9:2:/h:/b", (&[], &[]), &["uid"]),
        ("a:1:2:/h:/b", "a:1:9:/h:/b", (&[], &[]), &["gid"]),
        ("a:1:2:/h:/b", "a:1:2:/x:/b", (&[], &[]), &["home"]),
        ("a:1:2:/h:/b", "a:1:2:/h:/b", (&["g"], &[]), &["groups of one"]),
        ("a:1:2:/h:/b", "a:1:2:/h:/b", (&[], &["g"]), &["groups of one"]),
        ("a:1:2:/h:/b", "", (&[], &[]), &[""]),
        ("", "a:1:2:/h:/b", (&[], &[]), &[""]),
    ];

    #[test]
    fn a_difference_between_the_stacks_goes_unseen() {
        for (old, ours, groups, wanted) in ROWS {
            let proof = proof(vec![pair(old, ours, *groups)], Vec::new());
            let found: Vec<&str> = proof.differences.iter().map(|one| one.what).collect();
            assert_eq!(&found, wanted, "{old} {ours}");
            assert_eq!(proof.is_equal(), wanted.is_empty());
            assert_eq!(proof.described("sssd", false).starts_with("All equal"), wanted.is_empty());
        }
        for (old, ours, equal) in
            [(Some(7), Some(7), true), (Some(7), Some(8), false), (Some(7), None, false)]
        {
            let group = GroupPair { name: "g".to_owned(), old, ours };
            assert_eq!(proof(Vec::new(), vec![group]).is_equal(), equal, "{old:?} {ours:?}");
        }
    }

    #[test]
    fn one_account_under_two_spellings_is_two() {
        let names = Names(vec!["CORP".to_owned(), "corp.example".to_owned()]);
        for (written, wanted) in [
            ("Alice", "alice"),
            ("CORP\\Alice", "alice"),
            ("alice@CORP.example", "alice"),
            ("OTHER\\alice", "other\\alice"),
            ("alice@other.example", "alice@other.example"),
        ] {
            assert_eq!(names.canonical(written), wanted);
        }
    }
}

//! Ids against sssd's, where sssd answers on this host beside us: files belong to numbers.
#![forbid(unsafe_code)]

use super::Doctor;
use super::report::{Report, Severity::Warning};
use crate::daemon;
use crate::migrate::{Kind, Names, OldGroup, OldStack, OldUser, owners_of_homes};
use ldaps_core::local::{self, PASSWD_FILE};
use ldaps_core::protocol::client::{NSS_DEADLINE, Socket, ask};
use ldaps_core::protocol::messages::{NssReply, NssRequest};
use ldaps_core::run_dir::RunDir;
use ldaps_directory::Seen;
use std::collections::BTreeSet;
use std::path::Path;

const AREA: &str = "ids";
/// About so many people both are asked; `ldapsctl migrate --prove` compares everybody.
const SAMPLE: usize = 50;
/// At most so many differences are named.
const NAMED: usize = 3;

/// An id that the two give differently.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    /// `user alice`
    account: String,
    /// sssd's.
    theirs: u32,
    ours: u32,
}

/// What was compared.
#[derive(Debug, Default)]
struct Compared {
    users: usize,
    groups: usize,
    differences: Vec<Difference>,
}

/// Compares a sample. Says nothing where there is no sssd.
pub fn look(doctor: &Doctor, seen: Option<&Seen>, report: &mut Report) {
    // Its module is asked by glibc of this host, and of no other.
    if doctor.root != Path::new("/") || !doctor.path("/var/lib/sss").is_dir() {
        return;
    }
    let (users, groups) = of_sssd();
    if users.is_empty() {
        return report.fine(
            AREA,
            "sssd",
            "sssd is installed here and answers about nobody (getent -s sss): nothing to compare with",
        );
    }
    let Ok(run_dir) = daemon::run_dir(doctor.run_dir.as_deref()) else {
        let what = "not compared with sssd's, for the daemon does not answer";
        return report.unseen(AREA, "sssd", what, "mend that first");
    };
    let names = Names(seen.map_or_else(Vec::new, |seen| {
        [Some(seen.domain.dns_name.clone()), seen.domain.netbios.clone()]
            .into_iter()
            .flatten()
            .collect()
    }));
    let id = |request| id(&run_dir, request);
    told(&compare(&users, &groups, &names, id), report);
}

fn id(run_dir: &RunDir, request: NssRequest) -> Option<u32> {
    match ask(run_dir, Socket::Nss, &request, NSS_DEADLINE).ok()? {
        NssReply::User(user) => Some(user.uid),
        NssReply::Group(group) => Some(group.gid),
        _ => None,
    }
}

/// People whom sssd has listed or kept, or who have a home directory here, and the groups they are in.
fn of_sssd() -> (Vec<OldUser>, Vec<OldGroup>) {
    let sssd = OldStack::new(Kind::Sssd);
    let own: BTreeSet<String> = local::names_and_ids(Path::new(PASSWD_FILE))
        .unwrap_or_default()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let keys: Vec<String> =
        sssd.cached_users().into_iter().chain(owners_of_homes()).take(2 * SAMPLE).collect();
    // Without a key everybody would be listed.
    let found = if keys.is_empty() { Ok(Vec::new()) } else { sssd.users(&keys) };
    let mut users = found.unwrap_or_default();
    users.retain(|user| !own.contains(&user.name));
    users.truncate(SAMPLE);
    let shown: Vec<String> = users.iter().map(|user| user.name.clone()).collect();
    let gids: BTreeSet<u32> = sssd
        .gids_of(&shown)
        .unwrap_or_default()
        .into_iter()
        .flatten()
        .chain(users.iter().map(|user| user.gid))
        .collect();
    let gids: Vec<String> = gids.iter().map(u32::to_string).collect();
    let groups = if gids.is_empty() { Ok(Vec::new()) } else { sssd.groups(&gids) };
    (users, groups.unwrap_or_default())
}

/// Whom only one of the two knows has no id that could be another.
fn compare(
    users: &[OldUser],
    groups: &[OldGroup],
    names: &Names,
    ours: impl Fn(NssRequest) -> Option<u32>,
) -> Compared {
    let mut compared = Compared::default();
    for user in users {
        let name = names.canonical(&user.name);
        let Some(uid) = ours(NssRequest::UserByName(name.clone())) else { continue };
        compared.users += 1;
        compared.note(format!("user {name}"), user.uid, uid);
    }
    for group in groups {
        let name = names.canonical(&group.name);
        let Some(gid) = ours(NssRequest::GroupByName(name.clone())) else { continue };
        compared.groups += 1;
        compared.note(format!("group {name}"), group.gid, gid);
    }
    compared
}

impl Compared {
    fn note(&mut self, account: String, theirs: u32, ours: u32) {
        if theirs != ours {
            self.differences.push(Difference { account, theirs, ours });
        }
    }
}

fn told(compared: &Compared, report: &mut Report) {
    let Compared { users, groups, differences } = compared;
    if differences.is_empty() {
        let what = format!(
            "the same as sssd's, which answers here too: {users} users and {groups} groups compared"
        );
        return report.fine(AREA, "sssd", what);
    }
    let named: Vec<String> = differences
        .iter()
        .take(NAMED)
        .map(|it| format!("{} is {} by sssd and {} by ldapsd", it.account, it.theirs, it.ours))
        .collect();
    let more = differences.len() - named.len();
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    report.add(
        Warning,
        AREA,
        "other-than-sssd",
        format!("{}{more} ({users} users and {groups} groups compared)", named.join("; ")),
        "files belong to numbers: what people have made under sssd is not theirs under the other number, and may be \
         somebody else's",
        "sudo ldapsctl migrate --prove shows everybody who differs; with --keep-ids it also prints the lines that \
         keep sssd's ids",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, uid: u32) -> OldUser {
        let (gecos, home, shell) = (String::new(), String::new(), String::new());
        OldUser { name: name.to_owned(), uid, gid: uid, gecos, home, shell }
    }

    #[test]
    fn an_id_that_is_another_than_sssds_is_not_seen_or_one_that_nobody_has_is() {
        let users = [user("alice@corp.example", 5001), user("CORP\\Bob", 5002), user("gone", 5003)];
        let groups = [("linux-users", 6001), ("staff", 6002)]
            .map(|(name, gid)| OldGroup { name: name.to_owned(), gid });
        let names = Names(vec!["corp.example".to_owned(), "corp".to_owned()]);
        let ours = |request| match request {
            NssRequest::UserByName(name) => match name.as_str() {
                "alice" => Some(5001),
                "bob" => Some(7002),
                _ => None,
            },
            NssRequest::GroupByName(name) => (name == "linux-users").then_some(7001),
            _ => None,
        };
        let compared = compare(&users, &groups, &names, ours);
        assert_eq!((compared.users, compared.groups), (2, 1));
        let expected = [("user bob", 5002, 7002), ("group linux-users", 6001, 7001)].map(
            |(account, theirs, ours)| Difference { account: account.to_owned(), theirs, ours },
        );
        assert_eq!(compared.differences, expected);
        let mut report = Report::default();
        told(&compared, &mut report);
        assert_eq!(report.bad(), ["other-than-sssd"]);
        let mut report = Report::default();
        told(&Compared { users: 2, groups: 1, differences: Vec::new() }, &mut report);
        assert_eq!(report.bad(), [""; 0]);
    }
}

//! The outcome in words.
#![forbid(unsafe_code)]

use super::compare::{Difference, Proof};
use super::old::OldUser;
use ldaps_core::entries::PasswdEntry;

/// Differences that are shown unless all are asked for.
const SHOWN: usize = 40;

impl Proof {
    /// The outcome in words, with the differences as a table.
    pub fn described(&self, old: &str, every: bool) -> String {
        let (users, groups) = (self.users.len(), self.groups.len());
        let what =
            format!("uid, gid, home, shell and groups of {users} users, gid of {groups} groups");
        let names = self.of_users(|old, ours| old.gecos != ours.gecos);
        let note = match names {
            0 => String::new(),
            n => format!("(The full name differs for {n} users, which counts for nothing here.)\n"),
        };
        if self.is_equal() {
            return format!("All equal: {what}, with {old} and with ldaps-login.\n{note}");
        }
        let mut text = format!("Compared: {what}. What differs:\n\n{}", self.table(old, every));
        text +=
            &format!("\n{} differences in all. {}\n{note}", self.differences.len(), self.owners());
        text
    }

    fn of_users(&self, differ: impl Fn(&OldUser, &PasswdEntry) -> bool) -> usize {
        let pairs = self.users.iter().filter_map(|user| user.old.as_ref().zip(user.ours.as_ref()));
        pairs.filter(|(old, ours)| differ(old, ours)).count()
    }

    fn table(&self, old: &str, every: bool) -> String {
        let shown = if every { self.differences.len() } else { SHOWN };
        let head = ["account", "what", old, "ldaps-login"].map(str::to_owned);
        let rows = self.differences.iter().take(shown).map(|one| {
            [one.account.clone(), one.what.to_owned(), one.old.clone(), one.ours.clone()]
        });
        let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let (first, second, third) = (width(0), width(1), width(2));
        let line =
            |[a, b, c, d]: &[String; 4]| format!("  {a:first$}  {b:second$}  {c:third$}  {d}\n");
        let mut text: String = rows.iter().map(line).collect();
        let more = self.differences.len().saturating_sub(shown);
        if more > 0 {
            text += &format!("  ... and {more} more: --every prints them.\n");
        }
        text
    }

    /// How files come to their new owners, where ids are to change.
    fn owners(&self) -> String {
        let changes = |what: &'static str, kind: &'static str| {
            let is_id = |text: &str| text.parse::<u32>().is_ok();
            self.differences.iter().find(move |one| {
                one.what == what
                    && one.account.starts_with(kind)
                    && is_id(&one.old)
                    && is_id(&one.ours)
            })
        };
        let (uid, gid) = (changes("uid", "user "), changes("gid", "group "));
        let mut text = "Mend ldaps.toml, or keep what differs with --keep-ids. ".to_owned();
        if uid.or(gid).is_some() {
            text += "An id that shall change leaves files behind: on each file system,";
        }
        for (one, find, change) in [(uid, "-uid", "chown"), (gid, "-gid", "chgrp")] {
            let Some(Difference { old, ours, account, .. }) = one else { continue };
            text += &format!(
                "\n  find / -xdev {find} {old} -exec {change} -h {ours} {{}} +    # {account}"
            );
        }
        text
    }
}

//! `ldapsctl user NAME`: one user, as the directory and the rules of this host see them.
#![forbid(unsafe_code)]

use crate::output::Table;
use ldaps_core::protocol::admin::UserReport;

/// The report, for a person.
#[must_use]
pub fn describe(report: &UserReport) -> String {
    let entry = &report.entry;
    let mut table = Table::default();
    table.line("DN", &report.dn);
    table.line("SID", &report.sid);
    table.line("uid, gid", format!("{}, {}", entry.uid, entry.gid));
    table.line("full name", &entry.gecos);
    table.line("home, shell", format!("{}, {}", entry.home, entry.shell));
    table.lines("groups", report.groups.iter().map(|(gid, name)| format!("{name} ({gid})")));
    table.line("account", report.state.as_deref().unwrap_or("nothing against it"));
    table.lines(
        "may log in",
        report.access.iter().map(|(service, allowed)| {
            let verdict = if *allowed { "yes" } else { "no" };
            format!("{service}: {verdict}")
        }),
    );
    format!("{}\n{}", entry.name, table.render())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldaps_core::entries::PasswdEntry;

    #[test]
    fn a_user_is_shown_with_groups_state_and_rules() {
        let report = UserReport {
            entry: PasswdEntry {
                name: "alice".to_owned(),
                uid: 201_107,
                gid: 200_513,
                gecos: "Alice Ärmel".to_owned(),
                home: "/home/alice".to_owned(),
                shell: "/bin/bash".to_owned(),
            },
            dn: "CN=Alice,DC=corp,DC=example".to_owned(),
            sid: "S-1-5-21-1-2-3-1107".to_owned(),
            groups: vec![(200_513, "domain users".to_owned()), (201_200, "staff".to_owned())],
            state: Some("the account is disabled".to_owned()),
            access: vec![("sudo".to_owned(), false), ("any other".to_owned(), true)],
        };
        let text = describe(&report);
        for part in [
            "alice\n",
            "CN=Alice,DC=corp,DC=example\n",
            "201107, 200513\n",
            "domain users (200513)\n",
            "staff (201200)\n",
            "the account is disabled\n",
            "sudo: no\n",
            "any other: yes\n",
        ] {
            assert!(text.contains(part), "{part:?} wanted in\n{text}");
        }
        let healthy = describe(&UserReport { state: None, ..report });
        assert!(healthy.contains("nothing against it"), "{healthy}");
    }
}

//! `ldapsctl group NAME`: one group, as the directory has it and as this host shows it.
#![forbid(unsafe_code)]

use ldaps_core::entries::GroupEntry;
use ldaps_core::protocol::tools::GroupReport;
use serde::Serialize;

use crate::output::Table;

/// Members that are named to a person; programs get all of them.
const NAMED: usize = 20;

/// The report, for programs: the entry's own fields beside the others.
#[derive(Serialize)]
pub struct Shown<'a> {
    #[serde(flatten)]
    entry: &'a GroupEntry,
    dn: Option<&'a str>,
    sid: Option<&'a str>,
    groups_in_it: &'a [String],
    in_groups: &'a [String],
}

impl<'a> From<&'a GroupReport> for Shown<'a> {
    fn from(report: &'a GroupReport) -> Self {
        Self {
            entry: &report.entry,
            dn: report.dn.as_deref(),
            sid: report.sid.as_deref(),
            groups_in_it: &report.groups_in_it,
            in_groups: &report.in_groups,
        }
    }
}

/// The report, for a person.
#[must_use]
pub fn describe(shown: &Shown<'_>) -> String {
    let entry = shown.entry;
    let mut table = Table::default();
    match (shown.dn, shown.sid) {
        (Some(dn), Some(sid)) => {
            table.line("DN", dn);
            table.line("SID", sid);
        }
        _ => table.line("it is", "a user's own group, which the directory has no object of"),
    }
    table.line("gid", entry.gid.to_string());
    let members = &entry.members;
    table.line("members", format!("{}, directly or through other groups", members.len()));
    let (named, others) = members.split_at(members.len().min(NAMED));
    table.lines("", named.chunks(5).map(|some| some.join(", ")));
    if !others.is_empty() {
        table.line("", format!("and {} more: getent group '{}'", others.len(), entry.name));
    }
    table.lines("in it", shown.groups_in_it.iter().cloned());
    table.lines("it is in", shown.in_groups.iter().cloned());
    format!("{}\n{}", entry.name, table.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_shown_without_its_gid_its_members_or_its_neighbours() {
        let members = (0..23).map(|number| format!("u{number:02}")).collect();
        let report = GroupReport {
            entry: GroupEntry { name: "engineers".to_owned(), gid: 201_202, members },
            dn: Some("CN=Engineers".to_owned()),
            sid: Some("S-1-5-21-1-2-3-1202".to_owned()),
            groups_in_it: vec!["platform".to_owned()],
            in_groups: vec!["staff".to_owned(), "everybody".to_owned()],
        };
        let text = describe(&Shown::from(&report));
        for part in [
            "engineers\n",
            "  gid       201202\n",
            "  members   23, directly",
            "            u15, u16, u17, u18, u19\n",
            "and 3 more",
            "  in it     platform\n",
            "  it is in  staff\n            everybody\n",
        ] {
            assert!(text.contains(part), "{part:?} wanted in\n{text}");
        }
        let json = serde_json::to_value(Shown::from(&report)).unwrap();
        assert_eq!((&json["gid"], &json["groups_in_it"][0]), (&201_202.into(), &"platform".into()));
        let own = GroupReport { dn: None, sid: None, ..report };
        assert!(describe(&Shown::from(&own)).contains("a user's own group"));
    }
}

//! `ldapsctl user NAME`: one user, as the directory and the rules of this host see them, and for
//! whom the configuration names, the user's profile.
#![forbid(unsafe_code)]

use crate::output::Table;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldaps_core::config::STANDING_ATTRIBUTES;
use ldaps_core::entries::PasswdEntry;
use ldaps_core::protocol::admin::{Profile, ProfileReport, ProfileValue, UserReport};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Service by service; where none has rules of its own, there is no other to tell from.
fn verdicts(access: &[(String, bool)]) -> Vec<String> {
    let verdict = |allowed: bool| if allowed { "yes" } else { "no" };
    match access {
        [(_, allowed)] => vec![verdict(*allowed).to_owned()],
        access => access.iter().map(|(name, it)| format!("{name}: {}", verdict(*it))).collect(),
    }
}

/// The report for programs. The keys are told in docs/ldaps.toml.md, and programs rely on them.
#[derive(Serialize)]
pub struct Shown<'a> {
    #[serde(flatten)]
    entry: &'a PasswdEntry,
    #[serde(flatten)]
    user: &'a UserReport,
    /// None where the caller is not told.
    profile: Option<ShownProfile<'a>>,
}

impl<'a> From<&'a ProfileReport> for Shown<'a> {
    fn from(report: &'a ProfileReport) -> Self {
        let profile = report.profile.as_ref().ok().map(ShownProfile);
        Self { entry: &report.user.entry, user: &report.user, profile }
    }
}

/// A profile as a map: of the standing attributes a text or null, of the configured ones a list, by
/// which attribute it is and not by how many values somebody happens to have.
struct ShownProfile<'a>(&'a Profile);

impl Serialize for ShownProfile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Profile { standing, more } = self.0;
        let mut map = serializer.serialize_map(None)?;
        for (name, text) in STANDING_ATTRIBUTES.iter().zip(standing) {
            map.serialize_entry(name, text)?;
        }
        for (name, values) in more {
            let values: Vec<ShownValue<'_>> = values.iter().map(ShownValue::from).collect();
            map.serialize_entry(name, &values)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum ShownValue<'a> {
    Text(&'a str),
    Bytes { base64: String },
}

impl<'a> From<&'a ProfileValue> for ShownValue<'a> {
    fn from(value: &'a ProfileValue) -> Self {
        match value {
            ProfileValue::Text(text) => Self::Text(text),
            ProfileValue::Bytes(bytes) => Self::Bytes { base64: BASE64.encode(bytes) },
        }
    }
}

/// The report, for a person.
#[must_use]
pub fn describe(shown: &Shown<'_>) -> String {
    let (entry, report) = (shown.entry, shown.user);
    let mut table = Table::default();
    table.line("DN", &report.dn);
    table.line("SID", &report.sid);
    table.line("uid, gid", format!("{}, {}", entry.uid, entry.gid));
    table.line("full name", &entry.gecos);
    table.line("home, shell", format!("{}, {}", entry.home, entry.shell));
    table.lines("groups", report.groups.iter().map(|(gid, name)| format!("{name} ({gid})")));
    table.line("account", report.state.as_deref().unwrap_or("nothing against it"));
    table.lines("may log in", verdicts(&report.access));
    if let Some(ShownProfile(profile)) = &shown.profile {
        describe_profile(profile, &mut table);
    }
    format!("{}\n{}", entry.name, table.render())
}

fn describe_profile(Profile { standing, more }: &Profile, table: &mut Table) {
    let standing = STANDING_ATTRIBUTES.iter().zip(standing);
    for (name, text) in standing.filter_map(|(name, text)| Some((name, text.as_ref()?))) {
        table.line(name, one_line(text));
    }
    for (name, values) in more {
        let shown = values.iter().map(|value| match value {
            ProfileValue::Text(text) => one_line(text),
            ProfileValue::Bytes(bytes) => format!("({} bytes that are no text)", bytes.len()),
        });
        table.lines(name, shown);
    }
}

/// A line feed in a value would begin a line of somebody's own choice.
fn one_line(text: &str) -> String {
    text.replace('\n', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> ProfileReport {
        let user = UserReport {
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
        let text = |text: &str| ProfileValue::Text(text.to_owned());
        let profile = Profile {
            standing: [Some("Alice \"A\" Ärmel".to_owned()), None, None, Some("a@x.y".to_owned())],
            more: vec![
                ("department".to_owned(), vec![text("IT\n  may log in  sudo: yes")]),
                ("objectGUID".to_owned(), vec![ProfileValue::Bytes(vec![0, 255, 7])]),
                ("proxyAddresses".to_owned(), vec![text("SMTP:a@x.y"), text("smtp:b@x.y")]),
                ("title".to_owned(), vec![]),
            ],
        };
        ProfileReport { user, profile: Ok(profile) }
    }

    #[test]
    fn a_user_is_shown_with_groups_state_rules_and_profile() {
        let mut report = report();
        let text = describe(&Shown::from(&report));
        for part in [
            "alice\n",
            "CN=Alice,DC=corp,DC=example\n",
            "201107, 200513\n",
            "domain users (200513)\n",
            "staff (201200)\n",
            "the account is disabled\n",
            "sudo: no\n",
            "any other: yes\n",
            "  mail            a@x.y\n",
            "(3 bytes that are no text)\n",
            "  proxyAddresses  SMTP:a@x.y\n                  smtp:b@x.y\n",
        ] {
            assert!(text.contains(part), "{part:?} wanted in\n{text}");
        }
        assert!(!text.contains("givenName") && !text.contains("title"), "{text}");
        assert!(!text.contains("\n  may log in  sudo: yes"), "a line of AD's own:\n{text}");
        report.user.state = None;
        report.profile = Err("no".to_owned());
        let healthy = describe(&Shown::from(&report));
        assert!(healthy.contains("nothing against it") && !healthy.contains("mail"), "{healthy}");
    }

    #[test]
    fn any_other_service_is_told_of_where_there_is_no_other() {
        assert_eq!(verdicts(&[("any other".to_owned(), true)]), ["yes"]);
        let two = [("sudo".to_owned(), false), ("any other".to_owned(), true)];
        assert_eq!(verdicts(&two), ["sudo: no", "any other: yes"]);
    }

    #[test]
    fn a_key_that_applications_read_is_gone_or_of_another_kind() {
        let mut report = report();
        let json = serde_json::to_value(Shown::from(&report)).unwrap();
        let entry = serde_json::json!({
            "name": "alice", "uid": 201_107, "gid": 200_513, "gecos": "Alice Ärmel",
            "home": "/home/alice", "shell": "/bin/bash",
        });
        let mut wanted = serde_json::json!({
            "entry": entry,
            "dn": "CN=Alice,DC=corp,DC=example",
            "sid": "S-1-5-21-1-2-3-1107",
            "groups": [[200_513, "domain users"], [201_200, "staff"]],
            "state": "the account is disabled",
            "access": [["sudo", false], ["any other", true]],
            "profile": {
                "displayName": "Alice \"A\" Ärmel",
                "givenName": null,
                "sn": null,
                "mail": "a@x.y",
                "department": ["IT\n  may log in  sudo: yes"],
                "objectGUID": [{ "base64": "AP8H" }],
                "proxyAddresses": ["SMTP:a@x.y", "smtp:b@x.y"],
                "title": [],
            },
        });
        for (key, value) in entry.as_object().unwrap() {
            wanted[key] = value.clone();
        }
        assert_eq!(json, wanted);
        report.profile = Err("no".to_owned());
        wanted["profile"] = serde_json::Value::Null;
        assert_eq!(serde_json::to_value(Shown::from(&report)).unwrap(), wanted);
    }
}

//! `ldapsctl doctor` on hosts that are broken in one way each: it names that cause and no neighbour,
//! and what it says mends it does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions beside the tests are tests too"
)]

mod access;
mod apparmor;
mod certificates;
mod configuration;
mod fix;
mod host;
mod ids;
#[path = "../certificates/maker.rs"]
#[allow(dead_code, reason = "made for the other tests, too")]
mod maker;
mod names;
mod network;
mod pam;
mod service_account;
mod sshd;
mod trust;
mod unit;

use host::Host;

/// One way of being broken.
pub struct Row {
    /// In words.
    pub what: &'static str,
    /// Breaks a host that was well.
    pub break_it: fn(&Host),
    /// Area and id of every fault and warning that there is to be.
    pub found: &'static [(&'static str, &'static str)],
    /// What the first one's remedy says.
    pub remedy: &'static str,
    /// That, done.
    pub mend: fn(&Host),
}

/// Breaks a host anew for each row.
#[track_caller]
pub fn each(rows: &[Row]) {
    for row in rows {
        let host = Host::new();
        assert!(host.found().is_empty(), "{}: it was broken before: {:?}", row.what, host.found());
        (row.break_it)(&host);
        let findings = host.findings();
        let text = serde_json::to_string_pretty(&findings).unwrap();
        let mut found: Vec<_> =
            findings.iter().map(|it| (it.area.as_str(), it.id.as_str())).collect();
        let mut expected = row.found.to_vec();
        found.sort_unstable();
        found.dedup();
        expected.sort_unstable();
        assert_eq!(found, expected, "{}:\n{text}", row.what);
        let first =
            findings.iter().find(|it| (it.area.as_str(), it.id.as_str()) == row.found[0]).unwrap();
        assert!(
            first.remedy.contains(row.remedy),
            "{}: {:?} wanted in\n{text}",
            row.what,
            row.remedy
        );
        (row.mend)(&host);
        assert!(host.found().is_empty(), "{}: it was not mended: {:?}", row.what, host.found());
    }
}

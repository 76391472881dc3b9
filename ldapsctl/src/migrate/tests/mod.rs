//! Old configurations and what becomes of them, as tables: **a new case is a new row**. Whatever is
//! proposed, our own reader takes it.

mod nslcd_rows;
mod safety;
mod sssd_rows;
mod winbind_rows;

use super::plan::Plan;
use super::source::Kind;
use super::{Given, ini, nslcd, sssd, winbind};
use ldaps_core::config::{self, Loaded, Sources};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// An old configuration (in which `@@` is a directory that has a `ca.pem`), lines of ldaps.toml that
/// it must give, and for what has no counterpart words of its note, in one line each.
struct Row {
    name: &'static str,
    old: &'static str,
    lines: &'static [&'static str],
    left: &'static [&'static str],
}

fn check_rows(kind: Kind, before: &str, rows: &[Row]) {
    for Row { name, old, lines, left } in rows {
        let plan = planned(kind, &format!("{before}{old}"));
        let toml = plan.toml("x");
        for line in *lines {
            assert!(toml.contains(line), "{name}: {line:?} wanted in\n{toml}");
        }
        let notes = notes(&plan);
        for words in *left {
            let has_all = |note: &&String| words.split('|').all(|word| note.contains(word));
            assert!(
                notes.iter().any(|note| has_all(&note)),
                "{name}: {words:?} wanted in\n{}",
                notes.join("\n")
            );
        }
        loaded(&toml, name);
    }
}

fn notes(plan: &Plan) -> Vec<String> {
    let note = |left: &super::plan::Left| format!("{}: {}. {}", left.key, left.why, left.remedy);
    plan.left.iter().map(note).collect()
}

fn planned(kind: Kind, old: &str) -> Plan {
    let given = Given::default();
    let plan = match kind {
        Kind::Sssd => {
            ini::parse("sssd.conf", old).and_then(|sections| sssd::plan(sections, &given))
        }
        Kind::Nslcd => nslcd::plan(nslcd::parse("nslcd.conf", old), &given),
        // Behind a line of its own: pam_winbind.conf.
        Kind::Winbind => {
            let (smb, pam) = old.split_once("--- pam_winbind.conf\n").unwrap_or((old, ""));
            ini::parse("smb.conf", smb)
                .and_then(|smb| winbind::plan(smb, ini::parse("pam_winbind.conf", pam)?, &given))
        }
    };
    plan.unwrap_or_else(|problem| panic!("{problem}\n{old}"))
}

/// By the reader that the daemon has.
fn loaded(toml: &str, name: &str) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    let write = |file: &str, content: &str| {
        fs::write(dir.path().join(file), content).unwrap();
        fs::set_permissions(dir.path().join(file), Permissions::from_mode(0o600)).unwrap();
    };
    write("ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    write("ldaps-secret", "Service.Pass.1");
    write("ldaps.toml", &toml.replace("@@", &dir.path().display().to_string()));
    write("ldap.conf", "");
    let sources = Sources {
        ldaps_toml: dir.path().join("ldaps.toml"),
        ldap_conf: dir.path().join("ldap.conf"),
        credentials: Some(dir.path().to_owned()),
    };
    config::load(&sources).unwrap_or_else(|errors| panic!("{name}: {errors}\n{toml}"))
}

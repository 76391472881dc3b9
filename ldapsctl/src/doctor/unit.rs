//! systemd's unit: whether it starts at the next boot, and what has been taken from its sandbox.
#![forbid(unsafe_code)]

use super::report::{
    Fix, Report,
    Severity::{Fault, Warning},
};
use super::{Doctor, text};
use std::fs;

const AREA: &str = "systemd";
const UNIT: &str = "ldapsd.service";
/// Settings that hold the daemon in, with the values that let it out.
const LOOSENED: &[(&str, &[&str])] = &[
    ("User", &["root", "0"]),
    ("NoNewPrivileges", &["no", "false", "0", "off"]),
    ("ProtectSystem", &["no", "false", "0", "off"]),
    ("ProtectHome", &["no", "false", "0", "off"]),
    ("RestrictSUIDSGID", &["no", "false", "0", "off"]),
    ("MemoryDenyWriteExecute", &["no", "false", "0", "off"]),
    ("LimitCORE", &["infinity"]),
];
/// Settings of which any value that is not empty gives what the daemon does not need.
const GIVEN: &[&str] = &["CapabilityBoundingSet", "AmbientCapabilities"];

/// Reads the unit and what has been put over it.
pub fn look(doctor: &Doctor, report: &mut Report) {
    let own = doctor.path(&format!("/etc/systemd/system/{UNIT}"));
    if fs::read_link(&own).is_ok_and(|target| target.as_os_str() == "/dev/null") {
        let why = "the daemon cannot be started";
        let remedy = "sudo systemctl unmask ldapsd; sudo systemctl enable --now ldapsd";
        return report.add(Fault, AREA, "masked", format!("{UNIT} is masked"), why, remedy);
    }
    let shipped = doctor.path(&format!("/usr/lib/systemd/system/{UNIT}"));
    if !shipped.exists() && !own.exists() {
        return report.fine(
            AREA,
            "none",
            "has no unit of ours: the daemon is started by other means",
        );
    }
    let before = report.count();
    let wanted = doctor.path(&format!("/etc/systemd/system/multi-user.target.wants/{UNIT}"));
    if fs::symlink_metadata(&wanted).is_err() {
        let why = "after the next boot nobody from the directory is known here";
        report.add(
            Warning,
            AREA,
            "not-enabled",
            format!("{UNIT} is not enabled"),
            why,
            "sudo systemctl enable ldapsd",
        );
        report.mended_by(Fix::run(&["systemctl enable ldapsd"]));
    }
    sandbox(doctor, report);
    if report.count() == before {
        report.fine(AREA, "unit", format!("{UNIT} is enabled, and its sandbox whole"));
    }
}

/// A unit in /etc takes the shipped one's place; drop-ins come on top of either.
fn sandbox(doctor: &Doctor, report: &mut Report) {
    let drop_ins = doctor.path(&format!("/etc/systemd/system/{UNIT}.d"));
    let entries = fs::read_dir(&drop_ins).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|it| it == "conf")).collect();
    files.sort();
    files.insert(0, doctor.path(&format!("/etc/systemd/system/{UNIT}")));
    for file in files {
        let Some(content) = text(&file) else { continue };
        let lines = content.lines().filter_map(|line| line.trim().split_once('='));
        for (key, value) in lines.map(|(key, value)| (key.trim(), value.trim())) {
            let lets_out =
                |(name, values): &(&str, &[&str])| *name == key && values.contains(&value);
            let gives = GIVEN.contains(&key) && !value.is_empty();
            if gives || LOOSENED.iter().any(lets_out) {
                report.add(
                    Warning,
                    AREA,
                    "loosened",
                    format!("{}: {key}={value}", file.display()),
                    "the daemon reads what strangers send it, and is to have nothing else to give away",
                    format!(
                        "sudoedit {}, and take that line out; then: sudo systemctl daemon-reload; sudo systemctl restart \
                         ldapsd",
                        file.display()
                    ),
                );
            }
        }
    }
}

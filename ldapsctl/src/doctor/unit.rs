//! systemd's unit: whether it starts at the next boot, and what has been taken from its sandbox.
#![forbid(unsafe_code)]

use super::report::{
    Fix, Report,
    Severity::{Fault, Warning},
};
use super::{Doctor, text};
use std::fs;
use std::path::{Path, PathBuf};

const AREA: &str = "systemd";
const UNIT: &str = "ldapsd.service";
/// The unit as we ship it: what holds the daemon in stands there.
const SHIPPED: &str = include_str!("../../../packaging/ldapsd.service");
/// Its settings that hold the daemon in.
const HOLDING: &[&str] = &[
    "AmbientCapabilities",
    "CapabilityBoundingSet",
    "LimitCORE",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "PrivateDevices",
    "PrivateTmp",
    "ProcSubset",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "ProtectSystem",
    "RemoveIPC",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "User",
];
/// Values that are not the shipped ones, and hold it in as well.
const AS_GOOD: &[(&str, &str)] = &[
    ("PrivateTmp", "disconnected"),
    ("ProtectControlGroups", "private"),
    ("ProtectControlGroups", "strict"),
    ("ProtectHome", "tmpfs"),
    ("ProtectHostname", "private"),
    ("ProtectProc", "noaccess"),
    ("ProtectProc", "ptraceable"),
    ("RestrictAddressFamilies", "none"),
];
/// Settings that the shipped unit has not, and that give what the daemon does not need.
const GIVEN: &[&str] = &["BindPaths", "DeviceAllow", "ReadWritePaths", "SupplementaryGroups"];
/// Where units stand in place of the shipped one, and drop-ins of either: the first goes before.
const PLACES: &[&str] = &[
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/etc/systemd/system",
    "/run/systemd/system",
];

/// Reads the unit and what has been put over it.
pub fn look(doctor: &Doctor, report: &mut Report) {
    let own = own(doctor);
    let leads_to = own.as_ref().and_then(|own| fs::read_link(own).ok());
    if leads_to.is_some_and(|target| target.as_os_str() == "/dev/null") {
        let why = "the daemon cannot be started";
        let remedy = match own.is_some_and(|own| own.starts_with(doctor.path("/run"))) {
            true => "sudo systemctl unmask --runtime ldapsd; sudo systemctl enable --now ldapsd",
            false => "sudo systemctl unmask ldapsd; sudo systemctl enable --now ldapsd",
        };
        return report.add(Fault, AREA, "masked", format!("{UNIT} is masked"), why, remedy);
    }
    let shipped = doctor.path(&format!("/usr/lib/systemd/system/{UNIT}"));
    if !shipped.exists() && own.is_none() {
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
    sandbox(doctor, own.as_deref(), report);
    if report.count() == before {
        report.fine(AREA, "unit", format!("{UNIT} is enabled, and its sandbox whole"));
    }
}

/// The unit that has taken the shipped one's place.
fn own(doctor: &Doctor) -> Option<PathBuf> {
    let mut units = PLACES.iter().map(|place| doctor.path(&format!("{place}/{UNIT}")));
    units.find(|unit| fs::symlink_metadata(unit).is_ok())
}

fn sandbox(doctor: &Doctor, own: Option<&Path>, report: &mut Report) {
    if let Some((own, content)) = own.and_then(|own| Some((own, text(own)?))) {
        changed(own, &content, report);
        absent(own, &content, report);
    }
    for place in PLACES {
        let entries = fs::read_dir(doctor.path(&format!("{place}/{UNIT}.d")));
        let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
        let mut files: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|it| it == "conf")).collect();
        files.sort();
        for file in files {
            changed(&file, &text(&file).unwrap_or_default(), report);
        }
    }
}

/// Each line that lets the daemon out.
fn changed(file: &Path, content: &str, report: &mut Report) {
    let shown = file.display();
    for (key, value) in settings(content).filter(|(key, value)| lets_out(key, value)) {
        report.add(
            Warning,
            AREA,
            "loosened",
            format!("{shown}: {key}={value}"),
            "the daemon reads what strangers send it, and is to have nothing else to give away",
            format!(
                "sudoedit {shown}, and take that line out; then: sudo systemctl daemon-reload; sudo systemctl restart \
                 ldapsd"
            ),
        );
    }
}

/// What a unit in place of the shipped one does not say at all.
fn absent(own: &Path, content: &str, report: &mut Report) {
    let says = |key: &str| settings(content).any(|(said, _)| said == key);
    let silent: Vec<&str> = HOLDING.iter().copied().filter(|key| !says(key)).collect();
    if !silent.is_empty() {
        let shown = own.display();
        report.add(
            Warning,
            AREA,
            "loosened",
            format!("{shown} takes the shipped unit's place, without its {}", silent.join(", ")),
            "the daemon reads what strangers send it, and is to have nothing else to give away",
            format!(
                "put what is to be otherwise into a drop-in alone (sudo systemctl edit ldapsd), and take {shown} away; \
                 then: sudo systemctl daemon-reload; sudo systemctl restart ldapsd"
            ),
        );
    }
}

fn settings(content: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = content.lines().filter(|line| !line.trim_start().starts_with(['#', ';']));
    lines.filter_map(|line| line.split_once('=')).map(|(key, value)| (key.trim(), value.trim()))
}

/// Whether a line says anything else than the shipped unit, and nothing stricter. What begins with "~"
/// takes away.
fn lets_out(key: &str, value: &str) -> bool {
    if GIVEN.contains(&key) {
        return !value.is_empty();
    }
    if !HOLDING.contains(&key) || value.starts_with('~') || AS_GOOD.contains(&(key, value)) {
        return false;
    }
    if key == "User" {
        return ["root", "0"].contains(&value);
    }
    let shipped =
        || settings(SHIPPED).filter(move |(said, _)| *said == key).map(|(_, value)| value);
    match value.is_empty() {
        // Back to what systemd does without a word of anybody's.
        true => shipped().all(|value| !value.is_empty()),
        false => {
            let is_shipped =
                |word| shipped().flat_map(str::split_whitespace).any(|it| plain(it) == plain(word));
            !value.split_whitespace().all(is_shipped)
        }
    }
}

/// systemd's words for yes, as one.
fn plain(word: &str) -> &str {
    match word {
        "true" | "1" | "on" => "yes",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_lets_the_daemon_out_is_taken_for_a_stricter_one_or_the_other_way_round() {
        for (line, expected) in [
            ("User=root", true),
            ("User=other", false),
            ("PrivateTmp=no", true),
            ("PrivateTmp=true", false),
            ("PrivateDevices=false", true),
            ("ProtectSystem=full", true),
            ("ProtectHome=read-only", true),
            ("ProtectHome=tmpfs", false),
            ("LimitCORE=infinity", true),
            ("LimitCORE=0", false),
            ("CapabilityBoundingSet=CAP_SYS_ADMIN", true),
            ("CapabilityBoundingSet=", false),
            ("SystemCallFilter=@privileged", true),
            ("SystemCallFilter=", true),
            ("SystemCallFilter=~@mount", false),
            ("RestrictNamespaces=net", true),
            ("RestrictAddressFamilies=AF_PACKET", true),
            ("RestrictAddressFamilies=AF_UNIX AF_INET", false),
            ("RestrictAddressFamilies=none", false),
            ("ReadWritePaths=/etc", true),
            ("#PrivateTmp=no", false),
            ("Nice=5", false),
        ] {
            assert_eq!(settings(line).any(|(key, value)| lets_out(key, value)), expected, "{line}");
        }
    }

    #[test]
    fn the_shipped_unit_lets_the_daemon_out_or_lacks_what_holds_it() {
        let mut report = Report::default();
        changed(Path::new("unit"), SHIPPED, &mut report);
        absent(Path::new("unit"), SHIPPED, &mut report);
        assert_eq!(report.bad(), [""; 0]);
    }
}

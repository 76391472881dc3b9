//! Home directories at the first login.
#![forbid(unsafe_code)]

use super::report::{Fix, Report, Severity::Warning};
use super::{Doctor, text};

const AREA: &str = "home directories";

/// Looks whether anything makes them.
pub fn look(doctor: &Doctor, report: &mut Report) {
    let path = doctor.path("/etc/pam.d/common-session");
    let session = text(&path).unwrap_or_default();
    let mut lines = session.lines().filter(|line| !line.trim_start().starts_with('#'));
    let makes =
        |line: &str| line.contains("pam_mkhomedir.so") || line.contains("pam_oddjob_mkhomedir.so");
    if lines.any(makes) {
        return report.fine(AREA, "made", "pam_mkhomedir makes them at the first login");
    }
    report.add(
        Warning,
        AREA,
        "not-made",
        format!("{} has no pam_mkhomedir.so", path.display()),
        "whoever logs in for the first time has no home directory, and begins in /",
        "sudo pam-auth-update --enable mkhomedir; not needed where homes are mounted",
    );
    report.mended_by(Fix::run(&["pam-auth-update --package --enable mkhomedir"]));
}

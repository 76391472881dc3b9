//! AppArmor: whether confined programs (unix_chkpwd, cupsd, ...) may ask the daemon.
#![forbid(unsafe_code)]

use super::report::{Report, Severity::Warning};
use super::{Doctor, text};

const AREA: &str = "AppArmor";
const DIR: &str = "/etc/apparmor.d/abstractions";

/// Looks at our two snippets, and whether anything reads them.
pub fn look(doctor: &Doctor, report: &mut Report) {
    let enabled = text(&doctor.path("/sys/module/apparmor/parameters/enabled"));
    if enabled.is_none_or(|enabled| enabled.trim() != "Y") {
        return report.fine(AREA, "off", "is not on: it keeps nobody from asking the daemon");
    }
    let before = report.count();
    for abstraction in ["nameservice", "authentication"] {
        let snippet = format!("{DIR}/{abstraction}.d/ldaps-login");
        let file = text(&doctor.path(&format!("{DIR}/{abstraction}")));
        let reads = file.as_ref().is_none_or(|file| {
            let mut lines = file.lines().filter(|line| !line.trim_start().starts_with("# "));
            lines.any(|line| {
                line.contains("include") && line.contains(&format!("abstractions/{abstraction}.d>"))
            })
        });
        let why =
            "programs that AppArmor confines know nobody of the directory, and their logins fail";
        if text(&doctor.path(&snippet)).is_none_or(|content| !content.contains("ldapsd")) {
            let remedy = "sudo apt-get install --reinstall -o Dpkg::Options::=--force-confmiss ldaps-login; sudo \
                          systemctl reload apparmor";
            report.add(
                Warning,
                AREA,
                "snippet-missing",
                format!("{snippet} is not there, or empty"),
                why,
                remedy,
            );
        } else if !reads {
            let what = format!("{DIR}/{abstraction} does not read what is in {abstraction}.d");
            let remedy = format!(
                "add to {DIR}/{abstraction} the line: include if exists <abstractions/{abstraction}.d>; then: sudo \
                 systemctl reload apparmor"
            );
            report.add(Warning, AREA, "snippet-unread", what, why, remedy);
        }
    }
    if report.count() == before {
        report.fine(AREA, "snippets", "lets confined programs ask the daemon");
    }
}

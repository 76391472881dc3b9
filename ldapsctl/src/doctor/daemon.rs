//! The daemon and its sockets.
#![forbid(unsafe_code)]

use super::Doctor;
use super::report::{
    Fix, Report,
    Severity::{Fault, Warning},
};
use crate::daemon::{NoAnswer, ask_daemon};
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::client::AskError;
use ldaps_core::protocol::tools::{IDS_NOT_KEPT, NOT_RELOADED};
use std::fs;

const AREA: &str = "daemon";

/// Asks it how it is.
pub fn look(doctor: &Doctor, report: &mut Report) {
    match ask_daemon(doctor.run_dir.as_deref(), &AdminRequest::Status) {
        Ok(AdminReply::Status(status)) => {
            let connected = status.servers.iter().any(|server| server.connected);
            report.fine(AREA, "running", format!("ldapsd {} runs", status.version));
            told(&status.warnings, report);
            if let (false, Some((error, _))) = (connected, &status.last_error) {
                report.add(
Warning,
                    AREA,
                    "not-connected",
                    format!("it is connected to no server: {}", first_sentence(error)),
                    "look-ups are answered from memory alone",
                    "what is said of network, TLS and service account tells why; once that is mended: sudo \
                     systemctl reload ldapsd",
                );
            }
            if env!("CARGO_PKG_VERSION") != status.version {
                report.add(
                    Warning,
                    AREA,
                    "version",
                    format!(
                        "ldapsd is {}, and this tool {}",
                        status.version,
                        env!("CARGO_PKG_VERSION")
                    ),
                    "the daemon has not been restarted since the upgrade",
                    "sudo systemctl restart ldapsd",
                );
                report.mended_by(Fix::run(&["systemctl restart ldapsd"]));
            }
        }
        Ok(_) => report.unseen(AREA, "running", "ldapsd gives no status", "journalctl -u ldapsd"),
        Err(error) => silent(&error, report),
    }
}

/// What it says of itself; what it says of the configuration has been looked at already.
fn told(warnings: &[String], report: &mut Report) {
    for warning in warnings {
        if warning.starts_with(NOT_RELOADED) {
            let why = "what was changed since has no effect, and at its next start the daemon may not come up";
            let remedy = "sudo ldapsctl check-config; then: sudo systemctl reload ldapsd";
            report.add(Warning, AREA, "not-reloaded", warning, why, remedy);
        } else if warning.contains(IDS_NOT_KEPT) {
            let why = "after a restart somebody new could be given the id, and the files, of somebody else";
            let remedy =
                "df -h /var/lib/ldapsd; make room there; then: sudo systemctl restart ldapsd";
            report.add(Fault, AREA, "ids-not-kept", warning, why, remedy);
        }
    }
}

/// What is the case; what mends it is said where the cause is.
pub fn first_sentence(error: &str) -> &str {
    error.split(". ").next().unwrap_or(error)
}

/// No answer: is there nobody, or somebody who has stopped where he stands?
fn silent(error: &NoAnswer, report: &mut Report) {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_ours = |dir: &fs::DirEntry| {
        fs::read_to_string(dir.path().join("comm")).is_ok_and(|name| name.trim() == "ldapsd")
    };
    let hung = matches!(error, NoAnswer::Ask(AskError::NotRunning | AskError::Deadline))
        && processes.into_iter().any(|dir| is_ours(&dir));
    match hung {
        true => report.add(
            Fault,
            AREA,
            "hung",
            "ldapsd runs, and gives no sign of life",
            "look-ups end at once as if it were gone, and nobody from the directory can log in",
            "sudo systemctl restart ldapsd; or, before that, to tell us why: sudo gdb -p $(pidof ldapsd) -batch -ex \
             'thread apply all bt'",
        ),
        false => report.add(
            Fault,
            AREA,
            "not-running",
            error.to_string(),
            "nobody from the directory is known here, and nobody of them can log in; local accounts are not concerned",
            "sudo systemctl enable --now ldapsd; then: systemctl status ldapsd; journalctl -u ldapsd",
        ),
    }
    report.mended_by(Fix::run(&["systemctl restart ldapsd"]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_daemon_says_of_itself_is_passed_over() {
        let mut report = Report::default();
        told(
            &[
                format!("{NOT_RELOADED}. /etc/ldaps/ldaps.toml:3:1: no. Remedy: yes."),
                format!("/var/lib/ldapsd/ids cannot be written, so {IDS_NOT_KEPT}: full"),
                "/etc/ldap/ldap.conf: TLS_REQCERT has no effect".to_owned(),
            ],
            &mut report,
        );
        assert_eq!(report.bad(), ["not-reloaded", "ids-not-kept"]);
    }
}

//! The daemon and its sockets.
#![forbid(unsafe_code)]

use super::Doctor;
use super::report::{
    Report,
    Severity::{Fault, Warning},
};
use crate::daemon::ask_daemon;
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};

const AREA: &str = "daemon";

/// Asks it how it is.
pub fn look(doctor: &Doctor, report: &mut Report) {
    match ask_daemon(doctor.run_dir.as_deref(), &AdminRequest::Status) {
        Ok(AdminReply::Status(status)) => {
            let connected = status.servers.iter().any(|server| server.connected);
            report.fine(AREA, "running", format!("ldapsd {} runs", status.version));
            if let (false, Some((error, _))) = (connected, &status.last_error) {
                report.add(
Warning,
                    AREA,
                    "not-connected",
                    format!("it is connected to no server: {error}"),
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
                    format!("ldapsd is {}, and this tool {}", status.version, env!("CARGO_PKG_VERSION")),
                    "the daemon has not been restarted since the upgrade",
                    "sudo systemctl restart ldapsd",
                );
            }
        }
        Ok(_) => report.unseen(AREA, "running", "ldapsd gives no status", "journalctl -u ldapsd"),
        Err(error) => report.add(
Fault,
            AREA,
            "not-running",
            error.to_string(),
            "nobody from the directory is known here, and nobody of them can log in; local accounts are not concerned",
            "sudo systemctl enable --now ldapsd; then: systemctl status ldapsd; journalctl -u ldapsd",
        ),
    }
}

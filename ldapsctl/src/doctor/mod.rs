//! `ldapsctl doctor`: from a host where people cannot log in to the cause, in one command.
//!
//! A room for each area; each looks, changes nothing, and reports findings. None needs the daemon, or
//! a configuration without mistakes.
#![forbid(unsafe_code)]

mod configuration;
mod daemon;
mod names;
mod pam;
mod report;
mod servers;
mod service_account;
mod sshd;

use clap::Args;
use ldaps_core::config::Sources;
use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to look at.
#[derive(Args)]
pub struct Doctor {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The configuration of ldaps-login.
    #[arg(long, value_name = "FILE", default_value = "/etc/ldaps/ldaps.toml")]
    config: PathBuf,
    /// The configuration of every LDAP client on this host.
    #[arg(long, value_name = "FILE", default_value = "/etc/ldap/ldap.conf")]
    ldap_conf: PathBuf,
    /// The root of the file system whose /etc is looked at.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// The daemon's run directory, where it is not in its usual place.
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
}

impl Doctor {
    /// A file of the host, by its usual path.
    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn sources(&self) -> Sources {
        Sources {
            ldaps_toml: self.config.clone(),
            ldap_conf: self.ldap_conf.clone(),
            credentials: Some(PathBuf::from(crate::UNIT_CREDENTIALS)),
        }
    }
}

/// Looks at everything, in the order in which a login goes through it.
pub fn run(doctor: &Doctor) -> ExitCode {
    let mut report = Report::default();
    let known = configuration::look(doctor, &mut report);
    let trusted = servers::look(&known, &mut report);
    service_account::look(&known, trusted, &mut report);
    daemon::look(doctor, &mut report);
    names::look(doctor, &mut report);
    pam::look(doctor, &mut report);
    sshd::look(doctor, &mut report);
    report.finish(doctor.json)
}

/// A text file; None where there is none or it cannot be read.
fn text(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

//! `ldapsctl doctor`: from a host where people cannot log in to the cause, in one command.
//!
//! A room for each area; each looks, changes nothing, and reports findings; `fix.rs` alone changes anything. None needs the daemon, or
//! a configuration without mistakes.
#![forbid(unsafe_code)]

mod access;
mod addresses;
mod apparmor;
mod clock;
mod configuration;
mod daemon;
mod directories;
mod fix;
mod homes;
mod host_ids;
mod names;
mod pam;
mod person;
mod refusers;
mod report;
mod servers;
mod service_account;
mod sshd;
mod sssd;
mod trust;
mod unit;
mod untrusted;

use crate::terminal::Progress;
use clap::Args;
use ldaps_core::config::Sources;
use ldaps_directory::Survey;
use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// "Soon", for what expires.
const SOON_DAYS: i64 = 30;

/// What to look at.
#[derive(Args)]
pub struct Doctor {
    /// Print JSON.
    #[arg(long, conflicts_with = "fix")]
    json: bool,
    /// Follow one person besides, from the directory to their shell; as root, while the daemon runs.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Mend what can be mended here: modes, nsswitch.conf, the PAM profile where nobody has edited it,
    /// pasted certificates, the daemon. Shows each change, and asks.
    #[arg(long)]
    fix: bool,
    /// Do it without asking.
    #[arg(long, requires = "fix")]
    yes: bool,
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
    let mut report = everything(doctor);
    if doctor.fix {
        if !fix::mend(doctor, &report) {
            return ExitCode::FAILURE;
        }
        report = everything(doctor);
    }
    report.finish(doctor.json)
}

fn everything(doctor: &Doctor) -> Report {
    let mut report = Report::default();
    // What waits for others: a server that does not answer takes seconds.
    let progress = Progress::begin("Looking at the configuration");
    let known = configuration::look(doctor, &mut report);
    directories::look(doctor, &known, &mut report);
    progress.now("Asking the domain controllers");
    let trusted = servers::look(&known, &mut report);
    trust::look(doctor, &known, &mut report);
    progress.now("Binding as the service account, and counting whom it finds");
    let survey = service_account::look(&known, trusted, &mut report);
    let seen = survey.as_ref().map(Survey::seen);
    clock::look(seen, &mut report);
    access::look(&known, survey.as_ref(), &mut report);
    // What keeps it from starting comes before that it does not run.
    unit::look(doctor, &mut report);
    progress.now("Asking the daemon");
    daemon::look(doctor, &mut report);
    progress.now("Looking at this host");
    names::look(doctor, &mut report);
    host_ids::look(doctor, known.config.as_ref(), seen, &mut report);
    sssd::look(doctor, seen, &mut report);
    pam::look(doctor, &mut report);
    homes::look(doctor, &mut report);
    sshd::look(doctor, &mut report);
    apparmor::look(doctor, &mut report);
    if let Some(name) = &doctor.user {
        progress.now("Following one person");
        person::look(doctor, name, &mut report);
        refusers::look(doctor, name, &mut report);
    }
    report
}

/// A text file; None where there is none or it cannot be read.
fn text(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

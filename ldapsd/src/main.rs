//! ldapsd: the only process of a host that talks to Active Directory for look-ups and logins.
//!
//! ```text
//! start      arguments, log, privileges, run directory   -> main.rs, log.rs, run.rs, privileges.rs
//! sockets/   who asks, frames in, frames out             -> nss, pam, admin
//! lookups/   names and ids: memory, then the directory   -> cache, accounts, local names
//! logins/    may this person in?                         -> rules, callers, the two PAM phases
//! durable/   users and groups, kept over a power cut
//! freshness/ changes in the directory, seen in seconds
//! offline/   who was let in before, for when nobody answers
//! metrics/   every number there is, for Prometheus
//! expiry.rs  certificates and revocation lists that end
//! host.rs    one configuration in force, and what was made of it
//! ```
#![forbid(unsafe_code)]

mod budget;
mod durable;
mod expiry;
mod freshness;
mod heartbeat;
mod host;
mod log;
mod logins;
mod lookups;
mod metrics;
mod mirror;
mod offline;
mod peer;
mod privileges;
mod profile;
mod published;
mod run;
mod run_dir;
mod sockets;
mod ssh_keys;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ldaps_core::config::Sources;

/// EX_CONFIG of sysexits.h: systemd is told not to start us again with this.
const EXIT_CONFIG: u8 = 78;

/// People of Active Directory on this host, over LDAPS.
#[derive(Debug, Parser)]
#[command(version, about, long_about = None)]
struct Arguments {
    /// Log to standard error instead of the journal.
    #[arg(long)]
    foreground: bool,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "/etc/ldaps/ldaps.toml")]
    config: PathBuf,
    /// The configuration that all LDAP clients share.
    #[arg(long, value_name = "FILE", default_value = "/etc/ldap/ldap.conf")]
    ldap_conf: PathBuf,
    /// Where the sockets are.
    #[arg(long, value_name = "DIR", default_value = "/run/ldapsd")]
    run_dir: PathBuf,
    /// Where lasting state is.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/ldapsd")]
    state_dir: PathBuf,
    /// How much is logged: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: tracing::Level,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A password may pass through this process: no debugger of another user, no core file.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    log::start(arguments.foreground, arguments.log_level);
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Configuration(message)) => {
            log_lines(&message);
            ExitCode::from(EXIT_CONFIG)
        }
        Err(Failure::Other(message)) => {
            log_lines(&message);
            ExitCode::FAILURE
        }
    }
}

/// Why the daemon does not run.
#[derive(Debug)]
enum Failure {
    /// The configuration is at fault: to start again would not help.
    Configuration(String),
    /// Anything else.
    Other(String),
}

fn start(arguments: &Arguments) -> Result<(), Failure> {
    privileges::prepare(&arguments.run_dir, &arguments.state_dir).map_err(Failure::Other)?;
    let sources = Sources {
        ldaps_toml: arguments.config.clone(),
        ldap_conf: arguments.ldap_conf.clone(),
        credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Other(format!("the daemon cannot start: {error}")))?;
    let outcome = runtime.block_on(run::run(&sources, &arguments.run_dir, &arguments.state_dir));
    // A name being resolved by a thread of the pool must not hold up the end.
    runtime.shutdown_background();
    outcome
}

fn log_lines(message: &str) {
    message.lines().for_each(|line| tracing::error!("{line}"));
}

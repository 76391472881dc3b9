//! `ldapsctl`, the administrator's tool: what the daemon does, what it knows of a user, and whether
//! the configuration is right; why a login goes as it goes.
#![forbid(unsafe_code)]

mod cert;
mod check_config;
mod daemon;
mod doctor;
mod everybody;
mod output;
mod pam_codes;
mod setup;
mod ssh_keys;
mod status;
mod user;
mod why;

use clap::{Args, Parser, Subcommand};
use ldaps_core::config::Sources;
use ldaps_core::protocol::admin::{AdminReply, AdminRequest, ProfileReport};
use output::{print, print_error};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// The daemon or the directory could not be asked, so nothing is known. (1 is a clear "no", 2 is a
/// mistake on the command line, as clap has it.)
const NOT_KNOWN: u8 = 3;

/// Where systemd keeps the daemon's credentials while it runs (systemd.exec(5), Credentials).
const UNIT_CREDENTIALS: &str = "/run/credentials/ldapsd.service";

/// Looks after people from Active Directory on this host.
///
/// Exits with 0 if all is well, 1 if it is not (errors in the configuration, no such user), 2 after a
/// mistake on the command line, and 3 if the daemon or the directory could not be asked. `doctor` exits
/// with 4 if it has warnings alone.
#[derive(Parser)]
#[command(name = "ldapsctl", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set this host up, from nothing to people logging in, or take that back (--undo). Asks for what it
    /// is not told; shows every change before it makes it, and keeps a copy of each file. Exits with 0
    /// if all of it is done or was so already, 1 if something is wrong or was declined, 3 if no domain
    /// controller or no daemon answers.
    Setup(Box<setup::Setup>),
    /// Show how the daemon is: servers, domain, last error, numbers.
    Status(Daemon),
    /// Show one user as the directory and the access rules see them, asked of the directory now; and
    /// the profile (`profile` in ldaps.toml), for root, the user, and whom the configuration names.
    User {
        /// The name as one would type it at a login: alice, alice@corp.example or 'CORP\alice'.
        name: String,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Show how a login would be decided, step by step, and what PAM would answer; about others,
    /// for root only. Exits with 0 if the right password opens this service, with 1 if it does not.
    Why {
        /// The name as one would type it at a login.
        name: String,
        /// The PAM service: the name of a file in /etc/pam.d.
        #[arg(long, value_name = "NAME", default_value = "sshd")]
        service: String,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Print the SSH public keys of a user, one a line, and nothing else: for sshd's
    /// AuthorizedKeysCommand. Exits with 0 whatever happens, so that sshd goes on without them.
    SshKeys {
        /// The name, sshd's %u.
        #[arg(allow_hyphen_values = true)]
        name: String,
        /// The daemon's run directory, where it is not in its usual place.
        #[arg(long, value_name = "DIR")]
        run_dir: Option<PathBuf>,
    },
    /// Certificates: show them in words, import a CA's, fetch one from a server, name those that end.
    #[command(subcommand)]
    Cert(cert::CertCommand),
    /// Look for whatever keeps people from logging in, and name the cause and the remedy: the
    /// configuration, the network, certificates, the service account, NSS, PAM. Needs no daemon and
    /// changes nothing. Exits with 0 if all is well, 1 after a fault, 4 if there are warnings alone,
    /// 3 if something could not be looked at and the rest is well.
    Doctor(doctor::Doctor),
    /// Read the configuration as the daemon does: say what is in force, or name every error.
    CheckConfig {
        /// The configuration of ldaps-login.
        #[arg(long, value_name = "FILE", default_value = "/etc/ldaps/ldaps.toml")]
        config: PathBuf,
        /// The configuration of every LDAP client on this host.
        #[arg(long, value_name = "FILE", default_value = "/etc/ldap/ldap.conf")]
        ldap_conf: PathBuf,
    },
}

/// How to reach the daemon and how to show its answer.
#[derive(Args)]
struct Daemon {
    /// The daemon's run directory, where it is not in its usual place.
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Setup(setup) => setup::run(&setup),
        Command::Status(daemon) => ask(&daemon, &AdminRequest::Status),
        Command::User { name, daemon } => ask(&daemon, &AdminRequest::Profile(name)),
        Command::Why { name, service, daemon } => {
            ask(&daemon, &AdminRequest::Why { name, service })
        }
        Command::SshKeys { name, run_dir } => {
            // Whatever was the matter has been said; sshd reads the user's own files next.
            let _said = ask(&Daemon { run_dir, json: false }, &AdminRequest::SshKeys(name));
            ExitCode::SUCCESS
        }
        Command::Cert(command) => cert::run(&command),
        Command::Doctor(doctor) => doctor::run(&doctor),
        Command::CheckConfig { config, ldap_conf } => {
            let credentials = Some(PathBuf::from(UNIT_CREDENTIALS));
            check_config::run(&Sources { ldaps_toml: config, ldap_conf, credentials })
        }
    }
}

fn ask(daemon: &Daemon, request: &AdminRequest) -> ExitCode {
    let reply = match daemon::ask_daemon(daemon.run_dir.as_deref(), request) {
        Ok(reply) => reply,
        Err(error) => {
            print_error(&format!("{error}\n"));
            return ExitCode::from(NOT_KNOWN);
        }
    };
    match reply {
        AdminReply::Status(status) => {
            let freshness =
                match daemon::ask_daemon(daemon.run_dir.as_deref(), &AdminRequest::Freshness) {
                    Ok(AdminReply::Freshness(freshness)) => Some(freshness),
                    // One of an earlier version ends the connection.
                    Ok(_) | Err(_) => None,
                };
            let (sync, notify) =
                match daemon::ask_daemon(daemon.run_dir.as_deref(), &AdminRequest::Sync) {
                    Ok(AdminReply::Sync(sync, notify)) => (sync, notify),
                    Ok(_) | Err(_) => (None, None),
                };
            let shown = status::Shown { status, freshness, sync, notify };
            show(daemon, &shown, status::describe)
        }
        AdminReply::Freshness(freshness) => {
            show(daemon, &freshness, |freshness| format!("{freshness:?}\n"))
        }
        AdminReply::Sync(sync, notify) => {
            show(daemon, &(sync, notify), |both| format!("{both:?}\n"))
        }
        AdminReply::User(user) => {
            let profile = Err("this version of ldapsd knows of no profile".to_owned());
            show_user(daemon, &ProfileReport { user, profile })
        }
        AdminReply::Profile(report) => show_user(daemon, &report),
        AdminReply::Why(report) => {
            let report = why::Shown::from(&*report);
            let shown = show(daemon, &report, why::describe);
            if report.lets_in { shown } else { ExitCode::FAILURE }
        }
        AdminReply::SshKeys(keys) => show(daemon, &keys, |keys| ssh_keys::lines(keys)),
        AdminReply::NoSuchUser(why) => {
            print_error(&format!("no such user: {why}\n"));
            ExitCode::FAILURE
        }
        AdminReply::Unavailable(why) => {
            print_error(&format!("the directory could not be asked: {why}\n"));
            ExitCode::from(NOT_KNOWN)
        }
        AdminReply::Denied(why) => {
            print_error(&format!("ldapsd refuses to answer: {why}\n"));
            ExitCode::from(NOT_KNOWN)
        }
    }
}

/// That somebody is not told all is said beside the answer, which programs read.
fn show_user(daemon: &Daemon, report: &ProfileReport) -> ExitCode {
    if let Err(why) = &report.profile {
        print_error(&format!("note: the profile is not shown: {why}\n"));
    }
    show(daemon, &user::Shown::from(report), user::describe)
}

fn show<T: Serialize>(daemon: &Daemon, answer: &T, describe: fn(&T) -> String) -> ExitCode {
    if !daemon.json {
        print(&describe(answer));
        return ExitCode::SUCCESS;
    }
    print_json(answer)
}

fn print_json<T: Serialize>(answer: &T) -> ExitCode {
    match serde_json::to_string_pretty(answer) {
        Ok(json) => {
            print(&format!("{json}\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            print_error(&format!("the answer cannot be written as JSON: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}

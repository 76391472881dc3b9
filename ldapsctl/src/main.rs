//! `ldapsctl`, the administrator's tool: what the daemon does, what it knows of a user, and whether
//! the configuration is right; why a login goes as it goes.
mod answers;
mod cache;
mod cert;
mod check_config;
mod daemon;
mod doctor;
mod everybody;
mod group;
mod login_log;
mod manual;
mod metrics;
mod migrate;
mod output;
mod pam_codes;
mod setup;
mod ssh_keys;
mod status;
mod terminal;
mod try_login;
mod user;
mod watch;
mod why;

use clap::{Args, CommandFactory, Parser, Subcommand};
use ldaps_core::config::Sources;
use ldaps_core::protocol::admin::{AdminReply, AdminRequest, ProfileReport};
use output::{print, print_error};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// A mistake on the command line, as clap has it. (0 is a clear "yes", 1 a clear "no".)
const USAGE: u8 = 2;
/// The daemon or the directory could not be asked, so nothing is known.
const NOT_KNOWN: u8 = 3;
/// `doctor` has found nothing worse than a warning.
const WARNINGS_ALONE: u8 = 4;

/// Where systemd keeps the daemon's credentials while it runs (systemd.exec(5), Credentials).
const UNIT_CREDENTIALS: &str = "/run/credentials/ldapsd.service";

/// Looks after people from Active Directory on this host.
///
/// Exits with 0 if all is well, 1 if it is not (errors in the configuration,
/// no such user, a login that is refused), 2 after a mistake on the command
/// line, and 3 if the daemon or the directory could not be asked. `doctor`
/// exits with 4 if it has warnings alone.
#[derive(Parser)]
#[command(name = "ldapsctl", version, verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set this host up, from nothing to people logging in; or undo it.
    ///
    /// Asks for what it is not told; shows every change before it makes it, and keeps a copy of each
    /// file. `--undo` takes all of it back. Exits with 0 if all of it is done or was so
    /// already, 1 if something is wrong or was declined, 3 if no domain
    /// controller or no daemon answers.
    Setup(Box<setup::Setup>),
    /// Show how the daemon is.
    ///
    /// Its servers, the domain, the last error, numbers, and what expires soon.
    Status {
        /// Show it each second, until Ctrl-C; that is exit code 0.
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Show one user as the directory and the access rules see them.
    ///
    /// Asked of the directory now; and the profile (`profile` in ldaps.toml), for root, the
    /// user, and whom the configuration names.
    User {
        /// The name as one would type it at a login: alice, alice@corp.example or 'CORP\alice'.
        name: String,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Show one group as the directory has it.
    ///
    /// Asked now: its gid, who is in it, which groups are, and in which it is; or why it is not shown
    /// here.
    Group {
        /// The group's name.
        name: String,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Try a login with a password, and show what decides it.
    ///
    /// By this host's own PAM stack for a service: each step, and how long it took. For root.
    /// The password is asked for, and is tried once.
    /// Exits with 0 if it opens this service, with 1 if it does not, with 3 if nobody can say.
    Test(try_login::Test),
    /// Show what the journal has of one login, or of all.
    ///
    /// The lines of the daemon and of the PAM module.
    Log(login_log::Log),
    /// What is held of the directory: forget, read anew, print it.
    ///
    /// For root.
    #[command(subcommand)]
    Cache(cache::CacheCommand),
    /// Print every number there is, for Prometheus.
    Metrics(metrics::Metrics),
    /// Show how a login would be decided, step by step.
    ///
    /// And what PAM would answer; about others, for root only. Exits with 0 if the right
    /// password opens this service, with 1 if it does not.
    Why {
        /// The name as one would type it at a login.
        name: String,
        /// The PAM service: the name of a file in /etc/pam.d.
        #[arg(long, value_name = "NAME", default_value = "sshd")]
        service: String,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Print the SSH public keys of a user, for sshd.
    ///
    /// One a line, and nothing else: for sshd's AuthorizedKeysCommand. Exits with 0 whatever
    /// happens, so that sshd goes on without them.
    SshKeys {
        /// The name, sshd's %u.
        #[arg(allow_hyphen_values = true)]
        name: String,
        /// The daemon's run directory, where it is not in its usual place.
        #[arg(long, value_name = "DIR")]
        run_dir: Option<PathBuf>,
    },
    /// Certificates: show, import, fetch, and name those that end.
    ///
    /// Shows them in words, imports a CA's, fetches one from a server.
    #[command(subcommand)]
    Cert(cert::CertCommand),
    /// Look for whatever keeps people out, and name the remedy.
    ///
    /// Looks at the configuration, the network, certificates, the service account, NSS, PAM.
    /// Needs no daemon, and
    /// changes nothing without --fix. Exits with 0 if all is well, 1 after a fault, 4 if there
    /// are warnings alone,
    /// 3 if something could not be looked at and the rest is well.
    Doctor(doctor::Doctor),
    /// Move from sssd, nslcd or winbind: print the ldaps.toml for it.
    ///
    /// It keeps every uid, gid, home and shell. Names what has no counterpart, and proves it account by
    /// account. Switches nothing. Exits with 0 if nothing differs (or nothing was compared), 1 if
    /// something does, 3 if one of the two stacks does not answer.
    Migrate(migrate::Migrate),
    /// Write the manual pages and the completions of shells below a directory: for the package.
    #[command(hide = true)]
    Manual {
        /// Where to.
        dir: PathBuf,
    },
    /// Read the configuration as the daemon does, and name every error.
    ///
    /// Where it has none, say what is in force with it.
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
        Command::Status { watch: true, daemon } => watch::run(&daemon),
        Command::Status { watch: false, daemon } => status::run(&daemon),
        Command::Group { name, daemon } => ask(&daemon, &AdminRequest::Group(name)),
        Command::Test(test) => try_login::run(&test),
        Command::Log(log) => login_log::run(&log),
        Command::Cache(command) => cache::run(&command),
        Command::Metrics(metrics) => metrics::run(&metrics),
        Command::Setup(setup) => setup::run(&setup),
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
        Command::Manual { dir } => manual::run(&Arguments::command(), &dir),
        Command::Migrate(migrate) => migrate::run(&migrate),
        Command::CheckConfig { config, ldap_conf } => {
            let credentials = Some(PathBuf::from(UNIT_CREDENTIALS));
            check_config::run(&Sources { ldaps_toml: config, ldap_conf, credentials })
        }
    }
}

fn ask(daemon: &Daemon, request: &AdminRequest) -> ExitCode {
    match daemon::ask_for_long(daemon.run_dir.as_deref(), request) {
        Ok(AdminReply::Group(report)) => {
            show(daemon.json, &group::Shown::from(&*report), group::describe)
        }
        Ok(AdminReply::User(user)) => {
            let profile = Err("this version of ldapsctl knows of no profile".to_owned());
            show_user(daemon, &ProfileReport { user, profile })
        }
        Ok(AdminReply::Profile(report)) => show_user(daemon, &report),
        Ok(AdminReply::Why(report)) => {
            let mut report = why::Shown::from(&*report);
            // Of a daemon elsewhere this host's glibc knows nothing.
            if daemon.run_dir.is_none() {
                report = report.knowing_glibc(is_in_glibc);
            }
            let shown = show(daemon.json, &report, why::describe);
            if report.lets_in { shown } else { ExitCode::FAILURE }
        }
        Ok(AdminReply::SshKeys(keys)) => show(daemon.json, &keys, |keys| ssh_keys::lines(keys)),
        other => answers::none(other),
    }
}

/// Whether getent finds the name; yes where it cannot be run.
fn is_in_glibc(name: &str) -> bool {
    let output = std::process::Command::new("getent").args(["passwd", "--", name]).output();
    output.map_or(true, |output| !output.stdout.is_empty())
}

/// That somebody is not told all is said beside the answer, which programs read.
fn show_user(daemon: &Daemon, report: &ProfileReport) -> ExitCode {
    if let Err(why) = &report.profile {
        print_error(&format!("note: the profile is not shown: {why}\n"));
    }
    show(daemon.json, &user::Shown::from(report), user::describe)
}

fn show<T: Serialize>(json: bool, answer: &T, describe: fn(&T) -> String) -> ExitCode {
    if !json {
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
        Arguments::command().debug_assert();
    }

    /// Each exit code, and how its meaning begins in the manual page.
    const CODES: [(u8, &str); 5] = [
        (0, "All is well"),
        (1, "A clear no"),
        (USAGE, "A mistake on the command line"),
        (NOT_KNOWN, "Nothing is known"),
        (WARNINGS_ALONE, "`doctor` alone: warnings"),
    ];

    #[test]
    fn the_manual_page_has_another_exit_code_than_the_program() {
        let page = include_str!("../../docs/man/ldapsctl.1.md");
        let (_, behind) = page.split_once("## EXIT STATUS\n").unwrap();
        let table = behind.trim_start().split("\n\n").next().unwrap();
        let row = |line: &'static str| {
            let mut cells = line.trim_matches(['|', ' ']).split(" | ");
            let code = cells.next()?.trim_matches('`').parse::<u8>().ok()?;
            Some((code, cells.next()?))
        };
        let rows: Vec<(u8, &str)> = table.lines().filter_map(row).collect();
        assert_eq!(rows.len(), CODES.len(), "{rows:?}");
        for ((code, meaning), (in_code, begins)) in rows.iter().zip(CODES) {
            assert!(*code == in_code && meaning.starts_with(begins), "{code} {meaning:?}");
        }
        let clap = Arguments::try_parse_from(["ldapsctl", "no-such-command"]).err().unwrap();
        assert_eq!(clap.exit_code(), i32::from(USAGE));
        // `--help` says the same.
        let help = Arguments::command().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for (code, words) in [
            (0, "Exits with 0 if all is well"),
            (1, "1 if it is not"),
            (USAGE, "2 after a mistake on the command line"),
            (NOT_KNOWN, "3 if the daemon or the directory could not be asked"),
            (WARNINGS_ALONE, "`doctor` exits with 4 if it has warnings alone"),
        ] {
            assert!(words.contains(&code.to_string()) && help.contains(words), "{words}: {help}");
        }
    }

    #[test]
    fn what_prints_json_refuses_to_be_asked_for_it() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' ')).is_ok();
        assert!(parse("ldapsctl cache export"));
        assert!(parse("ldapsctl cache export --json"));
        assert!(!parse("ldapsctl cache export --json --format passwd"));
    }

    #[test]
    fn the_list_of_commands_is_broken_inside_words_on_a_terminal() {
        let help = Arguments::command().render_long_help().to_string();
        assert!(help.lines().count() > 20, "{help}");
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

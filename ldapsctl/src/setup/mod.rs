//! `ldapsctl setup`: from an installed package to people logging in; and all of it back.
//!
//! A room for each step, in this order. Nothing is changed before everything was tried and shown:
//!
//! ```text
//! known     what the configuration says already      servers   which domain controllers
//! trust     by whom they are trusted                 account   the service account, one bind
//! access    who may log in, and how many             plan      what will be done, shown
//! carry_out doing it, written down in `record`       finish    whether it works
//! ```
#![forbid(unsafe_code)]

mod access;
mod account;
mod ask;
mod carry_out;
mod diff;
mod draft;
mod extras;
mod files;
mod finish;
mod host;
mod known;
mod nsswitch;
mod pam;
mod plan;
mod record;
mod servers;
mod sshd;
mod trust;
mod undo;

use crate::NOT_KNOWN;
use crate::output::{print, print_error};
use ask::Asker;
use clap::Args;
use draft::Wanted;
use host::Host;
use known::{Known, LDAPS_TOML, Trial};
use ldaps_core::config::ServerUri;
use plan::{FileChange, Plan};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use zeroize::Zeroizing;

/// A server has this long for one connection; the daemon's own limit is configured.
const PATIENCE: Duration = Duration::from_secs(8);

/// What is told in advance; the rest is asked.
#[derive(Args)]
pub struct Setup {
    /// The domain, as in corp.example: its domain controllers are found by DNS.
    #[arg(long, value_name = "NAME", conflicts_with = "uri")]
    domain: Option<String>,
    /// A domain controller by the name in its certificate, as in ldaps://dc1.corp.example; may be
    /// given again for more.
    #[arg(long, visible_alias = "server", value_name = "URI", value_parser = servers::parse_uri)]
    uri: Vec<ServerUri>,
    /// Where a domain controller is whose name DNS does not know, as in dc1.corp.example=10.0.0.5.
    #[arg(long, value_name = "NAME=IP", value_parser = servers::parse_address)]
    address: Vec<(String, IpAddr)>,
    /// The certificate of the CA that issued the domain controllers', in any form (PEM, DER, P7B,
    /// PFX); looked at where they are not trusted yet.
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// A file whose first line is the password of that file, if it is a PFX.
    #[arg(long, value_name = "FILE")]
    ca_password_file: Option<PathBuf>,
    /// Only ldapsd shall trust that CA, and not all of this host.
    #[arg(long)]
    ca_private: bool,
    /// The service account, as in svc-linux@corp.example; a DN or DOMAIN\name does, too.
    #[arg(long, value_name = "NAME")]
    bind_dn: Option<String>,
    /// A file whose first line is its password; - for standard input.
    #[arg(long, value_name = "FILE")]
    bind_secret_file: Option<PathBuf>,
    /// Where searches start, if not at the top of the domain.
    #[arg(long, value_name = "DN")]
    base: Option<String>,
    /// Who may log in: a user, a @group, or '*'; may be given again for more.
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
    /// Make home directories at the first login. Done unattended, too, unless --no-mkhomedir.
    #[arg(long, visible_alias = "mkhomedir", conflicts_with = "no_mkhomedir")]
    enable_mkhomedir: bool,
    /// Do not make home directories: they are mounted here.
    #[arg(long)]
    no_mkhomedir: bool,
    /// Let sshd ask PAM and talk to people, where it does not.
    #[arg(long, conflicts_with = "no_sshd")]
    sshd: bool,
    /// Leave sshd alone.
    #[arg(long)]
    no_sshd: bool,
    /// For so many days, let in who has logged in before while no domain controller answers; 0: do not.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(..=90))]
    offline_days: Option<u32>,
    /// Ask nothing, and do it.
    #[arg(long)]
    yes: bool,
    /// Only show what would be done.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Take back everything that this command has changed on this host.
    #[arg(long)]
    undo: bool,
    /// The root of the file system that is set up.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

/// Why it ended early, and with which code.
#[derive(Debug)]
struct Failure {
    text: String,
    /// A clear "no" or a mistake; otherwise something could not be asked.
    is_clear: bool,
}

impl Failure {
    /// The directory or the daemon could not be asked.
    fn unknown(problem: impl fmt::Display) -> Self {
        Self { text: problem.to_string(), is_clear: false }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { text, is_clear: true }
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// Sets the host up, or takes that back.
pub fn run(setup: &Setup) -> ExitCode {
    let host = Host::at(&setup.root);
    let done = host.check().map_err(Failure::from).and_then(|()| match setup.undo {
        true => undo::run(setup, &host),
        false => set_up(setup, &host),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print_error(&format!("{}\n", failure.text));
            if failure.is_clear { ExitCode::FAILURE } else { ExitCode::from(NOT_KNOWN) }
        }
    }
}

fn set_up(setup: &Setup, host: &Host) -> Result<(), Failure> {
    let takes_stdin = setup.bind_secret_file.as_deref().is_some_and(|path| path.as_os_str() == "-");
    let asker = Asker::new(setup.yes || takes_stdin);
    let trial = Trial::make(host)?;
    let known = Known::read(host, &trial)?;
    let mut found = servers::find(setup, &asker, &known)?;
    let trust = trust::settle(setup, host, &asker, &known, &mut found, &trial)?;
    let account = account::bind(setup, host, &asker, &known, &found, &trust.tls)?;
    let allowed = access::settle(setup, &asker, &known, &account.survey)?;
    let extras = extras::settle(setup, host, &asker, &known)?;

    let mut wanted = Wanted {
        servers: found.servers,
        addresses: found.addresses,
        bind_dn: account.bind_dn,
        base: setup.base.clone(),
        ca: trust.ca,
        allow: allowed.subjects,
        offline_days: extras.offline_days,
    };
    let toml = draft::write(&known.document, &wanted)?;
    if wanted.ca.is_some() {
        // That file is still to be written.
        wanted.ca = Some(trial.path_of_ca());
    }
    check(&trial, &draft::write(&known.document, &wanted)?)?;
    let mut plan = Plan { trust: trust.is_system && !trust.writes.is_empty(), ..Plan::default() };
    for write in trust.writes {
        let hidden = Some("the CA's certificate, in PEM".to_owned());
        let change = FileChange::new(host, write.path, Zeroizing::new(write.content), hidden)?;
        plan.certificates.extend(change.map(|change| change.rescues(write.why.is_some())));
    }
    let mut secret = Zeroizing::new(Vec::with_capacity(account.secret.expose().len() + 1));
    secret.extend_from_slice(account.secret.expose());
    secret.push(b'\n');
    plan.files.extend(FileChange::secret(host, known.secret(host), secret)?);
    let toml = Zeroizing::new(toml.into_bytes());
    plan.files.extend(FileChange::new(host, host.path(LDAPS_TOML), toml, None)?);
    let changed = !plan.files.is_empty() || !plan.certificates.is_empty();
    plan.restart = host.is_this_one() && (changed || extras.start);
    plan.files.extend(extras.nsswitch);
    plan.profiles = extras.profiles;
    plan.sshd = extras.sshd;

    if plan.is_empty() {
        print("Nothing is left to do: all of it is so already.\n");
    } else {
        plan.show(host);
        if setup.dry_run {
            print("Nothing was changed (--dry-run).\n");
            return Ok(());
        }
        agree(setup, &asker, "Do it?")?;
        carry_out::carry_out(host, &plan)?;
    }
    finish::look(host, allowed.somebody.as_deref())
}

/// The daemon's own reader has the last word.
fn check(trial: &Trial, toml: &str) -> Result<(), Failure> {
    let checked = trial.load(toml).map(drop);
    checked.map_err(|problem| Failure::from(format!("{problem}\nNothing was changed.")))
}

/// The one question.
fn agree(setup: &Setup, asker: &Asker, question: &str) -> Result<(), Failure> {
    if setup.yes {
        return Ok(());
    }
    if !asker.can_ask() {
        return Err(Failure::from(
            "Nothing was changed: there is no terminal to ask on. Add --yes to do it.",
        ));
    }
    match asker.yes(question, false)? {
        true => Ok(()),
        false => Err(Failure::from("Nothing was changed.")),
    }
}

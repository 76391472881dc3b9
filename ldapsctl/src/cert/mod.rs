//! `ldapsctl cert`: certificates in words, into the trust store, from a server, and when they end.
#![forbid(unsafe_code)]

pub(crate) mod authorities;
mod check;
mod fetch;
pub(crate) mod files;
pub(crate) mod import;
pub(crate) mod plan;
mod show;
mod source;
pub(crate) mod store;
pub(crate) mod words;

use crate::terminal::Progress;
use clap::{Args, Subcommand};
use ldaps_core::config::{self, Config, Sources};
use ldaps_directory::Server;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// A server has this long for one connection; the daemon's own limit is configured.
const PATIENCE: Duration = Duration::from_secs(8);

/// Shows a terminal which server is waited for.
fn asking(server: &Server) -> Progress {
    Progress::begin(&format!("Asking {server} for its certificates"))
}

/// What to do with certificates.
#[derive(Subcommand)]
pub enum CertCommand {
    /// Show certificates in words: those in a file, or those that a server sends and whether they
    /// are trusted here. Exits with 1 if they are not.
    Show {
        /// A file in any format (PEM, DER, PKCS#7, PKCS#12), or ldaps://HOST.
        #[arg(value_name = "FILE|ldaps://HOST")]
        source: String,
        #[command(flatten)]
        opening: Opening,
        #[command(flatten)]
        place: Place,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take the certificates of CAs into the system's trust store, or into a file of their own.
    /// Shows what it will do, and asks.
    Import(Import),
    /// Get the certificate of the CA that has issued a server's, where the server sends it. It is
    /// not trusted by that: compare its fingerprint first.
    Fetch {
        /// The server.
        #[arg(value_name = "ldaps://HOST")]
        server: String,
        /// Where to write it; a name made from the CA's unless given.
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
        #[command(flatten)]
        place: Place,
    },
    /// Name every certificate that matters here and expires soon: the CAs that are trusted, and
    /// what each domain controller sends; and every revocation list that is out of date. Exits with 1
    /// if there is one.
    Check {
        /// What "soon" is.
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        days: u16,
        /// The root of the file system whose trust store it is.
        #[arg(long, value_name = "DIR", default_value = "/")]
        root: PathBuf,
        #[command(flatten)]
        place: Place,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `cert import`
#[derive(Args)]
pub struct Import {
    /// Files in any format: PEM, DER, PKCS#7 (.p7b), PKCS#12 (.pfx).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A PEM file of their own, for `ca` in ldaps.toml or TLS_CACERT in ldap.conf, in place of the system's store.
    /// What it holds already stays.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Take a certificate that is no CA's, too: then this one server is trusted, until its
    /// certificate is renewed.
    #[arg(long)]
    leaf: bool,
    /// Do it without asking.
    #[arg(long)]
    yes: bool,
    /// Only show what would be done.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// The root of the file system whose trust store it is.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    place: Place,
}

/// How to open an encrypted file.
#[derive(Args)]
pub struct Opening {
    /// A file whose first line is the password of a PKCS#12 file; without it, the terminal is asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// Where this host's configuration is, and where a server is.
#[derive(Args)]
pub struct Place {
    /// The server's address, where DNS does not know its name.
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// The configuration of ldaps-login.
    #[arg(long, value_name = "FILE", default_value = "/etc/ldaps/ldaps.toml")]
    config: PathBuf,
    /// The configuration of every LDAP client on this host.
    #[arg(long, value_name = "FILE", default_value = "/etc/ldap/ldap.conf")]
    ldap_conf: PathBuf,
}

impl Place {
    /// The configuration, where there is one without mistakes: none is needed here.
    fn configuration(&self) -> Option<Config> {
        let sources = Sources {
            ldaps_toml: self.config.clone(),
            ldap_conf: self.ldap_conf.clone(),
            credentials: Some(PathBuf::from(crate::UNIT_CREDENTIALS)),
        };
        config::load(&sources).ok().map(|loaded| loaded.config)
    }
}

/// Does it.
pub fn run(command: &CertCommand) -> ExitCode {
    match command {
        CertCommand::Show { source, opening, place, json } => {
            show::run(source, opening, place, *json)
        }
        CertCommand::Import(import) => import::run(import),
        CertCommand::Fetch { server, save, place } => fetch::run(server, save.as_deref(), place),
        CertCommand::Check { days, root, place, json } => check::run(*days, root, place, *json),
    }
}

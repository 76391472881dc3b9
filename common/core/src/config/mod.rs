//! The configuration: `/etc/ldaps/ldaps.toml`, which is ours, over `/etc/ldap/ldap.conf`, which
//! every LDAP client on the host reads.
//!
//! [`load`] reads both, checks every value and every file they name, and gives either a [`Config`]
//! in which everything is checked and every default filled in, or all errors at once. Nothing here
//! reads the environment, and only the daemon and the tool call it: the modules read no
//! configuration.
#![forbid(unsafe_code)]

mod access;
mod document;
mod errors;
mod files;
mod filter;
mod ldap_conf;
mod looks;
mod profile;
mod reachable;
mod read_accounts;
mod read_directory;
mod read_looks;
mod read_policy;
mod self_writable;
mod suggest;
mod types;
mod values;

#[cfg(test)]
mod tests;

pub use access::{Access, Rule, STATE_ALONE_SERVICE, ServiceRule, Subject, Verdict};
pub use errors::{ConfigError, ConfigErrors, Fault, Finding, Place, Position, Warning};
pub use filter::{FilterNode, LdapFilter};
pub use looks::{LocalGroups, Look, PrimaryGroup, UserLooks, UserOverride};
pub use profile::{Profile, STANDING_ATTRIBUTES};
pub use reachable::unreadable_by_daemon;
pub use self_writable::is_self_writable;
pub use suggest::nearest_name;
pub use types::{
    Cache, Config, CrlCheck, Directory, Groups, IdMapping, Ids, LDAPS_PORT, LOWEST_MIN_ID,
    LoginAttributes, Nss, Pam, ServerUri, Servers, Ssh, Sync, Tls, TlsVersion, Users, WithoutAuth,
    Workstations,
};
pub use values::{AttributeName, HomeTemplate, server_uri};

use document::Document;
use errors::Report;
use ldap_conf::LdapConf;
use read_looks::Claims;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The name of the systemd credential that may stand for the secret's file.
pub const SECRET_CREDENTIAL: &str = "ldaps-secret";

/// Where the configuration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Ours; without it the host is unconfigured.
    pub ldaps_toml: PathBuf,
    /// The one of all LDAP clients; it may be absent.
    pub ldap_conf: PathBuf,
    /// systemd's `$CREDENTIALS_DIRECTORY`, where the caller has one. If it holds
    /// [`SECRET_CREDENTIAL`], that is the secret, whatever `bind_secret` says.
    pub credentials: Option<PathBuf>,
}

impl Default for Sources {
    fn default() -> Sources {
        Sources {
            ldaps_toml: PathBuf::from("/etc/ldaps/ldaps.toml"),
            ldap_conf: PathBuf::from("/etc/ldap/ldap.conf"),
            credentials: None,
        }
    }
}

impl Sources {
    /// The credential, if systemd passed it.
    fn secret_credential(&self) -> Option<PathBuf> {
        let file = self.credentials.as_ref()?.join(SECRET_CREDENTIAL);
        file.exists().then_some(file)
    }
}

/// A configuration that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What is in force.
    pub config: Config,
    /// What should be told to the administrator all the same.
    pub warnings: Vec<Warning>,
    /// Attributes that decide something and that people may write on themselves, taken because
    /// `allow_self_writable` says so.
    pub self_writable: Vec<Finding>,
}

/// Reads and checks the configuration.
///
/// # Errors
/// All errors found, each with its place and its remedy. [`ConfigErrors::is_unconfigured`] tells the
/// host that nobody has configured yet from the one that somebody configured badly.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
    let found = fs::metadata(&sources.ldaps_toml).map_err(|error| error.kind());
    if found.err() == Some(io::ErrorKind::NotFound) {
        return Err(ConfigErrors::unconfigured(&sources.ldaps_toml));
    }
    let report = Report::default();
    let ldap_conf = read_text(&sources.ldap_conf, true, &report)
        .map(|text| ldap_conf::parse(&sources.ldap_conf, &text))
        .unwrap_or_default();
    let config = read_text(&sources.ldaps_toml, false, &report)
        .and_then(|text| read_toml(sources, &text, &ldap_conf, &report));
    let failed = report.has_errors();
    let (errors, warnings, self_writable) = report.into_parts();
    match config {
        Some(config) if !failed => Ok(Loaded { config, warnings, self_writable }),
        _ => Err(ConfigErrors::found(errors)),
    }
}

/// Reads a text file whose owner and mode are in order. None: it is absent where it may be, or its
/// error has been reported.
fn read_text(path: &Path, may_be_absent: bool, report: &Report) -> Option<String> {
    let place = Place::file(path);
    let checked = fs::metadata(path).and_then(|metadata| Ok((metadata, files::read(path)?)));
    let (metadata, content) = match checked {
        Ok(found) => found,
        Err(error) if may_be_absent && error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let fault = files::unreadable("the file", path, &error);
            report.error(&place, fault.problem, fault.remedy);
            return None;
        }
    };
    if let Err(fault) = files::check_unchangeable(path, &metadata) {
        report.error(&place, fault.problem, fault.remedy);
    }
    match String::from_utf8(content) {
        Ok(text) => Some(text),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let place = Place { file: path.to_owned(), position: Some(Position::of(&text, valid)) };
            report.error(
                &place,
                "the file is not UTF-8 from here on",
                "save it as UTF-8 (iconv -f latin1 -t utf-8 converts a Latin-1 file)",
            );
            None
        }
    }
}

fn read_toml(
    sources: &Sources,
    text: &str,
    ldap_conf: &LdapConf,
    report: &Report,
) -> Option<Config> {
    ldap_conf.report_disobeyed(report);
    let document = Document::parse(&sources.ldaps_toml, text, report)?;
    let config = read_document(&document, sources, ldap_conf, report);
    document.report_unknown_keys(report);
    config
}

fn read_document(
    document: &Document<'_>,
    sources: &Sources,
    ldap_conf: &LdapConf,
    report: &Report,
) -> Option<Config> {
    let mut root = document.root(report);
    let directory = read_directory::directory(root.section("directory"), sources, ldap_conf);
    let tls = read_directory::tls(root.section("tls"), ldap_conf);
    let ids = read_accounts::ids(root.section("ids"));
    let mut claims = Claims::default();
    let users = read_accounts::users(root.section("users"), &ids, &mut claims);
    let groups = read_accounts::groups(root.section("groups"), &ids, &mut claims);
    let local_groups = read_looks::local_groups(root.section("local_groups"));
    claims.refuse_twice(users.primary_group, report);
    let access = read_policy::access(root.section("access"));
    let pam = read_policy::pam(root.section("pam"));
    let ssh = read_accounts::ssh(root.section("ssh"));
    let profile = profile::profile(root.section("profile"));
    let nss = read_policy::nss(root.section("nss"));
    let cache = read_policy::cache(root.section("cache"));
    root.finish();
    let directory = directory?;
    Some(Config {
        directory,
        tls,
        ids,
        users,
        groups,
        local_groups,
        access,
        pam,
        ssh,
        profile,
        nss,
        cache,
    })
}

//! The configuration: read as the daemon reads it; where that fails, by what can be made out of it.
#![forbid(unsafe_code)]

use super::report::{
    Fix, Report,
    Severity::{Fault, Warning},
};
use super::{Doctor, text};
use ldaps_core::config::{self, Config, ServerUri, server_uri};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

const AREA: &str = "configuration";

/// What is known of the configuration.
pub struct Known {
    /// All of it, if it has no mistakes.
    pub config: Option<Config>,
    /// The servers that stand somewhere in it.
    pub uris: Vec<ServerUri>,
    /// Their addresses.
    pub addresses: BTreeMap<String, IpAddr>,
    /// Whom to trust, as far as it can be made out.
    pub tls: config::Tls,
}

/// Reads it.
pub fn look(doctor: &Doctor, report: &mut Report) -> Known {
    match config::load(&doctor.sources()) {
        Ok(loaded) => {
            let config = loaded.config;
            report.fine(
                AREA,
                "configuration",
                format!("{} has no mistakes", doctor.config.display()),
            );
            barred(doctor, &config, report);
            for warning in &loaded.warnings {
                report.add(
                    Warning,
                    AREA,
                    "configuration-warning",
                    format!("{}: {}", warning.place, warning.problem),
                    "",
                    &warning.remedy,
                );
            }
            for taken in &loaded.self_writable {
                report.add(
                    Warning,
                    AREA,
                    "self-writable",
                    format!("{}: {}", taken.place, taken.problem),
                    "allow_self_writable is on, so that this is taken all the same: who may change it decides \
                     about logins here",
                    &taken.remedy,
                );
            }
            let uris = match &config.directory.servers {
                config::Servers::Uris(uris) => uris.clone(),
                config::Servers::Domain(_) => Vec::new(),
            };
            let addresses = config.directory.address.clone();
            Known { uris, addresses, tls: config.tls.clone(), config: Some(config) }
        }
        Err(errors) if errors.is_unconfigured() => {
            report.add(
                Fault,
                AREA,
                "unconfigured",
                format!("{} does not exist", doctor.config.display()),
                "the daemon does not start, and nobody from the directory is known here",
                "sudo ldapsctl setup; or write it by hand, from the sample in \
                 /usr/share/doc/ldaps-login/examples/ldaps.toml",
            );
            made_out(doctor)
        }
        Err(errors) => {
            for error in errors.errors() {
                let seen_by_root = !rustix_is_root() && error.problem.contains("permission denied");
                let what = format!("{}: {}", error.place, error.problem);
                if seen_by_root {
                    report.unseen(AREA, "configuration-unreadable", what, "sudo ldapsctl doctor");
                } else {
                    let why =
                        "the daemon does not start with it; one that runs keeps the last good one";
                    report.add(Fault, AREA, "configuration-error", what, why, &error.remedy);
                    if let Some(fix) = tighter(doctor, &error.remedy) {
                        report.mended_by(fix);
                    }
                }
            }
            made_out(doctor)
        }
    }
}

/// What root reads and the daemon does not.
fn barred(doctor: &Doctor, config: &Config, report: &mut Report) {
    for barred in config::unreadable_by_daemon(config, &doctor.sources(), &doctor.root) {
        let what = format!("{}: {}", barred.place, barred.problem);
        let why = "the daemon does not start with it; one that runs keeps the last good one";
        report.add(Fault, AREA, "unreadable-by-daemon", what, why, &barred.remedy);
        if let Some(fix) = tighter(doctor, &barred.remedy) {
            report.mended_by(fix);
        }
    }
}

/// What a remedy by chmod comes to: root's file, and of the secret the daemon's group reads, too.
fn tighter(doctor: &Doctor, remedy: &str) -> Option<Fix> {
    let words: Vec<&str> = remedy.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "chmod")?;
    let (mode, path) = (words.get(at + 1)?, PathBuf::from(words.get(at + 2)?));
    match *mode {
        "0755" => Some(Fix::Mode { path, group: "root", mode: 0o755 }),
        _ if !path.is_file() => None,
        "0644" => Some(Fix::Mode { path, group: "root", mode: 0o644 }),
        "0640" => Some(Fix::Mode { path, group: "ldapsd", mode: 0o640 }),
        "go-w" if path == doctor.config || path == doctor.ldap_conf => {
            Some(Fix::Mode { path, group: "root", mode: 0o644 })
        }
        _ => None,
    }
}

fn rustix_is_root() -> bool {
    // The owner of our own process, as the kernel shows it.
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Everything in quotes or between spaces that is an `ldaps://`, the addresses under
/// `[directory.address]`, and whom to trust: from files that do not parse.
fn made_out(doctor: &Doctor) -> Known {
    let toml = text(&doctor.config).unwrap_or_default();
    let conf = text(&doctor.ldap_conf).unwrap_or_default();
    let words = lines(&toml).chain(lines(&conf)).flat_map(pieces);
    let uris =
        words.filter(|word| word.starts_with("ldaps://")).filter_map(|it| server_uri(it).ok());
    let mut unique: Vec<ServerUri> = Vec::new();
    for uri in uris {
        if !unique.contains(&uri) {
            unique.push(uri);
        }
    }
    let pairs = || lines(&toml).filter_map(|line| line.split_once('='));
    let unquoted = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    let addresses = pairs().filter_map(|(key, value)| {
        Some((unquoted(key).to_lowercase(), unquoted(value).parse().ok()?))
    });
    Known { config: None, uris: unique, addresses: addresses.collect(), tls: trusted(&toml, &conf) }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with('#'))
}

fn pieces(line: &str) -> impl Iterator<Item = &str> {
    line.split(['"', '\'', ' ', '\t', ',', '[', ']'])
}

/// Where ldaps.toml names a CA, those of ldap.conf do not count, as with a file that does parse.
fn trusted(toml: &str, conf: &str) -> config::Tls {
    let paths = |value: &str, separators: &[char]| -> Vec<PathBuf> {
        let parts = value.split(separators).map(str::trim);
        parts.filter(|part| part.starts_with('/')).map(PathBuf::from).collect()
    };
    let mut tls = config::Tls::default();
    for (key, value) in lines(toml).filter_map(|line| line.split_once('=')) {
        let found = paths(value, &['"', '\'', ',', '[', ']']);
        match key.trim() {
            "ca" => tls.ca_file = found.into_iter().next(),
            "ca_dir" => tls.ca_dirs = found,
            _ => {}
        }
    }
    if tls.ca_file.is_some() || !tls.ca_dirs.is_empty() {
        return tls;
    }
    for (key, value) in lines(conf).filter_map(|line| line.trim().split_once(char::is_whitespace)) {
        match key.to_ascii_uppercase().as_str() {
            "TLS_CACERT" => tls.ca_file = paths(value, &[]).into_iter().next(),
            "TLS_CACERTDIR" => tls.ca_dirs = paths(value, &[';']),
            _ => {}
        }
    }
    tls
}

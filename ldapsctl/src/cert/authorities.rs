//! Whom this host trusts by its own choice, and the lists of what has been revoked.
#![forbid(unsafe_code)]

use super::files;
use super::store::TrustStore;
use ldaps_core::config::Tls;
use ldaps_directory::certificates::{self, Certificate, RevocationList};
use std::fs;
use std::path::{Path, PathBuf};

/// The CAs, each with where it stands, and what could not be read.
#[derive(Default)]
pub struct Authorities {
    /// The CAs.
    pub all: Vec<(String, Certificate)>,
    /// Sentences about files that could not be read.
    pub unread: Vec<String>,
}

/// Those of the file and the directories that are named, or the administrator's own in the system's
/// store: what the distribution ships, the distribution renews.
pub fn of(tls: Option<&Tls>, store: &TrustStore) -> Authorities {
    let mut found = Authorities::default();
    let file = tls.and_then(|tls| tls.ca_file.as_deref());
    let dirs: &[PathBuf] = tls.map(|tls| tls.ca_dirs.as_slice()).unwrap_or_default();
    if file.is_none_or(|file| file == store.bundle()) && dirs.is_empty() {
        let shown = |(path, it): (PathBuf, Certificate)| (path.display().to_string(), it);
        found.all.extend(store.local().into_iter().map(shown));
    }
    if let Some(file) = file.filter(|file| *file != store.bundle()) {
        found.read(file);
    }
    for dir in dirs {
        hashed(dir).iter().for_each(|file| found.read(file));
    }
    found
}

impl Authorities {
    fn read(&mut self, path: &Path) {
        let shown = path.display();
        let content = files::bytes(path).and_then(|content| {
            certificates::read(&content, None).map_err(|problem| format!("{shown} {problem}."))
        });
        match content {
            Ok(read) => {
                let at = |it| (shown.to_string(), it);
                self.all.extend(read.certificates.into_iter().map(at));
            }
            Err(problem) => self.unread.push(problem),
        }
    }
}

/// The files of a directory that OpenSSL looks at: `5ed36f99.0` (openssl-rehash(1)).
fn hashed(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_hashed = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.split_once('.').is_some_and(|(hash, number)| {
            hash.len() == 8
                && hash.bytes().all(|b| b.is_ascii_hexdigit())
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
        })
    };
    let mut files: Vec<PathBuf> = entries.filter(is_hashed).collect();
    files.sort();
    files
}

/// The revocation lists of the file that is named.
pub fn lists(tls: Option<&Tls>) -> Vec<(String, RevocationList)> {
    let Some(file) = tls.and_then(|tls| tls.crl_file.as_deref()) else { return Vec::new() };
    let content = files::bytes(file).unwrap_or_default();
    let at = |list| (file.display().to_string(), list);
    certificates::revocation_lists(&content).into_iter().map(at).collect()
}

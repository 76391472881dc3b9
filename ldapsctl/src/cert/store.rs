//! The system's trust store: files of one certificate each, of which update-ca-certificates(8) makes
//! `/etc/ssl/certs/ca-certificates.crt`, which most programs read and nobody should edit.
#![forbid(unsafe_code)]

use super::files;
use ldaps_directory::certificates::{self, Certificate};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The trust store of one file system.
pub struct TrustStore {
    root: PathBuf,
}

impl TrustStore {
    /// The one under this root; `/` for this host.
    pub fn at(root: &Path) -> Self {
        // update-ca-certificates changes its directory, and takes the paths as they are.
        Self { root: std::path::absolute(root).unwrap_or_else(|_| root.to_owned()) }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Where an administrator's own CAs stand, a file for each.
    pub fn local_dir(&self) -> PathBuf {
        self.path("usr/local/share/ca-certificates")
    }

    /// What programs read.
    pub fn bundle(&self) -> PathBuf {
        self.path("etc/ssl/certs/ca-certificates.crt")
    }

    /// The administrator's own CAs, each with its file.
    pub fn local(&self) -> Vec<(PathBuf, Certificate)> {
        let mut found = Vec::new();
        for path in crt_files(&self.local_dir()) {
            found.extend(in_file(&path).into_iter().map(|certificate| (path.clone(), certificate)));
        }
        found
    }

    /// Everything in the bundle.
    pub fn trusted(&self) -> Vec<Certificate> {
        in_file(&self.bundle())
    }

    /// What somebody has pasted into the bundle: in it, and in no file that it is made of. The next
    /// update-ca-certificates, which any upgrade may run, takes it away.
    pub fn pasted(&self) -> Vec<Certificate> {
        let shipped = self.path("usr/share/ca-certificates");
        let list = fs::read_to_string(self.path("etc/ca-certificates.conf")).unwrap_or_default();
        let listed = list.lines().filter(|line| !line.starts_with(['#', '!']) && !line.is_empty());
        let mut sources: Vec<Certificate> =
            listed.flat_map(|line| in_file(&shipped.join(line))).collect();
        sources.extend(self.local().into_iter().map(|(_, certificate)| certificate));
        let trusted = self.trusted();
        trusted.into_iter().filter(|certificate| !sources.contains(certificate)).collect()
    }

    /// The program, as it is to be run.
    pub fn update_command(&self) -> Vec<String> {
        let mut words = vec!["update-ca-certificates".to_owned()];
        if self.root != Path::new("/") {
            for (option, path) in [
                ("--certsconf", "etc/ca-certificates.conf"),
                ("--certsdir", "usr/share/ca-certificates"),
                ("--localcertsdir", "usr/local/share/ca-certificates"),
                ("--etccertsdir", "etc/ssl/certs"),
                ("--hooksdir", "etc/ca-certificates/update.d"),
            ] {
                words.extend([option.to_owned(), self.path(path).display().to_string()]);
            }
        }
        words
    }

    /// Makes the bundle anew.
    ///
    /// # Errors
    /// A sentence with the program's own words.
    pub fn update(&self) -> Result<(), String> {
        let words = self.update_command();
        let (program, arguments) = words.split_first().ok_or("there is nothing to run")?;
        let output = Command::new(program).args(arguments).output().map_err(|error| {
            format!("{program} cannot be run ({error}). Run: apt-get install ca-certificates")
        })?;
        match output.status.success() {
            true => Ok(()),
            false => {
                Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
            }
        }
    }
}

fn in_file(path: &Path) -> Vec<Certificate> {
    let content = files::bytes(path).ok();
    let read = content.and_then(|content| certificates::read(&content, None).ok());
    read.map(|contents| contents.certificates).unwrap_or_default()
}

/// All `*.crt` under a directory, at any depth, in the order of their names, as
/// update-ca-certificates takes them.
fn crt_files(dir: &Path) -> Vec<PathBuf> {
    /// Deeper than anybody nests these; a link that leads in a circle ends here.
    const DEPTH: usize = 8;
    let mut found = Vec::new();
    let mut below = vec![(dir.to_owned(), 0)];
    while let Some((dir, depth)) = below.pop() {
        for path in fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() && depth < DEPTH {
                below.push((path, depth + 1));
            } else if path.extension().is_some_and(|extension| extension == "crt") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

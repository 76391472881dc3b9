//! Everything that will be done, decided and shown before any of it is.
#![forbid(unsafe_code)]

use super::diff::{self, Line};
use super::files::{self, Seen};
use super::host::{Host, Owner};
use super::pam;
use crate::cert::store::TrustStore;
use crate::terminal::{Paint, whole as line};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A file as it is to be.
pub struct FileChange {
    /// Which.
    pub path: PathBuf,
    /// Its content.
    pub content: Zeroizing<Vec<u8>>,
    /// Its permission bits.
    pub mode: u32,
    /// Its owner; None where it cannot be given.
    pub ids: Option<(u32, u32)>,
    /// What it is, where its lines are not shown: a secret, a certificate.
    pub hidden: Option<String>,
    /// It saves a CA that somebody pasted into the system's bundle.
    pub is_rescue: bool,
    before: Option<Seen>,
}

impl FileChange {
    /// A file with this content; None where it is so already. One that is there keeps its mode and
    /// owner, a secret aside.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(
        host: &Host,
        path: PathBuf,
        content: Zeroizing<Vec<u8>>,
        hidden: Option<String>,
    ) -> Result<Option<Self>, String> {
        let path = files::real(path);
        let before = files::seen(&path)?;
        let (mode, ids) = match &before {
            Some(seen) => (seen.mode, host.ids(Owner::Root).map(|_| seen.ids())),
            None => (0o644, host.ids(Owner::Root)),
        };
        let change = Self { path, content, mode, ids, hidden, is_rescue: false, before };
        Ok(Some(change).filter(FileChange::is_one))
    }

    /// A secret: for root, and for the daemon to read.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn secret(
        host: &Host,
        path: PathBuf,
        content: Zeroizing<Vec<u8>>,
    ) -> Result<Option<Self>, String> {
        let path = files::real(path);
        let before = files::seen(&path)?;
        let hidden = Some("the service account's password, not shown".to_owned());
        let ids = host.ids(Owner::RootAndDaemon);
        let change = Self { path, content, mode: 0o640, ids, hidden, is_rescue: false, before };
        Ok(Some(change).filter(FileChange::is_one))
    }

    /// The same, said to save a CA that somebody pasted into the system's bundle.
    #[must_use]
    pub fn rescues(self, is_rescue: bool) -> Self {
        Self { is_rescue, ..self }
    }

    fn is_one(&self) -> bool {
        self.before.as_ref().is_none_or(|before| {
            !before.has(&self.content)
                || before.mode != self.mode
                || self.ids.is_some_and(|ids| ids != before.ids())
        })
    }

    fn show(&self) {
        let path = self.path.display();
        let Some(before) = &self.before else {
            line(Paint::Bold, &format!("  write {path} (mode {:04o})", self.mode));
            return self.show_lines("");
        };
        if before.mode != self.mode || self.ids.is_some_and(|ids| ids != before.ids()) {
            let owner =
                self.ids.map(|(uid, gid)| format!(", owner {uid}:{gid}")).unwrap_or_default();
            line(Paint::Bold, &format!("  set {path} to mode {:04o}{owner}", self.mode));
        }
        if !before.has(&self.content) {
            line(Paint::Bold, &format!("  change {path} (a copy is kept)"));
            self.show_lines(&files::text(&self.path).unwrap_or_default());
        }
    }

    fn show_lines(&self, before: &str) {
        if let Some(hidden) = &self.hidden {
            return line(Paint::Green, &format!("    + ({hidden})"));
        }
        for changed in diff::lines(before, &String::from_utf8_lossy(&self.content)) {
            match changed {
                Line::Gone(text) => line(Paint::Red, &format!("    - {text}")),
                Line::New(text) => line(Paint::Green, &format!("    + {text}")),
            }
        }
    }
}

/// Everything that will be done, in this order.
#[derive(Default)]
pub struct Plan {
    /// CAs.
    pub certificates: Vec<FileChange>,
    /// Whether the system's trust store is made anew.
    pub trust: bool,
    /// The secret, ldaps.toml, nsswitch.conf.
    pub files: Vec<FileChange>,
    /// Whether the daemon is started anew: before the host is told to ask it.
    pub restart: bool,
    /// Profiles to switch on.
    pub profiles: Vec<&'static str>,
    /// sshd's file.
    pub sshd: Option<FileChange>,
}

impl Plan {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
            && !self.trust
            && self.files.is_empty()
            && !self.restart
            && self.profiles.is_empty()
            && self.sshd.is_none()
    }

    /// Shows all of it.
    pub fn show(&self, host: &Host) {
        line(Paint::Bold, "\nThis will be done:");
        self.certificates.iter().for_each(FileChange::show);
        if self.trust {
            let store = TrustStore::at(host.root());
            line(Paint::Bold, &format!("  run {}", store.update_command().join(" ")));
        }
        self.files.iter().for_each(FileChange::show);
        if self.restart {
            line(Paint::Bold, "  start ldapsd anew, and at every boot");
        }
        if !self.profiles.is_empty() {
            let words = pam::command(&self.profiles).join(" ");
            line(
                Paint::Bold,
                &format!("  run {words} (it changes /etc/pam.d/common-*; copies are kept)"),
            );
        }
        if let Some(change) = &self.sshd {
            change.show();
            line(Paint::Bold, "  have sshd read its configuration anew");
        }
    }
}

/// The bundle that update-ca-certificates makes.
pub fn bundle(host: &Host) -> PathBuf {
    TrustStore::at(host.root()).bundle()
}

/// Every directory above a file that is not there yet, the highest first.
pub fn missing_above(path: &Path) -> Vec<PathBuf> {
    let above = path.ancestors().skip(1).take_while(|dir| !dir.exists());
    let mut dirs: Vec<PathBuf> = above.map(Path::to_owned).collect();
    dirs.reverse();
    dirs
}

//! Which configuration is moved: found in its usual place, told by what stands in it.
#![forbid(unsafe_code)]

use super::Given;
use super::entries::Section;
use super::plan::Plan;
use super::{ini, nslcd, sssd, winbind};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Whose configuration it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// sssd.conf
    Sssd,
    /// nslcd.conf
    Nslcd,
    /// smb.conf
    Winbind,
}

impl Kind {
    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sssd => "sssd",
            Self::Nslcd => "nslcd",
            Self::Winbind => "winbind",
        }
    }

    /// Its name in nsswitch.conf.
    pub fn service(self) -> &'static str {
        match self {
            Self::Sssd => "sss",
            Self::Nslcd => "ldap",
            Self::Winbind => "winbind",
        }
    }

    /// By what only one of the three has.
    fn of(text: &str) -> Self {
        let has =
            |header: &str| text.lines().any(|line| line.trim().to_lowercase().starts_with(header));
        if has("[sssd]") || has("[domain/") {
            Self::Sssd
        } else if has("[global]") {
            Self::Winbind
        } else {
            Self::Nslcd
        }
    }
}

/// The usual places, in the order in which they are looked at.
const PLACES: &[&str] = &["/etc/sssd/sssd.conf", "/etc/nslcd.conf", "/etc/samba/smb.conf"];
const PAM_WINBIND: &str = "/etc/security/pam_winbind.conf";

/// A configuration as it was read.
pub struct Source {
    /// Whose.
    pub kind: Kind,
    /// Where.
    pub path: PathBuf,
    text: Zeroizing<String>,
}

/// The named file, or the one in its usual place. A host with Samba's file shares alone has an
/// smb.conf that says nothing of ids.
///
/// # Errors
/// A sentence with the file and the remedy.
pub fn find(named: Option<&Path>) -> Result<Source, String> {
    if let Some(path) = named {
        let text = read(path)?;
        return Ok(Source { kind: Kind::of(&text), path: path.to_owned(), text });
    }
    let mut found = Vec::new();
    for place in PLACES.iter().map(Path::new).filter(|place| place.exists()) {
        let text = read(place)?;
        let kind = Kind::of(&text);
        if kind != Kind::Winbind || text.to_lowercase().contains("idmap config") {
            found.push(Source { kind, path: place.to_owned(), text });
        }
    }
    if found.len() > 1 {
        let paths: Vec<String> = found.iter().map(Source::shown).collect();
        return Err(format!("there are {}: name the one to move from.", paths.join(" and ")));
    }
    found.pop().ok_or_else(|| {
        format!(
            "there is nothing to move from: none of {} is there. Name the file.",
            PLACES.join(", ")
        )
    })
}

fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let shown = path.display();
    let bytes = fs::read(path).map(Zeroizing::new).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("{shown} may not be read by you. Run this as root.")
        }
        io::ErrorKind::NotFound => format!("{shown} does not exist."),
        _ => format!("{shown} cannot be read: {error}."),
    })?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

impl Source {
    /// Its path, for a comment.
    pub fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Plans from it, and from the files that belong to it.
    ///
    /// # Errors
    /// A sentence, where a file cannot be read, or nobody could be moved.
    pub fn plan(&self, given: &Given) -> Result<Plan, String> {
        let name = file_name(&self.path);
        match self.kind {
            Kind::Sssd => {
                let mut sections = ini::parse(&name, &self.text)?;
                for path in snippets(&self.path) {
                    merge(&mut sections, ini::parse(&file_name(&path), &read(&path)?)?);
                }
                sssd::plan(sections, given)
            }
            Kind::Nslcd => nslcd::plan(nslcd::parse(&name, &self.text), given),
            Kind::Winbind => {
                let pam = Path::new(PAM_WINBIND);
                let pam = match self.path.starts_with("/etc/samba") && pam.exists() {
                    true => ini::parse("pam_winbind.conf", &read(pam)?)?,
                    false => Vec::new(),
                };
                winbind::plan(ini::parse(&name, &self.text)?, pam, given)
            }
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// conf.d beside sssd.conf: files that end in .conf and do not begin with a dot, in the order of the
/// alphabet (sssd.conf(5)).
fn snippets(path: &Path) -> Vec<PathBuf> {
    let dir = path.with_file_name("conf.d");
    let files = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_one = |path: &PathBuf| {
        let name = file_name(path);
        name.ends_with(".conf") && !name.starts_with('.')
    };
    let mut files: Vec<PathBuf> = files.filter(is_one).collect();
    files.sort();
    files
}

fn merge(sections: &mut Vec<Section>, more: Vec<Section>) {
    for section in more {
        match sections.iter_mut().find(|one| one.name.eq_ignore_ascii_case(&section.name)) {
            Some(one) => one.extend(section),
            None => sections.push(section),
        }
    }
}

//! The directories of the files that decide: who may write there may put another file in a file's place,
//! whatever the file's own mode.
#![forbid(unsafe_code)]

use super::Doctor;
use super::configuration::Known;
use super::report::{Fix, Report, Severity::Fault};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const GROUP_WRITE: u32 = 0o020;
const OTHER_WRITE: u32 = 0o002;
/// With it, as on /tmp, files are their owners' to replace.
const STICKY: u32 = 0o1000;

/// Looks at each directory above each file, once.
pub fn look(doctor: &Doctor, known: &Known, report: &mut Report) {
    let secret = known.config.as_ref().map(|config| &config.directory.bind_secret);
    let files = [Some(&doctor.config), secret, known.tls.ca_file.as_ref()];
    let mut told: Vec<PathBuf> = Vec::new();
    for file in files.into_iter().flatten() {
        // Where it leads to: a link's own directory may be anywhere.
        let file = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        for dir in file.ancestors().skip(1) {
            let Some(mode) = open_to_others(dir) else { continue };
            if told.iter().any(|it| it == dir) {
                continue;
            }
            told.push(dir.to_owned());
            let shown = dir.display();
            report.add(
                Fault,
                "configuration",
                "directory-writable",
                format!("{shown}: its mode {mode:04o} lets others write there, where {} is", file.display()),
                "whoever may do that may put a file of their own in its place, and so say who logs in here",
                format!("sudo chmod go-w {shown}; look whether the files there are the right ones"),
            );
            report.mended_by(Fix::Close(dir.to_owned()));
        }
    }
}

/// The mode, if others than the owner and root's group may write there.
fn open_to_others(dir: &Path) -> Option<u32> {
    let metadata = fs::metadata(dir).ok()?;
    let mode = metadata.mode() & 0o7777;
    let by_group = mode & GROUP_WRITE != 0 && metadata.gid() != 0;
    let open = (by_group || mode & OTHER_WRITE != 0) && mode & STICKY == 0;
    open.then_some(mode)
}

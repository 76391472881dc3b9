//! Files of certificates: reading one, with its password; writing one, with a copy of what was there.
#![forbid(unsafe_code)]

use super::Opening;
use jiff::Timestamp;
use ldaps_directory::certificates::{self, Contents, Unreadable};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No file of certificates is longer.
const MAX_BYTES: u64 = 16 << 20;

/// Reads a file of certificates; asks for a password where one is needed.
///
/// # Errors
/// A sentence with the file and the remedy.
pub fn read(path: &Path, opening: &Opening) -> Result<Contents, String> {
    let shown = path.display();
    let said = |problem: &Unreadable| format!("{shown} {problem}.");
    let content = bytes(path)?;
    let given = opening.password_file.as_deref().map(password_in).transpose()?;
    match certificates::read(&content, given.as_ref().map(|password| password.as_str())) {
        Err(Unreadable::NeedsPassword) if io::stdin().is_terminal() => {
            let asked = rpassword::prompt_password(format!("Password of {shown}: "));
            let asked = asked.map_err(|error| format!("the terminal gave no password: {error}"))?;
            let asked = Zeroizing::new(asked);
            certificates::read(&content, Some(&asked)).map_err(|problem| said(&problem))
        }
        read => read.map_err(|problem| said(&problem)),
    }
}

/// All of a file, if it is not absurdly long.
///
/// # Errors
/// A sentence with the file and the remedy.
pub fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let shown = path.display();
    let unreadable = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("{shown} does not exist."),
        io::ErrorKind::PermissionDenied => {
            format!("{shown} may not be read by you. Run this as root.")
        }
        _ => format!("{shown} cannot be read: {error}."),
    };
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut content = Zeroizing::new(Vec::new());
    file.take(MAX_BYTES).read_to_end(&mut content).map_err(|error| unreadable(&error))?;
    Ok(content)
}

/// The first line, without its end.
fn password_in(path: &Path) -> Result<Zeroizing<String>, String> {
    let content = bytes(path)?;
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok(line) => Ok(Zeroizing::new(line.to_owned())),
        Err(_) => {
            Err(format!("the password in {} is not UTF-8. Convert the file.", path.display()))
        }
    }
}

/// Puts a file in place whole, readable by all, and keeps what was there before: gives the copy's
/// name.
///
/// # Errors
/// A sentence with the file.
pub fn put(path: &Path, content: &[u8]) -> Result<Option<PathBuf>, String> {
    let copy = keep_copy(path)?;
    let beside = with_suffix(path, ".new");
    let write = || -> io::Result<()> {
        let _stale = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&beside)?;
        // Whatever the umask: the daemon's user has to read it.
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| {
        let _gone = fs::remove_file(&beside);
        let root =
            if error.kind() == io::ErrorKind::PermissionDenied { " Run this as root." } else { "" };
        format!("{} cannot be written: {error}.{root}", path.display())
    })?;
    Ok(copy)
}

/// A copy of the file as it is now, beside it; None: there is no file.
///
/// # Errors
/// A sentence with the file.
pub fn keep_copy(path: &Path) -> Result<Option<PathBuf>, String> {
    if !path.exists() {
        return Ok(None);
    }
    let time = Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    let copy = with_suffix(path, &format!(".before-{time}"));
    match fs::copy(path, &copy) {
        Ok(_) => Ok(Some(copy)),
        Err(error) => Err(format!("no copy of {} could be kept: {error}.", path.display())),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

//! Writes what is proposed, and the secret apart from it.
#![forbid(unsafe_code)]

use ldaps_core::local::{self, GROUP_FILE};
use ldaps_core::secret_file::password_in;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;
use zeroize::Zeroizing;

/// The daemon's group, which may read the secret.
const DAEMON: &str = "ldapsd";

/// The password in a file, by the rule that the daemon has for its own.
///
/// # Errors
/// A sentence with the file.
pub fn secret_in(path: &Path) -> Result<Zeroizing<String>, String> {
    let shown = path.display();
    let content = fs::read(path).map(Zeroizing::new);
    let content =
        content.map_err(|error| format!("the secret's file {shown} cannot be read: {error}."))?;
    let wrong = |problem: &dyn std::fmt::Display| {
        format!(
            "the secret's file {shown} cannot be used: {problem}. Write the password, and nothing \
             else, into it."
        )
    };
    let password = password_in(&content).map_err(|error| wrong(&error))?;
    let text = std::str::from_utf8(password.expose()).map_err(|error| wrong(&error))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Writes ldaps.toml and the secret into a directory; what was written, in words.
///
/// # Errors
/// A sentence with the file, where one is there already or cannot be written.
pub fn into(dir: &Path, toml: &str, secret: Option<&Zeroizing<String>>) -> Result<String, String> {
    fs::create_dir_all(dir)
        .map_err(|error| format!("{} cannot be made: {error}.", dir.display()))?;
    let (config, secrets) = (dir.join("ldaps.toml"), dir.join("secret"));
    for path in [Some(&config), secret.map(|_| &secrets)].into_iter().flatten() {
        if path.exists() {
            return Err(format!(
                "{} is there already, and was not touched. Move it away, or write elsewhere.",
                path.display()
            ));
        }
    }
    let mut written = String::new();
    if let Some(secret) = secret {
        secret_file(&secrets, secret)?;
        written += &format!(
            "wrote {} (mode 0640), which belongs to /etc/ldaps/secret\n",
            secrets.display()
        );
    }
    file(&config, toml.as_bytes(), 0o644)?;
    written += &format!("wrote {}\n", config.display());
    Ok(written)
}

/// A new file of this mode, whatever the umask.
///
/// # Errors
/// A sentence with the file.
pub fn file(path: &Path, content: &[u8], mode: u32) -> Result<(), String> {
    make(path, content, mode).map(drop).map_err(|error| said(path, &error))
}

/// The secret's: for root, and for the daemon's group where there is one and root writes.
///
/// # Errors
/// A sentence with the file.
pub fn secret_file(path: &Path, secret: &Zeroizing<String>) -> Result<(), String> {
    let content = Zeroizing::new(format!("{}\n", secret.as_str()));
    let write = || -> io::Result<()> {
        // Nobody else reads it before its group is right.
        let file = make(path, content.as_bytes(), 0o600)?;
        let groups = local::names_and_ids(Path::new(GROUP_FILE))?;
        let group = groups.into_iter().find_map(|(name, gid)| (name == DAEMON).then_some(gid));
        match group {
            // Not root's to give away: it stays the writer's alone.
            Some(gid) if fchown(&file, None, Some(gid)).is_err() => Ok(()),
            Some(_) | None => file.set_permissions(Permissions::from_mode(0o640)),
        }
    };
    write().map_err(|error| said(path, &error))
}

fn make(path: &Path, content: &[u8], mode: u32) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content)?;
    Ok(file)
}

fn said(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be written: {error}.", path.display())
}

//! The PAM profiles: which are on, and which files pam-auth-update(8) changes.
#![forbid(unsafe_code)]

use super::files;
use super::host::Host;
use std::path::PathBuf;

/// Ours.
pub const LDAPS: &str = "ldaps";
/// Debian's and Ubuntu's own, for home directories at the first login.
pub const MKHOMEDIR: &str = "mkhomedir";

/// The stacks that pam-auth-update makes.
const STACKS: [&str; 5] = ["auth", "account", "password", "session", "session-noninteractive"];

/// Whether a profile is on.
///
/// # Errors
/// When a file cannot be read.
pub fn is_on(host: &Host, profile: &str) -> Result<bool, String> {
    match profile {
        LDAPS => Ok(has(host, "auth", "pam_ldaps.so")?
            && has(host, "account", "pam_ldaps.so")?
            && has(host, "password", "pam_ldaps.so")?),
        _ => Ok(has(host, "session", "pam_mkhomedir.so")?
            || has(host, "session", "pam_oddjob_mkhomedir.so")?),
    }
}

/// Whether this host has a profile of that name.
pub fn is_there(host: &Host, profile: &str) -> bool {
    host.path("/usr/share/pam-configs").join(profile).exists()
}

fn has(host: &Host, stack: &str, module: &str) -> Result<bool, String> {
    let text = files::text(&host.path(&format!("/etc/pam.d/common-{stack}")))?;
    Ok(text.lines().any(|line| line.split('#').next().is_some_and(|line| line.contains(module))))
}

/// Every file that pam-auth-update may change.
pub fn files(host: &Host) -> Vec<PathBuf> {
    let stacks = STACKS.iter().map(|stack| host.path(&format!("/etc/pam.d/common-{stack}")));
    let kept = STACKS.iter().map(|stack| host.path(&format!("/var/lib/pam/{stack}")));
    let seen = [host.path("/var/lib/pam/seen")];
    stacks.chain(kept).chain(seen).map(files::real).collect()
}

/// The command that switches profiles on.
pub fn command<'p>(profiles: &[&'p str]) -> Vec<&'p str> {
    let mut words = vec!["pam-auth-update", "--enable"];
    words.extend(profiles);
    words
}

//! Home, shell and full name as the directory has them: what of it is believed.

use ldaps_core::config::Users;
use ldaps_directory::UserRecord;

use super::told::Told;

/// Longest gecos that is served: a display name has 256 characters at most by schema.
const GECOS_MAX: usize = 1024;

/// Programs that open no shell. Whom the directory gives one of these is not given a shell by
/// `allowed_shells`.
const NO_SHELL: &[&str] = &["nologin", "false"];

/// The home directory, if the directory has one that is a whole path and breaks no line.
pub(super) fn home(user: &UserRecord, told: &Told) -> Option<String> {
    let home = user.home.as_ref()?;
    if is_path(home) {
        return Some(home.clone());
    }
    told.warn_once(format!(
        "the home directory {home:?} of {} is no absolute path without \"..\" and ':'; the template \
         `home` is taken instead",
        user.dn
    ));
    None
}

/// The login shell: the directory's if it is allowed, or else the configuration's. One that would
/// break the line is given on, and withholds the user: what it was to be is not known.
pub(super) fn shell(user: &UserRecord, config: &Users, told: &Told) -> String {
    let fallback = &config.shell;
    let Some(shell) = &user.shell else { return fallback.clone() };
    let program = shell.rsplit('/').next().unwrap_or_default();
    if breaks_the_line(shell) || (shell.starts_with('/') && NO_SHELL.contains(&program)) {
        return shell.clone();
    }
    let allowed = config.allowed_shells.as_ref().is_none_or(|allowed| allowed.contains(shell));
    if allowed && shell.starts_with('/') {
        return shell.clone();
    }
    let why = if allowed { "is no absolute path" } else { "is not in `allowed_shells`" };
    told.warn_once(format!("the shell {shell:?} of {} {why}; it gets {fallback:?}", user.dn));
    fallback.clone()
}

/// The full name: with `posix` the attribute `gecos`, or else the configured one. One that would
/// break the line is left out; the user is not.
pub(super) fn gecos(user: &UserRecord, posix: bool) -> String {
    let own = user.posix.gecos.as_ref().filter(|_| posix);
    let gecos = own.or(user.gecos.as_ref());
    gecos.filter(|text| is_one_field(text)).cloned().unwrap_or_default()
}

fn is_one_field(gecos: &str) -> bool {
    gecos.len() <= GECOS_MAX && !breaks_the_line(gecos)
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.split('/').any(|part| part == "..") && !breaks_the_line(text)
}

fn breaks_the_line(text: &str) -> bool {
    text.contains(|c: char| c == ':' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_elsewhere_or_breaks_the_line_is_believed() {
        for (text, good) in [
            ("/home/alice", true),
            ("/srv/a..b/alice", true),
            ("/", true),
            ("home/alice", false),
            ("", false),
            ("/home/../root", false),
            ("/home/..", false),
            ("/home/a:/bin/sh", false),
            ("/home/a\n", false),
            ("\\\\files\\alice", false),
        ] {
            assert_eq!(is_path(text), good, "{text:?}");
        }
    }
}

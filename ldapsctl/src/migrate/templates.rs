//! Home directories: the old configurations' templates as templates of ldaps.toml.
#![forbid(unsafe_code)]

use super::entries::Entry;
use super::plan::Plan;
use ldaps_core::config::HomeTemplate;

/// What a letter behind `%` stands for.
pub type Letters<'a> = &'a [(char, &'a str)];

/// sssd.conf(5), `override_homedir`.
pub const SSSD: Letters<'static> =
    &[('u', "%u"), ('U', "%U"), ('d', "%d"), ('f', "%u@%d"), ('%', "%%")];

/// A template with its letters exchanged.
///
/// # Errors
/// Which letter has no counterpart, or what is wrong with the whole.
pub fn translate(text: &str, letters: Letters<'_>) -> Result<String, String> {
    let mut template = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            template.push(character);
            continue;
        }
        let letter = characters.next().unwrap_or(' ');
        match letters.iter().find(|(known, _)| *known == letter) {
            Some((_, ours)) => template.push_str(ours),
            None => return Err(format!("%{letter} has no counterpart in {text:?}")),
        }
    }
    HomeTemplate::parse(&template).map_err(|fault| fault.problem)?;
    Ok(template)
}

/// Writes `users.home`, or notes why not. Whether it is written.
pub fn home(plan: &mut Plan, entry: &Entry, letters: Letters<'_>) -> bool {
    match translate(&entry.value, letters) {
        Ok(template) => {
            plan.set("users", "home", template.as_str(), &entry.key);
            true
        }
        Err(why) => {
            plan.leave(
                entry,
                why,
                "write `home` under [users] by hand, or single homes under [users.override]; \
                 `--prove` shows whose differ",
            );
            false
        }
    }
}

/// Writes a shell, if it is one.
pub fn shell(plan: &mut Plan, entry: &Entry) {
    if entry.value.starts_with('/') {
        plan.set("users", "shell", entry.value.as_str(), &entry.key);
    } else {
        plan.leave(entry, "it is no absolute path", "write `shell` under [users] by hand");
    }
}

/// Writes the attribute of homes or shells, or notes why not.
pub fn attribute(plan: &mut Plan, key: &str, name: &str, from: &str) {
    if ldaps_core::config::is_self_writable(name) {
        plan.leave_key(
            from,
            format!("people may write the attribute {name} on themselves in Active Directory"),
            "use another attribute, or allow it with allow_self_writable = true under [users]",
        );
    } else {
        plan.set("users", key, name, from);
    }
}

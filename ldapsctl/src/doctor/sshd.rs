//! sshd: whether it asks PAM at all.
#![forbid(unsafe_code)]

use super::report::{
    Report,
    Severity::{Fault, Warning},
};
use super::{Doctor, text};
use std::path::PathBuf;

const AREA: &str = "sshd";

/// Reads sshd_config and what it includes; the first value of a keyword is the one that holds.
pub fn look(doctor: &Doctor, report: &mut Report) {
    let path = doctor.path("/etc/ssh/sshd_config");
    let Some(content) = text(&path) else { return };
    let mut lines = Vec::new();
    for line in content.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [keyword, _, ..] if keyword.eq_ignore_ascii_case("match") => break,
            [keyword, pattern] if keyword.eq_ignore_ascii_case("include") => {
                for file in matching(doctor, pattern) {
                    lines.extend(text(&file).unwrap_or_default().lines().map(str::to_owned));
                }
            }
            _ => lines.push(line.to_owned()),
        }
    }
    let value = |wanted: &str| {
        let pairs = lines.iter().filter_map(|line| line.trim().split_once([' ', '\t', '=']));
        let mut found = pairs.filter(|(keyword, _)| keyword.eq_ignore_ascii_case(wanted));
        found.next().map(|(_, value)| value.trim().to_lowercase())
    };
    if value("UsePAM").as_deref() != Some("yes") {
        report.add(
Fault,
            AREA,
            "no-pam",
            format!("{}: UsePAM is not \"yes\"", path.display()),
            "sshd asks neither for passwords of the directory nor whether an account is disabled",
            "echo 'UsePAM yes' | sudo tee -a /etc/ssh/sshd_config.d/00-ldaps-login.conf; sudo systemctl reload ssh",
        );
        return;
    }
    let no = |keyword: &str| value(keyword).as_deref() == Some("no");
    let keyboard = no("KbdInteractiveAuthentication") || no("ChallengeResponseAuthentication");
    if keyboard && no("PasswordAuthentication") {
        report.add(
            Warning,
            AREA,
            "no-passwords",
            "neither PasswordAuthentication nor KbdInteractiveAuthentication is on",
            "people get in by SSH keys alone",
            "if passwords are wanted: echo 'KbdInteractiveAuthentication yes' | sudo tee -a \
             /etc/ssh/sshd_config.d/00-ldaps-login.conf; sudo systemctl reload ssh",
        );
    } else if keyboard {
        report.add(
Warning,
            AREA,
            "no-keyboard-interactive",
            "KbdInteractiveAuthentication is off",
            "a password that has expired cannot be changed at a login by ssh, and nobody is told why",
            "echo 'KbdInteractiveAuthentication yes' | sudo tee -a /etc/ssh/sshd_config.d/00-ldaps-login.conf; sudo \
             systemctl reload ssh",
        );
    } else {
        report.fine(AREA, "pam", "sshd asks PAM, and can talk to the person");
    }
}

/// `/etc/ssh/sshd_config.d/*.conf`, the one pattern in use.
fn matching(doctor: &Doctor, pattern: &str) -> Vec<PathBuf> {
    let (dir, name) = pattern.rsplit_once('/').unwrap_or(("/etc/ssh", pattern));
    let dir = if dir.starts_with('/') { dir.to_owned() } else { format!("/etc/ssh/{dir}") };
    let suffix = name.trim_start_matches('*');
    let entries = std::fs::read_dir(doctor.path(&dir)).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.to_str().is_some_and(|path| path.ends_with(suffix)));
    files.sort();
    files
}

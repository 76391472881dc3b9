//! Who else keeps one person out: sshd's own lists, and /etc/nologin. The daemon never hears of such a login.
#![forbid(unsafe_code)]

use super::Doctor;
use super::report::{Report, Severity::Fault};
use std::path::Path;
use std::process::{Command, Stdio};

const AREA: &str = "user";

/// Looks for them.
pub fn look(doctor: &Doctor, name: &str, report: &mut Report) {
    closed_for_all(doctor, report);
    if doctor.root != Path::new("/") {
        return;
    }
    // Unseen where there is no sshd, or no right to its keys: `sshd` has been looked at by itself.
    let of_this_host = format!("user={name},host=localhost,addr=127.0.0.1");
    let Some(config) = printed("/usr/sbin/sshd", &["-T", "-C", &of_this_host]) else { return };
    // Names of groups may have blanks.
    let groups = printed("id", &["-Gnz", "--", name]).unwrap_or_default();
    let groups: Vec<&str> = groups.split('\0').filter(|group| !group.is_empty()).collect();
    if let Some(line) = refused_by(&config, name, &groups) {
        report.add(
            Fault,
            AREA,
            "sshd-refuses",
            format!("{name}: sshd refuses this person itself: {line}"),
            "whatever the password is; the person sees \"Permission denied\", and the journal \"sshd had refused \
             this user already\"",
            "mend that line in /etc/ssh/sshd_config or sshd_config.d; then: sudo systemctl reload ssh",
        );
    }
}

/// pam_nologin(8): while one of these is there, root alone gets in.
fn closed_for_all(doctor: &Doctor, report: &mut Report) {
    let files = ["/etc/nologin", "/var/run/nologin", "/run/nologin"];
    if let Some(file) = files.into_iter().find(|file| doctor.path(file).exists()) {
        report.add(
            Fault,
            AREA,
            "nologin",
            format!("{file} is there"),
            "while it is, nobody but root gets in (pam_nologin)",
            format!("cat {file}; sudo rm {file}"),
        );
    }
}

fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// sshd's order (sshd_config(5), AllowUsers): DenyUsers, AllowUsers, DenyGroups, AllowGroups. The line
/// that refuses. What depends on where somebody comes from is taken as no refusal.
fn refused_by(config: &str, name: &str, groups: &[&str]) -> Option<String> {
    let list = |keyword: &str| -> Vec<&str> {
        let lines = config.lines().filter_map(|line| line.split_once(' '));
        let own = lines.filter(|(found, _)| found.eq_ignore_ascii_case(keyword));
        own.flat_map(|(_, values)| values.split_whitespace()).collect()
    };
    let is_user = |pattern: &str| matches(pattern, name);
    let is_group = |pattern: &str| groups.iter().any(|group| matches(pattern, group));
    let from_somewhere =
        |pattern: &str| pattern.rsplit_once('@').is_some_and(|(user, _)| matches(user, name));
    if let Some(pattern) = list("denyusers").into_iter().find(|it| is_user(it)) {
        return Some(format!("DenyUsers {pattern}"));
    }
    let allowed = list("allowusers");
    if !allowed.is_empty() && !allowed.iter().any(|it| is_user(it) || from_somewhere(it)) {
        return Some(format!("AllowUsers {} does not name them", allowed.join(" ")));
    }
    if let Some(pattern) = list("denygroups").into_iter().find(|it| is_group(it)) {
        return Some(format!("DenyGroups {pattern}"));
    }
    let allowed = list("allowgroups");
    if !allowed.is_empty() && !allowed.iter().any(|it| is_group(it)) {
        return Some(format!("AllowGroups {}: none of them is theirs", allowed.join(" ")));
    }
    None
}

/// `*` stands for any characters, `?` for one (ssh_config(5), PATTERNS).
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    loop {
        let rest = pattern.clone();
        match (pattern.next(), text.clone().next()) {
            (None, next) => return next.is_none(),
            (Some('*'), next) => {
                let here = matches(pattern.as_str(), text.as_str());
                if here || next.is_none() {
                    return here;
                }
                text.next();
                pattern = rest;
            }
            (Some(wanted), Some(next)) if wanted == '?' || wanted == next => {
                text.next();
            }
            (Some(_), _) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_sshd_refuses_itself_is_not_seen() {
        let groups = ["domain users", "linux-users"];
        for (config, line) in [
            ("usepam yes\n", None),
            ("denyusers bob\ndenyusers al*\n", Some("DenyUsers al*")),
            ("denyusers bob alice\n", Some("DenyUsers alice")),
            ("denyusers alice@10.0.0.1\n", None),
            ("allowusers root\n", Some("AllowUsers root does not name them")),
            ("allowusers root\nallowusers alice@10.*\n", None),
            ("allowusers al?ce\n", None),
            ("denygroups linux-*\n", Some("DenyGroups linux-*")),
            ("allowgroups sudo\n", Some("AllowGroups sudo: none of them is theirs")),
            ("allowgroups sudo\nallowgroups linux-users\n", None),
        ] {
            assert_eq!(refused_by(config, "alice", &groups).as_deref(), line, "{config}");
        }
    }
}

//! One person, from the directory to the shell: what the daemon decides, what glibc gives, the home.
#![forbid(unsafe_code)]

use super::daemon::first_sentence;
use super::report::{
    Report,
    Severity::{Fault, Warning},
};
use super::{Doctor, text};
use crate::daemon::ask_daemon;
use ldaps_core::config::STATE_ALONE_SERVICE;
use ldaps_core::entries::PasswdEntry;
use ldaps_core::protocol::admin::{AdminReply, AdminRequest, Speaks, WhyReport};
use ldaps_core::protocol::messages::Verdict;
use ldaps_core::protocol::tools::Decided;
use ldaps_core::refusal::Refusal;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

const AREA: &str = "user";
const SERVICE: &str = "sshd";

/// Follows this name.
pub fn look(doctor: &Doctor, name: &str, report: &mut Report) {
    let request = AdminRequest::Why { name: name.to_owned(), service: SERVICE.to_owned() };
    match ask_daemon(doctor.run_dir.as_deref(), &request) {
        Ok(AdminReply::Why(why)) => decided(doctor, &why, report),
        Ok(AdminReply::Denied(why)) => {
            report.unseen(AREA, "decision", format!("{name}: {why}"), "sudo ldapsctl doctor")
        }
        Ok(AdminReply::Unavailable(why)) => {
            let remedy = "what is said of network, TLS and service account tells why";
            report.unseen(
                AREA,
                "decision",
                format!("{name}: the directory could not be asked: {}", first_sentence(&why)),
                remedy,
            );
        }
        Ok(_) => report.unseen(
            AREA,
            "decision",
            format!("{name}: ldapsd gives no answer"),
            "sudo systemctl restart ldapsd",
        ),
        Err(_) => {
            let what = format!("{name}: not followed, for the daemon does not answer");
            report.unseen(AREA, "decision", what, "mend that first");
        }
    }
}

fn decided(doctor: &Doctor, why: &WhyReport, report: &mut Report) {
    let name = &why.name;
    for step in why.steps.iter().filter(|step| step.speaks == Speaks::Against) {
        report.add(
            Fault,
            AREA,
            "against",
            format!("{name}: {}: {}", step.about, step.text),
            format!("it keeps this person out of {SERVICE}"),
            format!("sudo ldapsctl why {name} --service {SERVICE} shows all that was looked at"),
        );
    }
    let Some(found) = &why.found else {
        let remedy = "correct the name; `base`, and `filter` and `condition` under [users], say who is known here";
        return report.add(
            Fault,
            AREA,
            "unknown",
            format!("{name}: the directory shows nobody of that name"),
            "",
            remedy,
        );
    };
    if let Some(answers) = &why.answers {
        let opens = matches!(answers.auth.verdict, Verdict::Granted | Verdict::ChangeFirst)
            && matches!(answers.account.verdict, Verdict::Granted | Verdict::ChangeFirst);
        if opens {
            report.fine(
                AREA,
                "decision",
                format!("{name} is {}, and the right password opens {SERVICE}", found.dn),
            );
        }
    }
    if let Ok(AdminReply::Decisions(decisions)) =
        ask_daemon(doctor.run_dir.as_deref(), &AdminRequest::Decisions(0))
    {
        last_tried(&found.entry.name, &decisions.decided, report);
    }
    if doctor.root == Path::new("/") {
        known_to_glibc(&found.entry, report);
    }
    at_home(doctor, &found.entry, report);
}

/// What came of the last login. AD's "data 52e" is what it says of a wrong password, the person's as well
/// as the service account's: here it is the person's.
fn last_tried(name: &str, decided: &[Decided], report: &mut Report) {
    // A user's service manager is started for whoever is in already.
    let is_login =
        |it: &&Decided| it.user.eq_ignore_ascii_case(name) && it.service != STATE_ALONE_SERVICE;
    let Some(last) = decided.iter().rfind(is_login) else { return };
    let tried = format!("{name}: the last login here, by {} ({})", last.service, last.request);
    match last.verdict {
        Verdict::Granted | Verdict::ChangeFirst => {
            report.fine(AREA, "last-login", format!("{tried}, was granted"));
        }
        Verdict::Refused(Refusal::WrongPassword) => report.add(
            Warning,
            AREA,
            "wrong-password",
            format!("{tried}, was refused: {}", last.why),
            "it is the password that was typed for this person; the service account's own is another matter, and \
             a finding of its own",
            format!(
                "have it typed again (caps lock, keyboard); sudo ldapsctl test {name} tries it here; or in AD: \
                 Set-ADAccountPassword -Reset"
            ),
        ),
        Verdict::NotOurs => {}
        Verdict::Refused(_) | Verdict::Unavailable => report.add(
            Warning,
            AREA,
            "last-refused",
            format!("{tried}, was refused: {}", last.why),
            "it may be over by now: what else is said here is of this moment",
            format!("sudo ldapsctl log {} shows that login", last.request),
        ),
    }
}

/// What glibc gives any program for that name.
fn known_to_glibc(entry: &PasswdEntry, report: &mut Report) {
    let name = entry.name.as_str();
    let output = Command::new("getent").args(["passwd", "--", name]).output();
    let line = output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    same_in_glibc(entry, &line, report);
}

/// The line of getent, which is empty where there is none, against ours.
fn same_in_glibc(entry: &PasswdEntry, line: &str, report: &mut Report) {
    let name = entry.name.as_str();
    let uid = line.split(':').nth(2).and_then(|uid| uid.parse::<u32>().ok());
    match uid {
        None => report.add(
            Fault,
            AREA,
            "not-in-glibc",
            format!("{name}: the directory has this person, and getent passwd does not"),
            "no program on this host knows the name",
            "what is said of NSS tells why; a running nscd may hold an old answer: sudo nscd -i passwd",
        ),
        Some(uid) if uid != entry.uid => report.add(
            Fault,
            AREA,
            "another-source",
            format!("{name}: getent passwd gives uid {uid}, and the directory {}: {line}", entry.uid),
            "another source answers for this name (getent -s SOURCE passwd NAME), and ours leaves the person to it",
            "take the name, or that source, out of the way",
        ),
        Some(uid) => report.fine(AREA, "glibc", format!("getent passwd {name} gives uid {uid}")),
    }
}

/// The home directory and the shell.
fn at_home(doctor: &Doctor, entry: &PasswdEntry, report: &mut Report) {
    let PasswdEntry { name, uid, home, shell, .. } = entry;
    match fs::metadata(doctor.path(home)) {
        Ok(metadata) if metadata.uid() != *uid => report.add(
            Warning,
            AREA,
            "home-owner",
            format!("{name}: {home} belongs to uid {}, and not to {uid}", metadata.uid()),
            "the person cannot write at home, and sshd does not read their keys there",
            format!("look whose it is; if it is this person's, from before: sudo chown -R --from={} {uid}:{} {home}", metadata.uid(), entry.gid),
        ),
        Ok(_) => report.fine(AREA, "home", format!("{home} is there, and {name}'s")),
        Err(_) => report.fine(AREA, "home", format!("{home} is not there yet")),
    }
    if !doctor.path(shell).exists() {
        report.add(
            Fault,
            AREA,
            "shell",
            format!("{name}: the shell {shell} is not on this host"),
            "the login ends as soon as it has begun",
            format!("install it, or name another: `shell` and `allowed_shells` under [users]; `ldapsctl user {name}` shows it"),
        );
    } else if !text(&doctor.path("/etc/shells"))
        .unwrap_or_default()
        .lines()
        .any(|line| line.trim() == shell)
    {
        report.fine(
            AREA,
            "shell",
            format!("{shell} is not in /etc/shells, which some programs ask for"),
        );
    }
}

#[cfg(test)]
#[path = "person_tests.rs"]
mod tests;

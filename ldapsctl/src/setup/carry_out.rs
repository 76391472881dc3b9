//! Doing it: each change is written down, with a copy of what was there, before it is made.
#![forbid(unsafe_code)]

use super::files::{self, Seen};
use super::host::{self, Host};
use super::pam;
use super::plan::{FileChange, Plan, bundle, missing_above};
use super::record::{After, Record, Service};
use super::sshd;
use crate::cert::store::TrustStore;
use crate::output::print;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// Does all of it. After an error, what was done so far stands, and can be taken back.
///
/// # Errors
/// A sentence about what could not be done.
pub fn carry_out(host: &Host, plan: &Plan) -> Result<(), String> {
    let mut record = Record::open_or_make(host)?;
    all(host, plan, &mut record).map_err(|problem| {
        format!(
            "{problem}\nWhat was done so far stands. Mend that and run this again, or take it back: sudo \
             ldapsctl setup --undo"
        )
    })
}

fn all(host: &Host, plan: &Plan, record: &mut Record) -> Result<(), String> {
    for change in &plan.certificates {
        put(change, record)?;
    }
    if plan.trust {
        trust(host, record)?;
    }
    for change in &plan.files {
        put(change, record)?;
    }
    if plan.restart {
        restart(host, record)?;
    }
    if !plan.profiles.is_empty() {
        profiles(host, &plan.profiles, record)?;
    }
    match &plan.sshd {
        Some(change) => tell_sshd(host, change, record),
        None => Ok(()),
    }
}

fn put(change: &FileChange, record: &mut Record) -> Result<(), String> {
    for dir in missing_above(&change.path) {
        record.will_make(&dir)?;
        DirBuilder::new()
            .mode(0o755)
            .create(&dir)
            .map_err(|error| format!("{} cannot be made: {error}.", dir.display()))?;
    }
    let ids = change.ids.unwrap_or_else(|| {
        (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
    });
    let after = After::Is(Seen::of(&change.content, change.mode, ids));
    record.keep(&change.path, after, change.is_rescue)?;
    files::put(&change.path, &change.content, change.mode, change.ids)?;
    print(&format!("  wrote {}\n", change.path.display()));
    Ok(())
}

/// Lets a program change these files, and notes how it left them.
fn by_program(
    paths: &[PathBuf],
    record: &mut Record,
    run: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    for path in paths {
        record.keep(path, After::Unknown, false)?;
    }
    let done = run();
    record.settle(paths)?;
    done
}

fn trust(host: &Host, record: &mut Record) -> Result<(), String> {
    record.manifest.trust = true;
    record.save()?;
    print("  update-ca-certificates ...\n");
    let command = TrustStore::at(host.root()).update_command();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    by_program(&[bundle(host)], record, || host::run(&words).map(drop))
}

fn profiles(host: &Host, profiles: &[&'static str], record: &mut Record) -> Result<(), String> {
    let command = pam::command(profiles);
    print(&format!("  {} ...\n", command.join(" ")));
    by_program(&pam::files(host), record, || host::run(&command).map(drop))?;
    for profile in profiles {
        if !pam::is_on(host, profile)? {
            return Err(format!(
                "pam-auth-update did not switch {profile} on: it leaves /etc/pam.d/common-* alone where \
                 somebody has edited them. Look at them, then: sudo pam-auth-update --force (which forgets \
                 those edits)."
            ));
        }
    }
    Ok(())
}

/// How the daemon is, for the way back.
pub fn service_now(host: &Host) -> Service {
    Service {
        was_active: host::holds(&["systemctl", "is-active", "--quiet", "ldapsd.service"]),
        was_enabled: host::holds(&["systemctl", "is-enabled", "--quiet", "ldapsd.service"]),
        had_state: host.path("/var/lib/ldapsd").exists(),
    }
}

fn restart(host: &Host, record: &mut Record) -> Result<(), String> {
    if !host.has_systemd() {
        print("  systemd does not run here: start ldapsd by whatever does.\n");
        return Ok(());
    }
    let now = service_now(host);
    if record.manifest.service.is_none() {
        record.manifest.service = Some(now);
        record.save()?;
    }
    if !now.was_enabled {
        host::run(&["systemctl", "enable", "--quiet", "ldapsd.service"])?;
    }
    print("  systemctl restart ldapsd ...\n");
    host::run(&["systemctl", "reset-failed", "ldapsd.service"]).ok();
    host::run(&["systemctl", "restart", "ldapsd.service"]).map(drop)
}

fn tell_sshd(host: &Host, change: &FileChange, record: &mut Record) -> Result<(), String> {
    put(change, record)?;
    record.manifest.sshd = true;
    record.save()?;
    sshd::check()?;
    if sshd::lacks(host).is_some_and(|lacks| !lacks.nothing()) {
        return Err(format!(
            "sshd does not read {}: its sshd_config has no line \"Include /etc/ssh/sshd_config.d/*.conf\" at \
             its head. Add it.",
            change.path.display()
        ));
    }
    sshd::reload(host)
}

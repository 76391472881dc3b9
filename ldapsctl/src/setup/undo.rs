//! `ldapsctl setup --undo`: the host as it was. What somebody has changed meanwhile is theirs and stays.
#![forbid(unsafe_code)]

use super::ask::Asker;
use super::files;
use super::host::{self, Host};
use super::plan::bundle;
use super::record::{After, Entry, PLACE, Record, Service};
use super::{Failure, Setup, sshd};
use crate::cert::store::TrustStore;
use crate::output::print;
use crate::terminal::{Paint, line};
use std::fs;
use std::path::Path;

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is put back.
    PutBack,
    /// It was not there, and goes.
    Removed,
    /// It is as it was.
    AsItWas,
    /// Somebody has changed it since.
    Theirs,
    /// update-ca-certificates makes it, and has made it again since, of more than ours.
    MadeAnew,
    /// It keeps a CA that would be lost without it.
    Needed,
}

/// Shows what will be put back, asks, and does it.
///
/// # Errors
/// When there is nothing, somebody says no, or it cannot be done.
pub fn run(setup: &Setup, host: &Host) -> Result<(), Failure> {
    let Some(mut record) = Record::open(host)? else { return nothing() };
    if record.is_empty() {
        // It was killed before it began.
        record.remove()?;
        return nothing();
    }
    let fates = fates(host, &record)?;
    show(&record, &fates);
    if setup.dry_run {
        print("Nothing was changed (--dry-run).\n");
        return Ok(());
    }
    super::agree(setup, &Asker::new(setup.yes), "Take it back?")?;
    let kept = put_back(host, &mut record, &fates)?;
    if kept > 0 {
        return Err(Failure::from(format!(
            "All else was taken back. What was there before is kept in {}: to have it, compare and copy it \
             by hand; to forget it, remove that directory.",
            host.path(PLACE).display()
        )));
    }
    record.remove()?;
    print(
        "This host is as it was before ldapsctl setup. Home directories that people got meanwhile stay.\n",
    );
    Ok(())
}

fn nothing() -> Result<(), Failure> {
    print("There is nothing to take back: ldapsctl setup has changed nothing on this host.\n");
    Ok(())
}

fn fates(host: &Host, record: &Record) -> Result<Vec<Fate>, String> {
    let bundle = bundle(host);
    let mut fates = Vec::new();
    for entry in &record.manifest.files {
        fates.push(fate(entry, &bundle)?);
    }
    let anew = fates.contains(&Fate::MadeAnew);
    for (entry, fate) in record.manifest.files.iter().zip(&mut fates) {
        if entry.is_rescue && anew {
            *fate = Fate::Needed;
        }
    }
    Ok(fates)
}

fn fate(entry: &Entry, bundle: &Path) -> Result<Fate, String> {
    let now = files::seen(&entry.path)?;
    let before = entry.before.as_ref().map(|before| &before.seen);
    if now.as_ref() == before {
        return Ok(Fate::AsItWas);
    }
    let as_left = match &entry.after {
        After::Is(left) => now.as_ref() == Some(left),
        After::Unknown => true,
    };
    Ok(match (as_left, before) {
        (true, Some(_)) => Fate::PutBack,
        (true, None) => Fate::Removed,
        (false, _) if entry.path == bundle => Fate::MadeAnew,
        (false, _) => Fate::Theirs,
    })
}

fn show(record: &Record, fates: &[Fate]) {
    line(Paint::Bold, "This will be taken back:");
    for (entry, fate) in record.manifest.files.iter().zip(fates) {
        let path = entry.path.display();
        match fate {
            Fate::PutBack if entry.was_edited => {
                print(&format!(
                    "  put back {path}, as somebody had left it between two runs of setup\n"
                ));
            }
            Fate::PutBack => print(&format!("  put back {path}\n")),
            Fate::Removed => print(&format!("  remove {path}\n")),
            Fate::Theirs => line(
                Paint::Yellow,
                &format!(
                    "  KEEP {path}: somebody has changed it since. Before, {}",
                    match &entry.before {
                        Some(before) => format!("it was as {}", record.place_of(before).display()),
                        None => "it was not there".to_owned(),
                    }
                ),
            ),
            Fate::Needed => line(
                Paint::Yellow,
                &format!(
                    "  keep {path}: that CA had been pasted into the bundle, and would be lost"
                ),
            ),
            Fate::AsItWas | Fate::MadeAnew => {}
        }
    }
    if record.manifest.trust {
        print("  run update-ca-certificates --fresh\n");
    }
    match record.manifest.service {
        Some(Service { was_active: true, .. }) => print("  restart ldapsd\n"),
        Some(Service { .. }) => print("  stop ldapsd\n"),
        None => {}
    }
    if record.manifest.sshd {
        print("  have sshd read its configuration anew\n");
    }
}

/// Puts everything back, the last first; gives how many files are somebody else's now.
fn put_back(host: &Host, record: &mut Record, fates: &[Fate]) -> Result<usize, String> {
    let service = record.manifest.service.filter(|_| host.has_systemd());
    if service.is_some_and(|service| !service.was_active) {
        host::run(&["systemctl", "stop", "ldapsd.service"])?;
    }
    let bundle = bundle(host);
    let entries = record.manifest.files.clone();
    let mut kept = Vec::new();
    for (entry, fate) in entries.iter().zip(fates).rev() {
        let _none = fs::remove_file(files::beside(&entry.path));
        match fate {
            // After the trust store was made anew.
            Fate::PutBack if entry.path == bundle => {}
            Fate::PutBack | Fate::Removed => restore(entry, record)?,
            Fate::Theirs => kept.push(entry.clone()),
            Fate::AsItWas | Fate::MadeAnew | Fate::Needed => {}
        }
    }
    if record.manifest.trust {
        trust(host, &bundle, &entries, fates, record)?;
    }
    for dir in record.manifest.dirs.iter().rev() {
        // What somebody else has put into it stays.
        let _in_use = fs::remove_dir(dir);
    }
    if let Some(service) = service {
        restore_service(host, service)?;
    }
    if record.manifest.sshd {
        sshd::reload(host)?;
    }
    kept.reverse();
    let count = kept.len();
    record.manifest.files = kept;
    record.manifest.dirs.retain(|dir| dir.exists() && count > 0);
    (record.manifest.trust, record.manifest.sshd, record.manifest.service) = (false, false, None);
    record.save()?;
    Ok(count)
}

fn restore(entry: &Entry, record: &Record) -> Result<(), String> {
    let Some(before) = &entry.before else {
        return match fs::remove_file(&entry.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{} cannot be removed: {error}.", entry.path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        };
    };
    let ids = host::is_root().then(|| before.seen.ids());
    files::put(&entry.path, &record.content(before)?, before.seen.mode, ids)
}

/// Without `--fresh`, the links to a certificate that has gone are left behind.
fn trust(
    host: &Host,
    bundle: &Path,
    entries: &[Entry],
    fates: &[Fate],
    record: &Record,
) -> Result<(), String> {
    print("  update-ca-certificates --fresh ...\n");
    let command = TrustStore::at(host.root()).update_command();
    let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
    words.push("--fresh");
    host::run(&words)?;
    let ours = entries.iter().zip(fates).find(|(entry, _)| entry.path == bundle);
    if let Some((entry, Fate::PutBack)) = ours
        && fate(entry, bundle)? != Fate::AsItWas
    {
        return restore(entry, record);
    }
    Ok(())
}

fn restore_service(host: &Host, service: Service) -> Result<(), String> {
    if !service.was_enabled {
        host::run(&["systemctl", "disable", "--quiet", "ldapsd.service"])?;
    }
    if service.was_active {
        return host::run(&["systemctl", "restart", "ldapsd.service"]).map(drop);
    }
    let state = host.path("/var/lib/ldapsd");
    if !service.had_state && state.exists() {
        return fs::remove_dir_all(&state)
            .map_err(|error| format!("{} cannot be removed: {error}.", state.display()));
    }
    Ok(())
}

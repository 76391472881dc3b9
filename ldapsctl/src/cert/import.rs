//! `ldapsctl cert import`: CAs into the system's trust store, or into a file of their own.
#![forbid(unsafe_code)]

use super::plan::{Plan, Target, choose};
use super::store::TrustStore;
use super::{Import, files, words};
use crate::output::{print, print_error};
use ldaps_core::config::Config;
use ldaps_directory::certificates::Certificate;
use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Shows what will be done, asks, does it, and looks whether it worked.
pub fn run(import: &Import) -> ExitCode {
    match imported(import) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            print_error(&format!("{problem}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Gives what somebody has pasted into the system's bundle files of its own, and makes the bundle anew.
///
/// # Errors
/// A sentence; nothing is trusted then that was not before.
pub fn rescue_pasted(root: &Path) -> Result<(), String> {
    let target = Target::System(TrustStore::at(root));
    let mut plan = Plan::default();
    plan.aim(&target)?;
    carry_out(&plan, &target)
}

fn imported(import: &Import) -> Result<(), String> {
    let (found, keys) = read_all(import)?;
    let now = words::now();
    let target = match &import.into {
        Some(path) => Target::File(path.clone()),
        None => Target::System(TrustStore::at(&import.root)),
    };
    let mut plan = choose(&found, import.leaf, now);
    plan.remarks.extend(keys.iter().map(|path| {
        format!(
            "{} holds a private key, too: it is not taken. Do not leave that file on this host.",
            path.display()
        )
    }));
    if plan.taken.is_empty() {
        let remarks = plan.remarks.join("\n");
        return Err(format!("{remarks}\nThere is nothing to import. Nothing was changed."));
    }
    plan.aim(&target)?;
    print(&plan.describe(&target, now));
    if plan.writes.is_empty() {
        print("Nothing is left to do.\n");
        return Ok(());
    }
    if import.dry_run {
        print("Nothing was changed (--dry-run).\n");
        return Ok(());
    }
    agree(import)?;
    carry_out(&plan, &target)?;
    print(&afterwards(&plan, &target, import.place.configuration().as_ref()));
    Ok(())
}

/// The certificates of all files, and the files that hold a private key.
fn read_all(import: &Import) -> Result<(Vec<Certificate>, Vec<PathBuf>), String> {
    let (mut found, mut keys) = (Vec::new(), Vec::new());
    for path in &import.files {
        let contents = files::read(path, &import.opening)?;
        found.extend(contents.certificates);
        if contents.private_key {
            keys.push(path.clone());
        }
    }
    Ok((found, keys))
}

fn agree(import: &Import) -> Result<(), String> {
    if import.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(
            "Nothing was changed: there is no terminal to ask on. Add --yes to do it.".to_owned()
        );
    }
    print("Do it? Compare the fingerprints first. [y/N] ");
    let mut answer = String::new();
    let _unread = io::stdin().lock().read_line(&mut answer);
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err("Nothing was changed.".to_owned()),
    }
}

/// Writes the files and runs the program; if anything fails, takes the new files away again.
fn carry_out(plan: &Plan, target: &Target) -> Result<(), String> {
    let mut written: Vec<&Path> = Vec::new();
    let done = write_all(plan, target, &mut written);
    if let (Err(_), Target::System(store)) = (&done, target) {
        for path in written {
            let _gone = fs::remove_file(path);
        }
        let _as_before = store.update();
    }
    done.map_err(|problem| format!("{problem}\nNothing is trusted that was not before."))
}

fn write_all<'p>(
    plan: &'p Plan,
    target: &Target,
    written: &mut Vec<&'p Path>,
) -> Result<(), String> {
    if let Target::System(store) = target {
        let dir = store.local_dir();
        fs::create_dir_all(&dir)
            .map_err(|error| format!("{} cannot be made: {error}.", dir.display()))?;
        if plan.writes.iter().any(|write| write.why.is_some()) {
            said_copy(files::keep_copy(&store.bundle())?);
        }
    }
    for write in &plan.writes {
        said_copy(files::put(&write.path, &write.content)?);
        written.push(&write.path);
    }
    let Target::System(store) = target else { return Ok(()) };
    store.update()?;
    let trusted = store.trusted();
    match plan.taken.iter().chain(&plan.rescued).find(|certificate| !trusted.contains(certificate))
    {
        None => Ok(()),
        Some(certificate) => Err(format!(
            "update-ca-certificates ran, and {:?} is not in {}. Does {} look as it should?",
            words::common_name(certificate.facts()),
            store.bundle().display(),
            store.local_dir().display()
        )),
    }
}

fn said_copy(copy: Option<PathBuf>) {
    if let Some(copy) = copy {
        print(&format!("What was there before is kept as {}\n", copy.display()));
    }
}

/// What to do next, and where this goes past the daemon.
fn afterwards(plan: &Plan, target: &Target, config: Option<&Config>) -> String {
    let count = plan.taken.len();
    let named = config.and_then(|config| config.tls.ca_file.as_deref());
    let mut text = match target {
        Target::System(store) => {
            format!("Trusted now: {count}, in {}.\n", store.bundle().display())
        }
        Target::File(path) => format!("In {}: {count} more.\n", path.display()),
    };
    match (target, named) {
        (Target::System(store), Some(file)) if file != store.bundle() => {
            text += &format!(
                "But ldapsd does not read the system's store: its configuration names {0}. Leave `ca` \
                 (TLS_CACERT) out, or run this again with --into {0}\n",
                file.display()
            );
        }
        (Target::File(path), named) if named != Some(path) => {
            text += &format!(
                "ldapsd reads it when it is named: ca = \"{}\" under [tls] in /etc/ldaps/ldaps.toml\n",
                path.display()
            );
        }
        (Target::System(_) | Target::File(_), _) => {}
    }
    if config.is_some() {
        text += "Next: sudo systemctl reload ldapsd; ldapsctl status\n";
    }
    text
}

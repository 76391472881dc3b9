//! Started as root outside of systemd, the daemon makes its directories and becomes its own user.
//! Under systemd it never was root. Started by anybody else (tests, containers), it stays who it is.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::Path;

use ldaps_core::local::{self, GROUP_FILE, PASSWD_FILE};
use rustix::fs::{Gid, Uid};
use rustix::process::geteuid;
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// The user and the group the package makes.
const ACCOUNT: &str = "ldapsd";

/// Makes the directories and drops root.
///
/// # Errors
/// A sentence that names what could not be made, or who is missing.
pub(crate) fn prepare(run_dir: &Path, state_dir: &Path) -> Result<(), String> {
    if !geteuid().is_root() {
        return make(run_dir, 0o755, None);
    }
    let uid = id_of(Path::new(PASSWD_FILE), "user")?;
    let gid = id_of(Path::new(GROUP_FILE), "group")?;
    make(run_dir, 0o755, Some((uid, gid)))?;
    make(state_dir, 0o700, Some((uid, gid)))?;
    become_user(Uid::from_raw(uid), Gid::from_raw(gid))
        .map_err(|error| format!("the daemon cannot become the user {ACCOUNT}: {error}"))
}

/// From the files: the daemon never resolves a name through its own module.
fn id_of(file: &Path, what: &str) -> Result<u32, String> {
    let names = local::names_and_ids(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    names.into_iter().find_map(|(name, id)| (name == ACCOUNT).then_some(id)).ok_or_else(|| {
        format!(
            "there is no {what} {ACCOUNT} in {}: make it with \
             `adduser --system --group --no-create-home {ACCOUNT}`",
            file.display()
        )
    })
}

fn make(dir: &Path, mode: u32, owner: Option<(u32, u32)>) -> Result<(), String> {
    let failed =
        |error: io::Error| format!("the directory {} cannot be made: {error}", dir.display());
    match fs::DirBuilder::new().mode(mode).create(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    match owner {
        Some((uid, gid)) => chown(dir, Some(uid), Some(gid)).map_err(failed),
        None => Ok(()),
    }
}

/// There is one thread yet, so its ids are the process's. Leaving uid 0 clears every capability
/// (capabilities(7)).
fn become_user(uid: Uid, gid: Gid) -> rustix::io::Result<()> {
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

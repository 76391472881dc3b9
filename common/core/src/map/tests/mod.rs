//! The map's reader against its writer.
#![forbid(unsafe_code)]

mod budget;
mod corpus;
mod crowded;
mod damage;
pub(super) mod killing;
mod model;
mod sharing;

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::{Answer, MapWriter, PutError};
use crate::ctl::{Ctl, CtlWriter, State};
use crate::entries::{GroupEntry, PasswdEntry};
use crate::protocol::client::monotonic_now;
use crate::run_dir::RunDir;

const BUDGET: usize = 64 << 20;

/// A run directory with a page in it.
fn run_dir() -> (TempDir, RunDir, Arc<CtlWriter>) {
    let top = tempfile::tempdir().unwrap();
    let path = top.path().join("ldapsd");
    std::fs::create_dir(&path).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).unwrap();
    let run_dir = RunDir::at(&path).unwrap();
    let ctl = start_ctl(&path);
    (top, run_dir, ctl)
}

/// The page as a daemon that starts opens it.
fn start_ctl(path: &Path) -> Arc<CtlWriter> {
    let ctl = CtlWriter::open(path).unwrap();
    beat(&ctl);
    Arc::new(ctl)
}

fn beat(ctl: &CtlWriter) {
    let ranges = vec![200_000..=u32::MAX];
    let heartbeat = monotonic_now();
    ctl.write(&Ctl { state: State::Running, heartbeat, ranges, exclusive: true }).unwrap();
}

fn writer(run_dir: &RunDir, ctl: &Arc<CtlWriter>) -> MapWriter {
    MapWriter::open(&run_dir.join(""), Arc::clone(ctl), BUDGET).unwrap()
}

fn user(name: &str, uid: u32) -> PasswdEntry {
    PasswdEntry {
        name: name.into(),
        uid,
        gid: 200_513,
        gecos: format!("{name} of Sales"),
        home: format!("/home/{name}"),
        shell: "/bin/bash".into(),
    }
}

fn group(name: &str, gid: u32, members: usize) -> GroupEntry {
    let members = (0..members).map(|number| format!("user{number:05}")).collect();
    GroupEntry { name: name.into(), gid, members }
}

/// What was found, if anything was.
fn found<T>(answer: Answer<T>) -> Option<T> {
    match answer {
        Answer::Found(found) => Some(found),
        Answer::Nobody | Answer::Unknown => None,
    }
}

fn is_full(outcome: &Result<(), PutError>) -> bool {
    matches!(outcome, Err(PutError::Full))
}

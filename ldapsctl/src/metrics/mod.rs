//! `ldapsctl metrics`: every number there is, for Prometheus; printed, or put into a file that the
//! textfile collector of node_exporter reads.
#![forbid(unsafe_code)]

mod text;

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ldaps_core::ctl::Ctl;
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::client::monotonic_now;
use ldaps_core::protocol::tools::{Family, Kind, Number, Sample};

use crate::output::{print_error, print_raw};
use crate::{NOT_KNOWN, daemon};

/// `ldapsctl metrics`
#[derive(Args)]
pub struct Metrics {
    /// Write them into this file, which is always whole: for the textfile collector of
    /// prometheus-node-exporter, which reads names that end in .prom.
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,
    /// The daemon's run directory, where it is not in its usual place.
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
}

/// Prints or writes them. That the daemon is away is a number too, and exit code 3.
pub fn run(metrics: &Metrics) -> ExitCode {
    let run_dir = metrics.run_dir.as_deref();
    let asked = daemon::ask_daemon(run_dir, &AdminRequest::Metrics);
    let (families, problem) = match asked {
        Ok(AdminReply::Metrics(families)) => (families, None),
        Ok(_) => (Vec::new(), Some("ldapsd answered another question.".to_owned())),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let mut all = of_the_tool(run_dir, problem.is_none());
    all.extend(families);
    let page = text::render(&all);
    let written = match &metrics.textfile {
        None => {
            print_raw(&page);
            Ok(())
        }
        Some(path) => write_whole(path, &page)
            .map_err(|error| format!("{} cannot be written: {error}", path.display())),
    };
    if let Some(problem) = &problem {
        print_error(&format!("{problem}\n"));
    }
    match (written, problem) {
        (Err(problem), _) => {
            print_error(&format!("{problem}\n"));
            ExitCode::FAILURE
        }
        (Ok(()), Some(_)) => ExitCode::from(NOT_KNOWN),
        (Ok(()), None) => ExitCode::SUCCESS,
    }
}

fn of_the_tool(run_dir: Option<&Path>, answers: bool) -> Vec<Family> {
    let [up, heartbeat] = text::OF_THE_TOOL;
    let mut families =
        vec![gauge(up, "Whether the daemon answers.", Number::Whole(i64::from(answers)))];
    let page = daemon::run_dir(run_dir).ok().and_then(|run_dir| Ctl::read(&run_dir).ok());
    if let Some(page) = page {
        let age = monotonic_now().saturating_sub(page.heartbeat);
        let age = Number::Micros(u64::try_from(age.as_micros()).unwrap_or(u64::MAX));
        families.push(gauge(heartbeat, "How long ago the daemon wrote that it lives.", age));
    }
    families
}

fn gauge(name: &str, help: &str, number: Number) -> Family {
    let samples = vec![Sample { suffix: String::new(), labels: Vec::new(), number }];
    Family { name: name.to_owned(), help: help.to_owned(), kind: Kind::Gauge, samples }
}

/// Writes beside the file and renames, so that nobody reads a half. Readable by all: the collector
/// is another user's.
fn write_whole(path: &Path, page: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = dir.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = write_new(&beside, page).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Of no use to anybody.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, page: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(page.as_bytes())?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collector_reads_a_half_or_may_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ldapsd.prom");
        for page in ["one\n", "two\n"] {
            write_whole(&path, page).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), page);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something is left beside it");
        fs::create_dir(dir.path().join("x.prom")).unwrap();
        write_whole(&dir.path().join("x.prom"), "three\n").unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "something is left beside it");
    }
}

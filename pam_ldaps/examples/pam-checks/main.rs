//! The module under the real libpam and the real glibc: run by `tests/host/pam-checks` inside the
//! host sandbox, and by nobody else, since it puts itself in the daemon's place and stops it.
//!
//! - `pam-checks scripted`: against a daemon that answers as it is told, well or badly
//! - `pam-checks domain`: against ldapsd and the test directory, as `tests/host/domain` starts them
//! - `pam-checks memory`: the same, to see what is left of passwords afterwards
//!
//! Prints a line for each check and `N passed, N failed, N skipped` at the end.
#![allow(missing_docs, reason = "a test program")]

mod cases;
mod change;
mod change_cases;
mod change_profile;
mod daemon;
mod domain;
mod ffi;
mod log;
mod memory;
mod oracle;
mod product;
mod profile;
mod scripted;
mod traces;

use std::ffi::CStr;
use std::process::ExitCode;

/// What one check found wrong; empty where nothing was.
pub type Faults = Vec<String>;

/// The count of all checks.
#[derive(Default)]
pub struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Count {
    /// Takes down one check.
    pub fn check(&mut self, what: &str, faults: &Faults) {
        if faults.is_empty() {
            self.passed += 1;
            println!("ok      {what}");
        } else {
            self.failed += 1;
            println!("FAILED  {what}: {}", faults.join("; "));
        }
    }

    /// Takes down what could not be looked at.
    pub fn skip(&mut self, what: &str) {
        self.skipped += 1;
        println!("skipped {what}");
    }
}

/// Adds a fault where two things differ that should not.
pub fn same<T: PartialEq + std::fmt::Debug>(faults: &mut Faults, what: &str, is: &T, want: &T) {
    if is != want {
        faults.push(format!("{what} is {is:?}, wanted {want:?}"));
    }
}

/// How many descriptors this process has open, once the daemon's threads have closed theirs.
pub fn open_descriptors() -> usize {
    std::thread::sleep(std::time::Duration::from_millis(50));
    std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or(0)
}

fn main() -> ExitCode {
    if std::env::var_os("LDAPS_SANDBOX").is_none() {
        eprintln!("pam-checks: run tests/host/pam-checks, which makes the sandbox this is for");
        return ExitCode::FAILURE;
    }
    let mut count = Count::default();
    match std::env::args().nth(1).as_deref() {
        Some("scripted") => {
            scripted::check(&mut count);
            change::check(&mut count);
            profile::check(&mut count);
            change_profile::check(&mut count);
        }
        Some("domain") => domain::check(&mut count),
        Some("memory") => memory::check(&mut count),
        _ => {
            eprintln!("pam-checks: usage: pam-checks scripted|domain|memory");
            return ExitCode::FAILURE;
        }
    }
    println!("{} passed, {} failed, {} skipped", count.passed, count.failed, count.skipped);
    if count.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The PAM file of the module alone, and behind it what shows its PAM_IGNORE as a code.
pub fn write_pam_files(arguments: &str) -> std::io::Result<&'static CStr> {
    let codes = "auth=no_module_data acct=no_module_data cred=no_module_data \
                 prechauthtok=no_module_data chauthtok=no_module_data";
    let lines: String = ["auth", "account", "password"]
        .map(|kind| {
            let control = "[success=done ignore=ignore default=die]";
            format!(
                "{kind} {control} pam_ldaps.so {arguments}\n{kind} required pam_debug.so {codes}\n"
            )
        })
        .concat();
    std::fs::create_dir_all("/run/pam-checks")?;
    std::fs::write("/run/pam-checks/ldaps-module", lines)?;
    Ok(c"/run/pam-checks")
}

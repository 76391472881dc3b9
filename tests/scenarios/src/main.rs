//! The scenarios: real hosts in containers, with the package installed, against a real Samba
//! AD domain controller. `cargo run -p scenarios -- --list` shows the table.
//!
//! What is missing is built: base images, the domain controller's, the hosts', the package.
//! The last line is `N passed, N failed, N skipped`; the exit code is 0 only if none failed.

#![forbid(unsafe_code)]

mod attempt;
mod callers;
mod certificates;
mod changes;
mod django;
mod doctor;
mod everybody;
mod expiry;
mod freshness;
mod identity;
mod local;
mod logins;
mod looks;
mod migrate;
mod names;
mod offline;
mod package;
mod passwd;
mod recorded;
mod refusals;
mod remedies;
mod rules;
mod runner;
mod scenario;
mod servers;
mod sessions;
mod setup;
mod spoken;
mod ssh_keys;
mod stand;
mod talk;
mod tools;
mod truth;
mod unasked;
mod words;

use scenarios::{dc, engine, host, images, options, outcome, package_file, product};
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match options::Options::from_arguments(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(failure) => {
            eprintln!("{failure}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    if options.list {
        for scenario in scenario::table() {
            let (issue, line) = scenario.shows;
            println!("{:<40} issue {issue}, done-when line {line}", scenario.name);
        }
        return ExitCode::SUCCESS;
    }
    if options.stand {
        return match stand::stand(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("{failure}");
                ExitCode::FAILURE
            }
        };
    }
    let tally = runner::run(&options);
    println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

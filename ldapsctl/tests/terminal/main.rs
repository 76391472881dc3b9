//! What a terminal is shown and a pipe is not: colour, what is waited for, a status that is drawn anew.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions beside the tests are tests too"
)]

mod daemon;
mod pty;
mod status;
mod waiting;

use std::process::Command;

use pty::{On, Running};

fn ldapsctl(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
    // As in a terminal that can do something, whatever this test runs in.
    command.args(words).env_remove("NO_COLOR").env("TERM", "xterm");
    command
}

/// `doctor` on a host where nothing is set up: faults, and so red ones.
fn doctor(root: &str) -> Command {
    let file = |name: &str| format!("{root}/{name}");
    let (config, ldap_conf, run_dir) = (file("ldaps.toml"), file("ldap.conf"), file("run"));
    let places = ["--config", &config, "--ldap-conf", &ldap_conf, "--run-dir", &run_dir];
    ldapsctl(&[&["doctor", "--root", root], &places[..]].concat())
}

/// Where standard output goes, what is in the environment, and whether there is colour.
const COLOURS: &[(On, &[(&str, &str)], bool)] = &[
    (On::Output, &[], true),
    (On::Output, &[("NO_COLOR", "")], true),
    (On::Output, &[("NO_COLOR", "1")], false),
    (On::Output, &[("TERM", "dumb")], false),
    (On::Errors, &[], false),
    (On::Neither, &[], false),
];

#[test]
fn colour_goes_into_a_file_or_to_somebody_who_wants_none() {
    let root = tempfile::tempdir().unwrap();
    for (on, environment, is_coloured) in COLOURS {
        let mut command = doctor(root.path().to_str().unwrap());
        command.envs(environment.iter().copied());
        let (status, output, _) = Running::start(command, *on).end();
        assert_eq!(status.code(), Some(1), "{output}");
        assert!(output.contains("FAULT"), "{output}");
        let escapes = output.matches("\x1b[31mFAULT").count();
        assert_eq!(escapes > 0, *is_coloured, "{on:?} {environment:?}: {output:?}");
        assert_eq!(output.contains('\x1b'), *is_coloured, "{on:?} {environment:?}: {output:?}");
    }
}

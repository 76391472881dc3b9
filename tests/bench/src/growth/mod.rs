//! How cost grows with the number of users and of members, as tables and plots.
//!
//!   cargo run --release -p bench -- growth            writes docs/performance.md and docs/performance/
//!   cargo run --release -p bench -- growth --smoke    small sizes; no figures
//!
//! It builds the modules and the daemon, then enters `tests/host/sandbox` (root, no container engine),
//! where /run is a tmpfs of its own and nsswitch.conf may be changed. Each part is a process of its
//! own there, so that the memory of one is not counted for the next.

#![forbid(unsafe_code)]

mod domain;
mod figures;
mod loops;
mod map;
mod place;
mod plot;
mod report;

use figures::Figures;
use scenarios::outcome::{Check, Failure, ensure};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// What is measured; the numbers are users, or members of one group.
struct Sizes {
    users: &'static [u32],
    members: &'static [u32],
}

const FULL: Sizes = Sizes {
    users: &[1_000, 3_000, 10_000, 100_000, 500_000],
    members: &[10, 1_000, 10_000, 100_000],
};
const SMALL: Sizes = Sizes { users: &[1_000, 3_000], members: &[10, 300] };
/// tests/host/sandbox ends so where it cannot be made.
const SKIPPED: i32 = 77;

/// How it ended, where nothing failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// As wanted.
    Well,
    /// This machine cannot make the sandbox.
    Skipped,
}

/// `bench growth ...`.
///
/// # Errors
/// When something cannot be built, or does not answer as it should.
pub fn run(words: &[String]) -> Check<Ended> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        [] => enter(&[]),
        ["--smoke"] => enter(&["--smoke"]),
        ["inside"] => inside(&FULL, true),
        ["inside", "--smoke"] => inside(&SMALL, false),
        ["part", "users", size] => well(map::users(number(size)?)),
        ["part", "members", size] => well(map::members(number(size)?)),
        ["part", "domain", size] => well(domain::users(number(size)?)),
        ["part", "groups", sizes] => {
            let sizes: Vec<u32> = sizes.split(',').map(number).collect::<Check<_>>()?;
            well(domain::groups(&sizes))
        }
        _ => Err(Failure::new("usage: bench growth [--smoke]")),
    }
}

fn well(done: Check) -> Check<Ended> {
    done.map(|()| Ended::Well)
}

fn number(word: &str) -> Check<u32> {
    word.parse().map_err(|_| Failure::new(format!("'{word}' is no number of users or members")))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn failed(what: &str) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::new(format!("cannot {what}: {error}"))
}

/// Outside: builds what is measured, and starts this program again in the sandbox.
fn enter(words: &[&str]) -> Check<Ended> {
    // The modules in a call of their own; see packaging/build.
    for packages in [&["nss_ldaps", "pam_ldaps"][..], &["ldapsd"]] {
        let packages = packages.iter().flat_map(|package| ["-p", package]);
        let mut build = Command::new("cargo");
        build.args(["build", "--quiet", "--release", "--locked"]).args(packages);
        let ended = build.current_dir(root()).status().map_err(failed("run cargo"))?;
        ensure(ended.success(), || "what is to be measured was not built".to_owned())?;
    }
    let ended = Command::new(root().join("tests/host/sandbox"))
        .arg("--")
        .arg(own()?)
        .args(["growth", "inside"])
        .args(words)
        .status()
        .map_err(failed("run tests/host/sandbox"))?;
    match ended.code() {
        Some(SKIPPED) => Ok(Ended::Skipped),
        _ => well(ensure(ended.success(), || "the sandbox ended badly".to_owned())),
    }
}

fn own() -> Check<PathBuf> {
    std::env::current_exe().map_err(failed("find this program"))
}

/// Inside: all parts, one after another.
fn inside(sizes: &Sizes, write: bool) -> Check<Ended> {
    ensure(std::env::var_os("LDAPS_SANDBOX").is_some(), || {
        "this changes /etc and /run: only in tests/host/sandbox".to_owned()
    })?;
    let mut figures = Figures::default();
    for size in sizes.users {
        figures.add(&part("users", size)?)?;
    }
    for size in sizes.members {
        figures.add(&part("members", size)?)?;
    }
    let all: Vec<String> = sizes.members.iter().map(u32::to_string).collect();
    figures.add(&part("groups", all.join(","))?)?;
    for size in sizes.users {
        figures.add(&part("domain", size)?)?;
    }
    let text = report::markdown(&figures, sizes.users, sizes.members)?;
    println!("{text}");
    if write {
        report::write(&root().join("docs"), &figures, &text)?;
    } else {
        println!("1 passed, 0 failed, 0 skipped");
    }
    Ok(Ended::Well)
}

/// A part in a process of its own: what it prints.
fn part(kind: &str, size: impl Display) -> Check<String> {
    eprintln!("{kind}, {size} ...");
    let size = size.to_string();
    let mut command = Command::new(own()?);
    command.args(["growth", "part", kind, &size]).stderr(Stdio::inherit());
    let output = command.output().map_err(failed("start this program again"))?;
    let ended: ExitStatus = output.status;
    ensure(ended.success(), || format!("the part '{kind}' with {size} ended badly"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

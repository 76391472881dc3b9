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
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// What is measured; the numbers are users, or members of one group.
struct Sizes {
    users: &'static [u32],
    members: &'static [u32],
    /// How often each part about the map alone is done.
    rounds: usize,
}

const FULL: Sizes = Sizes {
    users: &[1_000, 3_000, 10_000, 100_000, 500_000],
    members: &[10, 1_000, 10_000, 100_000],
    rounds: 3,
};
const SMALL: Sizes = Sizes { users: &[1_000, 3_000], members: &[10, 300], rounds: 1 };
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
        ["inside"] => well(full()),
        ["inside", "--smoke"] => well(smoke()),
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

/// Inside: all of it, into the page.
fn full() -> Check {
    let mut figures = Figures::default();
    for (kind, size) in parts(&FULL) {
        figures.add(&part(kind, &size)?)?;
    }
    println!("{}", report::write(&root().join("docs"), &figures, FULL.users, FULL.members)?);
    Ok(())
}

/// Inside: all of it once with small sizes, into a copy of the page.
fn smoke() -> Check {
    let (mut figures, mut failures) = (Figures::default(), Vec::new());
    let mut passed = 0;
    let mut count = |what: String, done: Check| match done {
        Ok(()) => {
            passed += 1;
            println!("ok {what}");
        }
        Err(failure) => {
            println!("FAILED {what}: {failure}");
            failures.push(what);
        }
    };
    for (kind, size) in parts(&SMALL) {
        let done = part(kind, &size).and_then(|printed| figures.add(&printed));
        count(format!("{kind}, {size}"), done);
    }
    let written = in_a_copy_of_the_page(|docs| {
        report::write(docs, &figures, SMALL.users, SMALL.members).map(drop)
    });
    count("the page and its plots".to_owned(), written);
    println!("{passed} passed, {} failed, 0 skipped", failures.len());
    ensure(failures.is_empty(), || failures.join("; "))
}

/// What is measured, one after another. The map's sizes take turns: their ratios are what is claimed, and
/// the machine's mood must not fall on one of them.
fn parts(sizes: &Sizes) -> Vec<(&'static str, String)> {
    let words = |sizes: &[u32]| sizes.iter().map(u32::to_string).collect::<Vec<_>>();
    let each = |kind, sizes| words(sizes).into_iter().map(move |size| (kind, size));
    let round = |_| each("users", sizes.users).chain(each("members", sizes.members));
    let groups = [("groups", words(sizes.members).join(","))];
    (0..sizes.rounds).flat_map(round).chain(groups).chain(each("domain", sizes.users)).collect()
}

fn in_a_copy_of_the_page(write: impl FnOnce(&Path) -> Check) -> Check {
    let docs = std::env::temp_dir().join(format!("ldaps-growth-docs-{}", std::process::id()));
    fs::create_dir_all(&docs).map_err(failed("make a directory for the page"))?;
    let page = report::PAGE;
    let copied = fs::copy(root().join("docs").join(page), docs.join(page));
    let done = copied.map_err(failed("copy the page")).and_then(|_| write(&docs));
    // Left behind, it is a page in the temporary directory.
    let _ = fs::remove_dir_all(&docs);
    done
}

/// A part in a process of its own: what it prints.
fn part(kind: &str, size: &str) -> Check<String> {
    eprintln!("{kind}, {size} ...");
    let mut command = Command::new(own()?);
    command.args(["growth", "part", kind, size]).stderr(Stdio::inherit());
    let output = command.output().map_err(failed("start this program again"))?;
    let ended: ExitStatus = output.status;
    ensure(ended.success(), || format!("the part '{kind}' with {size} ended badly"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

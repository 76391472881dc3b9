//! The benchmarks: the product, sssd and nslcd on hosts of their own against one Samba AD, and
//! the floor below them, each asked by the same loops in turn.
//!
//!   cargo run --release -p bench [-- --deb PATH]   writes the figures into docs/performance.md
//!   cargo run --release -p bench -- --only login   that row alone; prints it
//!   cargo run --release -p bench -- --smoke        a few calls of everything; no figures
//!   cargo run --release -p bench -- growth         how cost grows; see `growth/mod.rs`
//!
//! As a program of the floor's container it is called `floor`; see `floor.rs`.

#![forbid(unsafe_code)]

mod floor;
mod growth;
mod machine;
mod numbers;
mod report;
mod rows;
mod stand;

use report::Run;
use rows::{Effort, ROWS};
use scenarios::engine::Engine;
use scenarios::images;
use scenarios::options::Options;
use scenarios::outcome::{Check, Failure};
use scenarios::package_file::Package;
use stand::{Source, Stand};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str =
    "usage: bench [--smoke] [--deb PATH] [--only PART-OF-A-ROW]..., or: bench growth [--smoke]";
/// Where there is no container engine, or for growth no sandbox, nothing is measured: skipped, as ./check understands it.
const SKIPPED: u8 = 77;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((word, rest)) if word == "floor" => match rest.split_first() {
            Some((kind, names)) => floor::run(kind, names),
            None => Err(Failure::new("usage: floor search|groups|login NAME...")),
        },
        Some((word, rest)) if word == "growth" => match growth::run(rest) {
            Ok(growth::Ended::Skipped) => return ExitCode::from(SKIPPED),
            other => other.map(drop),
        },
        _ => match Engine::find() {
            Ok(engine) => compare(&engine, words),
            Err(failure) => {
                println!("skipped: {failure}");
                return ExitCode::from(SKIPPED);
            }
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn compare(engine: &Engine, words: Vec<String>) -> Check {
    let (smoke, others): (Vec<String>, _) = words.into_iter().partition(|word| word == "--smoke");
    let options = Options::from_arguments(others.into_iter())
        .map_err(|failure| Failure::new(format!("{failure}\n{USAGE}")))?;
    engine.sweep_at_the_end()?;
    let done = on_engine(engine, &options, !smoke.is_empty());
    engine.sweep();
    done
}

fn on_engine(engine: &Engine, options: &Options, smoke: bool) -> Check {
    let package = Package::of(options, engine)?;
    let base = images::bases(engine)?.into_iter().next();
    let base = base.ok_or_else(|| Failure::new("no base image"))?;
    let stand = Stand::up(engine, &base, package.path())?;
    let run = measure(&stand, options, if smoke { Effort::SMOKE } else { Effort::FULL })?;
    if smoke {
        println!("1 passed, 0 failed, 0 skipped");
        return Ok(());
    }
    let text = run.markdown();
    println!("{text}");
    if !options.only.is_empty() {
        return Ok(());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/performance.md");
    report::write(&file, "table", &text)
}

fn measure(stand: &Stand<'_>, options: &Options, effort: Effort) -> Check<Run> {
    let mut table = Vec::new();
    for row in ROWS.iter().filter(|row| options.wants(row.title)) {
        eprintln!("{} ...", row.title);
        table.push((row, row.measure(stand, effort)?));
    }
    let memory = Source::ALL.iter().map(|source| Ok((*source, stand.memory(*source)?)));
    let memory = memory.collect::<Check<_>>()?;
    let versions = stand
        .versions()?
        .into_iter()
        .map(|(source, version)| format!("{} {version}", source.title()));
    let mut versions: Vec<String> = versions.collect();
    versions.push(format!("alice in {} groups", stand.groups_of_alice));
    Ok(Run { machine: machine::describe(), versions: versions.join(", "), table, memory })
}

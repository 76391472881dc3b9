//! Runs the table on every image and prints one line for each scenario.

#![forbid(unsafe_code)]

use crate::engine::Engine;
use crate::images::{self, Base};
use crate::options::Options;
use crate::outcome::{Check, Failure, Outcome, ensure};
use crate::package_file::Package;
use crate::scenario::{Scenario, Shared, Stage, table};
use std::time::Instant;

/// How many ended how.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Held.
    pub passed: u32,
    /// Did not.
    pub failed: u32,
    /// Could not be run.
    pub skipped: u32,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed(_) => self.passed += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Skipped(_) => self.skipped += 1,
        }
    }
}

/// Builds what is missing and runs everything that the options ask for.
#[must_use]
pub fn run(options: &Options) -> Tally {
    let mut tally = Tally::default();
    let wanted: Vec<&Scenario> = table().filter(|scenario| options.wants(scenario.name)).collect();
    let engine = match Engine::find() {
        Ok(engine) => engine,
        Err(failure) => {
            for scenario in wanted {
                report(
                    &mut tally,
                    "no image",
                    scenario.name,
                    &Outcome::Skipped(failure.to_string()),
                    0.0,
                );
            }
            return tally;
        }
    };
    if let Err(failure) = on_engine(options, &engine, &wanted, &mut tally) {
        report(&mut tally, "all images", "preparation", &Outcome::Failed(failure.to_string()), 0.0);
    }
    if options.keep {
        println!("kept: containers and networks with the label {}", engine.label());
    } else {
        engine.sweep();
    }
    tally
}

fn on_engine(options: &Options, engine: &Engine, wanted: &[&Scenario], tally: &mut Tally) -> Check {
    ensure(!wanted.is_empty(), || "no scenario has such a name; --list shows them".to_owned())?;
    if !options.keep {
        engine.sweep_at_the_end()?;
    }
    let package = Package::of(options, engine)?;
    let bases = images::bases(engine)?;
    let newest = bases.first().ok_or_else(|| Failure::new("no base image"))?;
    let dc_image = images::domain_controller(engine, newest)?;
    let sssd_image = images::sssd(engine, newest)?;
    let mut shared = Shared::new(engine, &package, dc_image, sssd_image);
    shared.record = options.record;
    let chosen =
        |base: &&Base| options.image.as_ref().is_none_or(|part| base.image.contains(part.as_str()));
    // All images at once: most of the time is spent waiting, for delays after wrong passwords.
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let running: Vec<_> = bases
            .iter()
            .filter(chosen)
            .map(|base| scope.spawn(|| on_image(&shared, base, wanted)))
            .collect();
        let panicked = || Tally { failed: 1, ..Tally::default() };
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked())).collect()
    });
    tallies.into_iter().for_each(|of_image| tally.add(of_image));
    Ok(())
}

fn on_image(shared: &Shared<'_>, base: &Base, wanted: &[&Scenario]) -> Tally {
    let mut tally = Tally::default();
    let stage =
        images::host(shared.engine, base).and_then(|image| Stage::start(shared, base, image));
    let stage = match stage {
        Ok(stage) => stage,
        Err(failure) => {
            for scenario in wanted {
                let outcome = Outcome::Failed(failure.to_string());
                report(&mut tally, &base.short, scenario.name, &outcome, 0.0);
            }
            return tally;
        }
    };
    for scenario in wanted {
        let start = Instant::now();
        let outcome = Outcome::from(play(&stage, scenario));
        report(&mut tally, &base.short, scenario.name, &outcome, start.elapsed().as_secs_f64());
    }
    tally
}

/// Runs a scenario and puts the stage right after it, also after a failure: the next scenario
/// must not stumble over this one's state.
fn play(stage: &Stage<'_>, scenario: &Scenario) -> Check<String> {
    let played = (scenario.run)(stage);
    if !scenario.disturbs {
        return played;
    }
    match (played, stage.heal()) {
        (played, Ok(())) => played,
        (Ok(_), Err(failure)) => Err(failure),
        (Err(failure), Err(second)) => {
            Err(Failure::new(format!("{failure}\nafterwards, putting all right: {second}")))
        }
    }
}

fn report(tally: &mut Tally, image: &str, name: &str, outcome: &Outcome, seconds: f64) {
    tally.count(outcome);
    let (word, text) = match outcome {
        Outcome::Passed(text) => ("ok     ", text),
        Outcome::Failed(text) => ("FAILED ", text),
        Outcome::Skipped(text) => ("skipped", text),
    };
    println!("{word} {image} {name} ({seconds:.1} s): {}", text.replace('\n', "\n        "));
}

//! A domain controller and one configured host, left standing for somebody to use: the demo.

#![forbid(unsafe_code)]

use crate::engine::Engine;
use crate::images;
use crate::options::Options;
use crate::outcome::{Check, Failure};
use crate::package_file::Package;
use crate::scenario::{Shared, Stage};

/// Brings them up, prints `host CONTAINER` as the last line, and returns, everything swept
/// away again, when standard input ends.
///
/// # Errors
/// When they do not come up.
pub fn stand(options: &Options) -> Check {
    let engine = Engine::find()?;
    engine.sweep_at_the_end()?;
    let stood = until_input_ends(options, &engine);
    engine.sweep();
    stood
}

fn until_input_ends(options: &Options, engine: &Engine) -> Check {
    let package = Package::of(options, engine)?;
    let bases = images::bases(engine)?;
    let base = bases.first().ok_or_else(|| Failure::new("no base image"))?;
    let dc_image = images::domain_controller(engine, base)?;
    let host_image = images::host(engine, base)?;
    // sssd is not part of it.
    let shared = Shared::new(engine, &package, dc_image, String::new());
    let stage = Stage::start(&shared, base, host_image)?;
    println!("host {}", stage.host()?.container());
    let mut ignored = String::new();
    while std::io::stdin().read_line(&mut ignored).is_ok_and(|read| read > 0) {}
    Ok(())
}

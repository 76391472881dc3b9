//! The proof: what both stacks say of everybody, side by side, before anything is switched.
//!
//! The old one answers by its own NSS module (`getent -s`), ours by a daemon of its own on the
//! proposed configuration, with a run directory and a state that are gone afterwards.
#![forbid(unsafe_code)]

mod accounts;
mod compare;
mod keep;
mod old;
mod ours;
mod place;
mod report;

pub use accounts::owners_of_homes;
pub use compare::{Names, Proof};
pub use old::{OldGroup, OldStack, OldUser};

use super::Migrate;
use super::plan::Plan;
use super::source::Source;
use crate::output::print_error;
use ours::Ours;

/// Compares; with `keep_ids`, adds lines to the plan for what differs, and compares again.
///
/// # Errors
/// A sentence, where one of the two does not answer.
pub fn prove(migrate: &Migrate, source: &Source, plan: &mut Plan) -> Result<Proof, String> {
    let old = OldStack::new(source.kind);
    let names = Names(plan.names.clone());
    let mut proof = once(migrate, &old, &names, source, plan)?;
    if migrate.keep_ids && !proof.is_equal() {
        let kept = keep::keep(&proof, plan);
        print_error(&format!("{kept} lines keep what differs; comparing again.\n"));
        if kept > 0 {
            proof = once(migrate, &old, &names, source, plan)?;
        }
    }
    Ok(proof)
}

fn once(
    migrate: &Migrate,
    old: &OldStack,
    names: &Names,
    source: &Source,
    plan: &mut Plan,
) -> Result<Proof, String> {
    print_error("Starting a daemon of its own on the proposed configuration ...\n");
    let ours = Ours::start(plan, &source.shown(), migrate.all, migrate.daemon.as_deref())?;
    let asked = accounts::whom(migrate, old, names, &ours)?;
    print_error(&format!(
        "Asking {} and ldaps-login about {} users ...\n",
        source.kind.title(),
        asked.users.len()
    ));
    compare::compare(&asked, old, names, &ours)
}

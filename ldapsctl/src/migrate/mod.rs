//! `ldapsctl migrate`: the ldaps.toml that keeps what sssd, nslcd or winbind gave everybody, what of
//! their configuration has no counterpart, and the proof.
//!
//! ```text
//! source.rs     which file, and what it is             entries.rs, ini.rs   what stands in it
//! sssd/ nslcd/ winbind/                                a room for each
//! plan.rs       the lines that are proposed, and what is left
//! prove/        both stacks side by side, account by account
//! ```
#![forbid(unsafe_code)]

mod entries;
mod filters;
mod ini;
mod nslcd;
mod plan;
mod prove;
mod servers;
mod source;
mod sssd;
mod subjects;
mod templates;
mod winbind;
mod write;

#[cfg(test)]
mod tests;

use crate::output::{print, print_error};
use clap::Args;
use plan::Plan;
pub use prove::{Names, OldGroup, OldStack, OldUser, owners_of_homes};
pub use source::Kind;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to move from, and how far to go.
#[derive(Args)]
pub struct Migrate {
    /// sssd.conf, nslcd.conf or smb.conf; looked for in their usual places unless named.
    file: Option<PathBuf>,
    /// Which domain, where the file has several.
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// The service account, where the old configuration has none.
    #[arg(long, value_name = "NAME")]
    bind_dn: Option<String>,
    /// A file with the service account's password, where the old configuration has none.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// The CA of the domain controllers, in PEM, where the old configuration names none.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Write ldaps.toml, and the secret if the old configuration holds it (0640), into this directory
    /// instead of printing the first. Nothing that is there already is replaced.
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    /// Compare what both stacks say of everybody, with a daemon of its own beside whatever runs.
    /// Exits with 1 if anything differs. Needs the old stack running, and root.
    #[arg(long)]
    prove: bool,
    /// Keep ids, homes and shells that differ by a line for each ([users.override],
    /// [groups.override]), and compare again.
    #[arg(long, requires = "prove")]
    keep_ids: bool,
    /// Compare everybody in the directory, and not only whom the old stack lists or has cached, and
    /// who has a home directory here.
    #[arg(long, requires = "prove")]
    all: bool,
    /// Compare this user too; may be given again.
    #[arg(long = "user", value_name = "NAME", requires = "prove")]
    users: Vec<String>,
    /// Compare this group too; may be given again.
    #[arg(long = "group", value_name = "NAME", requires = "prove")]
    groups: Vec<String>,
    /// Print every difference, and not only the first forty.
    #[arg(long, requires = "prove")]
    every: bool,
    /// The daemon's program, where it is not in its usual place.
    #[arg(long, value_name = "FILE", hide = true)]
    daemon: Option<PathBuf>,
}

/// What the command line says in the place of the old configuration.
#[derive(Default)]
pub struct Given {
    /// Which domain.
    domain: Option<String>,
    /// The service account.
    bind_dn: Option<String>,
    /// The CA's file.
    ca: Option<String>,
}

/// Plans, prints or writes, and proves.
pub fn run(migrate: &Migrate) -> ExitCode {
    match go(migrate) {
        Ok(code) => code,
        Err(problem) => {
            print_error(&format!("{problem}\n"));
            ExitCode::from(crate::NOT_KNOWN)
        }
    }
}

fn go(migrate: &Migrate) -> Result<ExitCode, String> {
    let given = Given {
        domain: migrate.domain.clone(),
        bind_dn: migrate.bind_dn.clone(),
        ca: migrate.ca.as_ref().map(|path| path.display().to_string()),
    };
    let source = source::find(migrate.file.as_deref())?;
    let mut plan = source.plan(&given)?;
    if let Some(file) = &migrate.secret {
        plan.secret = Some(write::secret_in(file)?);
    }
    let proof = match migrate.prove {
        true => Some(prove::prove(migrate, &source, &mut plan)?),
        false => None,
    };
    let toml = plan.toml(&source.shown());
    match &migrate.write {
        Some(dir) => print(&write::into(dir, &toml, plan.secret.as_ref())?),
        None => print(&toml),
    }
    print_error(&notes(&plan, migrate));
    let Some(proof) = proof else { return Ok(ExitCode::SUCCESS) };
    print(&format!("\n{}", proof.described(source.kind.title(), migrate.every)));
    Ok(if proof.is_equal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the administrator has to know besides the file.
fn notes(plan: &Plan, migrate: &Migrate) -> String {
    let mut text = String::new();
    if !plan.left.is_empty() {
        text += "\nWithout a counterpart, or with another one than it seems:\n";
    }
    for left in &plan.left {
        text += &format!("  {}\n      {}.\n      Remedy: {}.\n", left.key, left.why, left.remedy);
    }
    if !plan.needless.is_empty() {
        let keys = sorted(&plan.needless);
        text += &format!("\nNeeds nothing here: {}.\n", keys.join(", "));
    }
    if plan.is_closed() {
        text +=
            "\nWith this file NOBODY MAY LOG IN until somebody writes who: see the notes above.\n";
    }
    match (&plan.secret, &migrate.write) {
        (Some(_), None) => {
            text += "\nThe service account's password is known and not shown: --write DIR writes it into a \
                     file of its own.\n";
        }
        (None, _) => {
            text += "\nThe service account's password goes into /etc/ldaps/secret (root:ldapsd, 0640).\n"
        }
        (Some(_), Some(_)) => {}
    }
    if !migrate.prove {
        text +=
            "\nBefore anything is switched: the same command with --prove compares both stacks.\n";
    }
    text
}

/// Each key once, in the order of the alphabet.
fn sorted(keys: &[String]) -> Vec<&str> {
    let keys: std::collections::BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    keys.into_iter().collect()
}

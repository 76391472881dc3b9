//! What the command line asks for.

#![forbid(unsafe_code)]

use crate::outcome::{Check, Failure};
use std::path::PathBuf;

/// How it is called.
pub const USAGE: &str = "usage: scenarios [--deb PATH] [--only PART-OF-A-NAME]... [--image PART-OF-A-NAME] [--keep] [--list] [--stand] [--record]";

/// The command line.
#[derive(Debug, Default)]
pub struct Options {
    /// The package to install; without it, the one that packaging/build makes.
    pub deb: Option<PathBuf>,
    /// Only scenarios whose name contains one of these; all where empty.
    pub only: Vec<String>,
    /// Only base images whose name contains this.
    pub image: Option<String>,
    /// Leave containers and networks standing, to look into.
    pub keep: bool,
    /// Print the table and do nothing.
    pub list: bool,
    /// Bring up a domain controller and one host, and leave them standing until standard
    /// input ends.
    pub stand: bool,
    /// Play the terminal sessions of the docs, and write them there.
    pub record: bool,
}

impl Options {
    /// Reads the arguments (without the program's name).
    ///
    /// # Errors
    /// For an argument that is not known, or one without its value.
    pub fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Check<Self> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| Failure::new(format!("{argument} wants a value behind it")))
            };
            match argument.as_str() {
                "--deb" => options.deb = Some(PathBuf::from(value()?)),
                "--only" => options.only.push(value()?),
                "--image" => options.image = Some(value()?),
                "--keep" => options.keep = true,
                "--list" => options.list = true,
                "--stand" => options.stand = true,
                "--record" => {
                    options.record = true;
                    options.only.push("sessions-in-the-docs".to_owned());
                }
                _ => return Err(Failure::new(format!("unknown argument {argument}"))),
            }
        }
        Ok(options)
    }

    /// Is this scenario asked for?
    #[must_use]
    pub fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| scenario.contains(part.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Check<Options> {
        Options::from_arguments(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_selected_scenario_is_left_out_or_another_one_run() {
        let options = read("--only ca-file --only purge --keep").expect("valid");
        assert!(options.wants("ca-file-missing") && options.wants("purge-leaves-etc-as-it-was"));
        assert!(!options.wants("right-password-gets-in") && options.keep);
    }

    #[test]
    fn a_mistyped_argument_runs_everything() {
        assert!(read("--onyl x").is_err());
        assert!(read("--only").is_err());
    }
}

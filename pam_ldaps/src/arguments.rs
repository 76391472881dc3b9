//! What may stand behind the module's name in a file of /etc/pam.d.
#![forbid(unsafe_code)]

use std::ffi::CStr;

/// The arguments that libpam's `pam_get_authtok` reads and obeys itself; known here so that they
/// are not warned about. Each may carry a value behind `=`.
const LIBPAMS: [&str; 4] = ["use_first_pass", "try_first_pass", "use_authtok", "authtok_type"];

/// The arguments, as far as the module itself heeds them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `debug`: say in the log why a user is left to other modules.
    pub debug: bool,
    /// What nobody knows: a mistake of the administrator's, who is told and not locked out.
    pub unknown: Vec<String>,
}

impl Arguments {
    /// Reads the arguments as libpam hands them over.
    #[must_use]
    pub fn parse(given: &[&CStr]) -> Self {
        let mut arguments = Self::default();
        for argument in given {
            let argument = argument.to_string_lossy();
            let name = argument.split_once('=').map_or(&*argument, |(name, _)| name);
            match name {
                "debug" => arguments.debug = true,
                name if LIBPAMS.contains(&name) => {}
                _ => arguments.unknown.push(argument.into_owned()),
            }
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_of_libpams_is_warned_about_or_a_misspelt_one_is_not() {
        let given = [c"use_first_pass", c"authtok_type=AD", c"debug", c"use_frist_pass", c"x=y"];
        let parsed = Arguments::parse(&given);
        assert!(parsed.debug);
        assert_eq!(parsed.unknown, ["use_frist_pass", "x=y"]);
        assert_eq!(Arguments::parse(&[c"try_first_pass", c"use_authtok"]), Arguments::default());
    }

    #[test]
    fn an_argument_that_is_no_text_is_a_lock_out() {
        assert_eq!(Arguments::parse(&[c"\xff"]).unknown, ["\u{fffd}"]);
    }

    #[test]
    fn the_manual_has_another_argument_than_the_module() {
        let manual =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/man/pam_ldaps.8.md"));
        let (_, arguments) = manual.split_once("## ARGUMENTS").unwrap();
        let (arguments, _) = arguments.split_once("\n## ").unwrap();
        let rows =
            arguments.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(['`', '=']));
        let rows: Vec<&str> = rows.map(|(name, _)| name).collect();
        let known: Vec<&str> = std::iter::once("debug").chain(LIBPAMS).collect();
        assert_eq!(rows, known);
    }

    #[test]
    fn a_code_of_the_module_is_not_in_the_manual() {
        let manual =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/man/pam_ldaps.8.md"));
        let (code, _) = include_str!("codes.rs").split_once("#[cfg(test)]").unwrap();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let is_of_word = |c: char| c.is_ascii_uppercase() || c == '_';
        let words = code.flat_map(|line| line.split(|c: char| !is_of_word(c)));
        let codes: std::collections::BTreeSet<&str> =
            words.filter(|word| word.starts_with("PAM_")).collect();
        assert!(codes.len() > 8, "{codes:?}");
        for code in codes {
            assert!(manual.contains(&format!("| `{code}` |")), "{code} wanted in the manual");
        }
    }
}

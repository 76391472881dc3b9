//! `ldapsctl manual DIR`: manual pages and completions, made from the same tables as `--help` and the
//! reference of ldaps.toml. For the package's build; not listed by `--help`.
#![forbid(unsafe_code)]

mod commands;
mod roff;

use crate::output::print_error;
use clap::Command;
use clap_complete::Shell;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

const REFERENCE: &str = include_str!("../../../docs/ldaps.toml.md");

/// Each page's file name and source. **A new page is a new row.**
const PAGES: &[(&str, &str)] = &[
    ("ldapsctl.1", include_str!("../../../docs/man/ldapsctl.1.md")),
    ("ldaps.toml.5", include_str!("../../../docs/man/ldaps.toml.5.md")),
    ("ldapsd.8", include_str!("../../../docs/man/ldapsd.8.md")),
    ("libnss_ldaps.8", include_str!("../../../docs/man/libnss_ldaps.8.md")),
    ("pam_ldaps.8", include_str!("../../../docs/man/pam_ldaps.8.md")),
];

/// Each shell, and where its completions stand below DIR.
const COMPLETIONS: &[(Shell, &str)] = &[
    (Shell::Bash, "completions/bash/ldapsctl"),
    (Shell::Zsh, "completions/zsh/_ldapsctl"),
    (Shell::Fish, "completions/fish/ldapsctl.fish"),
];

/// Writes everything below `dir`.
pub fn run(command: &Command, dir: &Path) -> ExitCode {
    match write(command, dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&format!("{} cannot be written: {error}\n", dir.display()));
            ExitCode::FAILURE
        }
    }
}

fn write(command: &Command, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir.join("man"))?;
    for (name, source) in PAGES {
        fs::write(dir.join("man").join(name), page(command, source))?;
    }
    for (shell, place) in COMPLETIONS {
        let path = dir.join(place);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::write(path, completion(command, *shell))?;
    }
    Ok(())
}

/// One page in roff.
fn page(command: &Command, source: &str) -> String {
    // The reference's title is the page's own.
    let reference = REFERENCE.split_once('\n').map_or(REFERENCE, |(_, rest)| rest);
    // Where the package has what the repository has elsewhere.
    let reference = reference.replace("`etc/", "`/usr/share/doc/ldaps-login/examples/");
    let reference = reference
        .replace("examples/ldaps/", "examples/")
        .replace("examples/ssh/sshd_config.d/", "examples/");
    let reference = reference.replace(" in this repository", "");
    let reference = reference.replace("\n### ", "\n#### ").replace("\n## ", "\n### ");
    let source = source.replace("{reference}", &reference);
    let source = source.replace("{commands}", &commands::markdown(command));
    roff::page(&source, command.get_version().unwrap_or_default())
}

fn completion(command: &Command, shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut visible(command), "ldapsctl", &mut script);
    script
}

/// Without the commands that `--help` does not list.
fn visible(command: &Command) -> Command {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set()).cloned();
    let about = command.get_about().cloned().unwrap_or_default();
    Command::new("ldapsctl").version(env!("CARGO_PKG_VERSION")).about(about).subcommands(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn rendered(name: &str) -> String {
        let (_, source) = PAGES.iter().find(|(page, _)| *page == name).unwrap();
        page(&crate::Arguments::command(), source)
    }

    /// What a reader sees of roff's text.
    fn seen(roff: &str) -> String {
        let text = ["\\fB", "\\fI", "\\fR", "\\&"]
            .iter()
            .fold(roff.to_owned(), |text, mark| text.replace(mark, ""));
        text.replace("\\-", "-")
            .replace("\\(aq", "'")
            .replace("\\e", "\\")
            .replace("\\(ga", "`")
            .replace("\\(ha", "^")
            .replace("\\(ti", "~")
    }

    #[test]
    fn a_command_or_an_option_is_missing_in_the_manual() {
        let text = seen(&rendered("ldapsctl.1"));
        let mut commands = vec![crate::Arguments::command()];
        let mut count = 0;
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let Some(long) = argument.get_long() else { continue };
                assert!(text.contains(&format!("--{long}")), "--{long} of {}", command.get_name());
                count += 1;
            }
            for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
                assert!(text.contains(&format!(" {}", below.get_name())), "{}", below.get_name());
                commands.push(below.clone());
            }
        }
        assert!(count > 20, "{count} options alone were looked for");
        assert!(!text.contains("ldapsctl manual"), "what is not listed is in the manual");
    }

    #[test]
    fn a_key_of_the_reference_is_missing_in_the_manual() {
        let text = seen(&rendered("ldaps.toml.5"));
        let keys: Vec<&str> = REFERENCE
            .lines()
            .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0))
            .collect();
        assert!(keys.len() > 40, "{keys:?}");
        for key in keys {
            assert!(text.contains(&format!("\n{key}\n")), "{key} wanted in\n{text}");
        }
        for line in text.lines() {
            assert!(!line.starts_with('|') && !line.contains("{reference}"), "{line}");
        }
    }

    #[test]
    fn a_subcommand_is_completed_nowhere() {
        for (shell, _) in COMPLETIONS {
            let script =
                String::from_utf8(completion(&crate::Arguments::command(), *shell)).unwrap();
            for word in ["doctor", "check-config", "migrate", "keep-ids"] {
                assert!(script.contains(word), "{word} for {shell}");
            }
            assert!(!script.contains("manual"), "{shell}");
        }
    }
}

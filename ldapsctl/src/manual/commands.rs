//! The commands and options of the tool, as the little Markdown of the manual.
#![forbid(unsafe_code)]

use clap::{Arg, Command};

/// Everything that `--help` lists, command by command.
pub fn markdown(command: &Command) -> String {
    let mut text = String::new();
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        one(below, "ldapsctl", &mut text);
    }
    text
}

fn one(command: &Command, above: &str, text: &mut String) {
    let name = format!("{above} {}", command.get_name());
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && argument.get_id() != "help")
        .collect();
    let words: Vec<String> =
        arguments.iter().filter(|one| one.is_positional()).map(|one| word(one)).collect();
    let options = if arguments.iter().any(|one| !one.is_positional()) { " [OPTIONS]" } else { "" };
    let below: Vec<&Command> =
        command.get_subcommands().filter(|below| !below.is_hide_set()).collect();
    let behind = if below.is_empty() { String::new() } else { " COMMAND".to_owned() };
    let words = words.iter().map(|word| format!(" {word}")).collect::<String>();
    *text += &format!("### {name}{options}{words}{behind}\n\n");
    let about = command.get_long_about().or_else(|| command.get_about());
    *text += &format!("{}\n\n", sentence(&about.map(ToString::to_string).unwrap_or_default()));
    if !arguments.is_empty() {
        *text += "| option | meaning |\n|---|---|\n";
    }
    for argument in arguments {
        let help = argument.get_long_help().or_else(|| argument.get_help());
        let help = sentence(&help.map(ToString::to_string).unwrap_or_default());
        *text += &format!("| `{}` | {help}{} |\n", spelling(argument), default(argument));
    }
    *text += "\n";
    for command in below {
        one(command, &name, text);
    }
}

/// `NAME`, `[FILE]`, `FILE...`
fn word(argument: &Arg) -> String {
    let name = value_name(argument);
    let many = argument.get_num_args().is_some_and(|range| range.max_values() > 1);
    let name = if many { format!("{name}...") } else { name };
    if argument.is_required_set() { name } else { format!("[{name}]") }
}

/// `-v, --long VALUE`
fn spelling(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let flags: Vec<String> = short.into_iter().chain(long).collect();
    if flags.is_empty() {
        return value_name(argument);
    }
    let takes_value = argument.get_action().takes_values();
    let value = if takes_value { format!(" {}", value_name(argument)) } else { String::new() };
    format!("{}{value}", flags.join(", "))
}

fn value_name(argument: &Arg) -> String {
    match argument.get_value_names() {
        Some([name, ..]) => name.to_string(),
        _ => argument.get_id().to_string().to_uppercase(),
    }
}

fn default(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    match argument.get_default_values() {
        [value, ..] => format!(" By default `{}`.", value.to_string_lossy()),
        [] => String::new(),
    }
}

/// One line, which ends as a sentence does (clap takes the last full stop away).
fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    if text.is_empty() || text.ends_with(['.', '?', '!']) { text } else { format!("{text}.") }
}

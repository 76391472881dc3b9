//! What the tool prints.
#![forbid(unsafe_code)]

use crate::terminal;
use std::io::{self, Write};

/// Prints to standard output. A reader that has gone away (`ldapsctl status | head -1`) is no error.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    // A question is not the end of a line, and has to be seen before it is answered.
    let _gone = out.write_all(harmless(text).as_bytes()).and_then(|()| out.flush());
}

/// Prints sentences, which end between words on a terminal.
pub fn say(text: &str) {
    print(&terminal::wrapped(text, terminal::width(io::stdout()), 0));
}

/// Prints what is for a program alone, and made by us, as it is.
pub fn print_raw(text: &str) {
    let _gone = write(text);
}

/// Writes to standard output, and says whether anybody still reads it.
///
/// # Errors
/// Nobody does.
pub fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Prints to standard error.
pub fn print_error(text: &str) {
    let text = terminal::wrapped(&harmless(text), terminal::width(io::stderr()), 0);
    let _gone = io::stderr().lock().write_all(text.as_bytes());
}

/// Names and messages come from the directory in part; a terminal must not take them for commands.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Lines of `label  text`, the texts in one column; a label is written once for all its lines.
#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<(String, String)>,
}

impl Table {
    /// Adds a line; an empty label continues the one above.
    pub fn line(&mut self, label: &str, text: impl Into<String>) {
        self.lines.push((label.to_owned(), text.into()));
    }

    /// Adds a line for each text under one label; nothing where there are none.
    pub fn lines(&mut self, label: &str, texts: impl IntoIterator<Item = String>) {
        for (index, text) in texts.into_iter().enumerate() {
            self.line(if index == 0 { label } else { "" }, text);
        }
    }

    /// The whole table.
    #[must_use]
    pub fn render(&self) -> String {
        let width = self.lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let columns = terminal::width(io::stdout());
        let line = |(label, text): &(String, String)| {
            terminal::wrapped(&format!("  {label:width$}  {text}\n"), columns, width + 4)
        };
        self.lines.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_directory_says_cannot_command_the_terminal() {
        assert_eq!(harmless("a\x1b[2J\u{9b}b\r\nc"), "a\u{fffd}[2J\u{fffd}b\u{fffd}\nc");
    }

    #[test]
    fn the_texts_of_a_table_stand_in_one_column() {
        let mut table = Table::default();
        table.line("a", "one");
        table.lines("label", ["two".to_owned(), "three".to_owned()]);
        table.lines("none", []);
        assert_eq!(table.render(), "  a      one\n  label  two\n         three\n");
    }
}

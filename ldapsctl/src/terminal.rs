//! What a terminal is shown otherwise than a file: lines that end between words, and colour, which is
//! never used with `NO_COLOR` (<https://no-color.org>).
#![forbid(unsafe_code)]

use crate::output::harmless;
use rustix::termios::tcgetwinsize;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

/// Narrower than this, words are broken all the same.
const NARROWEST: usize = 40;

/// How commands begin, up to the next semicolon.
const COMMANDS: &[&str] = &["sudo ", "sudoedit ", "dsacls ", "ldapsctl cert ", "openssl ", "echo "];

/// How a line is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// A heading.
    Bold,
    /// What comes, or is well.
    Green,
    /// What goes, or is wrong.
    Red,
    /// What to look at.
    Yellow,
}

impl Paint {
    /// The number of ECMA-48's "select graphic rendition".
    fn code(self) -> u8 {
        match self {
            Self::Bold => 1,
            Self::Green => 32,
            Self::Red => 31,
            Self::Yellow => 33,
        }
    }

    /// The text, coloured where colour is wanted.
    pub fn on(self, text: &str) -> String {
        match wanted() {
            true => format!("\x1b[{}m{text}\x1b[0m", self.code()),
            false => text.to_owned(),
        }
    }
}

/// Prints a sentence.
pub fn line(paint: Paint, text: &str) {
    whole(paint, &wrapped(text, width(io::stdout()), 0));
}

/// Prints a line as it is: one of a file.
pub fn whole(paint: Paint, text: &str) {
    let text = harmless(text);
    // A reader that has gone away is no error.
    let mut out = io::stdout().lock();
    let _gone = writeln!(out, "{}", paint.on(&text)).and_then(|()| out.flush());
}

fn wanted() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    io::stdout().is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_none_or(|term| term != "dumb")
}

/// What is being done, in one line of a terminal that is empty again when this is gone; nothing elsewhere.
/// On standard error: what is asked for alone is on standard output.
#[derive(Debug)]
pub struct Progress {
    is_shown: bool,
}

impl Progress {
    /// Shows the first thing.
    pub fn begin(what: &str) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let progress = Self { is_shown: io::stderr().is_terminal() && !is_dumb };
        progress.now(what);
        progress
    }

    /// Shows the next.
    pub fn now(&self, what: &str) {
        // Of a second line nothing could be taken away.
        let room = width(io::stderr()).unwrap_or(NARROWEST).saturating_sub(" ... ".len());
        let what: String = harmless(what).chars().take(room).collect();
        self.write(&format!("{EMPTY_LINE}{what} ..."));
    }

    /// Shows nothing: somebody is asked something, or told.
    pub fn nothing(&self) {
        self.write(EMPTY_LINE);
    }

    fn write(&self, text: &str) {
        if self.is_shown {
            let mut err = io::stderr().lock();
            let _gone = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.nothing();
    }
}

/// To its beginning, and erase to its end (ECMA-48).
const EMPTY_LINE: &str = "\r\x1b[K";

/// The columns of the terminal there; None: it is none, or does not say.
pub fn width(of: impl AsFd) -> Option<usize> {
    let columns = usize::from(tcgetwinsize(of).ok()?.ws_col);
    (columns >= NARROWEST).then_some(columns)
}

/// The text in lines that end between words, the second and following ones of each under the first, or
/// under this column. A command is left whole, for whoever copies it.
#[must_use]
pub fn wrapped(text: &str, width: Option<usize>, under: usize) -> String {
    let Some(width) = width else { return text.to_owned() };
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => wrapped_line(line, width, under) + "\n",
            None => wrapped_line(line, width, under),
        })
        .collect()
}

fn wrapped_line(line: &str, width: usize, under: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let rest = line.trim_start_matches(' ');
    let indent = line.len() - rest.len();
    let (mut lines, mut current) = (String::new(), " ".repeat(indent));
    let mut is_first = true;
    for part in parts(rest) {
        if !is_first && current.chars().count() + 1 + part.chars().count() > width {
            lines += current.trim_end();
            lines.push('\n');
            current = " ".repeat(indent.max(under));
        } else if !is_first {
            current.push(' ');
        }
        current += part;
        is_first = false;
    }
    lines + &current
}

/// What may stand at the end of a line: words, and whole commands (see [`COMMANDS`], and what stands in backticks).
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = match () {
            () if COMMANDS.iter().any(|begin| rest.starts_with(begin)) => rest.find("; "),
            () if rest.starts_with('`') => rest.get(1..).and_then(|it| it.find('`')).map(|at| {
                at + 2
                    + rest.get(at + 2..).and_then(|it| it.find(' ')).unwrap_or(rest.len() - at - 2)
            }),
            () => rest.find(' '),
        };
        let end =
            end.map_or(rest.len(), |end| if rest[end..].starts_with("; ") { end + 1 } else { end });
        let (part, behind) = rest.split_at(end);
        parts.push(part);
        rest = behind.strip_prefix(' ').unwrap_or(behind);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_or_a_command_is_broken_or_a_line_is_longer_than_the_terminal() {
        for (text, shown) in [
            ("short", "short"),
            ("one two three four", "one two\nthree four"),
            ("  one two three four", "  one two\n    three\n    four"),
            ("a-word-that-is-too-long for it", "a-word-that-is-too-long\nfor it"),
            (
                "do: sudo systemctl reload ldapsd; then look",
                "do:\nsudo systemctl reload ldapsd;\nthen look",
            ),
            ("run `ldapsctl why alice`. Then", "run\n`ldapsctl why alice`.\nThen"),
            ("é é é é é é", "é é é é é\né"),
        ] {
            let under = if text.starts_with(' ') { 4 } else { 0 };
            assert_eq!(wrapped(text, Some(10), under), shown, "{text}");
            assert_eq!(wrapped(text, None, under), text);
        }
        assert_eq!(
            wrapped("one two three\n\nfour five six\n", Some(10), 0),
            "one two\nthree\n\nfour five\nsix\n"
        );
    }
}

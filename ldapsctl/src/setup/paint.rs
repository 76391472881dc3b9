//! Colour, on terminals alone and never with `NO_COLOR` (<https://no-color.org>).
#![forbid(unsafe_code)]

use crate::output::harmless;
use std::io::{self, IsTerminal, Write};

/// How a line is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// A heading.
    Bold,
    /// What comes.
    Green,
    /// What goes.
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
}

/// Prints one line.
pub fn line(paint: Paint, text: &str) {
    let mut out = io::stdout().lock();
    let text = harmless(text);
    // A reader that has gone away is no error.
    let _gone = match wanted() {
        true => writeln!(out, "\x1b[{}m{text}\x1b[0m", paint.code()),
        false => writeln!(out, "{text}"),
    };
    let _gone = out.flush();
}

fn wanted() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    io::stdout().is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_none_or(|term| term != "dumb")
}

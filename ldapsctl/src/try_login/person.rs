//! Who answers PAM's questions: the terminal, or the lines of standard input. An empty answer is
//! never given, for an empty password is none.
#![forbid(unsafe_code)]

use std::io::{BufRead, Write, stdin, stdout};
use std::rc::Rc;
use std::sync::mpsc::Sender;

use zeroize::Zeroizing;

use super::WAITING;
use super::ffi::{Person, Style};
use crate::output::harmless;
use crate::terminal::Progress;

/// Where answers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// The terminal, without echo where PAM wants it so.
    Terminal,
    /// Standard input, a line each.
    StandardInput,
}

/// What PAM has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something to read.
    Words(String),
    /// A question for a password.
    Question,
}

/// The person, and to whom it is told what PAM has said.
pub struct Somebody {
    pub answers: Answers,
    pub told: Sender<Heard>,
    /// What is shown while PAM has the word.
    pub progress: Rc<Progress>,
}

impl Person for Somebody {
    fn hear(&mut self, style: Style, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        if style == Style::Hidden {
            // As below.
            let _ = self.told.send(Heard::Question);
        }
        match (style, self.answers) {
            (Style::Error | Style::Info, _) => {
                // Nobody listens any more: then nothing is to be said.
                let _ = self.told.send(Heard::Words(text.to_owned()));
                None
            }
            (Style::Hidden | Style::Shown, Answers::StandardInput) => self.checked(line()),
            (Style::Hidden, Answers::Terminal) => {
                self.progress.nothing();
                let typed = rpassword::prompt_password(harmless(text)).ok();
                self.checked(typed.map(|typed| Zeroizing::new(typed.into_bytes())))
            }
            (Style::Shown, Answers::Terminal) => {
                self.progress.nothing();
                let mut out = stdout().lock();
                let _ = out.write_all(harmless(text).as_bytes()).and_then(|()| out.flush());
                self.checked(line())
            }
        }
    }
}

impl Somebody {
    fn checked(&self, answer: Option<Zeroizing<Vec<u8>>>) -> Option<Zeroizing<Vec<u8>>> {
        self.progress.now(WAITING);
        let problem = match &answer {
            None => "no answer was to be had: without a terminal, give --password-stdin a line",
            Some(answer) if answer.is_empty() => "an empty password is not tried",
            Some(answer) if answer.contains(&0) => "a password with a NUL is not tried",
            Some(_) => return answer,
        };
        let _ = self.told.send(Heard::Words(problem.to_owned()));
        None
    }
}

/// The next line, without its end.
fn line() -> Option<Zeroizing<Vec<u8>>> {
    // As large as a password may be, so that no copy is left behind by growing.
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    stdin().lock().read_until(b'\n', &mut line).ok().filter(|read| *read > 0)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Some(line)
}

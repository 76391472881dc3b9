//! What libpam makes of a stack: `_pam_dispatch_aux` of Linux-PAM's pam_dispatch.c, on answers that
//! are known beforehand.
#![forbid(unsafe_code)]

use super::control::Action;
use super::modules::{Case, answer};
use super::stack::{Entry, Phase, Stack};

/// How a phase ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the person gets past it.
    pub granted: bool,
    /// The line that decided, by its place in the stack's lines; None: no line said anything.
    pub decided_by: Option<usize>,
}

impl Outcome {
    /// Where it was decided.
    pub fn because(&self, stack: &Stack) -> String {
        match self.decided_by.and_then(|index| stack.lines().get(index)) {
            Some(line) if line.broken => {
                format!("by {}:{}, which libpam cannot read", line.file, line.number)
            }
            Some(line) => format!("by {} in {}:{}", line.module, line.file, line.number),
            None => "because no line says yes".to_owned(),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Impression {
    None,
    Positive,
    Negative,
}

struct Playing<'s> {
    stack: &'s Stack,
    phase: Phase,
    case: &'s Case,
    impression: Impression,
    /// Whether the answer that made the impression was a success.
    success: bool,
    decided_by: Option<usize>,
}

/// Plays one phase for one person.
pub fn play(stack: &Stack, phase: Phase, case: &Case) -> Outcome {
    let mut playing = Playing {
        stack,
        phase,
        case,
        impression: Impression::None,
        success: false,
        decided_by: None,
    };
    playing.run(stack.entries(phase));
    let granted = playing.impression == Impression::Positive && playing.success;
    Outcome { granted, decided_by: playing.decided_by }
}

impl Playing<'_> {
    fn run(&mut self, entries: &[Entry]) {
        let before = (self.impression, self.success, self.decided_by);
        let mut at = 0;
        while let Some(entry) = entries.get(at) {
            at += 1;
            let index = match entry {
                Entry::Module(index) => *index,
                Entry::Substack(inner) => {
                    self.run(inner);
                    continue;
                }
            };
            let Some(line) = self.stack.lines().get(index) else { continue };
            let answer = answer(line, self.phase, self.case);
            match line.action(answer) {
                Action::Ignore => {}
                Action::Reset => (self.impression, self.success, self.decided_by) = before,
                Action::Ok => self.yes(answer, index),
                Action::Done => {
                    self.yes(answer, index);
                    if self.impression == Impression::Positive {
                        return;
                    }
                }
                Action::Bad => self.no(index),
                Action::Die => {
                    self.no(index);
                    return;
                }
                Action::Jump(count) => {
                    // "bad jump in stack": it may end behind the last line, and no further.
                    if count > entries.len().saturating_sub(at) {
                        self.no(index);
                        return;
                    }
                    at += count;
                }
            }
        }
    }

    fn yes(&mut self, answer: &str, index: usize) {
        let open = self.impression == Impression::None
            || (self.impression == Impression::Positive && self.success);
        if open {
            self.impression = Impression::Positive;
            // A password that has to be changed opens the door to the change alone; one who has no
            // say, and is taken for a yes all the same, opens none, and nobody after them does.
            self.success = answer == "success";
            self.decided_by = Some(index);
        }
    }

    fn no(&mut self, index: usize) {
        if self.impression != Impression::Negative {
            self.impression = Impression::Negative;
            self.decided_by = Some(index);
        }
    }
}

//! The second word of a line: what is done with what its module says, as libpam's
//! `_pam_parse_control` reads it. A test holds this against libpam.
#![forbid(unsafe_code)]

use super::modules::ANSWERS;

/// What is done with what a module says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It counts as a yes, unless there was a no.
    Ok,
    /// The same, and the stack ends.
    Done,
    /// It counts as a no.
    Bad,
    /// The same, and the stack ends.
    Die,
    /// It counts for nothing.
    Ignore,
    /// All is forgotten.
    Reset,
    /// So many lines are passed over.
    Jump(usize),
}

const ACTIONS: [(&str, Action); 6] = [
    ("ignore", Action::Ignore),
    ("ok", Action::Ok),
    ("done", Action::Done),
    ("bad", Action::Bad),
    ("die", Action::Die),
    ("reset", Action::Reset),
];

/// What follows from each answer of a module.
#[derive(Debug, Clone)]
pub struct Control {
    pairs: Vec<(&'static str, Action)>,
    default: Action,
}

impl Control {
    /// One that takes everything for a no: so libpam reads what it cannot read.
    pub fn refusing() -> Control {
        Control { pairs: Vec::new(), default: Action::Bad }
    }

    /// Reads one: a word, or what stands between brackets, which are gone from it.
    pub fn read(text: &str, in_brackets: bool) -> Control {
        let word = text.to_ascii_lowercase();
        let short = |ok, ignore, default| Control {
            pairs: [("success", ok), ("new_authtok_reqd", ok)].into_iter().chain(ignore).collect(),
            default,
        };
        let passed_over = Some(("ignore", Action::Ignore));
        match word.as_str() {
            _ if in_brackets => listed(text).unwrap_or_else(Control::refusing),
            "required" => short(Action::Ok, passed_over, Action::Bad),
            "requisite" => short(Action::Ok, passed_over, Action::Die),
            "optional" => short(Action::Ok, None, Action::Ignore),
            "sufficient" => short(Action::Done, None, Action::Ignore),
            _ => listed(text).unwrap_or_else(Control::refusing),
        }
    }

    /// What follows from this answer (the names of pam.conf(5): `success`, `auth_err`, ...).
    pub fn action(&self, answer: &str) -> Action {
        let pair = self.pairs.iter().rev().find(|(name, _)| *name == answer);
        pair.map_or(self.default, |(_, action)| *action)
    }
}

/// `answer=action` again and again, with blanks where one likes; the first `default` holds.
fn listed(text: &str) -> Option<Control> {
    let mut pairs = Vec::new();
    let mut default = None;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let names = ANSWERS.iter().copied().chain(["default"]);
        let (name, behind) =
            names.filter_map(|name| Some((name, rest.strip_prefix(name)?))).next()?;
        let behind = behind.trim_start().strip_prefix('=')?.trim_start();
        let (action, behind) = action(behind)?;
        match name {
            "default" => default = default.or(Some(action)),
            name => pairs.push((name, action)),
        }
        rest = behind.trim_start();
    }
    Some(Control { pairs, default: default.unwrap_or(Action::Bad) })
}

fn action(text: &str) -> Option<(Action, &str)> {
    let named = ACTIONS.iter().find_map(|(name, it)| Some((*it, text.strip_prefix(name)?)));
    named.or_else(|| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = text.split_at_checked(digits)?;
        // "success=0" is as wrong as "success=okay".
        let count = number.parse().ok().filter(|count| *count > 0)?;
        Some((Action::Jump(count), behind))
    })
}

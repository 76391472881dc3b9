//! A service's lines, with what they include, as libpam reads them (pam.conf(5)).
#![forbid(unsafe_code)]

use super::modules;
use crate::doctor::text;
use std::path::{Path, PathBuf};

/// The two phases that decide about a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Is it the person?
    Auth,
    /// May the person log in now?
    Account,
}

impl Phase {
    /// The word in pam.d.
    pub fn words(self) -> &'static str {
        match self {
            Phase::Auth => "auth",
            Phase::Account => "account",
        }
    }
}

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

/// One line that names a module.
#[derive(Debug, Clone)]
pub struct Line {
    /// The file it stands in.
    pub file: String,
    /// The line's number there.
    pub number: usize,
    /// The module's file name.
    pub module: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Whether libpam passes over it silently where it is not installed.
    pub may_be_absent: bool,
    /// Whether it is installed.
    pub installed: bool,
    actions: Vec<(String, Action)>,
}

impl Line {
    /// What follows from this answer of the module (the names of pam.conf(5): `success`,
    /// `auth_err`, ...).
    pub fn action(&self, answer: &str) -> Action {
        let find = |name: &str| self.actions.iter().rev().find(|(it, _)| it == name);
        find(answer).or_else(|| find("default")).map_or(Action::Bad, |(_, action)| *action)
    }
}

/// An entry of a stack.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A line, by its place in [`Stack::lines`].
    Module(usize),
    /// `substack`: ends by itself.
    Substack(Vec<Entry>),
}

/// A service's stacks.
#[derive(Debug, Default)]
pub struct Stack {
    lines: Vec<Line>,
    auth: Vec<Entry>,
    account: Vec<Entry>,
}

/// Deeper than any stack nests; one that includes itself ends here.
const DEPTH: usize = 16;

impl Stack {
    /// Reads a service's file and all that it includes.
    ///
    /// # Errors
    /// A sentence about a file that cannot be read.
    pub fn read(root: &Path, service: &str) -> Result<Stack, String> {
        let mut stack = Stack::default();
        let reader = Reader { root: root.to_owned() };
        stack.auth = reader.entries(service, Phase::Auth, &mut stack.lines, 0)?;
        stack.account = reader.entries(service, Phase::Account, &mut stack.lines, 0)?;
        Ok(stack)
    }

    /// All lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The entries of a phase.
    pub fn entries(&self, phase: Phase) -> &[Entry] {
        match phase {
            Phase::Auth => &self.auth,
            Phase::Account => &self.account,
        }
    }

    /// Whether a module stands in a phase at all.
    pub fn asks(&self, phase: Phase, module: &str) -> bool {
        self.any(self.entries(phase), module)
    }

    fn any(&self, entries: &[Entry], module: &str) -> bool {
        entries.iter().any(|entry| match entry {
            Entry::Module(index) => {
                self.lines.get(*index).is_some_and(|line| line.module == module)
            }
            Entry::Substack(inner) => self.any(inner, module),
        })
    }

    /// Modules whose answer is not known here, each once.
    pub fn unknown_modules(&self) -> Vec<String> {
        let unknown =
            self.lines.iter().map(|line| &line.module).filter(|it| !modules::is_known(it));
        let mut unknown: Vec<String> = unknown.cloned().collect();
        unknown.sort();
        unknown.dedup();
        unknown
    }
}

struct Reader {
    root: PathBuf,
}

impl Reader {
    fn entries(
        &self,
        service: &str,
        phase: Phase,
        lines: &mut Vec<Line>,
        depth: usize,
    ) -> Result<Vec<Entry>, String> {
        let file = format!("/etc/pam.d/{service}");
        let path = self.root.join(file.trim_start_matches('/'));
        let content =
            text(&path).ok_or_else(|| format!("{file} is included and cannot be read"))?;
        if depth > DEPTH {
            return Err(format!("{file} includes itself"));
        }
        let mut entries = Vec::new();
        for (number, line) in logical_lines(&content) {
            if let Some(other) = line.strip_prefix("@include") {
                entries.extend(self.entries(other.trim(), phase, lines, depth + 1)?);
                continue;
            }
            let Some((kind, rest)) = line.split_once(char::is_whitespace) else { continue };
            let may_be_absent = kind.starts_with('-');
            if !kind.trim_start_matches('-').eq_ignore_ascii_case(phase.words()) {
                continue;
            }
            let (control, rest) = split_control(rest.trim());
            let mut words = rest.split_whitespace().map(str::to_owned);
            let Some(target) = words.next() else {
                return Err(format!("{file}:{number} names no module"));
            };
            match control.as_str() {
                "include" => entries.extend(self.entries(&target, phase, lines, depth + 1)?),
                "substack" => {
                    entries.push(Entry::Substack(self.entries(&target, phase, lines, depth + 1)?))
                }
                control => {
                    let module = target.rsplit('/').next().unwrap_or(&target).to_owned();
                    entries.push(Entry::Module(lines.len()));
                    lines.push(Line {
                        installed: self.is_installed(&target),
                        actions: actions(control),
                        file: file.clone(),
                        number,
                        module,
                        arguments: words.collect(),
                        may_be_absent,
                    });
                }
            }
        }
        Ok(entries)
    }

    fn is_installed(&self, module: &str) -> bool {
        if module.starts_with('/') {
            return self.root.join(module.trim_start_matches('/')).exists();
        }
        let bases = ["usr/lib", "lib"].map(|dir| self.root.join(dir));
        let within = |base: &PathBuf| {
            let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
            entries
                .map(|entry| entry.path().join("security").join(module))
                .any(|path| path.exists())
        };
        bases.iter().any(|base| base.join("security").join(module).exists() || within(base))
    }
}

/// Lines without comments, those that end in a backslash joined with the next.
fn logical_lines(content: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in content.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let (text, goes_on) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        match found.last_mut() {
            Some((_, last)) if open => {
                last.push(' ');
                last.push_str(text);
            }
            _ => found.push((index + 1, text.to_owned())),
        }
        open = goes_on;
    }
    found.retain(|(_, line)| !line.trim().is_empty());
    found
}

fn split_control(rest: &str) -> (String, &str) {
    if let Some(inside) = rest.strip_prefix('[')
        && let Some((control, rest)) = inside.split_once(']')
    {
        return (format!("[{control}"), rest);
    }
    let (control, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    (control.to_lowercase(), rest)
}

fn actions(control: &str) -> Vec<(String, Action)> {
    let short = |pairs: &[(&str, Action)]| {
        pairs.iter().map(|(name, it)| ((*name).to_owned(), *it)).collect()
    };
    match control {
        "required" => short(&[
            ("success", Action::Ok),
            ("new_authtok_reqd", Action::Ok),
            ("ignore", Action::Ignore),
            ("default", Action::Bad),
        ]),
        "requisite" => short(&[
            ("success", Action::Ok),
            ("new_authtok_reqd", Action::Ok),
            ("ignore", Action::Ignore),
            ("default", Action::Die),
        ]),
        "optional" => short(&[
            ("success", Action::Ok),
            ("new_authtok_reqd", Action::Ok),
            ("default", Action::Ignore),
        ]),
        "sufficient" => short(&[
            ("success", Action::Done),
            ("new_authtok_reqd", Action::Done),
            ("default", Action::Ignore),
        ]),
        control => control.trim_start_matches('[').split_whitespace().filter_map(pair).collect(),
    }
}

fn pair(text: &str) -> Option<(String, Action)> {
    let (answer, action) = text.split_once('=')?;
    let action = match action.to_lowercase().as_str() {
        "ok" => Action::Ok,
        "done" => Action::Done,
        "bad" => Action::Bad,
        "die" => Action::Die,
        "ignore" => Action::Ignore,
        "reset" => Action::Reset,
        number => Action::Jump(number.parse().ok()?),
    };
    Some((answer.to_lowercase(), action))
}

//! A service's lines, with what they include, as libpam reads them (pam.conf(5)).
#![forbid(unsafe_code)]

use super::control::{Action, Control};
use super::modules;
use std::fs;
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
    /// Whether a dash stands before it: libpam then logs nothing where the module is not installed,
    /// and takes that for a no all the same.
    pub unlogged: bool,
    /// Whether it is installed.
    pub installed: bool,
    /// Whether libpam cannot read it, and takes it for a no.
    pub broken: bool,
    control: Control,
}

impl Line {
    /// What follows from this answer of the module (the names of pam.conf(5): `success`,
    /// `auth_err`, ...).
    pub fn action(&self, answer: &str) -> Action {
        self.control.action(answer)
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
/// The service that speaks for whichever says nothing itself (pam.conf(5)).
const OTHER: &str = "other";

impl Stack {
    /// Reads a service's file and all that it includes; `other` for a phase of which it has nothing.
    ///
    /// # Errors
    /// A sentence about a file without which libpam does not begin.
    pub fn read(root: &Path, service: &str) -> Result<Stack, String> {
        let mut stack = Stack::default();
        let reader = Reader { root: root.to_owned() };
        for phase in [Phase::Auth, Phase::Account] {
            let mut entries = reader.entries(service, phase, &mut stack.lines, 0)?;
            if entries.is_empty() {
                // Nobody needs that file to be there.
                entries = reader.entries(OTHER, phase, &mut stack.lines, 0).unwrap_or_default();
            }
            match phase {
                Phase::Auth => stack.auth = entries,
                Phase::Account => stack.account = entries,
            }
        }
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

    /// The lines that libpam cannot read.
    pub fn broken_lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.broken)
    }

    /// Modules whose answer is not known here, each once.
    pub fn unknown_modules(&self) -> Vec<String> {
        let unknown = self
            .lines
            .iter()
            .map(|it| &it.module)
            .filter(|it| !it.is_empty() && !modules::is_known(it));
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
        // A file elsewhere may be included by its whole path.
        let file = match service.starts_with('/') {
            true => service.to_owned(),
            false => format!("/etc/pam.d/{service}"),
        };
        let path = self.root.join(file.trim_start_matches('/'));
        let content = fs::read(&path).map_err(|error| format!("{file} cannot be read: {error}"))?;
        let content = String::from_utf8_lossy(&content).into_owned();
        if depth > DEPTH {
            return Err(format!("{file} includes itself"));
        }
        let mut entries = Vec::new();
        for (number, text) in logical_lines(&content) {
            let mut words = words(&text).into_iter();
            let Some(Word { text: kind, .. }) = words.next() else { continue };
            if kind.eq_ignore_ascii_case("@include") {
                let other = words.next().map(|word| word.text).unwrap_or_default();
                entries.extend(self.entries(&other, phase, lines, depth + 1)?);
                continue;
            }
            let place = Place { file: &file, number };
            let Some(of_phase) = Kind::read(&kind) else {
                // libpam takes what it cannot read for the most sensitive kind.
                if phase == Phase::Auth {
                    entries.push(broken(lines, &place));
                }
                continue;
            };
            if of_phase.phase != Some(phase) {
                continue;
            }
            let (Some(control), Some(target)) = (words.next(), words.next()) else {
                entries.push(broken(lines, &place));
                continue;
            };
            let included = |lines: &mut Vec<Line>| match self.exists(&target.text) {
                true => self.entries(&target.text, phase, lines, depth + 1),
                false => Ok(vec![broken(lines, &place)]),
            };
            match control.text.to_ascii_lowercase().as_str() {
                "include" if !control.in_brackets => entries.extend(included(lines)?),
                "substack" if !control.in_brackets => {
                    entries.push(Entry::Substack(included(lines)?))
                }
                _ => {
                    let line = Line {
                        installed: self.is_installed(&target.text),
                        control: Control::read(&control.text, control.in_brackets),
                        module: target.text.rsplit('/').next().unwrap_or_default().to_owned(),
                        arguments: words.map(|word| word.text).collect(),
                        unlogged: of_phase.unlogged,
                        ..place.broken_line()
                    };
                    entries.push(Entry::Module(lines.len()));
                    lines.push(Line { broken: false, ..line });
                }
            }
        }
        Ok(entries)
    }

    fn exists(&self, service: &str) -> bool {
        let base = if service.starts_with('/') { "" } else { "etc/pam.d" };
        self.root.join(base).join(service.trim_start_matches('/')).is_file()
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
    for (index, line) in content.split('\n').enumerate() {
        let line = line.split('#').next().unwrap_or_default();
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

/// A line's first word.
struct Kind {
    /// None: of a phase that does not decide about a login.
    phase: Option<Phase>,
    unlogged: bool,
}

impl Kind {
    fn read(word: &str) -> Option<Kind> {
        let (name, unlogged) = word.strip_prefix('-').map_or((word, false), |it| (it, true));
        let phase = match name.to_ascii_lowercase().as_str() {
            "auth" => Some(Phase::Auth),
            "account" => Some(Phase::Account),
            "password" | "session" => None,
            _ => return None,
        };
        Some(Kind { phase, unlogged })
    }
}

struct Place<'a> {
    file: &'a str,
    number: usize,
}

impl Place<'_> {
    fn broken_line(&self) -> Line {
        Line {
            file: self.file.to_owned(),
            number: self.number,
            module: String::new(),
            arguments: Vec::new(),
            unlogged: false,
            installed: true,
            broken: true,
            control: Control::refusing(),
        }
    }
}

fn broken(lines: &mut Vec<Line>, place: &Place<'_>) -> Entry {
    lines.push(place.broken_line());
    Entry::Module(lines.len() - 1)
}

struct Word {
    text: String,
    in_brackets: bool,
}

/// Words between blanks, which a carriage return is not; what stands in brackets is one.
fn words(line: &str) -> Vec<Word> {
    const BLANK: [char; 3] = [' ', '\t', '\n'];
    let mut found = Vec::new();
    let mut rest = line.trim_start_matches(BLANK);
    while !rest.is_empty() {
        let (text, in_brackets, behind) = match rest.strip_prefix('[') {
            Some(inside) => {
                let (text, behind) = bracketed(inside);
                (text, true, behind)
            }
            None => {
                let (text, behind) = rest.split_once(BLANK).unwrap_or((rest, ""));
                (text.to_owned(), false, behind)
            }
        };
        found.push(Word { text, in_brackets });
        rest = behind.trim_start_matches(BLANK);
    }
    found
}

/// Up to the closing bracket; a backslash before one makes it part of the word.
fn bracketed(inside: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            ']' => return (text, inside.get(at + 1..).unwrap_or_default()),
            '\\' if inside.get(at + 1..).is_some_and(|rest| rest.starts_with(']')) => {
                characters.next();
                text.push(']');
            }
            c => text.push(c),
        }
    }
    (text, "")
}

//! Findings: what, why it matters, what mends it.
#![forbid(unsafe_code)]

use crate::output::{harmless, print_raw};
use crate::terminal::{self, Paint, wrapped};
use crate::{NOT_KNOWN, WARNINGS_ALONE, print_json};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It was looked at and is as it should be.
    Fine,
    /// It could not be looked at.
    Unseen,
    /// It works, and will not for ever, or not for everybody.
    Warning,
    /// People cannot log in, or somebody can who should not.
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The room it is from.
    pub area: &'static str,
    /// What kind of thing it is: stays the same whatever the words are.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is the case.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// The command or the line that mends it.
    pub remedy: String,
    /// What `--fix` would do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// What the tool can mend itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fix {
    /// A file gets this owner (root), group and mode.
    Mode {
        /// The file.
        path: PathBuf,
        /// The group, by name.
        group: &'static str,
        /// The mode.
        mode: u32,
    },
    /// Others than its owner may not write to this directory any more.
    Close(PathBuf),
    /// `ldaps` is put on this line of nsswitch.conf.
    Nsswitch(&'static str),
    /// Certificates that were pasted into the system's bundle get files of their own.
    Pasted,
    /// Programs are run, one after the other.
    Run(Vec<String>),
}

impl Fix {
    /// Programs with their arguments, which have no blanks inside.
    pub fn run(commands: &[&str]) -> Fix {
        Fix::Run(commands.iter().map(|command| (*command).to_owned()).collect())
    }
}

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Something is as it should be.
    pub fn fine(&mut self, area: &'static str, id: &'static str, what: impl Into<String>) {
        self.add(Severity::Fine, area, id, what, "", "");
    }

    /// Something was not to be seen.
    pub fn unseen(
        &mut self,
        area: &'static str,
        id: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Unseen, area, id, what, "", remedy);
    }

    /// Something is found, with why it matters and what mends it.
    pub fn add(
        &mut self,
        severity: Severity,
        area: &'static str,
        id: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (what, why, remedy) = (what.into(), why.into(), remedy.into());
        self.findings.push(Finding { area, id, severity, what, why, remedy, fix: None });
    }

    /// The last that was found is mended by this.
    pub fn mended_by(&mut self, fix: Fix) {
        if let Some(last) = self.findings.last_mut() {
            last.fix = Some(fix);
        }
    }

    /// What can be mended here, each once, with what it is for.
    pub fn fixes(&self) -> Vec<(&str, &Fix)> {
        let mut fixes: Vec<(&str, &Fix)> = Vec::new();
        for finding in &self.findings {
            if let Some(fix) = &finding.fix
                && !fixes.iter().any(|(_, known)| *known == fix)
            {
                fixes.push((&finding.what, fix));
            }
        }
        fixes
    }

    /// How much was found so far.
    pub fn count(&self) -> usize {
        self.findings.len()
    }

    /// The ids of all faults and warnings.
    #[cfg(test)]
    pub fn bad(&self) -> Vec<&'static str> {
        let bad = |it: &&Finding| matches!(it.severity, Severity::Fault | Severity::Warning);
        self.findings.iter().filter(bad).map(|it| it.id).collect()
    }

    /// Shows all of it, and says by the exit code how bad it is.
    pub fn finish(&self, json: bool) -> ExitCode {
        let printed = match json {
            true => print_json(self),
            false => {
                print_raw(&self.describe(terminal::width(std::io::stdout())));
                ExitCode::SUCCESS
            }
        };
        let any = |severity| self.findings.iter().any(|finding| finding.severity == severity);
        if any(Severity::Fault) {
            ExitCode::FAILURE
        } else if any(Severity::Warning) {
            ExitCode::from(WARNINGS_ALONE)
        } else if any(Severity::Unseen) {
            ExitCode::from(NOT_KNOWN)
        } else {
            printed
        }
    }

    fn describe(&self, width: Option<usize>) -> String {
        let mut text: String = self.findings.iter().map(|it| it.describe(width)).collect();
        let count = |severity| self.findings.iter().filter(|it| it.severity == severity).count();
        let counted = |severity, what: &str| match count(severity) {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        text += &format!(
            "\n{} fine, {}, {}, {} not seen.\n",
            count(Severity::Fine),
            counted(Severity::Fault, "fault"),
            counted(Severity::Warning, "warning"),
            count(Severity::Unseen)
        );
        if let Some((advice, first)) = self.first() {
            let told = format!("{advice}: {}: {}\n", first.area, harmless(&first.what));
            text += &wrapped(&told, width, INDENT);
        }
        text
    }

    /// What the rest may follow from: the rooms stand in the order in which a login goes through them.
    fn first(&self) -> Option<(&'static str, &Finding)> {
        let of = |severity, advice| {
            let found = self.findings.iter().find(|it| it.severity == severity);
            found.map(|first| (advice, first))
        };
        of(Severity::Fault, "Mend this first")
            .or_else(|| of(Severity::Warning, "Look at this first"))
    }
}

/// Where the texts begin.
const INDENT: usize = 8;

impl Finding {
    fn describe(&self, width: Option<usize>) -> String {
        let (mark, paint) = match self.severity {
            Severity::Fine => ("ok     ", Paint::Green),
            Severity::Unseen => ("unseen ", Paint::Yellow),
            Severity::Warning => ("WARNING", Paint::Yellow),
            Severity::Fault => ("FAULT  ", Paint::Red),
        };
        let line = |text: String, under| wrapped(&harmless(&text), width, under) + "\n";
        let what = line(format!("{mark} {}: {}", self.area, self.what), INDENT);
        let mut text = what.replacen(mark, &paint.on(mark), 1);
        for (label, said) in [("why:    ", &self.why), ("remedy: ", &self.remedy)] {
            if !said.is_empty() {
                text += &line(format!("        {label}{said}"), INDENT + label.len());
            }
        }
        text
    }
}

//! `--fix`: what the tool mends itself. Each change is shown before it is made, a copy is kept of what
//! it replaces, and PAM files that somebody has edited are left alone.
#![forbid(unsafe_code)]

use super::report::{Fix, Report};
use super::{Doctor, text};
use crate::cert::{files, import};
use crate::output::print;
use std::fs::{self, Permissions};
use std::io::{self, BufRead, IsTerminal};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// Shows what can be done about what was found, asks, and does it; false where it was not to be done.
pub fn mend(doctor: &Doctor, report: &Report) -> bool {
    let fixes = report.fixes();
    if fixes.is_empty() {
        print("There is nothing here that --fix mends.\n\n");
        return true;
    }
    let asking = !doctor.yes && io::stdin().is_terminal();
    for (what, fix) in fixes {
        print(&format!("{what}\n  to be done: {}\n", fix.describe(doctor)));
        let wanted = doctor.yes || (asking && agreed());
        if !wanted {
            print(if asking { "  not done.\n" } else { "" });
            continue;
        }
        match fix.apply(doctor) {
            Ok(()) => print("  done.\n"),
            Err(problem) => print(&format!("  NOT done: {problem}\n")),
        }
    }
    if !doctor.yes && !asking {
        print("Nothing was changed: there is no terminal to ask on. Add --yes to do it.\n");
        return false;
    }
    print("\nLooked at again:\n\n");
    true
}

fn agreed() -> bool {
    print("  Do it? [y/N] ");
    let mut answer = String::new();
    let _unread = io::stdin().lock().read_line(&mut answer);
    matches!(answer.trim(), "y" | "Y" | "yes")
}

impl Fix {
    fn describe(&self, doctor: &Doctor) -> String {
        match self {
            Fix::Mode { path, group, mode } => {
                let now = mode_of(path);
                format!(
                    "chown root:{group} and chmod {mode:04o} {} (now {now:04o})",
                    path.display()
                )
            }
            Fix::Close(path) => {
                format!("chmod go-w {} (now {:04o})", path.display(), mode_of(path))
            }
            Fix::Nsswitch(database) => format!(
                "put ldaps on the line {database}: of {} (a copy is kept)",
                doctor.path("/etc/nsswitch.conf").display()
            ),
            Fix::Pasted => "give each a file in /usr/local/share/ca-certificates, and run \
                            update-ca-certificates (a copy of the bundle is kept)"
                .to_owned(),
            Fix::Run(commands) => commands.join("; "),
        }
    }

    fn apply(&self, doctor: &Doctor) -> Result<(), String> {
        match self {
            Fix::Mode { path, group, mode } => tighten(doctor, path, group, *mode),
            Fix::Close(path) => set_mode(path, mode_of(path) & !0o022),
            Fix::Nsswitch(database) => nsswitch(doctor, database),
            Fix::Pasted => import::rescue_pasted(&doctor.root),
            Fix::Run(_) if doctor.root != Path::new("/") => {
                Err("programs are run for this host alone, not for another root".to_owned())
            }
            Fix::Run(commands) => commands.iter().try_for_each(|command| run(command)),
        }
    }
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).map_or(0, |metadata| metadata.mode() & 0o7777)
}

fn said(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("{shown}: {error}. Run this as root"),
        _ => format!("{shown}: {error}"),
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), String> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|error| said(path, &error))
}

fn tighten(doctor: &Doctor, path: &Path, group: &str, mode: u32) -> Result<(), String> {
    let said = |error: io::Error| said(path, &error);
    // First its owner alone: what the group may is not for the group that it has until now.
    set_mode(path, mode & 0o700)?;
    let content = text(&doctor.path("/etc/group")).unwrap_or_default();
    let mut lines = content.lines().map(|line| line.split(':'));
    let gid =
        lines.find_map(|mut line| (line.next()? == group).then(|| line.nth(1)?.parse().ok())?);
    let metadata = fs::metadata(path).map_err(said)?;
    let gid = gid.unwrap_or(metadata.gid());
    if (metadata.uid(), metadata.gid()) != (0, gid) {
        chown(path, Some(0), Some(gid)).map_err(said)?;
    }
    set_mode(path, mode)
}

fn nsswitch(doctor: &Doctor, database: &str) -> Result<(), String> {
    // Where it is a link, the file that it leads to is edited.
    let path = doctor.path("/etc/nsswitch.conf");
    let path = fs::canonicalize(&path).unwrap_or(path);
    let content = text(&path).ok_or_else(|| format!("{} cannot be read", path.display()))?;
    if let Some(copy) = files::put(&path, with_ldaps(&content, database).as_bytes())? {
        print(&format!("  what was there before is kept as {}\n", copy.display()));
    }
    Ok(())
}

/// The file with `ldaps` on the last line of this database, which is the one that glibc obeys.
fn with_ldaps(content: &str, database: &str) -> String {
    let names = |line: &str| {
        line.trim_start()
            .strip_prefix(database)
            .is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let mut lines: Vec<String> = content.lines().map(str::to_owned).collect();
    match lines.iter_mut().rev().find(|line| names(line)) {
        None => lines.push(format!("{database}: files ldaps")),
        Some(line) => {
            let (services, comment) = line.split_once('#').unwrap_or((line, ""));
            // Behind an action at the very end nothing would ever be reached.
            let mut head = services.trim_end();
            while head.ends_with(']') {
                head = head.rsplit_once('[').map_or("", |(before, _)| before.trim_end());
            }
            let actions = services.get(head.len()..).unwrap_or_default().trim();
            let mut new = format!("{head} ldaps");
            for more in [
                actions.to_owned(),
                if comment.is_empty() { String::new() } else { format!("#{comment}") },
            ] {
                if !more.is_empty() {
                    new += &format!(" {more}");
                }
            }
            *line = new;
        }
    }
    lines.join("\n") + "\n"
}

fn run(command: &str) -> Result<(), String> {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let mut process = Command::new(program);
    // Whatever it would ask is answered as it was before.
    process.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    let output = process.output().map_err(|error| format!("{program} cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if !output.status.success() {
        return Err(format!("{command}: {said}"));
    }
    if !said.is_empty() {
        print(&format!("  {}\n", said.replace('\n', "\n  ")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_nsswitch_conf_is_spoilt() {
        for (before, after) in [
            ("passwd: files systemd\n", "passwd: files systemd ldaps\n"),
            (
                "passwd:\tfiles # ldaps\ngroup: files\n",
                "passwd:\tfiles ldaps # ldaps\ngroup: files\n",
            ),
            ("passwd: files [NOTFOUND=return]\n", "passwd: files ldaps [NOTFOUND=return]\n"),
            (
                "passwd: files [ NOTFOUND = return ] [!UNAVAIL=return]\n",
                "passwd: files ldaps [ NOTFOUND = return ] [!UNAVAIL=return]\n",
            ),
            ("passwd: compat\npasswd : files\n", "passwd: compat\npasswd : files ldaps\n"),
            ("passwd_compat: nis\n", "passwd_compat: nis\npasswd: files ldaps\n"),
            ("", "passwd: files ldaps\n"),
        ] {
            assert_eq!(with_ldaps(before, "passwd"), after);
        }
    }
}

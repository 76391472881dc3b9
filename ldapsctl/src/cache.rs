//! `ldapsctl cache`: what the daemon holds of the directory, forgotten, read anew or shown.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::tools::{Exhibit, Exported, Flushed, Refreshed, Whom};
use serde::Serialize;

use crate::output::{print, print_error};
use crate::{Daemon, NOT_KNOWN, answers, daemon, show};

/// What to do with it.
#[derive(Subcommand)]
pub enum CacheCommand {
    /// Forget all users, groups and memberships, in memory and on the disk: everything is asked of
    /// the directory anew. Which id is whose stays, and so does who may log in offline.
    Flush {
        /// Also while no domain controller answers: nobody is known then until one does.
        #[arg(long)]
        anyway: bool,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Read one user, or one group, of the directory now, and show what has changed.
    Refresh(Refresh),
    /// Print what is held. No password is among it, nor what one is compared with.
    Export {
        /// How.
        #[arg(long, value_enum, default_value_t = Format::Ndjson)]
        format: Format,
        /// Print JSON: a line for each, as without it.
        #[arg(long, conflicts_with = "format")]
        json: bool,
        /// The daemon's run directory, where it is not in its usual place.
        #[arg(long, value_name = "DIR")]
        run_dir: Option<PathBuf>,
    },
}

/// `cache refresh`
#[derive(Args)]
pub struct Refresh {
    /// The user's name, as one would type it at a login.
    #[arg(required_unless_present = "group")]
    user: Option<String>,
    /// A group's name instead.
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    group: Option<String>,
    #[command(flatten)]
    daemon: Daemon,
}

/// A form of what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line of JSON for each user and each group.
    Ndjson,
    /// The users, as in /etc/passwd.
    Passwd,
    /// The groups, as in /etc/group.
    Group,
}

/// Does it.
pub fn run(command: &CacheCommand) -> ExitCode {
    match command {
        CacheCommand::Flush { anyway, daemon } => flush(*anyway, daemon),
        CacheCommand::Refresh(refresh) => self::refresh(refresh),
        CacheCommand::Export { format, run_dir, json: _ } => export(*format, run_dir.as_ref()),
    }
}

fn flush(anyway: bool, daemon: &Daemon) -> ExitCode {
    let asked = daemon::ask_daemon(daemon.run_dir.as_deref(), &AdminRequest::Flush { anyway });
    match asked {
        Ok(AdminReply::Flushed(flushed)) => show(daemon.json, &flushed, describe_flushed),
        other => answers::none(other),
    }
}

fn describe_flushed(flushed: &Flushed) -> String {
    let Flushed { held, kept_for_offline } = flushed;
    let mut text = format!(
        "Forgotten: {} users, {} groups, the groups of {} users, {} names and ids that were \
         nobody's.\nIds that were given stay given.",
        held.users, held.groups, held.memberships, held.nobody
    );
    if *kept_for_offline > 0 {
        text += &format!(" Still known: {kept_for_offline} who may log in offline.");
    }
    text + "\n"
}

fn refresh(refresh: &Refresh) -> ExitCode {
    let whom = match (&refresh.group, &refresh.user) {
        (Some(group), _) => Whom::Group(group.clone()),
        (None, user) => Whom::User(user.clone().unwrap_or_default()),
    };
    let daemon = &refresh.daemon;
    match daemon::ask_for_long(daemon.run_dir.as_deref(), &AdminRequest::Refresh(whom)) {
        Ok(AdminReply::Refreshed(refreshed)) => {
            let shown = show(daemon.json, &refreshed, describe_refreshed);
            if refreshed.name.is_some() { shown } else { ExitCode::FAILURE }
        }
        other => answers::none(other),
    }
}

fn describe_refreshed(refreshed: &Refreshed) -> String {
    let Refreshed { name, why_nobody, was_known, changes } = refreshed;
    let Some(name) = name else {
        let was = if *was_known { "known until now, and forgotten" } else { "nobody here" };
        let why = why_nobody.as_deref().unwrap_or("nobody has this name");
        return format!("{was}: {why}\n");
    };
    match (was_known, changes.as_slice()) {
        (false, _) => format!("{name}: read for the first time by this name\n"),
        (true, []) => format!("{name}: read; nothing has changed\n"),
        (true, changes) => {
            let line = |(field, before, after): &(String, String, String)| {
                format!("  {field}: {before}\n    now: {after}\n")
            };
            let lines: String = changes.iter().map(line).collect();
            format!("{name}: read; changed:\n{lines}")
        }
    }
}

fn export(format: Format, run_dir: Option<&PathBuf>) -> ExitCode {
    let mut cursor = None;
    loop {
        let request = AdminRequest::Export(cursor);
        let asked = daemon::ask_daemon(run_dir.map(PathBuf::as_path), &request);
        let Exported { records, next } = match asked {
            Ok(AdminReply::Exported(page)) => page,
            other => return answers::none(other),
        };
        let lines: Result<Vec<_>, _> = records.iter().map(|record| line(record, format)).collect();
        match lines {
            Ok(lines) => print(&lines.concat()),
            Err(error) => {
                print_error(&format!("what is held cannot be written as JSON: {error}\n"));
                return ExitCode::from(NOT_KNOWN);
            }
        }
        cursor = next;
        if cursor.is_none() {
            return ExitCode::SUCCESS;
        }
    }
}

/// One of what is held, for programs.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    User {
        #[serde(flatten)]
        entry: &'a PasswdEntry,
        dn: &'a str,
        sid: &'a str,
        gids: Option<&'a [u32]>,
        read_s: Option<u64>,
        doubted: bool,
    },
    Group {
        #[serde(flatten)]
        entry: &'a GroupEntry,
        sid: Option<&'a str>,
        read_s: Option<u64>,
        doubted: bool,
    },
}

fn line(exhibit: &Exhibit, format: Format) -> Result<String, serde_json::Error> {
    Ok(match (exhibit, format) {
        (Exhibit::User { entry, .. }, Format::Passwd) => {
            let PasswdEntry { name, uid, gid, gecos, home, shell } = entry;
            format!("{name}:*:{uid}:{gid}:{gecos}:{home}:{shell}\n")
        }
        (Exhibit::Group { entry, .. }, Format::Group) => {
            format!("{}:*:{}:{}\n", entry.name, entry.gid, entry.members.join(","))
        }
        (Exhibit::User { .. }, Format::Group) | (Exhibit::Group { .. }, Format::Passwd) => {
            String::new()
        }
        (Exhibit::User { entry, dn, sid, gids, read_s, doubted }, Format::Ndjson) => {
            let (gids, read_s, doubted) = (gids.as_deref(), *read_s, *doubted);
            serde_json::to_string(&Line::User { entry, dn, sid, gids, read_s, doubted })? + "\n"
        }
        (Exhibit::Group { entry, sid, read_s, doubted }, Format::Ndjson) => {
            let (sid, read_s, doubted) = (sid.as_deref(), *read_s, *doubted);
            serde_json::to_string(&Line::Group { entry, sid, read_s, doubted })? + "\n"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_written_as_something_else() {
        let entry = PasswdEntry {
            name: "alice".to_owned(),
            uid: 201_107,
            gid: 200_513,
            gecos: "Alice".to_owned(),
            home: "/home/alice".to_owned(),
            shell: "/bin/bash".to_owned(),
        };
        let user = Exhibit::User {
            entry,
            dn: "CN=Alice".to_owned(),
            sid: "S-1".to_owned(),
            gids: Some(vec![200_513]),
            read_s: None,
            doubted: true,
        };
        let members = vec!["alice".to_owned(), "bob".to_owned()];
        let entry = GroupEntry { name: "staff".to_owned(), gid: 201_200, members };
        let group = Exhibit::Group { entry, sid: None, read_s: Some(3), doubted: false };
        let written = |exhibit, format| line(exhibit, format).unwrap();
        assert_eq!(
            written(&user, Format::Passwd),
            "alice:*:201107:200513:Alice:/home/alice:/bin/bash\n"
        );
        assert_eq!(written(&group, Format::Group), "staff:*:201200:alice,bob\n");
        assert_eq!(written(&user, Format::Group) + &written(&group, Format::Passwd), "");
        let json: serde_json::Value =
            serde_json::from_str(&written(&user, Format::Ndjson)).unwrap();
        assert_eq!((&json["kind"], &json["uid"]), (&"user".into(), &201_107.into()));
        assert_eq!(
            (&json["read_s"], &json["gids"][0]),
            (&serde_json::Value::Null, &200_513.into())
        );
    }

    #[test]
    fn a_change_is_shown_as_none() {
        let change = ("shell".to_owned(), "/bin/sh".to_owned(), "/bin/bash".to_owned());
        let mut refreshed = Refreshed {
            name: Some("alice".to_owned()),
            why_nobody: None,
            was_known: true,
            changes: vec![change],
        };
        let text = describe_refreshed(&refreshed);
        assert_eq!(text, "alice: read; changed:\n  shell: /bin/sh\n    now: /bin/bash\n");
        refreshed.changes.clear();
        assert!(describe_refreshed(&refreshed).contains("nothing has changed"));
        refreshed.name = None;
        refreshed.why_nobody = Some("gone".to_owned());
        assert_eq!(describe_refreshed(&refreshed), "known until now, and forgotten: gone\n");
    }
}

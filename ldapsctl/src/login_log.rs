//! `ldapsctl log`: the lines of one login, of the daemon and of the PAM module, from the journal; and
//! where there is none, what the daemon itself remembers.
#![forbid(unsafe_code)]

use std::process::{Command, ExitCode};

use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use ldaps_core::names::fold;
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::request_id::RequestId;
use serde::Serialize;

use crate::output::print_error;
use crate::{Daemon, USAGE, answers, daemon, show};

/// systemd-journald's client (journalctl(1)), of whatever PATH says.
const JOURNALCTL: &str = "journalctl";
/// LOG_AUTHPRIV, with which libpam and its modules write (syslog(3)).
const AUTHPRIV: &str = "SYSLOG_FACILITY=10";

/// `ldapsctl log`
#[derive(Args)]
pub struct Log {
    /// The name of a login: what stands behind "request=" in any of its lines.
    #[arg(value_name = "REQUEST-ID")]
    request: Option<RequestId>,
    /// All logins of this user, by the name as it was typed.
    #[arg(long, value_name = "NAME", conflicts_with = "request")]
    user: Option<String>,
    /// Since when, in journalctl's words: "2026-11-25 14:00", "-2h", today.
    #[arg(long, value_name = "TIME", default_value = "-1d", allow_hyphen_values = true)]
    since: String,
    #[command(flatten)]
    daemon: Daemon,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    /// Microseconds since 1970.
    at_us: u64,
    /// The program that has written it.
    program: String,
    /// The name of the login it is of.
    request: Option<String>,
    message: String,
}

/// Shows them. 1: there are none.
pub fn run(log: &Log) -> ExitCode {
    let lines = match of_journal(&log.since) {
        Ok(lines) => lines,
        Err(NoLines::Since(problem)) => {
            print_error(&format!("--since {:?} is no time: {problem}.\n", log.since));
            return ExitCode::from(USAGE);
        }
        Err(NoLines::NoJournal(problem)) => {
            print_error(&format!(
                "note: {problem}. Where syslog writes files, the lines are in /var/log/auth.log: \
                 grep 'request={}' there. What follows is what ldapsd itself remembers of its last \
                 256 decisions.\n",
                log.request.map_or("...".to_owned(), |name| name.to_string())
            ));
            match of_daemon(&log.daemon) {
                Ok(lines) => lines,
                Err(code) => return code,
            }
        }
    };
    let lines = chosen(lines, log);
    if lines.is_empty() {
        let of = match (&log.request, &log.user) {
            (Some(name), _) => format!("of the login {name}"),
            (None, Some(user)) => format!("of a login of {user}"),
            (None, None) => "of any login".to_owned(),
        };
        let hint = if rustix::process::geteuid().is_root() {
            "Is it older? --since \"2 weeks ago\" looks further back"
        } else {
            "Root sees the whole journal: sudo ldapsctl log"
        };
        print_error(&format!("There is no line {of} {}. {hint}.\n", in_words(&log.since)));
        return ExitCode::FAILURE;
    }
    show(log.daemon.json, &lines, |lines| describe(lines))
}

/// journalctl's words for a time, in a sentence.
fn in_words(since: &str) -> String {
    match since.strip_prefix('-') {
        Some("1d") => "in the last day".to_owned(),
        Some(span) => format!("in the last {span}"),
        None => format!("since {since}"),
    }
}

/// Why there are no lines of the journal.
enum NoLines {
    /// The time is none.
    Since(String),
    /// There is no journal, or it is not to be read.
    NoJournal(String),
}

/// The lines about logins in the journal, oldest first.
fn of_journal(since: &str) -> Result<Vec<Line>, NoLines> {
    let mut journalctl = Command::new(JOURNALCTL);
    journalctl.args(["--no-pager", "--quiet", "--output=json", "--since", since]);
    journalctl.args(["_SYSTEMD_UNIT=ldapsd.service", "+", AUTHPRIV]);
    let output = journalctl
        .output()
        .map_err(|error| format!("there is no journal here ({JOURNALCTL}: {error})"))
        .map_err(NoLines::NoJournal)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        return Err(match said.contains("timestamp") {
            true => NoLines::Since(said.to_owned()),
            false => {
                NoLines::NoJournal(format!("the journal cannot be read ({JOURNALCTL}: {said})"))
            }
        });
    }
    if !std::path::Path::new("/run/systemd/journal/socket").exists() && output.stdout.is_empty() {
        let problem = "there is no journal here (systemd-journald does not run)";
        return Err(NoLines::NoJournal(problem.to_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(of_json).collect())
}

/// One entry of the journal (systemd.journal-fields(7)).
fn of_json(text: &str) -> Option<Line> {
    let entry: serde_json::Value = serde_json::from_str(text).ok()?;
    let field = |name: &str| entry.get(name).and_then(serde_json::Value::as_str);
    // Text that is no UTF-8, or long, is an array of numbers or null: nothing of ours.
    let message = field("MESSAGE")?.to_owned();
    let behind = message.split(" request=").nth(1).and_then(|rest| rest.split(' ').next());
    // The daemon's lines on the way to a decision bear the name as a field alone.
    let request = behind.or_else(|| field("F_REQUEST")).and_then(|text| text.parse().ok());
    let request = request.map(|name: RequestId| name.to_string());
    let at_us = field("__REALTIME_TIMESTAMP")?.parse().ok()?;
    let program = field("SYSLOG_IDENTIFIER").unwrap_or_default().to_owned();
    Some(Line { at_us, program, request, message })
}

/// What the daemon remembers, for root.
fn of_daemon(daemon: &Daemon) -> Result<Vec<Line>, ExitCode> {
    match daemon::ask_daemon(daemon.run_dir.as_deref(), &AdminRequest::Decisions(0)) {
        Ok(AdminReply::Decisions(decisions)) => {
            let decided = decisions.decided.into_iter();
            let line = |it: ldaps_core::protocol::tools::Decided| Line {
                at_us: it.at_ms.saturating_mul(1000),
                program: "ldapsd".to_owned(),
                request: Some(it.request.to_string()),
                message: it.line,
            };
            Ok(decided.map(line).collect())
        }
        other => Err(answers::none(other)),
    }
}

/// Those that were asked for. What the module decides before it asks the daemon has no login's name,
/// and is just what one looks for: such a line is chosen by the user that it names.
fn chosen(lines: Vec<Line>, log: &Log) -> Vec<Line> {
    let Log { request, user, .. } = log;
    let requests: Vec<String> = match (request, user) {
        (Some(name), _) => vec![name.to_string()],
        (None, user) => {
            let of_user =
                |line: &&Line| user.as_ref().is_none_or(|user| is_about(&line.message, user));
            lines.iter().filter(of_user).filter_map(|line| line.request.clone()).collect()
        }
    };
    let is_wanted = |line: &Line| match &line.request {
        Some(name) => requests.contains(name),
        None => request.is_none() && by_module(&line.message, user.as_deref()),
    };
    lines.into_iter().filter(is_wanted).collect()
}

/// What follows a user's name in the module's lines.
const OF_THE_MODULE: [&str; 8] =
    ["refused", "cannot", "gave", "left", "is", "password", "has", "authenticated"];

/// Whether it is the PAM module's line, and about this user, or about everybody.
fn by_module(message: &str, user: Option<&str>) -> bool {
    let Some((_, said)) =
        message.strip_prefix("pam_ldaps(").and_then(|rest| rest.split_once("): "))
    else {
        return false;
    };
    let Some(user) = user else { return true };
    let is_the_name = |at: usize| said.get(..at).is_some_and(|name| fold(name) == fold(user));
    let named = said.match_indices(' ').any(|(at, _)| {
        let next = said.get(at + 1..).unwrap_or_default();
        // "jo" is not "jo smith".
        is_the_name(at) && OF_THE_MODULE.iter().any(|word| next.starts_with(word))
    });
    named || said.starts_with("/etc/passwd cannot be read")
}

/// Whether a line of the daemon's is about a login of this name.
fn is_about(message: &str, user: &str) -> bool {
    let Some((_, rest)) = message.split_once(" user=") else { return false };
    let quoted = format!("{user:?}");
    let name = match rest.strip_prefix('"') {
        // A name with a space stands in quotes.
        Some(_) => rest.get(..quoted.len()).map(|shown| shown.trim_matches('"')),
        None => rest.split(' ').next(),
    };
    name.is_some_and(|name| fold(name) == fold(user))
}

fn describe(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.program.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    let mut last = None;
    for line in lines {
        if last.is_some() && last != Some(&line.request) {
            text.push('\n');
        }
        last = Some(&line.request);
        let Line { program, message, .. } = line;
        text +=
            &format!("{}  {program:width$}  {}\n", time(line.at_us), message.replace('\n', " "));
    }
    text
}

/// In the host's own time, to the millisecond.
fn time(at_us: u64) -> String {
    let at = i64::try_from(at_us).unwrap_or(i64::MAX);
    match Timestamp::from_microsecond(at) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime("%F %T%.3f").to_string(),
        Err(_) => "at no time that a calendar has".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAEMON: &str = r#"{"__REALTIME_TIMESTAMP":"1800000000000001","SYSLOG_IDENTIFIER":"ldapsd","MESSAGE":"auth refused user=\"jo smith\" service=sshd uid=1 request=7kq2m9xa took=5 ms: wrong password"}"#;
    const MODULE: &str = r#"{"__REALTIME_TIMESTAMP":"1800000000000002","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"pam_ldaps(sshd:auth): jo smith refused; code=PAM_AUTH_ERR request=7kq2m9xa"}"#;
    const ON_THE_WAY: &str = r#"{"__REALTIME_TIMESTAMP":"1800000000000003","SYSLOG_IDENTIFIER":"ldapsd","F_REQUEST":"7kq2m9xa","MESSAGE":"the password is not saved"}"#;
    const OTHER: &str = r#"{"__REALTIME_TIMESTAMP":"1800000000000004","SYSLOG_IDENTIFIER":"ldapsd","MESSAGE":"auth granted user=jo service=sshd uid=2 request=00000001 took=5 ms: the password is right"}"#;
    const JUNK: &str = r#"{"__REALTIME_TIMESTAMP":"1800000000000006","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"pam_ldaps(sshd:auth): jo refused: sshd had refused this user already and sent no real password; uid=2 service=sshd"}"#;
    const NO_NSS: &str = r#"{"__REALTIME_TIMESTAMP":"1800000000000007","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"pam_ldaps(sshd:auth): jo smith cannot be judged: NSS cannot say who it is: Input/output error"}"#;
    const NO_DAEMON: &str = r#"{"__REALTIME_TIMESTAMP":"1800000000000008","SYSLOG_IDENTIFIER":"passwd","MESSAGE":"pam_ldaps(passwd:chauthtok): jo password change without an answer: ldapsd does not run"}"#;
    const NEITHER: &str = r#"{"__REALTIME_TIMESTAMP":"1800000000000005","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Connection closed"}"#;

    fn messages(request: Option<&str>, user: Option<&str>) -> Vec<u64> {
        let ours = [DAEMON, MODULE, ON_THE_WAY, OTHER, NEITHER, JUNK, NO_NSS, NO_DAEMON];
        let all = ours.iter().chain(&["{}", "[1", r#"{"MESSAGE":[1,2]}"#]);
        let log = Log {
            request: request.map(|name| name.parse().unwrap()),
            user: user.map(str::to_owned),
            since: "-1d".to_owned(),
            daemon: Daemon { run_dir: None, json: false },
        };
        let lines = chosen(all.filter_map(|text| of_json(text)).collect(), &log);
        lines.iter().map(|line| line.at_us % 10).collect()
    }

    #[test]
    fn a_line_of_a_login_is_missing_or_of_another() {
        assert_eq!(messages(Some("7KQ2M9XA"), None), [1, 2, 3]);
        assert_eq!(messages(None, Some("jo")), [4, 6, 8]);
        assert_eq!(messages(None, Some("JO SMITH")), [1, 2, 3, 7]);
        assert_eq!(messages(None, Some("bob")), [0; 0]);
        assert_eq!(messages(None, None), [1, 2, 3, 4, 6, 7, 8]);
    }

    #[test]
    fn the_time_that_was_asked_for_is_told_as_an_option() {
        for (since, words) in [
            ("-1d", "in the last day"),
            ("-2h", "in the last 2h"),
            ("today", "since today"),
            ("2026-11-25 14:00", "since 2026-11-25 14:00"),
        ] {
            assert_eq!(in_words(since), words);
        }
    }

    #[test]
    fn two_logins_are_shown_as_one() {
        let lines: Vec<Line> =
            [DAEMON, MODULE, OTHER].iter().filter_map(|it| of_json(it)).collect();
        let text = describe(&lines);
        assert_eq!(text.lines().filter(|line| line.is_empty()).count(), 1, "{text}");
        assert!(text.contains("  sshd    pam_ldaps(sshd:auth): jo smith refused"), "{text}");
    }
}

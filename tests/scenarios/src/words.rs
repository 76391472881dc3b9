//! What a person reads when AD refuses them, to the last line, and the one line of the journal.

#![forbid(unsafe_code)]

use crate::attempt::{SHOW, Way};
use crate::host::{Host, JournalMark};
use crate::outcome::{Check, Failure, all, ensure};
use crate::talk::{talk, talk_at_level};

/// One account that is refused.
pub struct Row {
    /// Who.
    pub user: &'static str,
    /// What is typed.
    pub password: &'static str,
    /// The end of the journal's line: why.
    pub why: &'static str,
    /// The one plain sentence, where there is one to say.
    pub told: Option<&'static str>,
}

/// A row where the password is right.
pub const fn row(user: &'static str, why: &'static str, told: &'static str) -> Row {
    Row { user, password: crate::dc::PASSWORD, why, told: Some(told) }
}

/// A row of which nobody is told anything.
pub const fn silent(user: &'static str, password: &'static str, why: &'static str) -> Row {
    Row { user, password, why, told: None }
}

/// The doors where what is shown is compared.
pub const DOORS: &[Way] = &[Way::Login, Way::Su, Way::Sudo, Way::SshKeyboard, Way::SshPassword];

/// Everything that a door shows, with `{user}` and `{told}` in their places: the programs' own
/// words, which are Debian's and Ubuntu's, around ours. Where nothing is told, that line is not
/// there.
pub type Whole = fn(Way) -> &'static [&'static str];

/// What is shown to who is refused in auth.
pub fn refused(way: Way) -> &'static [&'static str] {
    match way {
        Way::Login => &[
            "Password:",
            "{told}",
            "Login incorrect",
            "host1 login:",
            "converse: asked for another name",
        ],
        Way::Su => &["Password:", "{told}", "su: Authentication failure"],
        // sudo asks PAM for silence (PAM_SILENT), and has it.
        Way::Sudo => &[
            "[sudo] password for {user}:",
            "Sorry, try again.",
            "[sudo] password for {user}:",
            "converse: asked again",
        ],
        Way::SshKeyboard => &[
            "({user}@127.0.0.1) Password:",
            "{told}",
            "{user}@127.0.0.1: Permission denied (publickey,password,keyboard-interactive).",
        ],
        // sshd shows what PAM says only to who is in.
        Way::SshPassword => &[
            "{user}@127.0.0.1's password:",
            "{user}@127.0.0.1: Permission denied (publickey,password,keyboard-interactive).",
        ],
        Way::SshKey => &[],
    }
}

/// What is shown to who has to change the password and types nothing more.
pub fn to_change(way: Way) -> &'static [&'static str] {
    match way {
        Way::Login | Way::Su => &["Password:", "{told}", "New password:", "converse: asked again"],
        Way::SshKeyboard => &[
            "({user}@127.0.0.1) Password:",
            // ssh says whose question it is, and this is one of two lines.
            "({user}@127.0.0.1) {told}",
            "New password:",
            "converse: asked again",
        ],
        Way::Sudo | Way::SshPassword | Way::SshKey => &[],
    }
}

/// The PAM service of a door, and the remote host that the journal has about it.
fn service(way: Way) -> (&'static str, Option<&'static str>) {
    match way {
        Way::Login => ("login", None),
        Way::Su => ("su-l", None),
        Way::Sudo => ("sudo", None),
        Way::SshKeyboard | Way::SshPassword | Way::SshKey => ("sshd", Some("127.0.0.1")),
    }
}

/// All rows at all doors: what is shown, and one line in the journal for each, which begins with
/// this verdict.
///
/// # Errors
/// What was shown or written otherwise, row by row.
pub fn compare(
    host: &Host<'_>,
    rows: &'static [Row],
    doors: &[Way],
    whole: Whole,
    verdict: &str,
) -> Check<String> {
    let mark = host.journal_mark()?;
    let seen = all(rows
        .iter()
        .map(|row| -> Box<dyn FnOnce() -> Check + Send + '_> {
            // One door after the other: so is a person.
            Box::new(move || {
                let at_each = doors.iter().filter_map(|way| shown_at(host, *way, row, whole).err());
                let wrong: Vec<String> = at_each.map(|failure| failure.to_string()).collect();
                ensure(wrong.is_empty(), || wrong.join("\n"))
            })
        })
        .collect());
    let written = lines_of(host, &mark, rows, doors, verdict);
    match (seen, written) {
        (Ok(()), Ok(())) => Ok(format!("{} rows at {} doors", rows.len(), doors.len())),
        (Err(seen), Err(written)) => Err(Failure::new(format!("{seen}\n{written}"))),
        (Err(failure), Ok(())) | (Ok(()), Err(failure)) => Err(failure),
    }
}

fn shown_at(host: &Host<'_>, way: Way, row: &Row, whole: Whole) -> Check {
    let answers = [row.password];
    let sudo = format!("sudo -k; sudo -v && {SHOW}");
    let talk = match way {
        Way::Sudo => talk(host, row.user, &["sh", "-c", &sudo], &answers)?,
        _ => talk_at_level(host, way, row.user, &answers, "LogLevel=INFO")?,
    };
    let expected: Vec<String> = whole(way)
        .iter()
        .filter(|line| **line != "{told}" || row.told.is_some())
        .map(|line| {
            line.replace("{user}", row.user).replace("{told}", row.told.unwrap_or_default())
        })
        .collect();
    let shown = normal(&talk.seen);
    ensure(shown == expected, || {
        format!("{} at {way:?} was shown\n  {shown:?}, not\n  {expected:?}", row.user)
    })
}

/// Lines without what a terminal adds to them; empty ones are left out.
pub fn normal(seen: &str) -> Vec<String> {
    let lines = seen.split(['\n', '\r']).map(|line| line.trim().to_owned());
    // The second is ssh's, about a host that it has not seen before.
    let said = |line: &String| !line.is_empty() && !line.starts_with("Warning: Permanently added ");
    lines.filter(said).collect()
}

/// One line for each row and door, with every field.
fn lines_of(
    host: &Host<'_>,
    mark: &JournalMark,
    rows: &[Row],
    doors: &[Way],
    verdict: &str,
) -> Check {
    let verdict = format!(": {verdict} user=");
    let journal = host.journal_since(mark)?;
    let mut wrong = Vec::new();
    for row in rows {
        for way in doors {
            let (service, rhost) = service(*way);
            let about = |line: &&str| {
                line.contains(&verdict)
                    && has(line, "user", row.user)
                    && has(line, "service", service)
            };
            let lines: Vec<&str> = journal.lines().filter(about).collect();
            let wanted = doors.iter().filter(|other| self::service(**other).0 == service).count();
            if lines.len() != wanted {
                wrong.push(format!(
                    "{} by {service}: {} lines, not {wanted}",
                    row.user,
                    lines.len()
                ));
            }
            for line in lines {
                let fields = rhost.is_none_or(|rhost| has(line, "rhost", rhost))
                    && has(line, "dc", "dc1.corp.example")
                    && number(line, "uid")
                    && is_request_id(line)
                    && number(line, "took");
                if !fields || !line.ends_with(&format!(" ms: {}", row.why)) {
                    wrong.push(format!(
                        "{} by {service}: wanted \"{}\" in: {line}",
                        row.user, row.why
                    ));
                }
            }
        }
    }
    ensure(wrong.is_empty(), || format!("the journal:\n{}", wrong.join("\n")))
}

/// `key=value` as a field of its own.
fn has(line: &str, key: &str, value: &str) -> bool {
    let field = match value.contains(' ') {
        true => format!(" {key}={value:?} "),
        false => format!(" {key}={value} "),
    };
    line.contains(&field)
}

/// Eight digits of Crockford's base 32, by which `ldapsctl log` finds the lines of one login.
fn is_request_id(line: &str) -> bool {
    let id = line.split(" request=").nth(1).and_then(|rest| rest.split(' ').next());
    let is_digit = |c: char| c.is_ascii_digit() || (c.is_ascii_lowercase() && !"ilou".contains(c));
    id.is_some_and(|id| id.len() == 8 && id.chars().all(is_digit))
}

fn number(line: &str, key: &str) -> bool {
    let value = line.split_once(&format!(" {key}=")).map(|(_, rest)| rest);
    let word = value.and_then(|rest| rest.split([' ', ':']).next());
    word.is_some_and(|word| word.parse::<u64>().is_ok())
}

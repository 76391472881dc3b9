//! A conversation at a terminal: more than one question, as where a password is changed.

#![forbid(unsafe_code)]

use crate::attempt::{SHOW, Way};
use crate::host::Host;
use crate::outcome::{Check, Failure, ensure};

/// What came of it.
#[derive(Debug)]
pub struct Talk {
    /// Did the program end with 0?
    pub ok: bool,
    /// Everything that was shown: the last 25 lines.
    pub seen: String,
}

impl Talk {
    /// Was a command run as this account?
    #[must_use]
    pub fn entered(&self, user: &str) -> bool {
        self.seen.lines().any(|line| line.trim() == format!("IN:{user}"))
    }

    /// This must have been shown, once and only once.
    ///
    /// # Errors
    /// With all that was shown, when it was not.
    pub fn says_once(&self, line: &str) -> Check {
        let times = self.seen.matches(line).count();
        ensure(times == 1, || format!("'{line}' was shown {times} times:\n{}", self.seen))
    }
}

/// Runs a command on a terminal as somebody local or of the directory, and answers its password
/// questions in this order.
///
/// # Errors
/// Only when the engine cannot be run: a refusal is an answer.
pub fn talk(host: &Host<'_>, who: &str, command: &[&str], answers: &[&str]) -> Check<Talk> {
    let environment = vec![
        format!("PASS={}", answers.join("\n")),
        format!("SAY={SHOW}; exit"),
        "TERM=dumb".to_owned(),
        "LC_ALL=C.UTF-8".to_owned(),
    ];
    let mut words = vec!["timeout", "-k", "1", "60"];
    if who != "root" {
        words.extend(["/opt/host/as", who]);
    }
    words.extend(["/opt/host/converse", "40"]);
    words.extend(command);
    let output = host.exec(&environment, &words, "")?;
    Ok(Talk { ok: output.ok(), seen: output.evidence() })
}

/// The same for a login by one of the doors where a person sits at a terminal.
///
/// At ssh's level ERROR: at its usual one, sshd's banner says once more what the session says.
///
/// # Errors
/// As [`talk`], and for a door that asks nothing.
pub fn talk_at(host: &Host<'_>, way: Way, user: &str, answers: &[&str]) -> Check<Talk> {
    talk_at_level(host, way, user, answers, "LogLevel=ERROR")
}

/// The same, with ssh at this level: below INFO, its usual one, it swallows what
/// keyboard-interactive says beside its questions.
///
/// # Errors
/// As [`talk_at`].
pub fn talk_at_level(
    host: &Host<'_>,
    way: Way,
    user: &str,
    answers: &[&str],
    level: &str,
) -> Check<Talk> {
    // For a shell, and no command: only then does sshd show what PAM has to say.
    let ssh = |method| {
        let options = ["-o", level, "-o", "PubkeyAuthentication=no", "-o", method];
        [["ssh", "-tt"].as_slice(), &options, &["-l", user, "127.0.0.1"]].concat()
    };
    let (who, command) = match way {
        Way::SshPassword => ("root", ssh("PreferredAuthentications=password")),
        Way::SshKeyboard => ("root", ssh("PreferredAuthentications=keyboard-interactive")),
        Way::Su => ("localbob", vec!["su", "-", user, "-c", SHOW]),
        Way::Login => ("root", vec!["/opt/host/on-terminal", user]),
        Way::SshKey | Way::Sudo => {
            return Err(Failure::new(format!("{way:?} is no door to talk at")));
        }
    };
    talk(host, who, &command, answers)
}

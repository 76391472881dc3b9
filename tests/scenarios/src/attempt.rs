//! One attempt to get in, by any of the doors that people use, and what came of it.

#![forbid(unsafe_code)]

use crate::engine::Output;
use crate::host::Host;
use crate::outcome::{Check, ensure};
use std::time::{Duration, Instant};

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `ssh` with the method `password`.
    SshPassword,
    /// `ssh` with the method `keyboard-interactive`.
    SshKeyboard,
    /// `ssh` with a key that the account's file in /etc/ssh/keys allows.
    SshKey,
    /// `su -`, typed by localbob.
    Su,
    /// `login` on a terminal.
    Login,
    /// `sudo -v`, typed by the account itself.
    Sudo,
}

/// The doors where a password is typed.
pub const PASSWORD_WAYS: &[Way] =
    &[Way::SshPassword, Way::SshKeyboard, Way::Su, Way::Login, Way::Sudo];

/// What came of an attempt.
#[derive(Debug)]
pub struct Attempt {
    /// Was a command run as the account?
    pub entered: bool,
    /// Everything that the program showed.
    pub seen: String,
    /// From the first key to the end.
    pub took: Duration,
}

/// The command that shows that somebody is in; the echo of it, being typed, does not contain
/// what it prints.
pub const SHOW: &str = "echo IN:$(id -un)";

/// Tries to get in.
///
/// # Errors
/// Only when the engine cannot be run: being refused is an answer.
pub fn attempt(host: &Host<'_>, way: Way, user: &str, password: &str) -> Check<Attempt> {
    let start = Instant::now();
    let output = enter(host, way, user, password, SHOW)?;
    let entered = output.out.lines().any(|line| line.trim() == format!("IN:{user}"));
    Ok(Attempt { entered, seen: output.evidence(), took: start.elapsed() })
}

/// Tries to get in and to run a command there.
///
/// # Errors
/// As [`attempt`].
pub fn enter(host: &Host<'_>, way: Way, user: &str, password: &str, show: &str) -> Check<Output> {
    let environment = vec![
        format!("PASS={password}"),
        format!("SSHPASS={password}"),
        format!("SAY={show}; exit"),
        "TERM=dumb".to_owned(),
    ];
    let sudo = format!("sudo -k; sudo -v && {show}");
    let mut command = vec!["timeout", "-k", "1", "60"];
    match way {
        Way::SshPassword | Way::SshKeyboard => {
            command.extend(["sshpass", "-e", "ssh", "-o", "PubkeyAuthentication=no", "-o"]);
            command.push(if way == Way::SshPassword {
                "PreferredAuthentications=password"
            } else {
                "PreferredAuthentications=keyboard-interactive"
            });
            command.extend(["-l", user, "127.0.0.1", show]);
        }
        Way::SshKey => {
            command.extend(["ssh", "-o", "BatchMode=yes", "-l", user, "127.0.0.1", show])
        }
        Way::Su => command.extend([
            "/opt/host/as",
            "localbob",
            "/opt/host/converse",
            "40",
            "su",
            "-",
            user,
            "-c",
            show,
        ]),
        Way::Login => command.extend(["/opt/host/converse", "40", "/opt/host/on-terminal", user]),
        Way::Sudo => {
            command.extend(["/opt/host/as", user, "/opt/host/converse", "40", "sh", "-c", &sudo])
        }
    }
    host.exec(&environment, &command, "")
}

/// The attempt must get in.
///
/// # Errors
/// With what was seen, when it does not.
pub fn gets_in(host: &Host<'_>, way: Way, user: &str, password: &str) -> Check {
    let attempt = attempt(host, way, user, password)?;
    ensure(attempt.entered, || {
        format!(
            "{user} with the right password was refused by {way:?} after {:?}:\n{}",
            attempt.took, attempt.seen
        )
    })
}

/// The attempt must not get in.
///
/// # Errors
/// With what was seen, when it does.
pub fn stays_out(host: &Host<'_>, way: Way, user: &str, password: &str) -> Check {
    let attempt = attempt(host, way, user, password)?;
    ensure(!attempt.entered, || {
        format!("{user} got in by {way:?} with '{password}':\n{}", attempt.seen)
    })?;
    // An attempt that never came to a question proves nothing about a password.
    ensure(!attempt.seen.contains("Cannot assign requested address"), || attempt.seen.clone())?;
    ensure(!attempt.seen.contains("nothing more within"), || {
        format!("{way:?} for {user} hung ({:?}):\n{}", attempt.took, attempt.seen)
    })
}

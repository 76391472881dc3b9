//! Whether it works: the daemon is connected, and somebody who may log in is known to the host.
#![forbid(unsafe_code)]

use super::Failure;
use super::host::{self, Host};
use crate::daemon::ask_daemon;
use crate::output::say;
use crate::terminal::{Paint, line, whole};
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use std::time::{Duration, Instant};

/// The daemon tries each server in turn, 3 s each.
const CONNECTED_WITHIN: Duration = Duration::from_secs(20);
const DOCTOR: &str = "sudo ldapsctl doctor names what is in the way.";

/// Looks, and says what to try next.
///
/// # Errors
/// When it does not work.
pub fn look(host: &Host, somebody: Option<&str>) -> Result<(), Failure> {
    if !host.is_this_one() {
        say("Nothing was asked of the daemon: --root names another file system.\n");
        return Ok(());
    }
    connected()?;
    let Some(name) = somebody else {
        say(
            "Nobody of those who may log in could do so now, so nobody was looked up. Next: ldapsctl user NAME\n",
        );
        return Ok(());
    };
    let entry = host::run(&["getent", "passwd", name])
        .map_err(|_| Failure::unknown(format!("getent passwd {name} finds nobody. {DOCTOR}")))?;
    whole(Paint::Green, &format!("getent passwd {name}: {entry}"));
    lets_in(name)?;
    say(&format!(
        "\nTry it, and keep this shell open until it works:\n  ssh {name}@{}\n  sudo ldapsctl doctor       \
         if it does not\n  sudo ldapsctl setup --undo  takes everything back\n",
        hostname()
    ));
    Ok(())
}

fn connected() -> Result<(), Failure> {
    let began = Instant::now();
    let mut told = false;
    loop {
        let problem = match ask_daemon(None, &AdminRequest::Status) {
            Ok(AdminReply::Status(status)) => {
                if let Some(server) = status.servers.iter().find(|server| server.connected) {
                    say(&format!("ldapsd is connected to {}\n", server.server));
                    return Ok(());
                }
                status.last_error.map(|(error, _)| error)
            }
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        if began.elapsed() > CONNECTED_WITHIN {
            let problem = problem.unwrap_or_else(|| "ldapsd is connected to no server".to_owned());
            return Err(Failure::unknown(format!("{problem}\n{DOCTOR}")));
        }
        if !told && began.elapsed() > Duration::from_secs(1) {
            say("Waiting for ldapsd to be connected ...\n");
            told = true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// As the daemon would decide, if the password is right.
fn lets_in(name: &str) -> Result<(), Failure> {
    let service = "sshd".to_owned();
    let request = AdminRequest::Why { name: name.to_owned(), service };
    let Ok(AdminReply::Why(report)) = ask_daemon(None, &request) else { return Ok(()) };
    match crate::why::Shown::from(&*report).lets_in {
        true => {
            line(Paint::Green, &format!("{name} gets in by sshd, with the right password"));
            Ok(())
        }
        false => Err(Failure::from(format!(
            "{name} would not get in by sshd. sudo ldapsctl why {name} tells why."
        ))),
    }
}

fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

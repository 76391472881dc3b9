//! What is waited for is shown on a terminal, and nowhere else.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::daemon::Daemon;
use crate::ldapsctl;
use crate::pty::{On, Running};

/// To the beginning of the line, and erase it.
const EMPTY_LINE: &str = "\r\x1b[K";

/// A server that takes connections and never says a word, and a daemon that does so.
struct Silence {
    server: TcpListener,
    daemon: Daemon,
    dir: tempfile::TempDir,
}

impl Silence {
    fn new() -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let silence = Self { server, daemon: Daemon::silent(), dir: tempfile::tempdir().unwrap() };
        fs::write(silence.path("secret"), "Service.Pass.1").unwrap();
        fs::set_permissions(silence.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "[directory]\nuri = \"ldaps://dc1.corp.example:{}\"\nbind_dn = \"svc@corp.example\"\n\
             bind_secret = {:?}\n[directory.address]\n\"dc1.corp.example\" = \"127.0.0.1\"\n",
            silence.port(),
            silence.path("secret")
        );
        fs::write(silence.path("ldaps.toml"), text).unwrap();
        silence
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn port(&self) -> u16 {
        self.server.local_addr().unwrap().port()
    }

    /// A command of `ldapsctl cert` about the server.
    fn cert(&self, verb: &str) -> Command {
        let mut command = ldapsctl(&["cert", verb]);
        match verb {
            "check" => command.arg("--root").arg(self.dir.path()),
            _ => command.arg(format!("ldaps://dc1.corp.example:{}", self.port())),
        };
        command.arg("--config").arg(self.path("ldaps.toml"));
        command.arg("--ldap-conf").arg(self.path("ldap.conf"));
        command
    }

    /// A command about what the daemon says.
    fn daemon(&self, words: &[&str]) -> Command {
        let mut command = ldapsctl(words);
        command.arg("--run-dir").arg(self.daemon.run_dir());
        command
    }

    /// All that wait for one of them, with what is shown meanwhile.
    fn commands(&self) -> Vec<(Command, String)> {
        let server = format!("Asking dc1.corp.example:{}", self.port());
        let mut all: Vec<(Command, String)> =
            ["show", "fetch", "check"].map(|verb| (self.cert(verb), server.clone())).into();
        for words in [
            &["why", "alice"][..],
            &["user", "alice"],
            &["group", "staff"],
            &["cache", "refresh", "alice"],
        ] {
            all.push((self.daemon(words), "Waiting for ldapsd".to_owned()));
        }
        // A login is tried as root only, by a service that this host has.
        if rustix::process::geteuid().is_root() && Path::new("/etc/pam.d/other").exists() {
            let words = ["test", "nobody-there", "--service", "other", "--password-stdin"];
            all.push((self.daemon(&words), "Waiting for ldapsd".to_owned()));
        }
        all
    }
}

#[test]
fn somebody_at_a_terminal_waits_for_a_silent_server_and_is_told_nothing() {
    for (command, words) in Silence::new().commands() {
        let shown = format!("{command:?}");
        let mut running = Running::start(command, On::Errors);
        let line = format!("{EMPTY_LINE}{words}");
        running.until(&shown, |_, errors| errors.contains(&line));
        let (output, _) = running.kill();
        // What is asked for alone is on standard output.
        assert_eq!(output, "", "{shown}");
    }
}

#[test]
fn what_was_waited_for_stays_on_the_terminal_or_goes_into_a_file() {
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silence = Silence::new();
    let show = || {
        let mut command =
            ldapsctl(&["cert", "show", &format!("ldaps://localhost:{}", nowhere.port())]);
        command.arg("--config").arg(silence.path("none"));
        command.arg("--ldap-conf").arg(silence.path("none"));
        command
    };
    let (ended, _, errors) = Running::start(show(), On::Errors).end();
    assert_eq!(ended.code(), Some(3), "{errors:?}");
    let (waiting, after) = errors.rsplit_once(EMPTY_LINE).unwrap();
    assert!(waiting.contains("Asking localhost:"), "{errors:?}");
    assert!(after.contains("cannot be reached") && !after.contains("Asking"), "{errors:?}");

    for on in [On::Neither, On::Output] {
        let (_, output, errors) = Running::start(show(), on).end();
        assert_eq!(output, "");
        assert!(!errors.contains("Asking") && !errors.contains('\x1b'), "{on:?}: {errors:?}");
    }
}

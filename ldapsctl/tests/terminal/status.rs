//! `ldapsctl status`, with a daemon: for programs, each second, and until Ctrl-C.

use rustix::process::Signal;
use serde_json::Value;

use crate::daemon::Daemon;
use crate::ldapsctl;
use crate::pty::{On, Running};

fn status(daemon: &Daemon, words: &[&str]) -> std::process::Command {
    let mut command = ldapsctl(&["status"]);
    command.args(words).arg("--run-dir").arg(daemon.run_dir());
    command
}

/// What scripts read: a key, and what stands there. The keys stay.
fn keys() -> [(&'static str, Value); 12] {
    [
        ("/version", "0.1.0".into()),
        ("/uptime_s", 61.into()),
        ("/servers/0/server", "dc1.corp.example:636".into()),
        ("/servers/0/connected", true.into()),
        ("/domain/ranges/0/1", 399_999.into()),
        ("/last_error", Value::Null),
        ("/counters/hits", 7.into()),
        ("/freshness", Value::Null),
        ("/sync/phase", "Complete".into()),
        ("/notify", Value::Null),
        ("/conditions/connection/0", "dc1.corp.example:636".into()),
        ("/conditions/held/users", 0.into()),
    ]
}

fn has_all_keys(text: &str) {
    let shown: Value = serde_json::from_str(text).unwrap();
    for (place, value) in keys() {
        assert_eq!(shown.pointer(place), Some(&value), "{place} in {text}");
    }
}

#[test]
fn a_program_that_reads_the_status_finds_another_key_or_what_is_no_json() {
    let daemon = Daemon::answering();
    for on in [On::Neither, On::Output] {
        let (ended, output, errors) = Running::start(status(&daemon, &["--json"]), on).end();
        assert_eq!((ended.code(), errors.as_str()), (Some(0), ""));
        has_all_keys(&output);
    }
}

/// How it is watched, where that goes, and what each showing begins with.
const WATCHED: &[(&[&str], On, &str)] = &[
    (&["--watch"], On::Neither, " dc1.corp.example:636; look-ups 7 from memory"),
    (&["--watch", "--json"], On::Neither, "{\"version\":"),
    (&["--watch", "--json"], On::Output, "{\"version\":"),
    (&["--watch"], On::Output, "\x1b[H\x1b[J"),
];

#[test]
fn the_watch_shows_the_daemon_once_or_ctrl_c_is_a_failure() {
    let daemon = Daemon::answering();
    for (words, on, begin) in WATCHED {
        let mut running = Running::start(status(&daemon, words), *on);
        running.until("third showing", |output, _| output.matches(begin).count() > 2);
        running.signal(Signal::INT);
        let (ended, output, errors) = running.end();
        assert_eq!((ended.code(), errors.as_str()), (Some(0), ""), "{words:?} {on:?}");
        let is_drawn = output.contains('\x1b');
        assert_eq!(is_drawn, begin.starts_with('\x1b'), "{words:?} {on:?}: {output:?}");
        assert_eq!(output.contains("  (Ctrl-C ends this)\r\n"), is_drawn, "{output:?}");
        if words.contains(&"--json") {
            output.lines().filter(|line| !line.is_empty()).for_each(has_all_keys);
        }
    }
}

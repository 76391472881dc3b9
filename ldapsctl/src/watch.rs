//! `ldapsctl status --watch`: the status each second; drawn anew on a terminal, a line each elsewhere.
//! Nothing of the terminal is changed, so that Ctrl-C at any moment leaves it as it was.
#![forbid(unsafe_code)]

use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::thread::{self, sleep};
use std::time::Duration;

use jiff::Zoned;

use crate::output::{self, harmless};
use crate::{Daemon, status};

const EVERY: Duration = Duration::from_secs(1);
/// ECMA-48: to the upper left, and erase from there to the end.
const HOME: &str = "\x1b[H\x1b[J";
/// Erase the whole of it, once.
const CLEAR: &str = "\x1b[2J";

/// Shows it until nobody looks any more: Ctrl-C is how it is meant to end, and that is no failure.
pub fn run(daemon: &Daemon) -> ExitCode {
    thread::spawn(end_with_ctrl_c);
    let is_terminal = stdout().is_terminal() && !daemon.json;
    let mut begin = CLEAR;
    loop {
        let now = Zoned::now();
        let asked = status::ask(daemon.run_dir.as_deref());
        let written = match (is_terminal, asked) {
            (true, asked) => {
                let text = asked.map(|shown| status::describe(&shown));
                let text = text.unwrap_or_else(|error| format!("{error}\n"));
                let time = now.strftime("%F %T");
                let text = harmless(&text);
                output::write(&format!("{begin}{HOME}{time}  (Ctrl-C ends this)\n\n{text}"))
            }
            (false, Ok(shown)) if daemon.json => match serde_json::to_string(&shown) {
                Ok(json) => output::write(&format!("{json}\n")),
                Err(_) => output::write("null\n"),
            },
            (false, Ok(shown)) => line(&now, &status::in_one_line(&shown)),
            (false, Err(error)) => line(&now, &error.to_string()),
        };
        if written.is_err() {
            return ExitCode::SUCCESS;
        }
        begin = "";
        sleep(EVERY);
    }
}

/// In a thread of its own, so that nobody waits for a daemon that does not answer. Where the signal
/// cannot be had, it ends the program as it ends others.
fn end_with_ctrl_c() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let Ok(runtime) = runtime else { return };
    if runtime.block_on(async { tokio::signal::ctrl_c().await }).is_ok() {
        // The shell's prompt begins a line.
        let _gone = output::write("\n");
        std::process::exit(0);
    }
}

fn line(now: &Zoned, text: &str) -> std::io::Result<()> {
    output::write(&harmless(&format!("{} {text}\n", now.strftime("%FT%T%:z"))))
}

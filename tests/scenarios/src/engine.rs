//! The container engine's command line (Docker's, or one that understands the same words),
//! and the promise that nothing of a run is left behind.

#![forbid(unsafe_code)]

use crate::outcome::{Check, Failure};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// The label that every container and network of one run carries.
const RUN_LABEL: &str = "ldaps-test-run";

/// What a command printed and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; 255 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Output {
    /// Did it end with 0?
    #[must_use]
    pub fn ok(&self) -> bool {
        self.code == 0
    }

    /// Both outputs, for evidence: the last 25 lines.
    #[must_use]
    pub fn evidence(&self) -> String {
        let all = format!("{}{}", self.out, self.err);
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

/// One run's use of the engine.
pub struct Engine {
    program: String,
    run: String,
    sweeper: Mutex<Option<(Child, ChildStdin)>>,
}

impl Engine {
    /// The engine that `CONTAINER_ENGINE` names, or `docker`, if it answers.
    ///
    /// # Errors
    /// A sentence that says what is missing, where no engine answers.
    pub fn find() -> Check<Self> {
        let program = std::env::var("CONTAINER_ENGINE").unwrap_or_else(|_| "docker".to_owned());
        // Processes in different containers may share an engine and have the same number.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let run = format!("{}-{}", std::process::id(), now % 100_000);
        let engine = Self { program, run, sweeper: Mutex::new(None) };
        let answer = engine.run(&["version", "--format", "{{.Server.Version}}"])?;
        if answer.ok() {
            Ok(engine)
        } else {
            Err(Failure::new(format!(
                "the container engine '{}' does not answer ({}); start it, or name another in CONTAINER_ENGINE",
                engine.program,
                answer.evidence()
            )))
        }
    }

    /// Starts the process that removes this run's containers and networks when this process
    /// ends, by whatever end: it waits for the end of a pipe that only we hold open. So
    /// Ctrl-C, a panic and a kill all leave nothing behind, without a signal handler.
    ///
    /// # Errors
    /// When no shell can be started.
    pub fn sweep_at_the_end(&self) -> Check {
        let script = r#"trap '' INT TERM HUP; cat >/dev/null
            containers=$("$1" ps -aq --filter "label=$2"); [ -z "$containers" ] || "$1" rm -f -v $containers
            networks=$("$1" network ls -q --filter "label=$2"); [ -z "$networks" ] || "$1" network rm $networks"#;
        let mut child = Command::new("sh")
            .args(["-c", script, "sweeper", &self.program, &self.label()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start sh, which cleans up: {error}")))?;
        let pipe = child.stdin.take();
        if let (Some(pipe), Ok(mut sweeper)) = (pipe, self.sweeper.lock()) {
            *sweeper = Some((child, pipe));
        }
        Ok(())
    }

    /// Removes what the run made, now, and waits for it.
    pub fn sweep(&self) {
        let held = self.sweeper.lock().ok().and_then(|mut sweeper| sweeper.take());
        if let Some((mut child, pipe)) = held {
            drop(pipe);
            // It reports nothing: what could not be removed is seen by `docker ps`.
            let _ = child.wait();
        }
    }

    /// The engine's program, for scripts that call it.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// `KEY=VALUE`, for `--label`: marks a thing as this run's.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{RUN_LABEL}={}", self.run)
    }

    /// A name of this run: `ldaps-test-WHAT-RUN`.
    #[must_use]
    pub fn name(&self, what: &str) -> String {
        format!("ldaps-test-{what}-{}", self.run)
    }

    /// Runs the engine with these arguments.
    ///
    /// # Errors
    /// Only when the program cannot be started: an exit code is an answer.
    pub fn run(&self, args: &[&str]) -> Check<Output> {
        self.run_with_input(args, b"")
    }

    /// The same, with something on standard input.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Check<Output> {
        let failed = |error| Failure::new(format!("cannot run '{}': {error}", self.program));
        let mut child = Command::new(&self.program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let pipe = child.stdin.take();
        // A thread, because a full pipe on either side would stop us both.
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                if let Some(mut pipe) = pipe {
                    // A command that does not read its input closes it: no fault.
                    let _ = pipe.write_all(input);
                }
            });
            child.wait_with_output()
        });
        let output = output.map_err(failed)?;
        Ok(Output {
            code: output.status.code().unwrap_or(255),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs the engine and gives its standard output, without the last newline.
    ///
    /// # Errors
    /// When the command ends with anything but 0; the message carries what it printed.
    pub fn must(&self, args: &[&str]) -> Check<String> {
        let output = self.run(args)?;
        if output.ok() {
            Ok(output.out.trim_end_matches(['\r', '\n']).to_owned())
        } else {
            Err(Failure::new(format!(
                "'{} {}' ended with {}:\n{}",
                self.program,
                args.join(" "),
                output.code,
                output.evidence()
            )))
        }
    }
}

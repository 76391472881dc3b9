//! A host in a container: systemd, OpenSSH, su, sudo, login, cron, and what is done to it.

#![forbid(unsafe_code)]

use crate::engine::{Engine, Output};
use crate::outcome::{Check, Failure, ensure};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the journal stood at a moment.
#[derive(Debug, Clone)]
pub struct JournalMark(String);

/// One host.
pub struct Host<'engine> {
    engine: &'engine Engine,
    container: String,
}

impl<'engine> Host<'engine> {
    /// Starts a host and waits until systemd has started everything.
    ///
    /// # Errors
    /// When it is not up within half a minute.
    pub fn start(engine: &'engine Engine, image: &str, name: &str, network: &str) -> Check<Self> {
        let container = engine.name(name);
        let label = engine.label();
        let mut args = vec![
            "run",
            "-d",
            "-t",
            "--name",
            &container,
            "--label",
            &label,
            "--hostname",
            "host1",
            "--network",
            network,
            // systemd mounts; iptables cuts; strace looks on.
            "--cap-add",
            "SYS_ADMIN",
            "--cap-add",
            "NET_ADMIN",
            "--cap-add",
            "SYS_PTRACE",
            "--security-opt",
            "seccomp=unconfined",
            "--security-opt",
            "apparmor=unconfined",
            "-v",
            "/sys/fs/cgroup:/sys/fs/cgroup:rw",
            "--tmpfs",
            "/run",
            "--tmpfs",
            "/run/lock",
            "--tmpfs",
            "/tmp:exec",
            "-e",
            "container=docker",
        ];
        // A current systemd starts on cgroup v1 only when told so. On v2 the path of its own group
        // must be the true one: with a private namespace it would take the machine's root group,
        // mounted here, for its own.
        if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
            args.extend(["--cgroupns", "host"]);
        } else {
            args.extend([
                "-e",
                "SYSTEMD_PROC_CMDLINE=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 systemd.unified_cgroup_hierarchy=0",
            ]);
        }
        args.push(image);
        engine.must(&args)?;
        let host = Self { engine, container };
        host.wait_until_up()?;
        Ok(host)
    }

    /// Restarts the host: what is on its disk stays, /run does not.
    ///
    /// # Errors
    /// When it is not up again within a minute.
    pub fn reboot(&self) -> Check {
        // No word to systemd: the power goes.
        self.engine.must(&["kill", "--signal=KILL", &self.container])?;
        self.engine.must(&["start", &self.container])?;
        self.wait_until_up()
    }

    fn wait_until_up(&self) -> Check {
        // As on an installed host, its own name needs no DNS, which sudo would wait for. The
        // engine takes lines that end with a tab and the name away when it leaves a network.
        self.must("grep -q '^127.0.1.1' /etc/hosts || echo '127.0.1.1 host1' >>/etc/hosts")?;
        self.wait_for("systemd to be up", Duration::from_secs(60), |host| {
            Ok(host.sh("systemctl is-system-running")?.out.trim() == "running")
        })
    }

    /// Starts a host that runs nothing by itself: for a system whose systemd wants another kernel
    /// than this machine may have (from 258 on it knows cgroup v2 alone).
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn without_init(
        engine: &'engine Engine,
        image: &str,
        name: &str,
        network: &str,
    ) -> Check<Self> {
        let container = engine.name(name);
        let label = engine.label();
        engine.must(&[
            "run",
            "-d",
            "--init",
            "--name",
            &container,
            "--label",
            &label,
            "--hostname",
            "host1",
            "--network",
            network,
            image,
            "sleep",
            "infinity",
        ])?;
        Ok(Self { engine, container })
    }

    /// The container's name.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// Runs a command, given word by word; `environment` are `KEY=VALUE`.
    ///
    /// # Errors
    /// When the engine cannot be run.
    pub fn exec(&self, environment: &[String], command: &[&str], input: &str) -> Check<Output> {
        let mut args = vec!["exec", "-i"];
        for pair in environment {
            args.extend(["-e", pair]);
        }
        args.push(&self.container);
        args.extend(command);
        self.engine.run_with_input(&args, input.as_bytes())
    }

    /// Runs a line of shell, for at most a minute and a half (exit code 124 after that: a hang).
    ///
    /// # Errors
    /// When the engine cannot be run.
    pub fn sh(&self, script: &str) -> Check<Output> {
        self.exec(&[], &["timeout", "-k", "1", "90", "sh", "-c", script], "")
    }

    /// Runs a line of shell that must end with 0, and gives what it printed, trimmed.
    ///
    /// # Errors
    /// With the script and what it printed, when it does not.
    pub fn must(&self, script: &str) -> Check<String> {
        let output = self.sh(script)?;
        ensure(output.ok(), || {
            format!("'{script}' ended with {}:\n{}", output.code, output.evidence())
        })?;
        Ok(output.out.trim().to_owned())
    }

    /// Runs a command with names on its standard input, one a line.
    ///
    /// # Errors
    /// When it does not end with 0.
    pub fn fed(&self, command: &[&str], lines: &[String]) -> Check<String> {
        let output = self.exec(&[], command, &(lines.join("\n") + "\n"))?;
        ensure(output.ok(), || {
            format!("{command:?} ended with {}:\n{}", output.code, output.evidence())
        })?;
        Ok(output.out)
    }

    /// Writes a file, with this owner and mode.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &str, content: &str, owner: &str, mode: &str) -> Check {
        let script = r#"mkdir -p "$(dirname "$1")" && cat >"$1.new" && chown "$2" "$1.new" && chmod "$3" "$1.new" && mv "$1.new" "$1""#;
        let output = self.exec(&[], &["sh", "-c", script, "write", path, owner, mode], content)?;
        ensure(output.ok(), || format!("{path} could not be written: {}", output.evidence()))
    }

    /// Tries until it holds.
    ///
    /// # Errors
    /// A sentence that says what was awaited, after `longest`.
    pub fn wait_for(
        &self,
        what: &str,
        longest: Duration,
        holds: impl Fn(&Self) -> Check<bool>,
    ) -> Check {
        let start = Instant::now();
        while !holds(self)? {
            ensure(start.elapsed() < longest, || {
                format!("{} waited {} s in vain for {what}", self.container, longest.as_secs())
            })?;
            std::thread::sleep(Duration::from_millis(150));
        }
        Ok(())
    }

    /// Now, in the journal.
    ///
    /// # Errors
    /// When there is no journal.
    pub fn journal_mark(&self) -> Check<JournalMark> {
        let shown =
            self.must("journalctl --sync; journalctl -n 1 --show-cursor -q -o cat | tail -n 1")?;
        let cursor = shown.strip_prefix("-- cursor: ").unwrap_or_default();
        ensure(!cursor.is_empty(), || format!("journalctl showed no cursor but '{shown}'"))?;
        Ok(JournalMark(cursor.to_owned()))
    }

    /// Everything that any program wrote to the journal since then.
    ///
    /// # Errors
    /// When there is no journal.
    pub fn journal_since(&self, mark: &JournalMark) -> Check<String> {
        let script = format!(
            "journalctl --sync; journalctl -q --no-pager -o short-precise --after-cursor '{}'",
            mark.0
        );
        self.must(&script)
    }

    /// Waits (up to 5 s) for a line since `mark` that contains every one of `words`, whatever
    /// their case. Gives the line.
    ///
    /// # Errors
    /// With the journal's lines of ours, when no line has them all.
    pub fn journal_line(&self, mark: &JournalMark, words: &[&str]) -> Check<String> {
        let start = Instant::now();
        loop {
            let journal = self.journal_since(mark)?;
            let found = journal.lines().find(|line| {
                let line = line.to_lowercase();
                words
                    .iter()
                    .all(|word| word.split('|').any(|one| line.contains(&one.to_lowercase())))
            });
            if let Some(line) = found {
                return Ok(line.to_owned());
            }
            if start.elapsed() > Duration::from_secs(5) {
                let ours: Vec<&str> =
                    journal.lines().filter(|line| line.contains("ldaps")).collect();
                let from = ours.len().saturating_sub(12);
                return Err(Failure::new(format!(
                    "no journal line has all of {words:?}; ours are:\n{}",
                    ours[from..].join("\n")
                )));
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Puts a file of this machine into the container.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn copy_in(&self, from: &Path, to: &str) -> Check {
        self.engine
            .must(&["cp", &from.to_string_lossy(), &format!("{}:{to}", self.container)])
            .map(drop)
    }

    /// Joins a network, or leaves one; no fault where that is so already.
    ///
    /// # Errors
    /// When the engine cannot be run.
    pub fn on_network(&self, network: &str, joined: bool) -> Check {
        let verb = if joined { "connect" } else { "disconnect" };
        self.engine.run(&["network", verb, network, &self.container]).map(drop)
    }
}

//! The daemon's process: started, watched, signalled, and gone with the test.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::stage::Files;

/// Longest wait for anything that should be there in no time, on however busy a machine.
const LONG: Duration = Duration::from_secs(15);

/// A running daemon.
pub struct Daemon {
    process: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it on these files; it may not answer yet, or never.
    pub fn start(files: &Files) -> Self {
        let log = files.path("log");
        let to_log = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(program(files));
        command
            .args(["--foreground", "--log-level", "trace", "--config"])
            .arg(files.path("ldaps.toml"))
            .arg("--ldap-conf")
            .arg(files.path("no-ldap.conf"))
            .arg("--run-dir")
            .arg(files.path("run"))
            .arg("--state-dir")
            .arg(files.path("state"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(to_log);
        if let Some(uid) = Files::daemon_uid() {
            command.uid(uid).gid(uid);
        }
        Self { process: command.spawn().unwrap(), log }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// The most memory that it has had at once (proc(5), VmHWM).
    pub fn peak_memory_kib(&self) -> u64 {
        self.kib("VmHWM:")
    }

    /// The memory that it has now (proc(5), VmRSS).
    pub fn memory_kib(&self) -> u64 {
        self.kib("VmRSS:")
    }

    fn kib(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How it ended.
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < LONG, "it does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as systemd does.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    pub fn wait_until_it_answers(&self) {
        self.wait_for("an answer", || self.log().contains("answers in"));
    }

    /// Waits for something to become true.
    pub fn wait_for(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < LONG, "no {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The daemon's program, or, where its user could not reach that, a copy.
fn program(files: &Files) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_ldapsd"));
    let open_to_all = |dir: &Path| {
        fs::metadata(dir).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    };
    if Files::daemon_uid().is_none() || built.ancestors().all(open_to_all) {
        return built.to_owned();
    }
    let copy = files.path("ldapsd");
    if !copy.exists() {
        fs::copy(built, &copy).unwrap();
        fs::set_permissions(&copy, Permissions::from_mode(0o755)).unwrap();
    }
    copy
}

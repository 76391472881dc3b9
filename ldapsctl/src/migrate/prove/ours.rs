//! ldapsd itself, on the proposed configuration, for as long as the comparison takes.
#![forbid(unsafe_code)]

use super::super::plan::Plan;
use super::super::write;
use super::place::Place;
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::protocol::admin::{AdminReply, AdminRequest};
use ldaps_core::protocol::client::{NSS_DEADLINE, Socket, ask};
use ldaps_core::protocol::messages::{NssReply, NssRequest};
use ldaps_core::run_dir::RunDir;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the daemon may take until it knows the domain.
const START: Duration = Duration::from_secs(30);
/// How often a question is asked again that the directory did not answer.
const TRIES: u32 = 5;
/// Lines of its log that are told when it does not come up.
const TOLD: usize = 8;

/// The daemon; it ends, and its directory with it, when this is dropped.
pub struct Ours {
    child: Child,
    run_dir: RunDir,
    // Behind the child: it goes first.
    _place: Place,
}

impl Ours {
    /// Starts it, and waits until it has reached the directory.
    ///
    /// # Errors
    /// A sentence with the end of its log.
    pub fn start(
        plan: &mut Plan,
        from: &str,
        lists: bool,
        program: Option<&Path>,
    ) -> Result<Self, String> {
        let place = Place::new()?;
        let secret = place.join("secret");
        let Some(password) = &plan.secret else {
            return Err(
                "the service account's password is not known, so the directory cannot be asked. \
                        Name a file that holds it: --secret FILE."
                    .to_owned(),
            );
        };
        write::secret_file(&secret, password)?;
        let toml = place.join("ldaps.toml");
        write::file(&toml, proposed(plan, from, &secret, lists).as_bytes(), 0o644)?;
        let program = program.map_or_else(beside_us, Path::to_owned);
        let log = place.join("log");
        let mut child = spawn(&program, &place, &log)?;
        let run = place.join("run");
        let run_dir = await_domain(&mut child, &run, &log);
        // It has been read, and is not read again.
        let _gone = fs::remove_file(&secret);
        match run_dir {
            Ok(run_dir) => Ok(Self { child, run_dir, _place: place }),
            Err(problem) => {
                end(&mut child);
                Err(problem)
            }
        }
    }

    fn ask(&self, request: &NssRequest) -> Result<NssReply, String> {
        let mut last = String::new();
        for _ in 0..TRIES {
            match ask(&self.run_dir, Socket::Nss, request, NSS_DEADLINE) {
                Ok(NssReply::Unavailable) => {
                    "the directory could not be asked".clone_into(&mut last)
                }
                Ok(reply) => return Ok(reply),
                Err(error) => last = error.to_string(),
            }
            sleep(Duration::from_millis(300));
        }
        Err(format!("ldapsd gave no answer for {request:?}: {last}."))
    }

    /// The user of this name.
    ///
    /// # Errors
    /// A sentence, where there is no answer.
    pub fn user(&self, name: &str) -> Result<Option<PasswdEntry>, String> {
        match self.ask(&NssRequest::UserByName(name.to_owned()))? {
            NssReply::User(user) => Ok(Some(user)),
            _ => Ok(None),
        }
    }

    /// The gids of all groups of this user.
    ///
    /// # Errors
    /// A sentence, where there is no answer.
    pub fn gids_of(&self, name: &str) -> Result<Vec<u32>, String> {
        match self.ask(&NssRequest::GroupsOf(name.to_owned()))? {
            NssReply::Gids(gids) | NssReply::GidsAndLocal(gids, _) => Ok(gids),
            _ => Ok(Vec::new()),
        }
    }

    /// The group of this gid.
    ///
    /// # Errors
    /// A sentence, where there is no answer.
    pub fn group_of(&self, gid: u32) -> Result<Option<GroupEntry>, String> {
        Ok(group(self.ask(&NssRequest::GroupById(gid))?))
    }

    /// The group of this name.
    ///
    /// # Errors
    /// A sentence, where there is no answer.
    pub fn group(&self, name: &str) -> Result<Option<GroupEntry>, String> {
        Ok(group(self.ask(&NssRequest::GroupByName(name.to_owned()))?))
    }

    /// The names of everybody. Not of all groups: each costs searches for its members, and those that
    /// anybody is in are found by their members.
    ///
    /// # Errors
    /// A sentence, where there is no answer.
    pub fn everybody(&self) -> Result<Vec<String>, String> {
        let mut users = Vec::new();
        let mut from = None;
        while let NssReply::Users(page, rest) = self.ask(&NssRequest::Users(from))? {
            users.extend(page.into_iter().map(|user| user.name));
            from = rest;
            if from.is_none() {
                break;
            }
        }
        Ok(users)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    let _ended_by_itself = child.kill();
    let _reaped = child.wait();
}

fn group(reply: NssReply) -> Option<GroupEntry> {
    match reply {
        NssReply::Group(group) => Some(group),
        _ => None,
    }
}

/// The file as it is proposed, but for where the secret is, and that it may be listed.
fn proposed(plan: &mut Plan, from: &str, secret: &Path, lists: bool) -> String {
    let before = plan.get("nss", "enumerate").cloned();
    plan.set("directory", "bind_secret", secret.display().to_string(), "");
    if lists {
        plan.set("nss", "enumerate", true, "");
    }
    let toml = plan.toml(from);
    plan.unset("directory", "bind_secret");
    if lists && before.is_none() {
        plan.unset("nss", "enumerate");
    }
    toml
}

/// Beside this program, or where the package has it.
fn beside_us() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|path| path.with_file_name("ldapsd"));
    beside.filter(|path| path.exists()).unwrap_or_else(|| PathBuf::from("/usr/sbin/ldapsd"))
}

fn spawn(program: &Path, place: &Place, log: &Path) -> Result<Child, String> {
    let failed =
        |error: std::io::Error| format!("{} cannot be started: {error}.", program.display());
    let out = File::create(log).map_err(failed)?;
    let mut command = Command::new(program);
    command.arg("--foreground").arg("--config").arg(place.join("ldaps.toml"));
    command.arg("--run-dir").arg(place.join("run")).arg("--state-dir").arg(place.join("state"));
    // The one that runs has its own; this one is to leave systemd alone.
    command
        .env_remove("NOTIFY_SOCKET")
        .env_remove("CREDENTIALS_DIRECTORY")
        .env_remove("LISTEN_FDS");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(out);
    command.spawn().map_err(failed)
}

fn await_domain(child: &mut Child, run: &Path, log: &Path) -> Result<RunDir, String> {
    let start = Instant::now();
    while start.elapsed() < START {
        if let Ok(Some(_)) = child.try_wait() {
            return Err(format!(
                "ldapsd does not start with the proposed configuration:\n{}",
                tail(log)
            ));
        }
        if let Ok(run_dir) = RunDir::at(run)
            && let Ok(AdminReply::Status(status)) =
                ask(&run_dir, Socket::Admin, &AdminRequest::Status, NSS_DEADLINE)
            && status.domain.is_some()
        {
            return Ok(run_dir);
        }
        sleep(Duration::from_millis(100));
    }
    Err(format!(
        "ldapsd reached no domain controller with the proposed configuration:\n{}",
        tail(log)
    ))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(TOLD)..).unwrap_or_default().join("\n")
}

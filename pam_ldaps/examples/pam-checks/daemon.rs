//! A daemon that answers as it is told, well or badly, and writes down what it was asked.
#![forbid(unsafe_code)]

use std::ffi::CString;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fs, io, thread};

use ldaps_core::ctl::{Ctl, CtlWriter, FILE, State};
use ldaps_core::entries::PasswdEntry;
use ldaps_core::presence::CONFIG_FILE;
use ldaps_core::protocol::client::{Socket, monotonic_now};
use ldaps_core::protocol::frame::{self, REPLY_MAX, REQUEST_MAX};
use ldaps_core::protocol::messages::{NssReply, NssRequest, PamReply, PamRequest, Verdict};
use ldaps_core::protocol::request_id::RequestId;
use ldaps_core::refusal::Refusal;
use ldaps_core::run_dir::BUILT_IN;

use crate::ffi::{Watch, become_user};

/// The password that is right for everybody.
pub const RIGHT: &[u8] = b"Secret.123";
/// The new password that alice chooses.
pub const NEXT: &[u8] = b"Next.Secret.4";
/// What the daemon says of a new password that it refuses; the end is no text.
pub const NOTICE: &str = "At least 20 characters, this has 13.\x1b[2J";
/// alice's uid; the daemon's range is 200000 to 399999.
pub const ALICE: u32 = 200_001;

/// How the daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It runs.
    Running,
    /// It was stopped in an orderly way.
    Stopped,
    /// SIGSTOP: its heartbeat has stopped, connections are never accepted.
    Hung,
    /// It lives, and takes requests for a password or an account without ever answering.
    Silent,
    /// The host is configured, and it has not started since.
    NeverStarted,
    /// Nobody has configured the host.
    Unconfigured,
    /// It closes pam.sock's connections without an answer.
    Closing,
    /// It answers pam.sock with bytes that mean nothing.
    Garbage,
    /// pam.sock belongs to somebody else's process.
    Impostor,
}

/// What it was asked.
#[derive(Debug, Default)]
pub struct Asked {
    /// The passwords that have left the module.
    pub passwords: Vec<Vec<u8>>,
    /// The current passwords that were to be checked before a change.
    pub checks: Vec<Vec<u8>>,
    /// The changes: the current password and the new one.
    pub changes: Vec<(Vec<u8>, Vec<u8>)>,
    /// The account questions: whether the module said that it had authenticated the user.
    pub accounts: Vec<bool>,
    /// The look-ups, of the NSS module and of ours.
    pub look_ups: usize,
}

/// The daemon, until it is dropped.
pub struct Daemon {
    asked: Arc<Mutex<Asked>>,
    end: Arc<AtomicBool>,
    threads: Vec<(PathBuf, JoinHandle<()>)>,
    page: Option<Watch>,
}

impl Daemon {
    /// Puts a daemon of this mode in the place of the one before, and a configuration file where
    /// the mode means one. Every right password and every account gets the verdict.
    pub fn start(mode: Mode, verdict: Verdict) -> io::Result<Self> {
        let run_dir = Path::new(BUILT_IN);
        let _ = fs::remove_dir_all(run_dir);
        let _ = fs::remove_file(CONFIG_FILE);
        let (asked, end) = Default::default();
        let mut daemon = Self { asked, end, threads: Vec::new(), page: None };
        if mode == Mode::Unconfigured {
            return Ok(daemon);
        }
        fs::create_dir_all("/etc/ldaps")?;
        fs::write(CONFIG_FILE, "")?;
        if mode == Mode::NeverStarted {
            return Ok(daemon);
        }
        fs::create_dir_all(run_dir)?;
        fs::set_permissions(run_dir, fs::Permissions::from_mode(0o755))?;
        write_page(run_dir, mode)?;
        daemon.page = Some(Watch::on(&CString::new(format!("{BUILT_IN}/{FILE}"))?)?);
        if mode != Mode::Stopped {
            daemon.serve(run_dir, Socket::Nss, mode, verdict)?;
            daemon.serve(run_dir, Socket::Pam, mode, verdict)?;
        }
        Ok(daemon)
    }

    /// What it was asked until now.
    pub fn asked(&self) -> Asked {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether anybody has opened its page since it was written.
    pub fn page_was_opened(&mut self) -> bool {
        self.page.as_mut().is_some_and(|page| page.opened() > 0)
    }

    fn serve(
        &mut self,
        dir: &Path,
        socket: Socket,
        mode: Mode,
        verdict: Verdict,
    ) -> io::Result<()> {
        let path = dir.join(socket.file());
        let listener = match (mode, socket) {
            (Mode::Impostor, Socket::Pam) => somebody_elses(&path)?,
            _ => UnixListener::bind(&path)?,
        };
        let (asked, end) = (Arc::clone(&self.asked), Arc::clone(&self.end));
        let thread = thread::spawn(move || {
            while !end.load(Ordering::SeqCst) {
                if mode == Mode::Hung {
                    thread::sleep(Duration::from_millis(10));
                    continue;
                }
                let Ok((connection, _)) = listener.accept() else { continue };
                if end.load(Ordering::SeqCst) {
                    break;
                }
                // A client that has gone away is its own affair.
                let _ = answer(connection, socket, mode, verdict, &asked, &end);
            }
        });
        self.threads.push((path, thread));
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        for (socket, thread) in self.threads.drain(..) {
            let _ = UnixStream::connect(socket);
            let _ = thread.join();
        }
    }
}

fn write_page(run_dir: &Path, mode: Mode) -> io::Result<()> {
    let now = monotonic_now();
    let (state, heartbeat) = match mode {
        Mode::Stopped => (State::Stopped, now),
        Mode::Hung => (State::Running, now.saturating_sub(Duration::from_secs(10))),
        _ => (State::Running, now),
    };
    CtlWriter::open(run_dir)?.write(&Ctl {
        state,
        heartbeat,
        ranges: vec![200_000..=399_999],
        exclusive: true,
    })
}

/// A socket that a process of another user listens on.
fn somebody_elses(path: &Path) -> io::Result<UnixListener> {
    fs::set_permissions(BUILT_IN, fs::Permissions::from_mode(0o777))?;
    let path = path.to_owned();
    let listener = thread::spawn(move || {
        become_user(1000);
        UnixListener::bind(path)
    });
    let listener = listener.join().map_err(|_| io::ErrorKind::Other)??;
    fs::set_permissions(BUILT_IN, fs::Permissions::from_mode(0o755))?;
    Ok(listener)
}

fn answer(
    mut connection: UnixStream,
    socket: Socket,
    mode: Mode,
    verdict: Verdict,
    asked: &Mutex<Asked>,
    end: &AtomicBool,
) -> Result<(), frame::FrameError> {
    let request = frame::read(&mut connection, REQUEST_MAX)?;
    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    let reply = match socket {
        Socket::Nss => {
            asked.look_ups += 1;
            let reply = look_up(&frame::decode(&request)?, asked.look_ups);
            frame::encode(&reply, REPLY_MAX)?
        }
        _ => {
            let reply = judge(&frame::decode(&request)?, verdict, &mut asked);
            frame::encode(&reply, REPLY_MAX)?
        }
    };
    drop(asked);
    match (socket, mode) {
        (Socket::Pam, Mode::Closing) => return Ok(()),
        (Socket::Pam, Mode::Garbage) => connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?,
        (Socket::Pam, Mode::Silent) => {
            while !end.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
        }
        _ => connection.write_all(&reply)?,
    }
    Ok(())
}

/// alice and carol are as usual; `twoface` has another uid each time; nobody else is there.
fn look_up(request: &NssRequest, count: usize) -> NssReply {
    let NssRequest::UserByName(name) = request else { return NssReply::NotFound };
    let uid = match (name.as_str(), count % 2) {
        ("alice", _) => ALICE,
        ("carol", _) => ALICE + 3,
        ("twoface", 0) => ALICE + 1,
        ("twoface", _) => ALICE + 2,
        _ => return NssReply::NotFound,
    };
    NssReply::User(PasswdEntry {
        name: name.clone(),
        uid,
        gid: uid,
        gecos: String::new(),
        home: "/tmp".to_owned(),
        shell: "/bin/sh".to_owned(),
    })
}

fn judge(request: &PamRequest<'_>, verdict: Verdict, asked: &mut Asked) -> PamReply {
    let wrong = Verdict::Refused(Refusal::WrongPassword);
    let verdict = match request {
        PamRequest::Authenticate { password, .. } => {
            asked.passwords.push(password.to_vec());
            if *password == RIGHT { before(verdict, Verdict::ChangeFirst) } else { wrong }
        }
        PamRequest::Account { authenticated, .. } => {
            asked.accounts.push(*authenticated);
            before(verdict, Verdict::ChangeFirst)
        }
        PamRequest::CheckOldPassword { old, .. } => {
            asked.checks.push(old.to_vec());
            if *old == RIGHT { before(verdict, Verdict::Granted) } else { wrong }
        }
        PamRequest::ChangePassword { old, new, .. } => {
            asked.changes.push((old.to_vec(), new.to_vec()));
            match verdict {
                Verdict::ChangeFirst if *old == RIGHT => Verdict::Granted,
                verdict if *old == RIGHT => verdict,
                _ => wrong,
            }
        }
    };
    let rejected = verdict == Verdict::Refused(Refusal::NewPasswordRejected);
    let request = RequestId::from_random(7);
    PamReply { verdict, request, notice: rejected.then(|| NOTICE.to_owned()) }
}

/// A refusal of a new password comes to the change alone: up to there all goes well.
fn before(verdict: Verdict, well: Verdict) -> Verdict {
    match verdict {
        Verdict::Refused(Refusal::NewPasswordRejected | Refusal::ChangeForbidden) => well,
        verdict => verdict,
    }
}

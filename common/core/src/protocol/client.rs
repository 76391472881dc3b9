//! The asking side: one connection, one request, one reply, one deadline for all of it.
//!
//! It keeps no descriptor, no lock and no thread across calls, since the process it runs in may
//! fork at any moment; five years of sssd's bugs come from the one optimisation of keeping the
//! socket open (`docs/architecture.md` lists them).

use std::fmt;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::{Serialize, de::DeserializeOwned};

use super::frame::{self, FrameError, REPLY_MAX, REQUEST_MAX};
use crate::ctl::{Availability, Ctl, CtlError};
use crate::run_dir::{OVERFLOW_UID, RunDir};

/// How long a look-up may take in all.
pub const NSS_DEADLINE: Duration = Duration::from_secs(5);
/// How long a login may take in all: a bind, and AD's answer to it.
pub const PAM_DEADLINE: Duration = Duration::from_secs(30);
/// How often a socket is tried whose daemon is just restarting.
const RETRY_EVERY: Duration = Duration::from_millis(20);

/// The daemon's sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    /// Look-ups, for anyone.
    Nss,
    /// Logins.
    Pam,
    /// The administrator's tool.
    Admin,
}

impl Socket {
    /// The file in the run directory.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Nss => "nss.sock",
            Self::Pam => "pam.sock",
            Self::Admin => "admin.sock",
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum AskError {
    /// The daemon's page says it is not there, or cannot be read.
    Ctl(CtlError),
    /// The daemon is stopped, hung or gone: its heartbeat has stopped.
    NotRunning,
    /// Nothing listens on the socket.
    Connect(io::Error),
    /// Somebody else than the daemon listens there.
    Impostor(u32),
    /// Whoever listens has no uid in this user namespace.
    Unmapped,
    /// No answer in time.
    Deadline,
    /// The answer cannot be used.
    Frame(FrameError),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ctl(error) => write!(f, "{error}"),
            Self::NotRunning => f.write_str("ldapsd does not run or does not answer"),
            Self::Connect(error) => write!(f, "ldapsd cannot be reached: {error}"),
            Self::Impostor(uid) => write!(
                f,
                "the process that listens in ldapsd's place runs as uid {uid}, which does not own \
                 the run directory; nothing was sent to it"
            ),
            Self::Unmapped => f.write_str(
                "ldapsd runs as a user that does not exist in this user namespace, so it cannot \
                 be told from an impostor; nothing was sent to it",
            ),
            Self::Deadline => f.write_str("ldapsd did not answer in time"),
            Self::Frame(error) => write!(f, "ldapsd's answer cannot be used: {error}"),
        }
    }
}

impl std::error::Error for AskError {}

impl From<FrameError> for AskError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::Deadline,
            error => Self::Frame(error),
        }
    }
}

/// Sends one request and reads the one reply.
///
/// A daemon whose heartbeat has stopped is seen in its page and costs nothing; one that is just
/// restarting is waited for. The peer's uid is checked before anything is sent.
///
/// # Errors
/// [`AskError`]; nothing was decided then.
pub fn ask<Request: Serialize, Reply: DeserializeOwned>(
    run_dir: &RunDir,
    socket: Socket,
    request: &Request,
    patience: Duration,
) -> Result<Reply, AskError> {
    let ctl = Ctl::read(run_dir).map_err(AskError::Ctl)?;
    ask_knowing(&ctl, run_dir, socket, request, patience)
}

/// [`ask`], for a caller that has read the page at this very moment: its heartbeat is compared with the
/// time it is now.
///
/// # Errors
/// [`AskError`]; nothing was decided then.
pub fn ask_knowing<Request: Serialize, Reply: DeserializeOwned>(
    ctl: &Ctl,
    run_dir: &RunDir,
    socket: Socket,
    request: &Request,
    patience: Duration,
) -> Result<Reply, AskError> {
    let start = monotonic_now();
    let retry_until = match ctl.availability(start) {
        Availability::Running => start,
        Availability::RestartingUntil(moment) => moment,
        Availability::Gone => return Err(AskError::NotRunning),
    };
    let deadline = start.saturating_add(patience);
    let connection = connect(&run_dir.join(socket.file()), retry_until.min(deadline), deadline)?;
    check_peer(&connection, run_dir)?;
    let frame = frame::encode(request, REQUEST_MAX)?;
    let mut connection = Timed { socket: connection, deadline };
    connection.send_all(&frame)?;
    let reply = frame::read(&mut connection, REPLY_MAX)?;
    Ok(frame::decode(&reply)?)
}

/// CLOCK_MONOTONIC, which the daemon's heartbeat is written in: the same for every process of the
/// host, and read without a system call.
#[must_use]
pub fn monotonic_now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

/// Connects without ever blocking: connect(2) on a full backlog of a stopped daemon would wait
/// for ever.
fn connect(path: &Path, retry_until: Duration, deadline: Duration) -> Result<OwnedFd, AskError> {
    let failed = |errno: Errno| AskError::Connect(errno.into());
    let address = SocketAddrUnix::new(path).map_err(failed)?;
    let socket = new_socket().map_err(failed)?;
    loop {
        let errno = match net::connect(&socket, &address) {
            Ok(()) => return Ok(socket),
            Err(errno) => errno,
        };
        let until = match errno {
            // The backlog is full: the daemon lives, and may come to it.
            Errno::AGAIN => deadline,
            Errno::NOENT | Errno::CONNREFUSED => retry_until,
            Errno::INTR => continue,
            _ => return Err(failed(errno)),
        };
        if monotonic_now() >= until {
            return Err(match errno {
                Errno::AGAIN => AskError::Deadline,
                _ => failed(errno),
            });
        }
        std::thread::sleep(RETRY_EVERY);
    }
}

/// A socket above descriptor 2: in a process started with its standard descriptors closed, a
/// socket there would be written to by whatever prints.
fn new_socket() -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match std::os::fd::AsRawFd::as_raw_fd(&socket) > 2 {
        true => Ok(socket),
        false => rustix::io::fcntl_dupfd_cloexec(&socket, 3),
    }
}

fn check_peer(connection: &OwnedFd, run_dir: &RunDir) -> Result<(), AskError> {
    let peer = net::sockopt::socket_peercred(connection)
        .map_err(|errno| AskError::Connect(errno.into()))?;
    match peer.uid.as_raw() {
        OVERFLOW_UID => Err(AskError::Unmapped),
        uid if run_dir.is_owned_by(uid) => Ok(()),
        uid => Err(AskError::Impostor(uid)),
    }
}

/// A socket on which every wait ends at the one deadline.
struct Timed {
    socket: OwnedFd,
    deadline: Duration,
}

impl Timed {
    fn wait(&self, for_what: PollFlags) -> io::Result<()> {
        loop {
            let left = self.deadline.saturating_sub(monotonic_now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::TimedOut)?;
            match poll(&mut [PollFd::from_borrowed_fd(self.socket.as_fd(), for_what)], Some(&left))
            {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn send_all(&self, mut bytes: &[u8]) -> Result<(), FrameError> {
        while !bytes.is_empty() {
            match net::send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT)?,
                Err(Errno::INTR) => {}
                // A daemon that has refused without reading: its answer may still be there.
                Err(Errno::PIPE) => return Ok(()),
                Err(errno) => return Err(FrameError::Io(errno.into())),
            }
        }
        Ok(())
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(&self.socket, &mut *buffer) {
                Ok(count) => return Ok(count),
                Err(Errno::AGAIN) => self.wait(PollFlags::IN)?,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

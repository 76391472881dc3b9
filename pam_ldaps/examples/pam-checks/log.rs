//! The host's log, as it arrives at /dev/log.
#![forbid(unsafe_code)]

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Where syslog(3) sends its lines.
const SOCKET: &str = "/dev/log";

/// The log, read by this program in the place of a log daemon.
pub struct Log(UnixDatagram);

impl Log {
    /// Takes the log daemon's place; only where there is none, and /dev is the sandbox's own.
    pub fn open() -> io::Result<Self> {
        if Path::new(SOCKET).symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let socket = UnixDatagram::bind(SOCKET)?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// The lines since the last time.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut buffer = [0; 8192];
        while let Ok(length) = self.0.recv(&mut buffer) {
            let line = buffer.get(..length).unwrap_or_default();
            lines.push(String::from_utf8_lossy(line).into_owned());
        }
        lines
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(SOCKET);
    }
}

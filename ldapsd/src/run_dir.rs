//! The listening sockets. They are kept in systemd's file descriptor store over a restart, so that
//! an upgrade refuses nobody: whoever connects meanwhile waits in the backlog.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use ldaps_core::protocol::client::Socket;
use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::UnixListener;

/// The three sockets of the daemon.
pub(crate) struct Listeners {
    pub(crate) nss: UnixListener,
    pub(crate) pam: UnixListener,
    pub(crate) admin: UnixListener,
}

impl Listeners {
    /// Takes over the sockets of the daemon before this one, and makes those that are missing.
    ///
    /// # Errors
    /// A sentence that names the socket that cannot be made.
    pub(crate) fn open(run_dir: &Path) -> Result<Self, String> {
        let mut kept = kept_sockets();
        let mut open = |socket: Socket| {
            let path = run_dir.join(socket.file());
            let at = kept.iter().position(|listener| listens_at(listener, &path));
            let listener = match at {
                Some(at) => kept.swap_remove(at),
                None => bind(&path).map_err(|error| {
                    format!("the socket {} cannot be made: {error}", path.display())
                })?,
            };
            keep(&listener);
            into_tokio(listener)
                .map_err(|error| format!("the socket {} cannot be used: {error}", path.display()))
        };
        Ok(Self { nss: open(Socket::Nss)?, pam: open(Socket::Pam)?, admin: open(Socket::Admin)? })
    }
}

fn kept_sockets() -> Vec<StdListener> {
    let mut passed = ListenFd::from_env();
    (0..passed.len()).filter_map(|at| passed.take_unix_listener(at).ok().flatten()).collect()
}

/// A socket whose file somebody has removed since is of no use: nobody can connect to it. Its
/// address is for ever the one it was bound to, beside its place.
fn listens_at(listener: &StdListener, path: &Path) -> bool {
    let bound_to = beside(path);
    path.exists()
        && listener.local_addr().is_ok_and(|address| address.as_pathname() == Some(&bound_to))
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Made beside its place and moved there: at no moment is there a path without a listener.
fn bind(path: &Path) -> io::Result<StdListener> {
    let beside = beside(path);
    let _ = fs::remove_file(&beside);
    let listener = StdListener::bind(&beside)?;
    // Everybody may ask; what may be asked is decided by who asks.
    fs::set_permissions(&beside, Permissions::from_mode(0o666))?;
    fs::rename(&beside, path)?;
    Ok(listener)
}

/// Outside of systemd there is no store, and nothing happens.
fn keep(listener: &StdListener) {
    let states = [NotifyState::FdStore];
    if let Err(error) = sd_notify::notify_with_fds(false, &states, &[listener.as_fd()]) {
        tracing::warn!("a socket will not be kept over a restart: {error}");
    }
}

fn into_tokio(listener: StdListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_socket_is_not_known_again_or_taken_for_another() {
        let dir = tempfile::tempdir().unwrap();
        let (nss, pam) = (dir.path().join("nss.sock"), dir.path().join("pam.sock"));
        let listener = bind(&nss).unwrap();
        assert!(listens_at(&listener, &nss));
        assert!(!listens_at(&listener, &pam));
        fs::remove_file(&nss).unwrap();
        assert!(!listens_at(&listener, &nss), "nobody can connect to it any more");
    }
}

//! Notices at once when the host's own users or groups may have changed: useradd puts a new file in
//! the place of the old one, an editor writes into it.

use std::io;
use std::path::Path;
use std::time::Duration;

use ldaps_core::local::{GROUP_FILE, PASSWD_FILE};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::unix::pipe;

/// Where nothing can be watched, the thread that publishes looks once a second by itself.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Tells of every change beside the two files; whoever hears of it looks at them.
pub(super) async fn watch(changed: impl Fn()) {
    loop {
        if let Err(error) = watch_until_it_fails(&changed).await {
            tracing::debug!("{PASSWD_FILE} and {GROUP_FILE} cannot be watched: {error}");
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

async fn watch_until_it_fails(changed: &impl Fn()) -> io::Result<()> {
    let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    for file in [PASSWD_FILE, GROUP_FILE] {
        // The directory: a file that is replaced is another one, and a watch of it ends.
        let dir = Path::new(file).parent().unwrap_or(Path::new("/"));
        let what = WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::MODIFY;
        inotify::add_watch(&events, dir, what | WatchFlags::ONLYDIR)?;
    }
    // Read like a pipe, whatever it says: what matters is that it says something.
    let events = pipe::Receiver::from_owned_fd_unchecked(events)?;
    let mut room = [0; 4096];
    changed();
    loop {
        events.readable().await?;
        match events.try_read(&mut room) {
            Ok(_) => changed(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

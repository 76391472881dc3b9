//! What is known, published in the shared map: every process of the host reads it there without
//! asking.
//!
//! ```text
//! Published       one map for the daemon's life; a thread for each configuration in force
//!   publishing    the thread: of whom something has changed -> what stands in the map
//!   fullness      that there is no room is told once
//!   local_files   whoever the host makes itself is withdrawn at once
//! ```
//!
//! In the map is what the socket would answer from memory, as long as nothing speaks against it. What
//! is doubted is withdrawn: whoever wants it asks, it is read again, and published again.

mod fullness;
mod local_files;
mod publishing;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use ldaps_core::config::Cache;
use ldaps_core::ctl::CtlWriter;
use ldaps_core::map::MapWriter;

use crate::host::Host;
use crate::lookups::outbox::Outbox;
use publishing::Publishing;

/// The most of the file system that /run is on.
const SHARE_OF_RUN: u64 = 4;

/// The shared map, and who writes it.
pub(crate) struct Published {
    run_dir: PathBuf,
    ctl: Arc<CtlWriter>,
    running: Mutex<Option<Running>>,
}

struct Running {
    outbox: Arc<Outbox>,
    thread: JoinHandle<()>,
}

impl Published {
    /// The map of this run directory. Nothing is published yet; what a daemon before this one has
    /// published stands.
    pub(crate) fn new(run_dir: &Path, ctl: &Arc<CtlWriter>) -> Self {
        Self { run_dir: run_dir.to_owned(), ctl: ctl.clone(), running: Mutex::default() }
    }

    /// Publishes from now on what this host knows, and nothing else.
    pub(crate) fn follow(&self, host: &Host) {
        self.finish();
        let writer = match self.open(&host.config.cache) {
            Ok(Some(writer)) => writer,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(
                    "there is no shared map, so every look-up is a question over the socket: no \
                     file can be made in {}: {error}",
                    self.run_dir.display()
                );
                return;
            }
        };
        let (watch, everybody) = host.lookups.watch();
        let outbox = watch.outbox();
        // Set once: a host is followed when it is put in force.
        let _ = host.published.set(outbox.clone());
        let publish = move || Publishing::new(watch, writer).run(everybody);
        match std::thread::Builder::new().name("published".to_owned()).spawn(publish) {
            Ok(thread) => *self.running() = Some(Running { outbox, thread }),
            Err(error) => {
                tracing::error!("there is no shared map, its thread cannot be made: {error}");
                self.take_down();
            }
        }
    }

    /// Everything that has changed so far is published when this returns.
    pub(crate) fn finish(&self) {
        let Some(Running { outbox, thread }) = self.running().take() else { return };
        outbox.close();
        if thread.join().is_err() {
            tracing::error!("the shared map's thread has ended by itself; the map is made anew");
            self.take_down();
        }
    }

    /// Withdraws whoever the host makes itself, for as long as this is awaited.
    pub(crate) async fn watch_local_files(&self) {
        local_files::watch(|| {
            if let Some(running) = &*self.running() {
                running.outbox.poke();
            }
        })
        .await;
    }

    fn open(&self, config: &Cache) -> io::Result<Option<MapWriter>> {
        if config.map_mib == Some(0) {
            self.take_down();
            return Ok(None);
        }
        let opened = self.budget(config).and_then(|budget| {
            let writer = MapWriter::open(&self.run_dir, self.ctl.clone(), budget)?;
            Ok(writer.with_nobody_max(config.negative_max))
        });
        if opened.is_err() {
            self.take_down();
        }
        opened.map(Some)
    }

    /// No process takes a map of before for one that somebody looks after.
    fn take_down(&self) {
        let file = self.run_dir.join(format!("map-{}", self.ctl.map()));
        if let Err(error) = self.ctl.set_map(0) {
            tracing::error!("the page ctl cannot be written: {error}");
        }
        let _ = std::fs::remove_file(file);
    }

    fn budget(&self, config: &Cache) -> io::Result<usize> {
        let on = rustix::fs::statvfs(&self.run_dir)?;
        let share = on.f_blocks.saturating_mul(on.f_frsize) / SHARE_OF_RUN;
        let wanted = config.map_mib.map_or(u64::MAX, |mib| u64::from(mib) << 20);
        Ok(usize::try_from(share.min(wanted)).unwrap_or(usize::MAX))
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

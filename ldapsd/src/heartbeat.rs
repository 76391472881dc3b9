//! The page `ctl`: which ids are the directory's, and a sign of life every second.
//!
//! The beat comes from the thread that answers: a daemon that hangs does not beat.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ldaps_core::ctl::{Ctl, CtlWriter, HEARTBEAT_EVERY, State};
use ldaps_core::protocol::client::monotonic_now;

use crate::host::HostCell;

/// Beats for as long as the daemon answers.
pub(crate) async fn beat(page: &Page, hosts: &HostCell) {
    let mut tick = tokio::time::interval(HEARTBEAT_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        page.say(State::Running, hosts);
    }
}

/// The daemon's hand on its page.
pub(crate) struct Page(Arc<CtlWriter>);

impl Page {
    /// Opens the page, or makes it.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(crate) fn open(run_dir: &Path) -> Result<Self, String> {
        CtlWriter::open(run_dir).map(Arc::new).map(Self).map_err(|error| {
            format!("{} cannot be written: {error}", run_dir.join(ldaps_core::ctl::FILE).display())
        })
    }

    /// The page itself, which also names the shared map.
    pub(crate) fn ctl(&self) -> &Arc<CtlWriter> {
        &self.0
    }

    /// Writes the state and the ranges of the configuration in force.
    pub(crate) fn say(&self, state: State, hosts: &HostCell) {
        let host = hosts.get();
        let (ranges, exclusive) = (host.id_ranges(), host.owns_its_ranges());
        let heartbeat: Duration = monotonic_now();
        if let Err(error) = self.0.write(&Ctl { state, heartbeat, ranges, exclusive }) {
            tracing::error!("the page ctl cannot be written: {error}");
        }
    }
}

//! The one place that talks to the daemon.
#![forbid(unsafe_code)]

use std::path::Path;
use std::time::Duration;

use ldaps_core::ctl::Ctl;
use ldaps_core::local;
use ldaps_core::presence::{CONFIG_FILE, Presence, daemon_page};
use ldaps_core::protocol::client::{NSS_DEADLINE, Socket, ask_knowing};
use ldaps_core::protocol::messages::{NssReply, NssRequest};
use ldaps_core::run_dir::RunDir;
use ldaps_core::sys::CancelHeld;

use crate::status::Miss;
use crate::sys::SignalsHeld;
use crate::warm::{self, Warm};

/// The host as this module sees it. Tests make others than [`BUILT_IN`].
pub struct Host<'a> {
    /// What is answered without the daemon.
    pub warm: Warm<'a>,
    /// Looks for the daemon.
    pub presence: &'a (dyn Fn() -> Presence + Sync),
    /// The file of the host's own users.
    pub passwd_file: &'a str,
    /// The file of the host's own groups.
    pub group_file: &'a str,
    /// How long a lookup may take in all.
    pub patience: Duration,
}

/// The host this module was built for.
pub const BUILT_IN: Host<'static> = Host {
    warm: Warm { map: &warm::BUILT_IN, run_dir: &built_in_run_dir },
    presence: &built_in,
    passwd_file: local::PASSWD_FILE,
    group_file: local::GROUP_FILE,
    patience: NSS_DEADLINE,
};

fn built_in() -> Presence {
    daemon_page(RunDir::built_in())
}

/// Where a host is no longer configured, what was published for it is not served: the run directory
/// outlasts the daemon.
fn built_in_run_dir() -> Option<RunDir> {
    match Path::new(CONFIG_FILE).try_exists() {
        Ok(false) => None,
        Ok(true) | Err(_) => RunDir::built_in().ok(),
    }
}

/// The daemon's page, which says what is worth asking.
#[derive(Debug)]
pub struct Page {
    run_dir: RunDir,
    ctl: Ctl,
}

impl Page {
    /// Whether an id is known not to be the directory's. A daemon that has not seen its domain
    /// yet has no ranges, and then nothing is known.
    #[must_use]
    pub fn excludes(&self, id: u32) -> bool {
        !self.ctl.ranges.is_empty() && !self.ctl.holds_id(id)
    }
}

impl Host<'_> {
    /// The daemon's page.
    ///
    /// # Errors
    /// `NotFound` on a host that was never configured, `Unavailable` where a daemon should be.
    pub fn page(&self) -> Result<Page, Miss> {
        let _whole = CancelHeld::now();
        match (self.presence)() {
            Presence::Page(run_dir, ctl) => Ok(Page { run_dir, ctl }),
            Presence::Unconfigured => Err(Miss::NotFound),
            Presence::Unavailable(_) => Err(Miss::Unavailable),
        }
    }

    /// Sends one request and waits for the reply.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn ask(&self, page: &Page, request: &NssRequest) -> Result<NssReply, Miss> {
        let _whole = CancelHeld::now();
        let _held = SignalsHeld::now();
        ask_knowing(&page.ctl, &page.run_dir, Socket::Nss, request, self.patience)
            .map_err(|_| Miss::Unavailable)
    }

    /// Checks that received ids lie in the ranges that the daemon itself publishes.
    ///
    /// # Errors
    /// `Unavailable`: the answer is not believed.
    pub fn believe(&self, page: &Page, ids: &[u32]) -> Result<(), Miss> {
        let all_held = |ctl: &Ctl| ids.iter().all(|id| ctl.holds_id(*id));
        if all_held(&page.ctl) {
            return Ok(());
        }
        // The daemon may have learnt its ranges between our look at its page and its answer.
        match self.page()? {
            page if all_held(&page.ctl) => Ok(()),
            _ => Err(Miss::Unavailable),
        }
    }

    /// Checks that gids of the host's own groups, which the configuration grants, are such: never
    /// root's, and each in the file.
    ///
    /// # Errors
    /// `Unavailable`: the answer is not believed.
    pub fn believe_local(&self, gids: &[u32]) -> Result<(), Miss> {
        if gids.is_empty() {
            return Ok(());
        }
        let _whole = CancelHeld::now();
        let groups = local::names_and_ids(Path::new(self.group_file));
        let groups = groups.map_err(|_| Miss::Unavailable)?;
        let is_one = |gid: &u32| *gid != 0 && groups.iter().any(|(_, known)| known == gid);
        gids.iter().all(is_one).then_some(()).ok_or(Miss::Unavailable)
    }

    /// Whether a name belongs to the host itself. If that cannot be told it counts as the host's:
    /// a local user must never depend on the directory.
    #[must_use]
    pub fn is_local_user(&self, name: &[u8]) -> bool {
        let _whole = CancelHeld::now();
        local::file_names(Path::new(self.passwd_file), name).unwrap_or(true)
    }
}

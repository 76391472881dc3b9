//! How far the reading of everybody is.

use std::time::{SystemTime, UNIX_EPOCH};

use ldaps_core::protocol::admin::{SyncPhase, SyncStatus};
use tokio::time::Instant;

use super::Mirror;
use crate::lookups::mirrored::{HostNames, View};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Progress {
    phase: Phase,
    users: usize,
    groups: usize,
    about: Option<(usize, usize)>,
    began: Option<Instant>,
    /// When it was complete, in seconds since 1970: it outlasts the daemon.
    done: Option<u64>,
    swept: Option<Instant>,
    walks: u64,
    problem: Option<String>,
    /// What the entries were last made with.
    pub(super) host_names: Option<HostNames>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    NotBegun,
    Counting,
    Reading,
    Linking,
    Complete,
}

impl Progress {
    pub(super) fn is_complete(&self) -> bool {
        self.phase == Phase::Complete
    }

    /// When it was complete.
    pub(super) fn done(&self) -> Option<u64> {
        self.done
    }

    pub(super) fn begins(&mut self) {
        let (walks, problem) = (self.walks + 1, self.problem.take());
        let began = Some(Instant::now());
        *self = Self { phase: Phase::Counting, began, walks, problem, ..Self::default() };
    }

    pub(super) fn expects(&mut self, users: usize, groups: usize) {
        self.phase = Phase::Reading;
        self.about = Some((users, groups));
    }

    pub(super) fn read(&mut self, users: usize) {
        self.users += users;
    }

    pub(super) fn links(&mut self) {
        self.phase = Phase::Linking;
    }

    pub(super) fn completes(&mut self, counts: (usize, usize), view: &View) {
        self.host_names = Some(view.host_names());
        self.phase = Phase::Complete;
        self.problem = None;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.done = now.ok().map(|since| since.as_secs());
        self.counted(counts);
    }

    pub(super) fn recollected(&mut self, counts: (usize, usize), done: u64) {
        self.phase = Phase::Complete;
        self.done = Some(done);
        self.counted(counts);
    }

    pub(super) fn counted(&mut self, (users, groups): (usize, usize)) {
        (self.users, self.groups) = (users, groups);
    }

    pub(super) fn swept(&mut self, counts: (usize, usize)) {
        self.swept = Some(Instant::now());
        self.counted(counts);
    }

    pub(super) fn begins_anew(&mut self) {
        *self = Self { walks: self.walks, ..Self::default() };
    }

    pub(super) fn failed(&mut self, problem: String) {
        *self = Self { walks: self.walks, problem: Some(problem), ..Self::default() };
    }
}

impl Mirror {
    /// How far it is.
    pub(crate) fn status(&self) -> SyncStatus {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let progress = self.lock_progress();
        SyncStatus {
            phase: match progress.phase {
                Phase::NotBegun => SyncPhase::NotBegun,
                Phase::Counting => SyncPhase::Counting,
                Phase::Reading => SyncPhase::Reading,
                Phase::Linking => SyncPhase::Linking,
                Phase::Complete => SyncPhase::Complete,
            },
            users: count(progress.users),
            groups: count(progress.groups),
            about_users: progress.about.map(|(users, _)| count(users)),
            about_groups: progress.about.map(|(_, groups)| count(groups)),
            began_s: progress.began.map(|moment| moment.elapsed().as_secs()),
            done_at: progress.done,
            swept_s: progress.swept.map(|moment| moment.elapsed().as_secs()),
            walks: progress.walks,
            problem: progress.problem.clone(),
        }
    }
}

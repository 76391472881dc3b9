//! Numbers since the start, and how the daemon is, for `ldapsctl status`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ldaps_core::config::Sync;
use ldaps_core::protocol::admin::{
    AdminReply, Counters, DomainStatus, NotifyStatus, ServerStatus, Status, SyncStatus,
};
use ldaps_core::protocol::messages::Verdict;
use ldaps_core::protocol::tools::Conditions;

use crate::host::Host;
use crate::logins::names::LoginNames;
use crate::logins::recent::Recent;
use crate::metrics::LoginCounts;

/// Numbers that a reload does not reset, and what else outlasts it of logins.
pub(crate) struct Numbers {
    started: Instant,
    granted: AtomicU64,
    refused: AtomicU64,
    binds: AtomicU64,
    /// All of it, for Prometheus.
    pub(crate) logins: LoginCounts,
    pub(crate) login_names: LoginNames,
    pub(crate) recent: Recent,
}

impl Default for Numbers {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            started: Instant::now(),
            granted: zero(),
            refused: zero(),
            binds: zero(),
            logins: LoginCounts::default(),
            login_names: LoginNames::default(),
            recent: Recent::default(),
        }
    }
}

impl Numbers {
    /// Counts a decision.
    pub(crate) fn count(&self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Granted | Verdict::ChangeFirst => &self.granted,
            Verdict::Refused(_) => &self.refused,
            Verdict::Unavailable | Verdict::NotOurs => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a bind that is about to be sent for somebody who logs in.
    pub(crate) fn count_bind(&self) {
        self.binds.fetch_add(1, Ordering::Relaxed);
    }

    /// For how long the daemon has run.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// How the daemon is.
    pub(crate) fn status(&self, host: &Host) -> Status {
        let link = host.directory.status();
        let server = |server: &ldaps_directory::Server| ServerStatus {
            server: match link.read_only.contains(server) {
                true => format!("{server}, read-only"),
                false => server.to_string(),
            },
            connected: link.connected.as_ref() == Some(server),
        };
        let mut servers: Vec<_> = link.servers.iter().map(server).collect();
        servers.sort_by_key(|server| !server.connected);
        let ranges = || host.id_ranges().iter().map(|r| (*r.start(), *r.end())).collect();
        let last_error = link.last_error.as_ref();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.started.elapsed().as_secs(),
            servers,
            domain: link.domain.as_ref().map(|domain| DomainStatus {
                base: domain.base.clone(),
                sid: domain.sid.to_string(),
                netbios: domain.netbios.clone(),
                ranges: ranges(),
            }),
            last_error: last_error.map(|(error, at)| (error.to_string(), at.elapsed().as_secs())),
            warnings: host.told(),
            counters: self.counters(host),
        }
    }

    pub(crate) fn counters(&self, host: &Host) -> Counters {
        let [hits, misses, users, groups] = host.lookups.numbers();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            hits,
            misses,
            users,
            groups,
            granted: read(&self.granted),
            refused: read(&self.refused),
            binds: read(&self.binds),
        }
    }
}

impl Host {
    /// How far the reading of everybody is, and how the domain controller tells of changes, as far as
    /// the configuration wants it.
    pub(crate) fn sync_status(&self) -> AdminReply {
        let (sync, notify) = self.sync();
        AdminReply::Sync(sync, notify)
    }

    /// The same.
    pub(crate) fn sync(&self) -> (Option<SyncStatus>, Option<NotifyStatus>) {
        let cache = &self.config.cache;
        let sync = match cache.sync {
            Sync::Asked => None,
            Sync::All => Some(self.mirror.status()),
        };
        (sync, cache.notify.then(|| self.freshness.notices().status()))
    }
}

/// What the status does not say.
pub(crate) fn conditions(host: &Host) -> Conditions {
    let link = host.directory.status();
    let age = |at: tokio::time::Instant| at.elapsed().as_secs();
    let connection = link.connected.as_ref().zip(link.opened);
    let retry = |at: tokio::time::Instant| {
        at.saturating_duration_since(tokio::time::Instant::now()).as_secs()
    };
    Conditions {
        connection: connection.map(|(server, opened)| (server.to_string(), age(opened))),
        is_ready: link.is_ready,
        answered_s: link.traffic.answered.map(age),
        outage: link.outage.map(|(began, next)| (age(began), next.map(retry))),
        held: host.lookups.held(),
        endings: host.endings(&link),
    }
}

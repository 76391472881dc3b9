//! Numbers since the start, and how the daemon is, for `ldapsctl status`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ldaps_core::config::Sync;
use ldaps_core::protocol::admin::{AdminReply, Counters, DomainStatus, ServerStatus, Status};
use ldaps_core::protocol::messages::Verdict;

use crate::host::Host;

/// Numbers that a reload does not reset.
#[derive(Debug)]
pub(crate) struct Numbers {
    started: Instant,
    requests: AtomicU64,
    granted: AtomicU64,
    refused: AtomicU64,
    binds: AtomicU64,
}

impl Default for Numbers {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            started: Instant::now(),
            requests: zero(),
            granted: zero(),
            refused: zero(),
            binds: zero(),
        }
    }
}

impl Numbers {
    /// The number of the next login request.
    pub(crate) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

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
            warnings: host.warnings.clone(),
            counters: self.counters(host),
        }
    }

    fn counters(&self, host: &Host) -> Counters {
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
        let cache = &self.config.cache;
        let sync = match cache.sync {
            Sync::Asked => None,
            Sync::All => Some(self.mirror.status()),
        };
        AdminReply::Sync(sync, cache.notify.then(|| self.freshness.notices().status()))
    }
}

//! The daemon's life: start, answer, reload on SIGHUP, end.

use std::path::Path;
use std::sync::Arc;

use ldaps_core::config::Sources;
use ldaps_core::ctl::State;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::AbortHandle;

use crate::Failure;
use crate::durable::Durable;
use crate::durable::ids::GivenIds;
use crate::expiry;
use crate::freshness;
use crate::heartbeat::{self, Page};
use crate::host::{Host, HostCell};
use crate::mirror;
use crate::offline::Offline;
use crate::published::Published;
use crate::run_dir::Listeners;
use crate::sockets;
use crate::status::Numbers;

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`Failure`]: it never answered.
pub(crate) async fn run(
    sources: &Sources,
    run_dir: &Path,
    state_dir: &Path,
) -> Result<(), Failure> {
    let mut signals = Signals::new().map_err(Failure::Other)?;
    let offline = Arc::new(Offline::open(state_dir));
    let durable = Durable::open(state_dir);
    let given = Arc::new(GivenIds::open(state_dir));
    let host = Host::load(sources, &offline, &given)?;
    durable.recollect(&host);
    durable.follow(&host);
    let hosts = Arc::new(HostCell::new(host));
    settle(&hosts.get()).await;
    tell_warnings(&hosts.get());
    let page = Page::open(run_dir).map_err(Failure::Other)?;
    let listeners = Listeners::open(run_dir).map_err(Failure::Other)?;
    let numbers = Arc::new(Numbers::default());
    let published = Published::new(run_dir, page.ctl());
    published.follow(&hosts.get());
    page.say(State::Running, &hosts);

    let mut tasks = keep_connected(&hosts.get());
    let serving = sockets::serve(listeners, &hosts, &numbers);
    notify(&[NotifyState::Ready]);
    tracing::info!("ldapsd {} answers in {}", env!("CARGO_PKG_VERSION"), run_dir.display());

    loop {
        tokio::select! {
            () = heartbeat::beat(&page, &hosts) => {}
            () = published.watch_local_files() => {}
            Some(()) = signals.terminate.recv() => break,
            Some(()) = signals.interrupt.recv() => break,
            Some(()) = signals.hang_up.recv() => {
                if reload(sources, &hosts) {
                    settle(&hosts.get()).await;
                    durable.follow(&hosts.get());
                    published.follow(&hosts.get());
                    tasks.iter().for_each(AbortHandle::abort);
                    tasks = keep_connected(&hosts.get());
                    page.say(State::Running, &hosts);
                }
            }
        }
    }
    // Whether this is a restart only systemd knows: callers wait a moment, in case it is.
    page.say(State::Restarting, &hosts);
    notify(&[NotifyState::Stopping]);
    serving.finish().await;
    hosts.get().mirror.settle();
    published.finish();
    durable.finish();
    tracing::info!("ldapsd ends");
    Ok(())
}

/// What was kept for offline logins goes by the configuration that is now in force.
async fn settle(host: &Host) {
    host.offline.forget_older_than(host.config.pam.offline_days).await;
}

/// The tasks of one configuration: they end with it.
fn keep_connected(host: &Arc<Host>) -> [AbortHandle; 4] {
    let directory = host.directory.clone();
    let connected = tokio::spawn(async move { directory.keep_connected().await });
    let fresh = tokio::spawn(freshness::keep(host.clone()));
    let copied = tokio::spawn(mirror::keep(host.clone()));
    let expiring = tokio::spawn(expiry::watch(host.clone()));
    [connected, fresh, copied, expiring].map(|task| task.abort_handle())
}

/// A configuration with a fault changes nothing: the last good one stays in force.
fn reload(sources: &Sources, hosts: &HostCell) -> bool {
    match Host::load(sources, &hosts.get().offline, &hosts.get().given) {
        Ok(mut host) => {
            tell_warnings(&host);
            host.inherit(&hosts.get());
            hosts.set(host);
            notify(&[NotifyState::Status("")]);
            tracing::info!("the configuration was read again and is in force");
            true
        }
        Err(Failure::Configuration(message) | Failure::Other(message)) => {
            hosts.get().stays(&message);
            message.lines().for_each(|line| tracing::error!("{line}"));
            tracing::error!(
                "the configuration was not reloaded: the one from before stays in force"
            );
            notify(&[NotifyState::Status("the last reload failed: ldapsctl status says why")]);
            false
        }
    }
}

fn tell_warnings(host: &Host) {
    host.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
}

/// Outside of systemd nobody listens, and nothing happens.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::warn!("systemd cannot be told: {error}");
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Self, String> {
        let on = |kind| signal(kind).map_err(|error| format!("signals cannot be caught: {error}"));
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }
}

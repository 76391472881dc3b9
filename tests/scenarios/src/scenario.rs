//! The table of scenarios, and the stage that each of them plays on.

#![forbid(unsafe_code)]

use crate::dc::{Certificate, Dc};
use crate::engine::Engine;
use crate::host::Host;
use crate::images::{self, Base};
use crate::local::{self, Times};
use crate::outcome::{Check, Failure};
use crate::package_file::Package;
use crate::product::{self, Configuration};
use crate::servers;
use crate::truth::{Peer, Truth};
use std::cell::{Cell, OnceCell};
use std::path::Path;
use std::sync::OnceLock;

/// One row of the table.
pub struct Scenario {
    /// What `--only` selects by.
    pub name: &'static str,
    /// The issue, and the line of its "It is done when", that it shows. (Line 6 of issue 2 is the
    /// package's row.)
    pub shows: (u8, u8),
    /// Does it leave the shared host or the domain controller in another state? Then all
    /// is put right after it.
    pub disturbs: bool,
    /// The checks; what was seen, in a few words, where they all hold.
    pub run: fn(&Stage<'_>) -> Check<String>,
}

/// All rows, in the order in which they are run.
pub fn table() -> impl Iterator<Item = &'static Scenario> {
    [
        crate::identity::SCENARIOS,
        crate::logins::SCENARIOS,
        crate::names::SCENARIOS,
        crate::rules::SCENARIOS,
        crate::refusals::SCENARIOS,
        crate::local::SCENARIOS,
        crate::certificates::SCENARIOS,
        crate::servers::SCENARIOS,
        crate::expiry::SCENARIOS,
        crate::changes::SCENARIOS,
        crate::passwd::SCENARIOS,
        crate::offline::SCENARIOS,
        crate::freshness::SCENARIOS,
        crate::everybody::SCENARIOS,
        crate::callers::SCENARIOS,
        crate::ssh_keys::SCENARIOS,
        crate::looks::SCENARIOS,
        crate::unasked::SCENARIOS,
        crate::spoken::SCENARIOS,
        crate::django::SCENARIOS,
        crate::tools::SCENARIOS,
        crate::migrate::SCENARIOS,
        crate::doctor::SCENARIOS,
        crate::package::SCENARIOS,
        crate::setup::SCENARIOS,
        crate::sessions::SCENARIOS,
    ]
    .into_iter()
    .flatten()
}

/// What all images share.
pub struct Shared<'engine> {
    /// The engine.
    pub engine: &'engine Engine,
    /// The package under test.
    pub package: &'engine Package,
    /// The domain controller's image.
    pub dc_image: String,
    /// sssd's image.
    pub sssd_image: String,
    /// Whether the sessions of the docs are written anew.
    pub record: bool,
    peer: OnceLock<Check<Peer>>,
}

impl<'engine> Shared<'engine> {
    /// Nothing is started yet.
    #[must_use]
    pub fn new(
        engine: &'engine Engine,
        package: &'engine Package,
        dc_image: String,
        sssd_image: String,
    ) -> Self {
        Self { engine, package, dc_image, sssd_image, record: false, peer: OnceLock::new() }
    }
}

/// One image's domain controller and hosts.
pub struct Stage<'run> {
    shared: &'run Shared<'run>,
    host_image: String,
    suffix: String,
    /// The domain controller.
    pub dc: Dc<'run>,
    configured: OnceCell<Check<(Host<'run>, Times)>>,
    truth: OnceCell<Check<Truth>>,
    fresh_hosts: Cell<u32>,
    web: OnceCell<Check<Host<'run>>>,
    failure_told: Cell<bool>,
}

impl<'run> Stage<'run> {
    /// Starts the domain controller for one image.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(shared: &'run Shared<'run>, base: &Base, host_image: String) -> Check<Self> {
        let dc = Dc::start(shared.engine, &shared.dc_image, &base.short)?;
        Ok(Self {
            shared,
            host_image,
            suffix: base.short.clone(),
            dc,
            configured: OnceCell::new(),
            truth: OnceCell::new(),
            fresh_hosts: Cell::new(0),
            web: OnceCell::new(),
            failure_told: Cell::new(false),
        })
    }

    /// The package under test.
    #[must_use]
    pub fn deb(&self) -> &Path {
        self.shared.package.path()
    }

    /// A new host, with nothing of ours on it.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn fresh_host(&self) -> Check<Host<'run>> {
        let number = self.fresh_hosts.get() + 1;
        self.fresh_hosts.set(number);
        let name = format!("host{number}-{}", self.suffix);
        Host::start(self.shared.engine, &self.host_image, &name, self.dc.network())
    }

    /// A host with Django and the package on it, made ready by the first scenario that asks.
    ///
    /// # Errors
    /// When it cannot be made ready; the same failure for every scenario that asks.
    pub fn web_host(&self, make_ready: fn(&Host<'run>, &Self) -> Check) -> Check<&Host<'run>> {
        let start = || {
            let base = Base { image: self.host_image.clone(), short: self.suffix.clone() };
            let image = images::django(self.shared.engine, &base)?;
            let name = format!("web-{}", self.suffix);
            let host = Host::start(self.shared.engine, &image, &name, self.dc.network())?;
            product::install(&host, self.deb())?;
            make_ready(&host, self)?;
            Ok(host)
        };
        self.web.get_or_init(start).as_ref().map_err(Failure::clone)
    }

    /// A new host on another system than this stage's, without systemd; the product is installed and
    /// configured, and its daemon runs, with its log in /var/log/ldapsd.log.
    ///
    /// # Errors
    /// When its image cannot be made, or it does not come up.
    pub fn other_host(&self, base: &Base) -> Check<Host<'run>> {
        let image = images::host(self.shared.engine, base)?;
        let name = format!("{}-{}", base.short, self.suffix);
        let host = Host::without_init(self.shared.engine, &image, &name, self.dc.network())?;
        product::install(&host, self.deb())?;
        product::write_configuration(&host, &self.dc, &Configuration::default())?;
        product::run_until_it_answers(&host)?;
        Ok(host)
    }

    /// A new host with sssd and nslcd on it, neither running, and without systemd.
    ///
    /// # Errors
    /// When its image cannot be made, or it does not come up.
    pub fn peer_host(&self) -> Check<Host<'run>> {
        let number = self.fresh_hosts.get() + 1;
        self.fresh_hosts.set(number);
        let base = Base { image: self.host_image.clone(), short: self.suffix.clone() };
        let image = images::peers(self.shared.engine, &base)?;
        let name = format!("peer{number}-{}", self.suffix);
        Host::without_init(self.shared.engine, &image, &name, self.dc.network())
    }

    /// Whether the sessions of the docs are written anew.
    #[must_use]
    pub fn records(&self) -> bool {
        self.shared.record
    }

    /// Whether this is the image of that short name.
    #[must_use]
    pub fn is_on(&self, short: &str) -> bool {
        self.suffix == short
    }

    /// The engine that everything runs on.
    #[must_use]
    pub fn engine(&self) -> &'run Engine {
        self.shared.engine
    }

    /// The host that most scenarios use: the package installed and configured, the daemon running.
    ///
    /// # Errors
    /// When it cannot be brought up; the same failure for every scenario that asks.
    pub fn host(&self) -> Check<&Host<'run>> {
        self.prepared().map(|(host, _)| host)
    }

    /// How long local logins took on that host before anything of ours was on it.
    ///
    /// # Errors
    /// As [`Stage::host`].
    pub fn local_times(&self) -> Check<&Times> {
        self.prepared().map(|(_, times)| times)
    }

    fn prepared(&self) -> Check<&(Host<'run>, Times)> {
        self.configured.get_or_init(|| self.prepare()).as_ref().map_err(|failure| {
            if self.failure_told.replace(true) {
                Failure::new("the host could not be prepared; the first scenario tells why")
            } else {
                failure.clone()
            }
        })
    }

    fn prepare(&self) -> Check<(Host<'run>, Times)> {
        let host = self.fresh_host()?;
        let times = local::measure(&host)?;
        product::install(&host, self.deb())?;
        product::write_configuration(&host, &self.dc, &Configuration::default())?;
        product::restart_until_it_answers(&host)?;
        Ok((host, times))
    }

    /// What the domain controller's database says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn truth(&self) -> Check<&Truth> {
        self.truth.get_or_init(|| Truth::of(&self.dc)).as_ref().map_err(Failure::clone)
    }

    /// What sssd says, asked once for all images: their domain controllers are one image.
    ///
    /// # Errors
    /// When sssd does not answer.
    pub fn peer(&self) -> Check<&Peer> {
        let truth = self.truth()?;
        let ask = || Peer::ask(self.shared.engine, &self.shared.sssd_image, &self.dc, truth);
        self.shared.peer.get_or_init(ask).as_ref().map_err(Failure::clone)
    }

    /// Puts the shared host and the domain controller back as scenarios expect them.
    ///
    /// # Errors
    /// When the daemon does not answer afterwards.
    pub fn heal(&self) -> Check {
        self.dc.pause(false)?;
        self.dc.policy(&[])?;
        self.dc.show(Certificate::Good)?;
        let host = self.host()?;
        // Exit codes do not matter here: most of it is in order already.
        host.sh("pkill -CONT -x ldapsd; iptables -F OUTPUT; iptables -F INPUT; rm -f /etc/cron.d/scenarios")?;
        servers::put_resolver_back(host)?;
        local::put_modules_back(host)?;
        let (nameless, _) = self.dc.nameless_network()?;
        host.on_network(&nameless, false)?;
        host.on_network(self.dc.network(), true)?;
        product::write_configuration(host, &self.dc, &Configuration::default())?;
        product::restart_until_it_answers(host)
    }
}

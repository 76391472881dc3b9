//! One configuration in force, and what was made of it: the directory, the memory, the rules.
//! A reload makes a new one beside the old and swaps.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use ldaps_core::config::{self, Config, IdMapping, Sources};
use ldaps_core::protocol::tools::NOT_RELOADED;
use ldaps_core::secret::Password;
use ldaps_core::secret_file::password_in;
use ldaps_directory::{Directory, Settings, Tls};
use zeroize::Zeroizing;

use crate::Failure;
use crate::budget::Budget;
use crate::durable::ids::GivenIds;
use crate::expiry::Expiry;
use crate::freshness::Freshness;
use crate::logins::attempts::Attempts;
use crate::logins::expiries::Expiries;
use crate::logins::lockout::WrongPasswords;
use crate::logins::readings::Readings;
use crate::lookups::Lookups;
use crate::lookups::given::id_map;
use crate::lookups::outbox::Outbox;
use crate::mirror::Mirror;
use crate::offline::Offline;
use crate::ssh_keys::SshKeys;

/// The highest id of a posix directory: below the ids that mean "none".
const HIGHEST_ID: u32 = u32::MAX - 2;
/// A login waits no longer than this for the shared map.
const PUBLISHED_WITHIN: Duration = Duration::from_millis(200);

/// One configuration in force.
pub(crate) struct Host {
    pub(crate) config: Arc<Config>,
    pub(crate) warnings: Vec<String>,
    /// Why the last reload put no other in its place.
    not_reloaded: Mutex<Option<String>>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) lookups: Lookups,
    pub(crate) attempts: Attempts,
    pub(crate) wrong_passwords: Arc<WrongPasswords>,
    /// One bind at a time for each account, by uid: what AD said to the one before decides whether
    /// the next is sent.
    pub(crate) bind_turns: Arc<Budget>,
    /// What auth phases have had read for the account phases of the same logins.
    pub(crate) readings: Readings,
    /// When passwords expire, as AD computed it at earlier logins.
    pub(crate) expiries: Expiries,
    pub(crate) ssh_keys: Arc<SshKeys>,
    /// Who may log in while no server answers: the same for every configuration.
    pub(crate) offline: Arc<Offline>,
    /// Who was given which id, ever: the same for every configuration, too.
    pub(crate) given: Arc<GivenIds>,
    /// How what is known is kept as the directory has it.
    pub(crate) freshness: Freshness,
    /// The copy of everybody, with `sync = "all"`.
    pub(crate) mirror: Arc<Mirror>,
    /// What expires, and what the journal was told of it.
    pub(crate) expiry: Arc<Expiry>,
    /// Tells how much of what is known the shared map has, once there is one.
    pub(crate) published: OnceLock<Arc<Outbox>>,
}

impl Host {
    /// Reads the configuration and everything it names.
    ///
    /// # Errors
    /// Sentences, one a line, that name each fault and its remedy.
    pub(crate) fn load(
        sources: &Sources,
        offline: &Arc<Offline>,
        given: &Arc<GivenIds>,
    ) -> Result<Self, Failure> {
        let loaded =
            config::load(sources).map_err(|errors| Failure::Configuration(errors.to_string()))?;
        let config = Arc::new(loaded.config);
        let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        let settings = Settings {
            directory: config.directory.clone(),
            tls: Tls::new(&config.tls).map_err(Failure::Configuration)?,
            secret: read_secret(&config.directory.bind_secret).map_err(Failure::Configuration)?,
        };
        let directory =
            Arc::new(Directory::new(settings, config.users.clone(), config.groups.clone()));
        let lookups = Lookups::new(&config, directory.clone(), given);
        recollect(&config, &lookups, offline);
        let (attempts, wrong_passwords) = (Attempts::default(), Arc::default());
        let bind_turns = Arc::new(Budget::new(1));
        let ssh_keys = Arc::default();
        Ok(Self {
            config,
            warnings,
            not_reloaded: Mutex::default(),
            directory,
            lookups,
            attempts,
            wrong_passwords,
            bind_turns,
            readings: Readings::default(),
            expiries: Expiries::default(),
            ssh_keys,
            offline: offline.clone(),
            given: given.clone(),
            freshness: Freshness::default(),
            mirror: Arc::default(),
            expiry: Arc::default(),
            published: OnceLock::new(),
        })
    }

    /// Takes over the memory of the configuration before this one, if both speak of the same
    /// people: a reload that changes a rule must not forget everybody while no server answers.
    pub(crate) fn inherit(&mut self, before: &Self) {
        self.wrong_passwords = before.wrong_passwords.clone();
        self.bind_turns = before.bind_turns.clone();
        self.expiry = before.expiry.clone();
        let of = |host: &Self| {
            let Config { directory, ids, users, groups, .. } = &*host.config;
            (directory.clone(), ids.clone(), users.clone(), groups.clone())
        };
        if of(self) == of(before) {
            self.lookups.inherit(&before.lookups);
            if self.config.cache.sync == before.config.cache.sync {
                self.mirror = before.mirror.clone();
                self.freshness.go_on_from(self.mirror.position());
            }
            if self.config.ssh == before.config.ssh {
                self.ssh_keys = before.ssh_keys.clone();
            }
        }
    }

    /// A reload has failed, and why: this configuration stays in force.
    pub(crate) fn stays(&self, why: &str) {
        let mut kept = self.not_reloaded.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(format!("{NOT_RELOADED}. {}", why.replace('\n', " ")));
    }

    /// What is to be told of this configuration, and of what outlasts it.
    pub(crate) fn told(&self) -> Vec<String> {
        let kept = self.not_reloaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        kept.into_iter().chain(self.given.trouble()).chain(self.warnings.iter().cloned()).collect()
    }

    /// Waits until the shared map has all that is known now: the groups that a login has just read
    /// are the ones that its program asks for next.
    pub(crate) async fn published(&self) {
        if let Some(outbox) = self.published.get() {
            // Where it takes longer, whoever logs in has the groups of a moment ago.
            let _ = tokio::time::timeout(PUBLISHED_WITHIN, outbox.copied()).await;
        }
    }

    /// Whether an id in the ranges can be nobody's but the directory's: those of `sid` mapping are
    /// computed, those of `posix` were chosen by somebody, who may have left room for others.
    pub(crate) fn owns_its_ranges(&self) -> bool {
        match self.config.ids.mapping {
            IdMapping::Sid => true,
            IdMapping::Posix => false,
        }
    }

    /// Where ids of the directory can lie, and each that the configuration gives outside of that.
    pub(crate) fn id_ranges(&self) -> Vec<RangeInclusive<u32>> {
        let mut ranges = self.ranges_of_domain();
        let given = self.config.users.looks.ids().chain(self.config.groups.gids.values().copied());
        for id in given {
            if !ranges.iter().any(|range| range.contains(&id)) {
                ranges.push(id..=id);
            }
        }
        ranges
    }

    /// Until the domain is known, anywhere in its space.
    fn ranges_of_domain(&self) -> Vec<RangeInclusive<u32>> {
        let ids = &self.config.ids;
        match (ids.mapping, self.directory.status().domain) {
            (IdMapping::Posix, _) => vec![ids.min_id..=HIGHEST_ID],
            (IdMapping::Sid, Some(domain)) => id_map(&self.config, domain.sid, &self.given)
                .map(|map| map.ranges().collect())
                .unwrap_or_default(),
            (IdMapping::Sid, None) => vec![ids.range_min..=ids.range_max.saturating_sub(1)],
        }
    }
}

/// Whoever may log in offline is known from the start. Ids that the configuration no longer gives
/// are nobody's. How many these are.
pub(crate) fn recollect(config: &Config, lookups: &Lookups, offline: &Offline) -> u64 {
    let now = SystemTime::now();
    let mut known = 0;
    for record in offline.all() {
        let entry = &record.user.entry;
        let ids_are_in_force = [entry.uid, entry.gid].iter().all(|id| *id >= config.ids.min_id);
        if record.holds(config.pam.offline_days, now) && ids_are_in_force {
            lookups.recollect(&record);
            known += 1;
        }
    }
    known
}

fn read_secret(file: &Path) -> Result<Password, String> {
    let wrong = |what: &dyn std::fmt::Display| {
        format!(
            "the service account's password in {} cannot be used: {what}. Write the password, and \
             nothing else, into that file",
            file.display()
        )
    };
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => format!(
            "the daemon (user ldapsd) cannot read the service account's password in {0}: {error}. Run: \
             chown root:ldapsd {0} && chmod 0640 {0}",
            file.display()
        ),
        _ => wrong(&error),
    };
    let content = Zeroizing::new(std::fs::read(file).map_err(unreadable)?);
    password_in(&content).map_err(|error| wrong(&error))
}

/// The configuration in force, replaced as a whole.
pub(crate) struct HostCell(RwLock<Arc<Host>>);

impl HostCell {
    pub(crate) fn new(host: Host) -> Self {
        Self(RwLock::new(Arc::new(host)))
    }

    /// The configuration in force now; whoever holds it finishes with it.
    pub(crate) fn get(&self) -> Arc<Host> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another configuration in force.
    pub(crate) fn set(&self, host: Host) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(host);
    }
}

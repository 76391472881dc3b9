//! What is known of users and groups, kept in the state directory: after a reboot or a power cut at
//! any moment, everybody who was known is known again before a domain controller answers.
//!
//! ```text
//! Durable        read once at the start; then a thread that writes down what changes
//!   file         one file, added to; made anew beside itself when it has grown
//!     frames     records that are whole each for themselves
//!   kept         what is in a record, and of which configuration and domain it is
//! ids            who was given which id, ever: a file of its own
//! ```
//!
//! No look-up waits for the disk: memory says of whom something has changed, and the thread writes
//! it down at once and has it on the disk a second later.

mod file;
mod frames;
pub(crate) mod ids;
mod kept;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ldaps_core::config::{Config, Sync};
use ldaps_core::names::UserName;
use ldaps_core::sid::Sid;

use crate::host::Host;
use crate::lookups::Lookups;
use crate::lookups::copies::Watch;
use crate::lookups::memory::{Key, KnownGroup, KnownUser, Membership};
use crate::lookups::outbox::{Outbox, Subject};
use crate::mirror::Mirror;
use crate::mirror::saved::Saved;
use file::KeptFile;
use ids::GivenIds;
#[cfg(test)]
pub(crate) use kept::tests::alice;
use kept::{FORMAT, Kept, Origin, Short};

/// Below the state directory.
const DIR: &str = "known";
const FILE: &str = "accounts";
const COPY: &str = "mirror";
/// So long what was written may be in the kernel alone: a power cut costs as much.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How soon a disk that refuses is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// The users and groups that outlast the daemon.
pub(crate) struct Durable {
    path: PathBuf,
    writer: Mutex<Option<Writer>>,
}

struct Writer {
    outbox: Arc<Outbox>,
    thread: JoinHandle<()>,
}

impl Durable {
    /// What is kept below this directory.
    pub(crate) fn open(state_dir: &Path) -> Self {
        Self { path: state_dir.join(DIR).join(FILE), writer: Mutex::default() }
    }

    /// Knows again who was known before the start, if this configuration still means them.
    pub(crate) fn recollect(&self, host: &Host) {
        let (config, lookups) = (&host.config, &host.lookups);
        if self.recollect_accounts(config, lookups) && config.cache.sync == Sync::All {
            let saved = Saved::read(&self.copy_path(), kept::fingerprint(config));
            host.freshness.go_on_from(saved.and_then(|saved| host.mirror.recollect(saved)));
        }
    }

    /// Whether everything that was written down is known again.
    fn recollect_accounts(&self, config: &Config, lookups: &Lookups) -> bool {
        let (mut is_first, mut known) = (true, None);
        let take = |kept| match (std::mem::take(&mut is_first), &mut known) {
            (true, _) => known = Recollection::of(kept),
            (false, Some(known)) => known.take(kept),
            // Of what they are is not known.
            (false, None) => {}
        };
        let damaged = match file::read(&self.path, take) {
            Ok(damaged) => damaged,
            Err(error) => {
                let path = self.path.display();
                tracing::error!(
                    "nobody is known before a domain controller answers: {path} cannot be read: \
                     {error}"
                );
                return false;
            }
        };
        if damaged {
            tracing::warn!(
                "{} is damaged, or was being written when the power went: whom it does not tell of \
                 any more is asked of the directory again",
                self.path.display()
            );
        }
        let Some(known) = known else { return false };
        let origin = &known.origin;
        if origin.format != FORMAT || origin.configuration != kept::fingerprint(config) {
            tracing::info!(
                "who was known before the start is asked of the directory again: the configuration \
                 is another, or the daemon is"
            );
            return false;
        }
        known.give(lookups);
        !damaged
    }

    /// Beside the accounts.
    fn copy_path(&self) -> PathBuf {
        self.path.with_file_name(COPY)
    }

    /// Writes down from now on what changes in the memory of this host, and no more what changes in
    /// the one before.
    pub(crate) fn follow(&self, host: &Host) {
        self.finish();
        let (watch, _) = host.lookups.watch();
        let outbox = watch.outbox();
        let (path, configuration) = (self.path.clone(), kept::fingerprint(&host.config));
        let (given, mirror, copy_path) =
            (host.given.clone(), host.mirror.clone(), self.copy_path());
        let writing = Writing { watch, path, configuration, file: None, given, mirror, copy_path };
        let writing = move || writing.run();
        match std::thread::Builder::new().name("durable".to_owned()).spawn(writing) {
            Ok(thread) => *self.writer() = Some(Writer { outbox, thread }),
            Err(error) => {
                tracing::error!("what is known of users and groups is not kept: {error}");
            }
        }
    }

    /// Everything is on the disk when this returns.
    pub(crate) fn finish(&self) {
        let Some(Writer { outbox, thread }) = self.writer().take() else { return };
        outbox.close();
        if thread.join().is_err() {
            tracing::error!("what is known of users and groups was not kept: its thread ended");
        }
    }

    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that writes.
struct Writing {
    watch: Watch,
    path: PathBuf,
    configuration: [u8; 16],
    /// None: there is none of this memory's yet, or it could not be written.
    file: Option<(Sid, KeptFile)>,
    given: Arc<GivenIds>,
    mirror: Arc<Mirror>,
    copy_path: PathBuf,
}

impl Writing {
    fn run(mut self) {
        let mut synced = Instant::now();
        let mut refused: Option<Instant> = None;
        let mut changed = true;
        loop {
            // What the copy is of was put into the outbox before it: it is among what is taken out
            // below, or is written already.
            let copy = self.mirror.to_save();
            let Some(emptied) = self.watch.wait(SYNC_EVERY) else {
                let last = self.sync().and_then(|()| self.write_copy(copy));
                self.judge(last, refused.is_some());
                return;
            };
            let subjects: Vec<Subject> = emptied.subjects.into_iter().collect();
            changed |= !subjects.is_empty();
            if refused.is_some_and(|moment| moment.elapsed() < RETRY_AFTER) {
                continue;
            }
            let written = self.write(subjects, changed);
            let is_time = synced.elapsed() >= SYNC_EVERY;
            let written = written.and_then(|()| if is_time { self.sync() } else { Ok(()) });
            let written = written.and_then(|()| self.write_copy(copy));
            synced = if is_time { Instant::now() } else { synced };
            refused = self.judge(written, refused.is_some());
            changed = refused.is_some();
        }
    }

    /// Writes down what the copy of everybody is of, behind everybody.
    fn write_copy(&mut self, copy: Option<Arc<Saved>>) -> io::Result<()> {
        let Some(copy) = copy.filter(|_| self.file.is_some()) else { return Ok(()) };
        self.sync()?;
        copy.write(&self.copy_path, self.configuration)?;
        self.mirror.saved(&copy);
        Ok(())
    }

    /// When the disk refused, if it did: from then on the file is made anew.
    fn judge(&mut self, written: io::Result<()>, was_refused: bool) -> Option<Instant> {
        let error = written.err()?;
        if !was_refused {
            tracing::error!(
                "{} cannot be written, so who is known now is not known after a reboot before a \
                 domain controller answers: {error}",
                self.path.display()
            );
        }
        self.file = None;
        Some(Instant::now())
    }

    fn write(&mut self, subjects: Vec<Subject>, changed: bool) -> io::Result<()> {
        let Some(domain) = self.watch.domain() else { return Ok(()) };
        let watch = &self.watch;
        let kept = |subject| kept_of(watch, subject, domain);
        match &mut self.file {
            Some((of, file)) if *of == domain && !file.is_overgrown() => {
                file.add(subjects.into_iter().filter_map(kept))
            }
            _ if !changed => Ok(()),
            // What has changed is told with everybody else.
            _ => {
                let configuration = self.configuration;
                let origin = Kept::Of(Origin { format: FORMAT, configuration, domain });
                let everybody = watch.everybody().into_iter().filter_map(kept);
                let records = std::iter::once(origin).chain(everybody);
                self.file = Some((domain, KeptFile::make(&self.path, records)?));
                Ok(())
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.given.sync();
        match &mut self.file {
            Some((_, file)) if file.unsynced => file.sync(),
            Some(_) | None => Ok(()),
        }
    }
}

/// How somebody is now, or that there is nothing of them. Of nobody nothing is kept.
fn kept_of(watch: &Watch, subject: Subject, domain: Sid) -> Option<Kept> {
    Some(match subject {
        Subject::User(sid) => match watch.user(sid) {
            Some(user) => {
                let names = user.keys.iter().filter_map(|key| match key {
                    Key::UserName(name) => Some(name.as_str().to_owned()),
                    Key::Uid(_) | Key::GroupName(_) | Key::Gid(_) => None,
                });
                let names = names.filter(|name| *name != user.known.entry.name).collect();
                Kept::User(Box::new(KnownUser::clone(&user.known)), names)
            }
            None => Kept::NoUser(Short::of(sid, domain)),
        },
        Subject::Group(gid) => match watch.group(gid) {
            Some(group) => Kept::Group(KnownGroup::clone(&group.known)),
            None => Kept::NoGroup(gid),
        },
        Subject::Membership(sid) => match watch.membership(sid) {
            Some(groups) => Kept::membership(sid, &groups.known, domain),
            None => Kept::NoMembership(Short::of(sid, domain)),
        },
        Subject::Nobody(_) => return None,
    })
}

/// What follows from all records together: the last one about somebody holds.
#[derive(Debug)]
struct Recollection {
    origin: Origin,
    users: HashMap<Sid, (Arc<KnownUser>, Vec<Key>)>,
    groups: HashMap<u32, KnownGroup>,
    memberships: HashMap<Sid, Membership>,
}

impl Recollection {
    /// What follows is of what the first record says; None: it says nothing.
    fn of(first: Kept) -> Option<Self> {
        let Kept::Of(origin) = first else { return None };
        let (users, groups, memberships) = Default::default();
        Some(Self { origin, users, groups, memberships })
    }

    fn take(&mut self, kept: Kept) {
        // None: of a SID that is none, or of what is no entry, which nobody wrote.
        let _ = self.try_take(kept);
    }

    fn try_take(&mut self, kept: Kept) -> Option<()> {
        let domain = self.origin.domain;
        match kept {
            Kept::Of(_) => {}
            Kept::User(user, names) => {
                let names = names.iter().filter_map(|name| UserName::parse(name.as_bytes()).ok());
                let names = names.map(Key::UserName).collect();
                // Both the daemon and the modules check every entry.
                user.entry.check().ok()?;
                self.users.insert(user.record.sid, (Arc::from(user), names));
            }
            Kept::NoUser(sid) => drop(self.users.remove(&sid.sid(domain)?)),
            Kept::Group(group) => {
                group.entry().check().ok()?;
                self.groups.insert(group.gid, group);
            }
            Kept::NoGroup(gid) => drop(self.groups.remove(&gid)),
            Kept::Membership(sid, sids, gids) => {
                let sids = sids.iter().map(|sid| sid.sid(domain)).collect::<Option<Vec<_>>>()?;
                self.memberships.insert(sid.sid(domain)?, Membership { sids: sids.into(), gids });
            }
            Kept::NoMembership(sid) => drop(self.memberships.remove(&sid.sid(domain)?)),
        }
        Some(())
    }

    fn give(self, lookups: &Lookups) {
        let Self { origin, users, groups, memberships } = self;
        tracing::info!(
            "{} users and {} groups are known from before the start",
            users.len(),
            groups.len()
        );
        let (users, groups) = (users.into_values(), groups.into_values());
        lookups.recollect_kept(origin.domain, users, groups, memberships.into_iter());
    }
}

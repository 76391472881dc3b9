//! Who was given which id: an id once given is never given to another SID, whatever happens to the
//! directory. Files on this host belong to ids.
//!
//! A text file that is only ever added to, one line for each id or slice, each with a checksum. With
//! `sid` mapping an id follows from the SID, so that a line for a whole slice of ids says it; with
//! `posix`, and where the configuration gives ids, each has a line.
//!
//! ```text
//! slice 1842600000 200000 S-1-5-21-123-456-789 0 5d0f1c9a2b3e4f60
//! uid 20107 S-1-5-21-123-456-789-1107 91b2...
//! ```

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};
use ldaps_core::idmap::Slice;
use ldaps_core::protocol::tools::IDS_NOT_KEPT;
use ldaps_core::sid::Sid;

const FILE: &str = "ids";

/// Who was given which id on this host, ever.
#[derive(Debug)]
pub(crate) struct GivenIds {
    path: PathBuf,
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    uids: HashMap<u32, Sid>,
    gids: HashMap<u32, Sid>,
    slices: Vec<Slice>,
    file: Option<File>,
    unsynced: bool,
    /// Why the file cannot be written, which the journal is told once.
    trouble: Option<String>,
}

/// Uids and gids are spaces of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::User => "uid",
            Self::Group => "gid",
        }
    }
}

impl GivenIds {
    /// What was given before. A line that cannot be read says nothing, and the journal says so.
    pub(crate) fn open(state_dir: &Path) -> Self {
        let path = state_dir.join(FILE);
        let text = fs::read(&path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                let path = path.display();
                tracing::error!("who was given which id is not known: {path}: {error}");
            }
            Vec::new()
        });
        let mut given = Given::default();
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let unread = lines.filter(|line| given.read(line).is_none()).count();
        if unread > 0 {
            tracing::error!(
                "{unread} lines of {} are damaged: ids that stood there could be given again",
                path.display()
            );
        }
        Self { path, given: Mutex::new(given) }
    }

    /// Whether this account may have this id: nobody else was ever given it.
    ///
    /// # Errors
    /// Whose it is.
    pub(crate) fn check(&self, kind: Kind, id: u32, sid: Sid) -> Result<(), Sid> {
        match self.lock().of(kind).get(&id) {
            Some(owner) if *owner != sid => Err(*owner),
            Some(_) | None => Ok(()),
        }
    }

    /// Notes that this account is given this id.
    pub(crate) fn give(&self, kind: Kind, id: u32, sid: Sid) {
        let mut given = self.lock();
        if let Entry::Vacant(free) = given.of(kind).entry(id) {
            free.insert(sid);
            self.add(&mut given, &format!("{} {id} {sid}", kind.word()));
        }
    }

    /// Takes a slice of ids for a range of a domain's RIDs.
    ///
    /// # Errors
    /// What has it: another domain's people, or other ranges of this one, were given these ids.
    pub(crate) fn take_slice(&self, slice: Slice) -> Result<(), Slice> {
        let mut given = self.lock();
        let ours = |other: &Slice| other.domain == slice.domain;
        // The administrator has chosen other ranges for the same people.
        given
            .slices
            .retain(|other| !(ours(other) && other.overlaps(&slice) && other.size != slice.size));
        match given.slices.iter().find(|other| other.overlaps(&slice)) {
            Some(other) if *other != slice => Err(*other),
            Some(_) => Ok(()),
            None => {
                given.slices.push(slice);
                let Slice { first_id, size, domain, first_rid } = slice;
                self.add(&mut given, &format!("slice {first_id} {size} {domain} {first_rid}"));
                Ok(())
            }
        }
    }

    /// The slices that a domain's ranges have.
    pub(crate) fn slices_of(&self, domain: Sid) -> Vec<Slice> {
        self.lock().slices.iter().filter(|slice| slice.domain == domain).copied().collect()
    }

    /// Puts everything on the disk. Blocks the thread.
    pub(crate) fn sync(&self) {
        let mut given = self.lock();
        let file = given.file.as_ref().filter(|_| given.unsynced).map(File::try_clone);
        given.unsynced = false;
        drop(given);
        if let Some(Err(error)) = file.map(|file| file?.sync_data()) {
            let path = self.path.display();
            tracing::error!("{path} may not outlast a power cut: {error}");
        }
    }

    fn add(&self, given: &mut Given, line: &str) {
        let line = format!("{line} {}\n", checksum(line));
        let file = match given.file.take() {
            Some(file) => Ok(file),
            None => self.open_to_add(),
        };
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()).map(|()| file));
        match written {
            Ok(file) => (given.file, given.unsynced) = (Some(file), true),
            Err(error) if given.trouble.is_none() => {
                let path = self.path.display();
                let trouble = format!("{path} cannot be written, so {IDS_NOT_KEPT}: {error}");
                tracing::error!("{trouble}");
                given.trouble = Some(trouble);
            }
            Err(_) => {}
        }
    }

    /// Why what was given since the start is not all remembered, if it is not.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    fn open_to_add(&self) -> io::Result<File> {
        if let Some(dir) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        // The power may have gone in the middle of a line.
        file.write_all(b"\n")?;
        Ok(file)
    }

    fn lock(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Given {
    fn of(&mut self, kind: Kind) -> &mut HashMap<u32, Sid> {
        match kind {
            Kind::User => &mut self.uids,
            Kind::Group => &mut self.gids,
        }
    }

    fn read(&mut self, line: &[u8]) -> Option<()> {
        let (line, sum) = std::str::from_utf8(line).ok()?.rsplit_once(' ')?;
        if sum != checksum(line) {
            return None;
        }
        let mut words = line.split(' ');
        let kind = words.next()?;
        let mut number = || words.next()?.parse::<u32>().ok();
        let id = number()?;
        match kind {
            "uid" => drop(self.uids.insert(id, words.next()?.parse().ok()?)),
            "gid" => drop(self.gids.insert(id, words.next()?.parse().ok()?)),
            "slice" => {
                let size = number()?;
                let domain = words.next()?.parse().ok()?;
                let first_rid = words.next()?.parse().ok()?;
                let slice = Slice { first_id: id, size, domain, first_rid };
                self.slices.retain(|other| !other.overlaps(&slice));
                self.slices.push(slice);
            }
            // Of a later version.
            _ => {}
        }
        Some(())
    }
}

fn checksum(line: &str) -> String {
    let hash: [u8; 8] = Blake2b::<U8>::digest(line.as_bytes()).into();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sid(rid: u32) -> Sid {
        format!("S-1-5-21-1-2-3-{rid}").parse().unwrap()
    }

    fn slice(first_id: u32, size: u32, domain: &str, first_rid: u32) -> Slice {
        Slice { first_id, size, domain: domain.parse().unwrap(), first_rid }
    }

    #[test]
    fn an_id_is_given_to_another_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            let ids = GivenIds::open(dir.path());
            assert_eq!(ids.check(Kind::User, 5000, sid(1)), Ok(()));
            ids.give(Kind::User, 5000, sid(1));
            // A second one, whatever it says, changes nothing.
            ids.give(Kind::User, 5000, sid(2));
            assert_eq!(ids.check(Kind::User, 5000, sid(2)), Err(sid(1)));
            assert_eq!(ids.check(Kind::Group, 5000, sid(2)), Ok(()), "gids are others");
        }
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 1, "{text}");
    }

    #[test]
    fn ids_that_nobody_will_remember_are_given_in_silence() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let ids = GivenIds::open(&file.path().join("no-directory"));
        assert_eq!(ids.trouble(), None);
        ids.give(Kind::User, 5000, sid(1));
        let trouble = ids.trouble().unwrap_or_default();
        assert!(trouble.contains(IDS_NOT_KEPT), "{trouble}");
    }

    #[test]
    fn a_slice_is_given_to_another_domain_or_range() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = ("S-1-5-21-1-2-3", "S-1-5-21-7-8-9");
        for _ in 0..2 {
            let ids = GivenIds::open(dir.path());
            let first = slice(400_000, 200_000, ours, 0);
            assert_eq!(ids.take_slice(first), Ok(()));
            assert_eq!(ids.take_slice(slice(400_000, 200_000, theirs, 0)), Err(first));
            assert_eq!(ids.take_slice(slice(500_000, 200_000, theirs, 0)), Err(first));
            assert_eq!(ids.take_slice(slice(400_000, 200_000, ours, 200_000)), Err(first));
            assert_eq!(ids.take_slice(slice(600_000, 200_000, theirs, 0)), Ok(()));
        }
        // Other sizes for the same people are the administrator's choice.
        let ids = GivenIds::open(dir.path());
        let wider = slice(200_000, 400_000, ours, 0);
        assert_eq!(ids.take_slice(wider), Ok(()));
        assert_eq!(GivenIds::open(dir.path()).slices_of(ours.parse().unwrap()), [wider]);
    }

    proptest! {
        #[test]
        fn a_damaged_line_gives_an_id_to_another_or_takes_other_lines_with_it(
            at in any::<prop::sample::Index>(), bits in 1..=255_u8, cut in any::<bool>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let ids = GivenIds::open(dir.path());
            (0..10).for_each(|id| ids.give(Kind::User, 5000 + id, sid(id)));
            let path = dir.path().join(FILE);
            let mut bytes = fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            match cut {
                true => bytes.truncate(at),
                false => bytes[at] ^= bits,
            }
            fs::write(&path, &bytes).unwrap();
            let lost = |ids: &GivenIds| {
                let is_lost = |id: &u32| match ids.check(Kind::User, 5000 + id, sid(99)) {
                    Ok(()) => true,
                    Err(owner) => {
                        assert_eq!(owner, sid(*id), "it lies");
                        false
                    }
                };
                (0..10).filter(is_lost).count()
            };
            let ids = GivenIds::open(dir.path());
            // One line, or two where the end of one is damaged.
            prop_assert!(cut || lost(&ids) <= 2, "{} are lost", lost(&ids));
            // What is added stands on a line of its own.
            (0..10).for_each(|id| ids.give(Kind::User, 5000 + id, sid(id)));
            prop_assert_eq!(lost(&GivenIds::open(dir.path())), 0);
        }
    }
}

//! `/run/ldapsd/ctl`: the daemon's one page about itself. Where the directory's ids lie, and
//! whether anybody would answer, known before a connection is tried.
//!
//! ```text
//! 0          8       12      16               24         28      32
//! | LDPSctl1 | state | count | heartbeat (ns) | checksum | flags | first, last | first, last | ...
//! ```
//! Little-endian. The heartbeat is CLOCK_MONOTONIC. The checksum is over all other bytes: a page
//! read while it is being written is seen, and read again.
//!
//! At 1024 stands the number of the current map file ([`crate::map`]) and, in the next word, its
//! complement, in the host's byte order. Whoever has the page mapped reads these two alone. An
//! older daemon leaves zeros there: no map; an older module does not look.

#![forbid(unsafe_code)]

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::run_dir::RunDir;

/// The file's name in the run directory.
pub const FILE: &str = "ctl";
/// A heartbeat older than this means that nobody answers.
pub const HEARTBEAT_STALE: Duration = Duration::from_secs(3);
/// How often the daemon writes its heartbeat.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// How long callers wait for the sockets of a daemon that has said it is restarting.
pub const RESTART_PATIENCE: Duration = Duration::from_secs(2);
/// Most ranges that fit in the page: far more than a domain has, and many single ids besides.
pub const RANGES_MAX: usize = (PAGE - RANGES_AT) / 8;

const PAGE: usize = 4096;
const MAGIC: &[u8; 8] = b"LDPSctl1";
const RANGES_AT: usize = 32;
/// Where the heartbeat is, for whoever has the page mapped.
pub(crate) const HEARTBEAT_AT: usize = 16;
/// Where the number of the current map file is; its complement is behind it.
pub(crate) const MAP_AT: usize = 1024;
/// The flag for [`Ctl::exclusive`].
const EXCLUSIVE: u32 = 1;
/// A torn read is as long as one write of 4 KiB; a third time is no accident.
const ATTEMPTS: usize = 3;

/// What the daemon says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It answers.
    Running,
    /// It has ended and expects to be back at once.
    Restarting,
    /// It has ended.
    Stopped,
}

/// The page's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ctl {
    /// What the daemon says of itself.
    pub state: State,
    /// When it last said so (CLOCK_MONOTONIC).
    pub heartbeat: Duration,
    /// The ids that can be the directory's; all others are answered without a request.
    pub ranges: Vec<RangeInclusive<u32>>,
    /// Whether an id in the ranges can be nobody's but the directory's. Where it can, another
    /// source of NSS may give it out as well.
    pub exclusive: bool,
}

/// Whether a request is worth sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// The daemon runs.
    Running,
    /// It is restarting: its sockets may be waited for until this moment (CLOCK_MONOTONIC).
    RestartingUntil(Duration),
    /// It is stopped, hung or gone.
    Gone,
}

/// Why there is no page.
#[derive(Debug)]
pub enum CtlError {
    /// The daemon has not run since the host started.
    Absent(PathBuf),
    /// It cannot be read.
    Unreadable(PathBuf, io::Error),
    /// It is not a page of this format.
    Damaged(PathBuf),
}

impl fmt::Display for CtlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(path) => {
                write!(f, "{} is not there: ldapsd has not started yet", path.display())
            }
            Self::Unreadable(path, error) => {
                write!(f, "{} cannot be read: {error}", path.display())
            }
            Self::Damaged(path) => {
                write!(f, "{} is not of this version; restart ldapsd", path.display())
            }
        }
    }
}

impl std::error::Error for CtlError {}

impl Ctl {
    /// Reads the page: open, read, close, nothing kept.
    ///
    /// # Errors
    /// [`CtlError`].
    pub fn read(run_dir: &RunDir) -> Result<Self, CtlError> {
        let path = run_dir.join(FILE);
        for _ in 0..ATTEMPTS {
            let page = read_page(&path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => CtlError::Absent(path.clone()),
                _ => CtlError::Unreadable(path.clone(), error),
            })?;
            if let Some(ctl) = Self::decode(&page) {
                return Ok(ctl);
            }
        }
        Err(CtlError::Damaged(path))
    }

    /// Whether a request is worth sending at this moment (CLOCK_MONOTONIC).
    #[must_use]
    pub fn availability(&self, now: Duration) -> Availability {
        let age = now.saturating_sub(self.heartbeat);
        match self.state {
            State::Running if age <= HEARTBEAT_STALE => Availability::Running,
            State::Restarting if age <= RESTART_PATIENCE => {
                Availability::RestartingUntil(self.heartbeat.saturating_add(RESTART_PATIENCE))
            }
            State::Running | State::Restarting | State::Stopped => Availability::Gone,
        }
    }

    /// Whether an id can be the directory's.
    #[must_use]
    pub fn holds_id(&self, id: u32) -> bool {
        self.ranges.iter().any(|range| range.contains(&id))
    }

    fn decode(page: &[u8]) -> Option<Self> {
        if page.len() != PAGE || page.get(..8)? != MAGIC || u32_at(page, 24)? != checksum(page) {
            return None;
        }
        let state = match u32_at(page, 8)? {
            1 => State::Running,
            2 => State::Restarting,
            3 => State::Stopped,
            _ => return None,
        };
        let heartbeat = u64::from_le_bytes(*page.get(16..)?.first_chunk()?);
        let count = usize::try_from(u32_at(page, 12)?).ok().filter(|count| *count <= RANGES_MAX)?;
        let ranges = page.get(RANGES_AT..)?.as_chunks::<8>().0;
        let ranges = ranges.iter().take(count).map(|range| {
            let [a, b, c, d, e, f, g, h] = *range;
            u32::from_le_bytes([a, b, c, d])..=u32::from_le_bytes([e, f, g, h])
        });
        Some(Self {
            state,
            heartbeat: Duration::from_nanos(heartbeat),
            ranges: ranges.collect(),
            exclusive: u32_at(page, 28)? & EXCLUSIVE != 0,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let state: u32 = match self.state {
            State::Running => 1,
            State::Restarting => 2,
            State::Stopped => 3,
        };
        let ranges = self.ranges.get(..RANGES_MAX).unwrap_or(&self.ranges);
        let count = u32::try_from(ranges.len()).unwrap_or(0);
        let heartbeat = u64::try_from(self.heartbeat.as_nanos()).unwrap_or(u64::MAX);
        let mut page = Vec::with_capacity(PAGE);
        page.extend_from_slice(MAGIC);
        page.extend_from_slice(&state.to_le_bytes());
        page.extend_from_slice(&count.to_le_bytes());
        page.extend_from_slice(&heartbeat.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        page.extend_from_slice(&(if self.exclusive { EXCLUSIVE } else { 0 }).to_le_bytes());
        for range in ranges {
            page.extend_from_slice(&range.start().to_le_bytes());
            page.extend_from_slice(&range.end().to_le_bytes());
        }
        page.resize(PAGE, 0);
        let sum = checksum(&page).to_le_bytes();
        page[24..28].copy_from_slice(&sum);
        page
    }
}

/// The daemon's hand on the page.
#[derive(Debug)]
pub struct CtlWriter {
    file: File,
    /// Held while the page is written, so that no beat brings back a number of before.
    map: Mutex<u32>,
}

impl CtlWriter {
    /// Opens the page, or makes it; it is never replaced, so that who has it open keeps it. The
    /// map file that it names stays the current one.
    ///
    /// # Errors
    /// The error of opening the file.
    pub fn open(run_dir: &Path) -> io::Result<Self> {
        let mut options = File::options();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
        let path = run_dir.join(FILE);
        let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        let map = Mutex::new(map_number(&read_page(&path)?).unwrap_or(0));
        Ok(Self { file, map })
    }

    /// Writes the whole page.
    ///
    /// # Errors
    /// The error of writing.
    pub fn write(&self, ctl: &Ctl) -> io::Result<()> {
        let map = self.lock();
        self.write_page(ctl.encode(), *map)
    }

    /// The number of the current map file; 0 for none.
    #[must_use]
    pub fn map(&self) -> u32 {
        *self.lock()
    }

    /// Makes another map file the current one. Where the page was never written, the next
    /// [`CtlWriter::write`] does it.
    ///
    /// # Errors
    /// The error of reading or writing.
    pub fn set_map(&self, number: u32) -> io::Result<()> {
        let mut map = self.lock();
        *map = number;
        let mut page = vec![0; PAGE];
        match self.file.read_exact_at(&mut page, 0) {
            Ok(()) if page.starts_with(MAGIC) => self.write_page(page, number),
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One write, so that no other reader than one in the middle of it sees half.
    fn write_page(&self, mut page: Vec<u8>, number: u32) -> io::Result<()> {
        let complement = if number == 0 { 0 } else { !number };
        page[MAP_AT..MAP_AT + 4].copy_from_slice(&number.to_ne_bytes());
        page[MAP_AT + 4..MAP_AT + 8].copy_from_slice(&complement.to_ne_bytes());
        let sum = checksum(&page).to_le_bytes();
        page[24..28].copy_from_slice(&sum);
        self.file.write_all_at(&page, 0)
    }

    fn lock(&self) -> MutexGuard<'_, u32> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the current map file that a page names.
fn map_number(page: &[u8]) -> Option<u32> {
    let word = |at: usize| Some(u32::from_ne_bytes(*page.get(at..)?.first_chunk()?));
    let number = word(MAP_AT)?;
    (page.len() == PAGE && page.starts_with(MAGIC) && word(MAP_AT + 4)? == !number)
        .then_some(number)
}

fn read_page(path: &Path) -> io::Result<Vec<u8>> {
    let mut page = Vec::with_capacity(PAGE + 1);
    File::open(path)?.take(PAGE as u64 + 1).read_to_end(&mut page)?;
    Ok(page)
}

fn u32_at(page: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*page.get(at..)?.first_chunk()?))
}

/// FNV-1a over everything but the checksum's own place: it has to notice two halves of different
/// pages, not an attacker, who cannot write here.
fn checksum(page: &[u8]) -> u32 {
    let (before, after) = (page.iter().take(24), page.iter().skip(28));
    before
        .chain(after)
        .fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn ctl(state: State, age_ms: u64) -> Ctl {
        let heartbeat = NOW - Duration::from_millis(age_ms);
        let ranges = vec![200_000..=399_999, 1_842_600_000..=1_842_799_999];
        Ctl { state, heartbeat, ranges, exclusive: true }
    }

    #[test]
    fn a_hung_daemon_is_waited_for() {
        let restarting = NOW - Duration::from_millis(500) + RESTART_PATIENCE;
        let table = [
            (State::Running, 100, Availability::Running),
            (State::Running, 2_900, Availability::Running),
            (State::Running, 3_100, Availability::Gone),
            (State::Restarting, 500, Availability::RestartingUntil(restarting)),
            (State::Restarting, 2_100, Availability::Gone),
            (State::Stopped, 0, Availability::Gone),
        ];
        for (state, age_ms, expected) in table {
            assert_eq!(ctl(state, age_ms).availability(NOW), expected, "{state:?} {age_ms} ms");
        }
    }

    #[test]
    fn the_page_is_read_otherwise_than_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ldapsd");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        let run_dir = RunDir::at(&path).unwrap();
        assert!(matches!(Ctl::read(&run_dir), Err(CtlError::Absent(_))));
        let writer = CtlWriter::open(&path).unwrap();
        for state in [State::Running, State::Restarting, State::Stopped] {
            for exclusive in [true, false] {
                let page = Ctl { exclusive, ..ctl(state, 0) };
                writer.write(&page).unwrap();
                assert_eq!(Ctl::read(&run_dir).unwrap(), page);
            }
        }
    }

    #[test]
    fn a_torn_or_foreign_page_is_believed() {
        let page = ctl(State::Running, 0).encode();
        for at in 0..RANGES_AT + 16 {
            let mut torn = page.clone();
            torn[at] ^= 1;
            assert_eq!(Ctl::decode(&torn), None, "byte {at}");
        }
        assert_eq!(Ctl::decode(&page[..PAGE - 1]), None);
        assert_eq!(Ctl::decode(&[]), None);
    }

    #[test]
    fn ids_are_asked_for_that_cannot_be_the_directorys() {
        let ctl = ctl(State::Running, 0);
        for (id, ours) in [
            (0, false),
            (199_999, false),
            (200_000, true),
            (1_842_600_513, true),
            (u32::MAX, false),
        ] {
            assert_eq!(ctl.holds_id(id), ours, "{id}");
        }
    }
}

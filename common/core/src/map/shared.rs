//! The map as a process reads it: attached once, looked at with no system call.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::fs::OFlags;

use super::file_name;
use super::format::{Header, PAGE};
use super::shelf::Shelf;
use super::sys::{Mapping, Region};
use super::view::{MapView, Shape, Sound, coarse_now};
use crate::ctl::{self, HEARTBEAT_STALE};
use crate::run_dir::RunDir;
use crate::sys::CancelHeld;

/// A writer may have made another file current, and removed the one it named, in between.
const ATTEMPTS: usize = 4;

/// The shared map of a run directory, as one process has it.
///
/// Nothing is held across calls but memory. A file that is no longer current is unmapped once no
/// thread reads it; a process that sleeps keeps the one it had.
pub struct SharedMap {
    shelf: Shelf<Attachment>,
    /// The second (CLOCK_MONOTONIC) in which the directory was last looked at for a silent daemon.
    looked_at: AtomicU32,
}

/// The page ctl, and the map file that it named.
struct Attachment {
    ctl: Mapping,
    /// Device and inode of ctl, to see that the run directory was made anew.
    identity: (u64, u64),
    number: u32,
    /// None where there is no map, or a damaged one.
    map: Option<(Mapping, Shape)>,
    sound: Sound,
}

impl Default for SharedMap {
    fn default() -> Self {
        Self::new()
    }
}

impl SharedMap {
    /// A map that nothing has been read from yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { shelf: Shelf::new(), looked_at: AtomicU32::new(0) }
    }

    /// Reads from the map in force; none where there is none. The directory is asked for only when
    /// something has to be opened.
    ///
    /// A daemon that is silent may be gone for good, its directory with it: then, once in a
    /// second, it is looked whether the page is still the one that is mapped.
    pub fn read<T>(
        &self,
        run_dir: impl Fn() -> Option<RunDir>,
        look_up: impl FnOnce(&MapView<'_>) -> T,
    ) -> Option<T> {
        self.read_with_pulse(run_dir, |view, _| look_up(view))
    }

    /// [`Self::read`]; the second argument of `look_up` is whether the daemon that writes the map has
    /// given a sign of life lately.
    pub fn read_with_pulse<T>(
        &self,
        run_dir: impl Fn() -> Option<RunDir>,
        look_up: impl FnOnce(&MapView<'_>, bool) -> T,
    ) -> Option<T> {
        if let Some(held) = self.shelf.hold() {
            let silent = held.silent(coarse_now());
            if silent && !self.still_there(&run_dir, &held) {
                self.shelf.remove(&held);
            } else if held.number_now()? == held.number {
                return held.view().map(|view| look_up(&view, !silent));
            }
        }
        self.read_anew(run_dir, look_up)
    }

    #[cold]
    fn read_anew<T>(
        &self,
        run_dir: impl Fn() -> Option<RunDir>,
        look_up: impl FnOnce(&MapView<'_>, bool) -> T,
    ) -> Option<T> {
        let _whole = CancelHeld::now();
        let fresh = Attachment::open(&run_dir()?)?;
        let attended = !fresh.silent(coarse_now());
        if let Some(held) = self.shelf.hold()
            && held.identity == fresh.identity
            && held.number == fresh.number
        {
            return held.view().map(|view| look_up(&view, attended));
        }
        // Read before it is put on the shelf, where somebody else may take it off.
        let answer = fresh.view().map(|view| look_up(&view, attended));
        let _ = self.shelf.put(Box::new(fresh));
        answer
    }

    /// Whether the mapped page is the one in the directory; looked at once in a second.
    fn still_there(&self, run_dir: impl Fn() -> Option<RunDir>, held: &Attachment) -> bool {
        let second = u32::try_from(coarse_now().as_secs()).unwrap_or(u32::MAX);
        if self.looked_at.swap(second, Ordering::Relaxed) == second {
            return true;
        }
        let _whole = CancelHeld::now();
        let path = run_dir().map(|run_dir| run_dir.join(ctl::FILE));
        let found = path.and_then(|path| fs::symlink_metadata(path).ok());
        found.is_some_and(|found| (found.dev(), found.ino()) == held.identity)
    }
}

impl Attachment {
    fn open(run_dir: &RunDir) -> Option<Self> {
        let (ctl, found) = open_trusted(run_dir, &run_dir.join(ctl::FILE)).ok()?;
        if found.len() != PAGE as u64 {
            return None;
        }
        let mut attachment = Self {
            ctl: Mapping::of(&ctl).ok()?,
            identity: (found.dev(), found.ino()),
            number: 0,
            map: None,
            sound: Sound::default(),
        };
        for _ in 0..ATTEMPTS {
            let Some(number) = attachment.number_now() else { continue };
            attachment.number = number;
            if number == 0 {
                break;
            }
            match open_trusted(run_dir, &run_dir.join(&file_name(number))) {
                Ok((file, _)) => {
                    attachment.map = map(&file, number)?;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // A file that is not the daemon's stays so; a process that has no descriptor left
                // will have one again, and then looks again.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
                Err(_) => return None,
            }
        }
        Some(attachment)
    }

    fn number_now(&self) -> Option<u32> {
        let page = self.ctl.region();
        let number = page.word(ctl::MAP_AT)?;
        // Two words, since the page is written as a whole: half of a write is seen.
        (number == 0 || page.word(ctl::MAP_AT + 4)? == !number).then_some(number)
    }

    fn view(&self) -> Option<MapView<'_>> {
        let (map, shape) = self.map.as_ref()?;
        Some(MapView::known(map.region(), *shape).with(&self.sound))
    }

    /// Whether the heartbeat is old. Half of a write at worst looks old for one call.
    fn silent(&self, now: Duration) -> bool {
        let word = |at| u64::from(u32::from_le(self.ctl.region().word(at).unwrap_or(0)));
        let (low, high) = (word(ctl::HEARTBEAT_AT), word(ctl::HEARTBEAT_AT + 4));
        let beat = Duration::from_nanos(high << 32 | low);
        now.saturating_sub(beat) > HEARTBEAT_STALE
    }
}

/// The file's memory, if it is a map. None: it cannot be had now.
fn map(file: &File, number: u32) -> Option<Option<(Mapping, Shape)>> {
    if file.metadata().ok()?.len() < PAGE as u64 {
        return Some(None);
    }
    let map = Mapping::of(file).ok()?;
    let shape = shape(map.region(), number);
    Some(shape.map(|shape| (map, shape)))
}

/// The shape of a file that is the one with this number.
fn shape(file: Region<'_>, number: u32) -> Option<Shape> {
    Shape::of(&Header::decode(file).filter(|header| header.number == number)?)
}

/// Opens a file that only the daemon can have made.
fn open_trusted(run_dir: &RunDir, path: &Path) -> io::Result<(File, fs::Metadata)> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    match found.is_file() && run_dir.is_owned_by(found.uid()) {
        true => Ok((file, found)),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

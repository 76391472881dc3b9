//! The host in the sandbox as the parts set it up: the run directory with a map in it, nsswitch.conf,
//! who there is.

#![forbid(unsafe_code)]

use super::failed;
use ldaps_core::ctl::{Ctl, CtlWriter, State};
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::map::{MapWriter, SharedMap};
use ldaps_core::presence::CONFIG_FILE;
use ldaps_core::protocol::client::monotonic_now;
use ldaps_core::run_dir::{BUILT_IN, RunDir};
use scenarios::outcome::{Check, Failure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The first uid, and the gid of the group.
const FIRST: u32 = 200_000;
const GID: u32 = 3_000_000_000;
/// No budget stands in the way.
const BUDGET: usize = 2 << 30;
/// How long a part lasts at most.
const A_DAY: Duration = Duration::from_secs(86_400);

/// The run directory, with a map and nobody who answers on a socket.
pub struct Place {
    /// The writer, as the daemon has it.
    pub map: MapWriter,
    /// A reader, as a module has it.
    pub reader: SharedMap,
    /// The directory.
    pub run_dir: RunDir,
}

impl Place {
    /// Makes it anew.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn make() -> Check<Self> {
        let path = Path::new(BUILT_IN);
        empty(path)?;
        fs::create_dir(path).map_err(failed("make the run directory"))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .map_err(failed("open the run directory to all"))?;
        only_ldaps()?;
        configured()?;
        let ctl = Arc::new(CtlWriter::open(path).map_err(failed("make the page ctl"))?);
        let map = MapWriter::open(path, Arc::clone(&ctl), BUDGET).map_err(failed("make a map"))?;
        let page = Ctl {
            state: State::Running,
            // Nobody beats while it is measured.
            heartbeat: monotonic_now() + A_DAY,
            ranges: vec![FIRST..=u32::MAX],
            exclusive: true,
        };
        ctl.write(&page).map_err(failed("write the page ctl"))?;
        let run_dir = RunDir::built_in().map_err(|error| Failure::new(error.to_string()))?;
        Ok(Self { map, reader: SharedMap::new(), run_dir })
    }
}

/// A host on which there is a configuration: on another the module serves nothing of the map.
fn configured() -> Check {
    let file = Path::new(CONFIG_FILE);
    fs::create_dir_all(file.parent().unwrap_or(file)).map_err(failed("make /etc/ldaps"))?;
    fs::write(file, "").map_err(failed("write a configuration"))
}

/// nsswitch.conf with one source alone: `files` in front would add its own cost to every answer.
///
/// # Errors
/// When it cannot be written.
pub fn only_ldaps() -> Check {
    fs::write("/etc/nsswitch.conf", "passwd: ldaps\ngroup: ldaps\nhosts: files dns\n")
        .map_err(failed("write nsswitch.conf"))
}

/// Removes a directory with all that a part before has left there.
///
/// # Errors
/// When it stays.
pub fn empty(path: &Path) -> Check {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(failed("remove what another part left")(error))
        }
        _ => Ok(()),
    }
}

/// The name of a user.
#[must_use]
pub fn name(number: u32) -> String {
    format!("user{number:06}")
}

/// The user of this number.
#[must_use]
pub fn user(number: u32) -> PasswdEntry {
    PasswdEntry {
        name: name(number),
        uid: FIRST + number,
        gid: GID,
        gecos: format!("Firstname Lastname {number}"),
        home: format!("/home/{}", name(number)),
        shell: "/bin/bash".into(),
    }
}

/// The gids of everybody.
#[must_use]
pub fn gids() -> Vec<u32> {
    (GID..GID + 15).collect()
}

/// A group with so many members, the first of whom tells its version.
#[must_use]
pub fn group(members: u32, version: u32) -> GroupEntry {
    let members = (0..members).map(|number| name(number + version)).collect();
    GroupEntry { name: "staff".into(), gid: GID, members }
}

/// All numbers below `count`, in an order that looks random and is the same in each run.
#[must_use]
pub fn shuffled(count: u32) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..count).collect();
    let mut dice = 12_345_u64;
    for at in (1..numbers.len()).rev() {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(dice >> 33).unwrap_or(0) % (at + 1);
        numbers.swap(at, other);
    }
    numbers
}

/// A line of /proc/PID/status, in bytes.
///
/// # Errors
/// When there is no such line.
pub fn memory(process: &str, line: &str) -> Check<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))
        .map_err(failed("read the memory of a process"))?;
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kib = found.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    let kib = kib.ok_or_else(|| Failure::new(format!("process {process} tells no {line}")))?;
    Ok(kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_order_leaves_somebody_out_or_is_none() {
        let mut numbers = shuffled(1_000);
        let neighbours = numbers.windows(2).filter(|two| two[1] == two[0] + 1).count();
        assert!(neighbours < 10, "{neighbours} come in order");
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..1_000));
    }

    #[test]
    fn the_memory_of_this_process_is_none() {
        let all = memory("self", "VmRSS").expect("VmRSS");
        let own = memory("self", "RssAnon").expect("RssAnon");
        assert!(own > 10e3 && own < all, "{own} of {all}");
        assert!(memory("self", "VmRss").is_err());
    }
}

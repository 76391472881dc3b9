//! What the daemon costs where nothing is in the map yet: the real one, against the test directory with
//! so many users.

#![forbid(unsafe_code)]

use super::failed;
use super::figures::print;
use super::loops::{Loops, Often};
use super::map::nanoseconds;
use super::place::{empty, memory, name, only_ldaps, shuffled};
use crate::numbers::Samples;
use ldaps_core::local::{GROUP_FILE, names_and_ids};
use ldaps_core::protocol::client::{NSS_DEADLINE, Socket, ask};
use ldaps_core::protocol::messages::{NssReply, NssRequest};
use ldaps_core::run_dir::{BUILT_IN, RunDir};
use scenarios::outcome::{Check, Failure, ensure};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use test_directory::{Directory, GroupKind, Options, SERVICE_PASSWORD, TestDirectory};

const STATE_DIR: &str = "/var/lib/ldapsd";
const KNOWN: &str = "/var/lib/ldapsd/known/accounts";
const LOG: &str = "/var/log/growth-ldapsd.log";
const CONFIG_DIR: &str = "/etc/ldaps";
/// RIDs of the users, behind those of the standard population.
const FIRST_RID: u32 = 20_000;
/// Names that are asked for one after another while they are still unknown.
const COLD: usize = 300;
/// Askers at once for the rest.
const AT_ONCE: usize = 16;
/// Groups of each size: each can be asked for the first time once.
const OF_EACH: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(120);

/// The daemon with so many users in the directory.
///
/// # Errors
/// When it does not start, or somebody is not found.
pub fn users(count: u32) -> Check {
    let server = Domain::start(directory(count)?)?;
    let mut daemon = Daemon::start(&server)?;
    let order = shuffled(count);
    let (cold, rest) = order.split_at(COLD);
    let loops = Loops::compile()?;
    let list = loops.list(cold)?;
    let often = Often { batch: 1, skip: 0, samples: COLD };
    print("cold-glibc", count, loops.ask("user", &list, often)?.median());
    let (cold, rest) = rest.split_at(COLD);
    print("cold-socket", count, one_by_one(cold)?.median());
    print("cold-each", count, at_once(rest)?);
    print("daemon-bytes", count, memory(&daemon.pid(), "VmRSS")?);
    print("daemon-own", count, memory(&daemon.pid(), "RssAnon")?);
    print("known-socket", count, one_by_one(order.get(..COLD).unwrap_or_default())?.median());
    // The file is on the disk a second later.
    std::thread::sleep(Duration::from_secs(3));
    let length = fs::metadata(KNOWN).map_err(failed("look at what the daemon keeps"))?.len();
    print("durable-bytes", count, length as f64);
    // With no directory: what it answers then it has from its file.
    drop(server);
    let start = Instant::now();
    daemon.kill();
    daemon.run()?;
    daemon.wait_for(&name(rest.last().copied().unwrap_or(0)))?;
    print("start", count, nanoseconds(start));
    one_by_one(&order[..COLD])?;
    print("daemon-bytes-after", count, memory(&daemon.pid(), "VmRSS")?);
    Ok(())
}

/// The daemon with groups of these sizes in the directory, and users enough for the largest.
///
/// # Errors
/// When one is not found, or not whole.
pub fn groups(sizes: &[u32]) -> Check {
    let mut all = directory(sizes.iter().copied().max().unwrap_or(0))?;
    for (index, size) in (0_u32..).zip(sizes) {
        for turn in 0..OF_EACH {
            let group = group_name(*size, turn);
            all.add_group(&group, 15_000 + index * OF_EACH + turn, GroupKind::Global)
                .map_err(untold)?;
            for number in 0..*size {
                all.add_to_group(&name(number), &group).map_err(untold)?;
            }
        }
    }
    let server = Domain::start(all)?;
    let _daemon = Daemon::start(&server)?;
    for size in sizes {
        let (mut cold, mut again) = (Samples::default(), Samples::default());
        for turn in 0..OF_EACH {
            cold.add(Samples::of(whole_group(*size, turn)?));
            for _ in 0..5 {
                again.add(Samples::of(whole_group(*size, turn)?));
            }
        }
        print("group-cold", *size, cold.median());
        print("group-again", *size, again.median());
    }
    Ok(())
}

fn group_name(size: u32, turn: u32) -> String {
    format!("group{size}-{turn}")
}

/// Asks for a group until the answer is there: where it takes longer than a look-up may, the daemon
/// goes on, and whoever asks again gets it. Gives the time of all that.
fn whole_group(size: u32, turn: u32) -> Check<f64> {
    let request = NssRequest::GroupByName(group_name(size, turn));
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(NssReply::Group(group)) = reply(&request) {
            let took = nanoseconds(start);
            let found = group.members.len();
            let whole = usize::try_from(size) == Ok(found);
            ensure(whole, || format!("a group of {size} has {found} members"))?;
            return Ok(took);
        }
    }
    Err(Failure::new(format!("a group of {size} members is not found within {PATIENCE:?}")))
}

fn reply(request: &NssRequest) -> Option<NssReply> {
    let run_dir = RunDir::built_in().ok()?;
    ask(&run_dir, Socket::Nss, request, NSS_DEADLINE).ok()
}

fn is_found(name: String) -> bool {
    matches!(reply(&NssRequest::UserByName(name)), Some(NssReply::User(_)))
}

fn one_by_one(numbers: &[u32]) -> Check<Samples> {
    let mut samples = Samples::default();
    for number in numbers {
        let start = Instant::now();
        let found = is_found(name(*number));
        samples.add(Samples::of(nanoseconds(start)));
        ensure(found, || format!("{} is not found", name(*number)))?;
    }
    Ok(samples)
}

/// Many askers: the time for each name.
fn at_once(numbers: &[u32]) -> Check<f64> {
    let (next, found) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    found.fetch_add(usize::from(is_found(name(*number))), Ordering::Relaxed);
                }
            });
        }
    });
    let took = nanoseconds(start);
    let (found, all) = (found.into_inner(), numbers.len());
    ensure(found == all, || format!("{found} of {all} were found"))?;
    Ok(took / all as f64)
}

fn untold(error: test_directory::Error) -> Failure {
    Failure::new(format!("the test directory: {error}"))
}

fn directory(users: u32) -> Check<Directory> {
    let mut directory = Directory::corp_example();
    for number in 0..users {
        directory.add_user(&name(number), FIRST_RID + number).map_err(untold)?;
    }
    Ok(directory)
}

/// The test directory, and a configuration that leads to it.
struct Domain(TestDirectory);

impl Domain {
    fn start(directory: Directory) -> Check<Self> {
        let server = TestDirectory::start(directory, Options::default()).map_err(untold)?;
        let dir = Path::new(CONFIG_DIR);
        empty(dir)?;
        fs::create_dir(dir).map_err(failed("make /etc/ldaps"))?;
        let put = |file: &str, text: &[u8]| {
            fs::write(dir.join(file), text).map_err(failed("write into /etc/ldaps"))
        };
        put("ca.pem", &server.ca_pem().map_err(untold)?)?;
        secret(&dir.join("secret"))?;
        let config = format!(
            "[directory]\nuri = [\"{}\"]\nbind_dn = \"svc-linux@corp.example\"\n\
             bind_secret = \"{CONFIG_DIR}/secret\"\n[directory.address]\n\"{}\" = \"127.0.0.1\"\n\
             [tls]\nca = \"{CONFIG_DIR}/ca.pem\"\n[access]\nallow = [\"alice\"]\n",
            server.url(),
            server.url_host(),
        );
        put("ldaps.toml", config.as_bytes())?;
        Ok(Self(server))
    }
}

/// The service account's password, for the daemon alone. Who that is stands in the files: the module,
/// which nsswitch.conf names alone, does not know the host's own.
fn secret(file: &Path) -> Check {
    let groups = names_and_ids(Path::new(GROUP_FILE)).map_err(failed("read /etc/group"))?;
    let gid = groups.into_iter().find_map(|(name, gid)| (name == "ldapsd").then_some(gid));
    ensure(gid.is_some(), || "the sandbox has no group ldapsd".to_owned())?;
    fs::write(file, SERVICE_PASSWORD).map_err(failed("write the secret"))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o640))
        .and_then(|()| chown(file, None, gid))
        .map_err(failed("close the secret to others"))
}

impl Drop for Domain {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The daemon, which ends with this.
struct Daemon(Option<Child>);

impl Daemon {
    /// A daemon that knows nobody yet.
    fn start(_domain: &Domain) -> Check<Self> {
        empty(Path::new(STATE_DIR))?;
        empty(Path::new(BUILT_IN))?;
        only_ldaps()?;
        let mut daemon = Self(None);
        daemon.run()?;
        daemon.wait_for("alice")?;
        Ok(daemon)
    }

    fn run(&mut self) -> Check {
        let log = File::options().create(true).append(true).open(LOG);
        let log = log.map_err(failed("write the daemon's log"))?;
        let mut command = Command::new("ldapsd");
        command.args(["--foreground", "--log-level", "warn"]).stdout(std::process::Stdio::null());
        self.0 = Some(command.stderr(log).spawn().map_err(failed("start ldapsd"))?);
        Ok(())
    }

    fn wait_for(&self, name: &str) -> Check {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if is_found(name.to_owned()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let log = fs::read_to_string(LOG).unwrap_or_default();
        Err(Failure::new(format!("ldapsd does not know {name}:\n{log}")))
    }

    fn pid(&self) -> String {
        self.0.as_ref().map_or(String::new(), |child| child.id().to_string())
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

//! Looks up, from C's side, what stands in a shared map, so and so often: `tests/host/instruction-checks`
//! counts the instructions of it.
//!
//!   warm-lookups CALL TIMES     CALL is one of those in CALLS

mod ffi;

use std::ffi::{CStr, CString};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ldaps_core::ctl::{Ctl, CtlWriter, State};
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::map::{Key, MapWriter, SharedMap};
use ldaps_core::presence::{Presence, daemon_page};
use ldaps_core::protocol::client::{NSS_DEADLINE, monotonic_now};
use ldaps_core::run_dir::RunDir;
use nss_ldaps::host::Host;
use nss_ldaps::module::Module;
use nss_ldaps::warm::Warm;

/// Users beside the one who is looked up, as a company has.
const USERS: u32 = 3000;
const FIRST_ID: u32 = 1_842_600_000;

/// A call with the name of some user.
type Call = (&'static str, fn(&Module<'_>, &CStr) -> bool);

const CALLS: [Call; 5] = [
    ("getpwnam", |module, user| ffi::getpwnam(module, user) == ffi::SUCCESS),
    ("getpwnam-again", |module, _| ffi::getpwnam(module, c"user0007") == ffi::SUCCESS),
    ("getgrnam-15", |module, _| ffi::getgrnam(module, c"fifteen") == ffi::SUCCESS),
    ("initgroups", |module, user| ffi::initgroups(module, user) == 8),
    ("nobody", |module, _| ffi::getpwnam(module, c"nobody-there") == ffi::NOTFOUND),
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let call = words.next().and_then(|word| CALLS.iter().find(|(name, _)| *name == word));
    let times = words.next().and_then(|word| word.parse::<u32>().ok());
    let (Some((name, call)), Some(times)) = (call, times) else {
        eprintln!("usage: warm-lookups CALL TIMES, CALL being one of {:?}", CALLS.map(|(n, _)| n));
        return ExitCode::from(2);
    };
    let top = match tempfile::tempdir() {
        Ok(top) => top,
        Err(error) => {
            eprintln!("no directory for the map can be made: {error}");
            return ExitCode::FAILURE;
        }
    };
    let dir = top.path().join("ldapsd");
    let run_dir = || RunDir::at(&dir).ok();
    if let Err(error) = publish(&dir) {
        eprintln!("{}: the map cannot be made: {error}", dir.display());
        return ExitCode::FAILURE;
    }
    let map = SharedMap::new();
    let presence = || -> Presence { daemon_page(RunDir::at(&dir)) };
    let module = Module::on(Host {
        warm: Warm { map: &map, run_dir: &run_dir },
        presence: &presence,
        passwd_file: "/etc/passwd",
        group_file: "/etc/group",
        patience: NSS_DEADLINE,
    });
    // Each user in turn: how far a name stands from its home varies with the file's seed.
    let users: Vec<CString> = (0..USERS).filter_map(|n| CString::new(name_of(n)).ok()).collect();
    match users.iter().cycle().zip(0..times).all(|(user, _)| call(&module, user)) {
        true => ExitCode::SUCCESS,
        false => {
            eprintln!("{name} did not find what stands in the map");
            ExitCode::FAILURE
        }
    }
}

fn name_of(n: u32) -> String {
    format!("user{n:04}")
}

fn publish(dir: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir(dir)?;
    let ctl = Arc::new(CtlWriter::open(dir)?);
    let ranges = vec![FIRST_ID..=FIRST_ID + 199_999];
    let an_hour = monotonic_now() + Duration::from_secs(3600);
    // No daemon beats here, and under valgrind all this takes longer than a heart may stand still.
    ctl.write(&Ctl { state: State::Running, heartbeat: an_hour, ranges, exclusive: true })?;
    let mut map = MapWriter::open(dir, ctl, 64 << 20)?;
    for n in 0..USERS {
        let uid = FIRST_ID + 2000 + n;
        map.put_user(&PasswdEntry {
            name: name_of(n),
            uid,
            gid: FIRST_ID + 513,
            gecos: format!("User Number {n}"),
            home: format!("/home/user{n:04}"),
            shell: "/bin/bash".to_owned(),
        })?;
        let gids: Vec<u32> = (513..522).map(|rid| FIRST_ID + rid).collect();
        map.put_groups_of(uid, &gids)?;
    }
    let members = (0..15).map(name_of).collect();
    map.put_group(&GroupEntry { name: "fifteen".to_owned(), gid: FIRST_ID + 1300, members })?;
    map.put_nobody(Key::UserName(b"nobody-there"), an_hour)?;
    Ok(())
}

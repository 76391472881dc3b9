//! The built module, loaded by the real libpam, on a host that nobody has configured: it must be
//! as if it were not there. Needs no root: the PAM files are the test's own. What a configured
//! host does is looked at by `tests/host/pam-checks`, which needs one.
#![allow(clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, reason = "shared with tests/host/pam-checks, which uses all of it")]
#[path = "../examples/pam-checks/ffi.rs"]
mod ffi;

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ldaps_core::presence::CONFIG_FILE;
use ldaps_core::run_dir::BUILT_IN;

use ffi::{Conversation, Login};

/// What stands behind the module: its IGNORE shows as this code, so that it can be told from a
/// success (pam_debug(8) returns what it is told to).
const IGNORED: i32 = 18;
const BEHIND: &str = "pam_debug.so auth=no_module_data acct=no_module_data cred=no_module_data \
                      prechauthtok=no_module_data chauthtok=no_module_data";

/// The module as cargo has just built it, beside this test.
fn module() -> PathBuf {
    let module = std::env::current_exe().unwrap().with_file_name("libpam_ldaps.so");
    assert!(module.exists(), "{} is not built", module.display());
    module
}

fn pam_files(arguments: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let module = module();
    let lines: String = ["auth", "account", "password"]
        .iter()
        .map(|kind| {
            let control = "[success=done ignore=ignore default=die]";
            format!("{kind} {control} {} {arguments}\n{kind} required {BEHIND}\n", module.display())
        })
        .collect();
    std::fs::write(dir.path().join("ldaps-test"), lines).unwrap();
    dir
}

fn login(files: &Path, user: &CStr) -> Login {
    let files = CString::new(files.as_os_str().as_bytes()).unwrap();
    let conversation = Conversation::typing(b"Secret.123");
    Login::start("ldaps-test", user, Some(&files), conversation).unwrap().without_delay()
}

/// Local users, and on a machine without ldaps-login of its own anybody.
fn users() -> Vec<&'static CStr> {
    let configured = [BUILT_IN, CONFIG_FILE].into_iter().any(|path| Path::new(path).exists());
    let mut users = vec![c"root", c"nobody", c"a/b", c"\xff", c"10513"];
    if !configured {
        users.extend([c"alice", c"CORP\\alice"]);
    }
    users
}

#[test]
fn the_module_asks_or_judges_somebody_on_a_host_that_nobody_has_configured() {
    for arguments in ["", "use_first_pass", "try_first_pass debug", "no_such_argument=1 ="] {
        let files = pam_files(arguments);
        for user in users() {
            let mut login = login(files.path(), user);
            assert_eq!(login.authenticate(0), IGNORED, "{user:?} {arguments:?}");
            assert_eq!(login.account(0), IGNORED, "{user:?} {arguments:?}");
            assert_eq!(login.set_credentials(2), IGNORED, "{user:?} {arguments:?}");
            assert_eq!(login.change_password(0), IGNORED, "{user:?} {arguments:?}");
            assert_eq!(login.seen().prompts, 0, "{user:?} {arguments:?}");
            // pam_debug itself says what it was told to return.
            let mut messages = login.seen().messages.iter();
            assert!(messages.all(|line| line.contains("no_module_data")), "{user:?}");
        }
    }
}

#[test]
fn a_program_without_a_conversation_ends_here() {
    let files = pam_files("");
    let mut login = login(files.path(), c"root").without_conversation();
    assert_eq!(login.authenticate(0), IGNORED);
    assert_eq!(login.account(0), IGNORED);
    assert_eq!(login.change_password(0), IGNORED);
}

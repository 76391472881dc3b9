//! A test directory, the files of a host that is its client, and the daemon on them.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ldaps_core::local::{self, PASSWD_FILE};
use ldaps_core::run_dir::RunDir;
use rustix::process::geteuid;
use test_directory::{SERVICE_ACCOUNT, SERVICE_PASSWORD, TestDirectory, USER_PASSWORD};

use crate::daemon::Daemon;

/// The uid of a daemon that root starts: a daemon that is root wants a user `ldapsd` to become, and
/// 65534 is nobody's. No host has given this one away.
const DAEMON_UID: u32 = 61_184;
/// A wrong password that the tests may try.
pub const WRONG_PASSWORD: &str = "Wrong.Secret.99";
/// How many passwords of one account others than root may try in a minute.
const ATTEMPTS: usize = 12;
/// What must be in no log.
const SECRETS: &[&str] = &[USER_PASSWORD, WRONG_PASSWORD, SERVICE_PASSWORD];

/// The PAM services that tests ask about; where they do not run as root, they must be allowed to.
pub const SERVICES: &[&str] =
    &["passwd", "sshd", "login", "sudo", "sudo-i", "su", "cron", "systemd-user", "django"];

/// Lines for `[directory]`, and sections of their own.
#[derive(Debug, Default, Clone, Copy)]
pub struct Extra<'a> {
    pub directory: &'a str,
    pub sections: &'a str,
}

/// Everybody may log in: for tests that are not about rules.
pub const EVERYBODY: Extra<'static> =
    Extra { directory: "", sections: "[access]\nallow = [\"*\"]\n" };

/// See the module.
pub struct Stage {
    pub daemon: Daemon,
    pub server: TestDirectory,
    pub files: Files,
    /// How often the configuration was read again.
    reloads: AtomicU64,
    /// Passwords tried since then, by name.
    tried: Mutex<HashMap<String, usize>>,
}

impl Stage {
    /// The standard population, and a daemon that is connected with it.
    pub fn new(extra: Extra<'_>) -> Self {
        let stage = Self::on(TestDirectory::corp_example().unwrap(), extra);
        stage.wait_for_the_directory();
        stage
    }

    /// The same, for a test that asks about logins of others; None, and a word about it, where the
    /// daemon would let us ask about nobody but ourselves.
    pub fn for_logins(extra: Extra<'_>) -> Option<Self> {
        if Files::daemon_uid().is_none() && callers().is_empty() {
            skip("our uid has no name in /etc/passwd that [pam.callers] could give");
            return None;
        }
        Some(Self::new(extra))
    }

    pub fn on(server: TestDirectory, extra: Extra<'_>) -> Self {
        let files = Files::new();
        files.write("secret", SERVICE_PASSWORD);
        files.write("ca.pem", std::str::from_utf8(&server.ca_pem().unwrap()).unwrap());
        files.write("ldaps.toml", &files.toml(&server, extra));
        let daemon = Daemon::start(&files);
        daemon.wait_until_it_answers();
        Self { daemon, server, files, reloads: AtomicU64::new(0), tried: Mutex::default() }
    }

    pub fn run_dir(&self) -> RunDir {
        RunDir::at(&self.files.path("run")).unwrap()
    }

    /// How often the configuration was read again, and the directory connected anew.
    pub fn reloads(&self) -> u64 {
        self.reloads.load(Ordering::Relaxed)
    }

    /// To be called before a password is tried: where the tests are not root's, the daemon would
    /// stop them for guessing, and a reload makes it forget.
    pub fn try_one_more(&self, user: &str) {
        let tried = *self.tried.lock().unwrap().get(user).unwrap_or(&0);
        if Files::daemon_uid().is_none() && tried == ATTEMPTS {
            self.reload();
        }
        *self.tried.lock().unwrap().entry(user.to_owned()).or_default() += 1;
    }

    /// To be called after the daemon was started anew: it has forgotten, too.
    pub fn forget_tries(&self) {
        self.tried.lock().unwrap().clear();
    }

    /// Another configuration, in force when this returns.
    pub fn configure(&self, extra: Extra<'_>) {
        self.files.write("ldaps.toml", &self.files.toml(&self.server, extra));
        self.reload();
    }

    /// SIGHUP; the configuration is in force and the directory reached when this returns.
    pub fn reload(&self) {
        self.reload_unready();
        self.wait_for_the_directory();
    }

    /// SIGHUP; the configuration is in force when this returns.
    pub fn reload_unready(&self) {
        let told = "the configuration was read again and is in force";
        let before = self.daemon.log().matches(told).count();
        self.daemon.signal(rustix::process::Signal::HUP);
        self.daemon.wait_for("the reload", || self.daemon.log().matches(told).count() > before);
        self.reloads.fetch_add(1, Ordering::Relaxed);
        self.tried.lock().unwrap().clear();
    }

    pub fn wait_for_the_directory(&self) {
        self.daemon.wait_for("the directory", || self.status().domain.is_some());
        // What was read before the first poll may have changed before it, and is read once more.
        self.daemon.wait_for("the first poll", || self.freshness().polled_s.is_some());
    }
}

impl Drop for Stage {
    /// Whatever a test did: no password is in the log.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the daemon's log ---\n{}", self.daemon.log());
            return;
        }
        let log = self.daemon.log();
        for secret in SECRETS {
            let as_bytes = format!("{:?}", secret.as_bytes());
            let as_bytes = as_bytes.trim_matches(['[', ']']);
            assert!(!log.contains(secret) && !log.contains(as_bytes), "{secret} is in the log");
        }
    }
}

/// The files, below a directory that goes away with this.
pub struct Files(tempfile::TempDir);

impl Files {
    pub fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        // Others look into the run directory through it, as through /run.
        fs::set_permissions(files.0.path(), Permissions::from_mode(0o755)).unwrap();
        files.give_to_the_daemon(files.0.path());
        files
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file that the daemon alone may read.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        self.give_to_the_daemon(&path);
    }

    fn give_to_the_daemon(&self, path: &Path) {
        if let Some(uid) = Self::daemon_uid() {
            chown(path, Some(uid), Some(uid)).unwrap();
        }
    }

    /// Whom root starts the daemon as; None: the tests are not root's, and it runs as they do.
    pub fn daemon_uid() -> Option<u32> {
        geteuid().is_root().then_some(DAEMON_UID)
    }

    /// The configuration for a server on 127.0.0.1.
    pub fn toml(&self, server: &TestDirectory, extra: Extra<'_>) -> String {
        let (dir, url) = (self.0.path().display(), server.url());
        let Extra { directory, sections } = extra;
        format!(
            "[directory]\nuri = [{url:?}]\nbind_dn = {SERVICE_ACCOUNT:?}\n\
             bind_secret = \"{dir}/secret\"\n{directory}\n\
             [directory.address]\n\"dc1.corp.example\" = \"127.0.0.1\"\n\
             [tls]\nca = \"{dir}/ca.pem\"\n{}\n{sections}\n",
            callers()
        )
    }
}

/// Says, past the capture of a test's output, that something was not tried here.
pub fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped (in part): {test}: {why}");
}

/// Not root, the tests may ask about others only where the configuration says so.
fn callers() -> String {
    let me = geteuid().as_raw();
    let names = local::names_and_ids(Path::new(PASSWD_FILE)).unwrap();
    match names.into_iter().find(|(_, uid)| *uid == me) {
        Some((name, uid)) if uid != 0 => format!("[pam.callers]\n{name:?} = {SERVICES:?}\n"),
        _ => String::new(),
    }
}

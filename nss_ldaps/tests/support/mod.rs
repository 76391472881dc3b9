//! A daemon in miniature: a page, a socket, and an answer for each request, in a directory of its
//! own; and the module looking at that directory instead of the built-in one.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod ffi;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ldaps_core::ctl::{Ctl, CtlWriter, State};
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::map::SharedMap;
use ldaps_core::presence::{Presence, daemon_page_beside};
use ldaps_core::protocol::client::monotonic_now;
use ldaps_core::protocol::frame;
use ldaps_core::protocol::messages::{NssReply, NssRequest};
use ldaps_core::run_dir::RunDir;
use nss_ldaps::host::Host;
use nss_ldaps::module::Module;
use nss_ldaps::warm::Warm;

/// The only range of the test daemon's ids.
pub const RANGE: std::ops::RangeInclusive<u32> = 1_842_600_000..=1_842_799_999;
/// Alice's uid.
pub const ALICE: u32 = 1_842_601_107;
/// The gid of "domain users".
pub const DOMAIN_USERS: u32 = 1_842_600_513;
/// More than any answer takes, less than anybody notices.
pub const AT_ONCE: Duration = Duration::from_millis(50);

/// What the daemon does with a request.
pub enum Answer {
    /// It replies.
    Reply(NssReply),
    /// It thinks for a while, then replies.
    Late(Duration, NssReply),
    /// It sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// It says nothing and keeps the connection.
    Silence,
}

/// The host: its files, and its daemon once it is started.
pub struct TestHost {
    top: tempfile::TempDir,
    look: Box<dyn Fn() -> Presence + Sync + Send>,
    find: Box<dyn Fn() -> Option<RunDir> + Sync + Send>,
    map: SharedMap,
    asked: Arc<AtomicUsize>,
    passwd_file: String,
    group_file: String,
}

impl TestHost {
    /// A host where nothing was ever configured. It has one user of its own: `local`.
    pub fn unconfigured() -> Self {
        let top = tempfile::tempdir().unwrap();
        let (run_dir, config) = (top.path().join("ldapsd"), top.path().join("ldaps.toml"));
        let passwd_file = top.path().join("passwd").to_str().unwrap().to_owned();
        fs::write(&passwd_file, "root:x:0:0::/root:/bin/sh\nlocal:x:1000:1000::/:/bin/sh\n")
            .unwrap();
        let group_file = top.path().join("group").to_str().unwrap().to_owned();
        fs::write(&group_file, "root:x:0:\nadm:x:4:\ndocker:x:998:\nlocal:x:1000:\n").unwrap();
        let find = Box::new({
            let run_dir = run_dir.clone();
            move || RunDir::at(&run_dir).ok()
        });
        let look = Box::new(move || daemon_page_beside(RunDir::at(&run_dir), &config));
        let map = SharedMap::new();
        Self { top, look, find, map, asked: Arc::default(), passwd_file, group_file }
    }

    /// A configured host whose daemon has not started yet.
    pub fn configured() -> Self {
        let host = Self::unconfigured();
        fs::write(host.top.path().join("ldaps.toml"), "").unwrap();
        host
    }

    /// A host whose daemon answers.
    pub fn answering(answer: impl Fn(NssRequest) -> Answer + Send + Sync + 'static) -> Self {
        let host = Self::configured();
        host.say(State::Running, Duration::ZERO);
        host.listen(answer);
        host
    }

    /// A host whose daemon always replies the same.
    pub fn replying(reply: NssReply) -> Self {
        Self::answering(move |_| Answer::Reply(reply.clone()))
    }

    /// The daemon's run directory.
    pub fn run_dir(&self) -> PathBuf {
        self.top.path().join("ldapsd")
    }

    /// The file of the host's own users.
    pub fn passwd_file(&self) -> &Path {
        Path::new(&self.passwd_file)
    }

    /// The file of the host's own groups.
    pub fn group_file(&self) -> &Path {
        Path::new(&self.group_file)
    }

    /// Writes the page, with a heartbeat of a certain age.
    pub fn say(&self, state: State, age: Duration) {
        self.say_ranges(state, age, vec![RANGE]);
    }

    /// Writes the page, with other ranges.
    pub fn say_ranges(
        &self,
        state: State,
        age: Duration,
        ranges: Vec<std::ops::RangeInclusive<u32>>,
    ) {
        let run_dir = self.run_dir();
        fs::create_dir_all(&run_dir).unwrap();
        fs::set_permissions(&run_dir, Permissions::from_mode(0o755)).unwrap();
        let heartbeat = monotonic_now().checked_sub(age).unwrap();
        CtlWriter::open(&run_dir)
            .unwrap()
            .write(&Ctl { state, heartbeat, ranges, exclusive: true })
            .unwrap();
    }

    /// Starts to answer. The threads live as long as the test's process.
    pub fn listen(&self, answer: impl Fn(NssRequest) -> Answer + Send + Sync + 'static) {
        let listener = UnixListener::bind(self.run_dir().join("nss.sock")).unwrap();
        let (asked, answer) = (Arc::clone(&self.asked), Arc::new(answer));
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                asked.fetch_add(1, Ordering::SeqCst);
                let answer = Arc::clone(&answer);
                thread::spawn(move || serve(connection, &*answer));
            }
        });
    }

    /// How many connections the daemon has seen.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The module on this host.
    pub fn module(&self) -> Module<'_> {
        self.impatient_module(Duration::from_secs(5))
    }

    /// The module on this host, with another deadline.
    pub fn impatient_module(&self, patience: Duration) -> Module<'_> {
        Module::on(Host {
            warm: Warm { map: &self.map, run_dir: &*self.find },
            presence: &*self.look,
            passwd_file: &self.passwd_file,
            group_file: &self.group_file,
            patience,
        })
    }
}

fn serve(mut connection: UnixStream, answer: &(impl Fn(NssRequest) -> Answer + ?Sized)) {
    let Ok(body) = frame::read(&mut connection, frame::REQUEST_MAX) else { return };
    let bytes = match answer(frame::decode(&body).unwrap()) {
        Answer::Reply(reply) => reply_bytes(&reply),
        Answer::Late(pause, reply) => {
            thread::sleep(pause);
            reply_bytes(&reply)
        }
        Answer::Bytes(bytes) => bytes,
        Answer::Silence => {
            thread::sleep(Duration::from_secs(60));
            return;
        }
    };
    // The module may have gone by now.
    let _ = connection.write_all(&bytes);
}

/// A reply as it goes over the socket.
pub fn reply_bytes(reply: &NssReply) -> Vec<u8> {
    frame::encode(reply, frame::REPLY_MAX).unwrap().to_vec()
}

/// A user with nothing wrong.
pub fn alice() -> PasswdEntry {
    PasswdEntry {
        name: "alice".into(),
        uid: ALICE,
        gid: DOMAIN_USERS,
        gecos: "Alice Ünal, Sales".into(),
        home: "/home/alice".into(),
        shell: "/bin/bash".into(),
    }
}

/// "domain users" with some members.
pub fn domain_users(members: impl IntoIterator<Item = String>) -> GroupEntry {
    GroupEntry {
        name: "domain users".into(),
        gid: DOMAIN_USERS,
        members: members.into_iter().collect(),
    }
}

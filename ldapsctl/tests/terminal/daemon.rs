//! A daemon in miniature: a run directory with its page, and a socket that answers, or never.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use ldaps_core::ctl::{Ctl, CtlWriter, State};
use ldaps_core::protocol::admin::{
    AdminReply, AdminRequest, Counters, DomainStatus, ServerStatus, Status, SyncPhase, SyncStatus,
};
use ldaps_core::protocol::client::monotonic_now;
use ldaps_core::protocol::frame;
use ldaps_core::protocol::tools::Conditions;

/// See the module. Its threads live as long as the test's process.
pub struct Daemon {
    top: tempfile::TempDir,
}

impl Daemon {
    /// Takes every question and says nothing.
    pub fn silent() -> Self {
        Self::serving(|mut connection| {
            // As long as the asker waits.
            let _ = frame::read(&mut connection, frame::REQUEST_MAX);
            let _ = frame::read(&mut connection, frame::REQUEST_MAX);
        })
    }

    /// Answers how it is.
    pub fn answering() -> Self {
        Self::serving(|mut connection| {
            let Ok(body) = frame::read(&mut connection, frame::REQUEST_MAX) else { return };
            let reply = reply(&frame::decode(&body).unwrap());
            let bytes = frame::encode(&reply, frame::REPLY_MAX).unwrap();
            let _gone = connection.write_all(&bytes);
        })
    }

    pub fn run_dir(&self) -> PathBuf {
        self.top.path().join("ldapsd")
    }

    fn serving(serve: fn(UnixStream)) -> Self {
        let daemon = Self { top: tempfile::tempdir().unwrap() };
        let run_dir = daemon.run_dir();
        fs::create_dir(&run_dir).unwrap();
        fs::set_permissions(&run_dir, Permissions::from_mode(0o755)).unwrap();
        beat(&run_dir);
        let listener = UnixListener::bind(run_dir.join("admin.sock")).unwrap();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || serve(connection));
            }
        });
        daemon
    }
}

/// Its heart does not stop before the test does.
fn beat(run_dir: &Path) {
    let ctl = CtlWriter::open(run_dir).unwrap();
    let say = move || {
        let page = Ctl {
            state: State::Running,
            heartbeat: monotonic_now(),
            ranges: vec![200_000..=399_999],
            exclusive: true,
        };
        ctl.write(&page).unwrap();
    };
    say();
    thread::spawn(move || {
        loop {
            thread::sleep(std::time::Duration::from_secs(1));
            say();
        }
    });
}

fn reply(request: &AdminRequest) -> AdminReply {
    match request {
        AdminRequest::Status => AdminReply::Status(status()),
        AdminRequest::Conditions => AdminReply::Conditions(Box::new(Conditions {
            connection: Some(("dc1.corp.example:636".to_owned(), 75)),
            is_ready: true,
            answered_s: Some(2),
            outage: None,
            held: Default::default(),
            endings: Vec::new(),
        })),
        AdminRequest::Sync => AdminReply::Sync(Some(sync()), None),
        // As a daemon that does not know the question.
        _ => AdminReply::Unavailable("not asked for here".to_owned()),
    }
}

fn status() -> Status {
    Status {
        version: "0.1.0".to_owned(),
        uptime_s: 61,
        servers: vec![ServerStatus { server: "dc1.corp.example:636".to_owned(), connected: true }],
        domain: Some(DomainStatus {
            base: "DC=corp,DC=example".to_owned(),
            sid: "S-1-5-21-1-2-3".to_owned(),
            netbios: Some("CORP".to_owned()),
            ranges: vec![(200_000, 399_999)],
        }),
        last_error: None,
        warnings: Vec::new(),
        counters: Counters { hits: 7, misses: 2, ..Counters::default() },
    }
}

fn sync() -> SyncStatus {
    SyncStatus {
        phase: SyncPhase::Complete,
        users: 3,
        groups: 2,
        about_users: None,
        about_groups: None,
        began_s: Some(5),
        done_at: Some(1_800_000_000),
        swept_s: None,
        walks: 1,
        problem: None,
    }
}

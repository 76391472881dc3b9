//! Questions as the modules put them, through `ldaps_core::protocol::client`.

use std::time::Duration;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::protocol::admin::{AdminReply, AdminRequest, FreshnessStatus, Status};
use ldaps_core::protocol::client::{AskError, NSS_DEADLINE, PAM_DEADLINE, Socket, ask};
use ldaps_core::protocol::messages::{Login, NssReply, NssRequest, PamReply, PamRequest, Verdict};
use ldaps_core::run_dir::RunDir;
use rustix::process::geteuid;
use rustix::thread::set_thread_res_uid;

use crate::stage::{Stage, skip};

/// Where sid mapping puts the domain's RIDs (sssd's golden vector for S-1-5-21-123-456-789).
pub const FIRST_ID: u32 = 1_842_600_000;
/// Much less than any deadline, much more than an answer on 127.0.0.1 takes on a busy machine.
pub const AT_ONCE: Duration = Duration::from_millis(500);

impl Stage {
    pub fn try_nss(&self, request: &NssRequest) -> Result<NssReply, AskError> {
        nss(&self.run_dir(), request)
    }

    pub fn nss(&self, request: &NssRequest) -> NssReply {
        self.try_nss(request).unwrap_or_else(|error| panic!("{request:?}: {error}"))
    }

    /// The user's entry; None: there is none. "Unavailable" is a failure.
    pub fn user(&self, name: &str) -> Option<PasswdEntry> {
        as_user(self.nss(&NssRequest::UserByName(name.to_owned())))
    }

    pub fn user_by_id(&self, uid: u32) -> Option<PasswdEntry> {
        as_user(self.nss(&NssRequest::UserById(uid)))
    }

    pub fn group(&self, name: &str) -> Option<GroupEntry> {
        as_group(self.nss(&NssRequest::GroupByName(name.to_owned())))
    }

    pub fn group_by_id(&self, gid: u32) -> Option<GroupEntry> {
        as_group(self.nss(&NssRequest::GroupById(gid)))
    }

    /// The gids of a user, sorted; None: there is no such user.
    pub fn gids(&self, name: &str) -> Option<Vec<u32>> {
        match self.nss(&NssRequest::GroupsOf(name.to_owned())) {
            NssReply::Gids(mut gids) => {
                gids.sort_unstable();
                Some(gids)
            }
            NssReply::NotFound => None,
            other => panic!("{other:?}"),
        }
    }

    /// The gids of the host's own groups that a user is granted, sorted.
    pub fn granted(&self, name: &str) -> Vec<u32> {
        match self.nss(&NssRequest::GroupsOf(name.to_owned())) {
            NssReply::GidsAndLocal(_, mut local) => {
                local.sort_unstable();
                local
            }
            NssReply::Gids(_) => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    pub fn admin(&self, request: &AdminRequest) -> AdminReply {
        ask(&self.run_dir(), Socket::Admin, request, NSS_DEADLINE).unwrap()
    }

    pub fn status(&self) -> Status {
        match self.admin(&AdminRequest::Status) {
            AdminReply::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn freshness(&self) -> FreshnessStatus {
        match self.admin(&AdminRequest::Freshness) {
            AdminReply::Freshness(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn pam(&self, request: &PamRequest<'_>) -> PamReply {
        ask(&self.run_dir(), Socket::Pam, request, PAM_DEADLINE).unwrap()
    }

    /// The auth phase for the uid that NSS gives, as the module asks it.
    pub fn auth(&self, user: &str, service: &str, password: &[u8]) -> Answer {
        let uid = self.user(user).unwrap_or_else(|| panic!("NSS has no {user:?}")).uid;
        self.try_one_more(user);
        self.auth_as(user, uid, service, password)
    }

    /// The auth phase for a uid of the test's choice.
    pub fn auth_as(&self, user: &str, uid: u32, service: &str, password: &[u8]) -> Answer {
        let login = Login { user, uid, service, rhost: "192.0.2.7", tty: "ssh", ruser: "" };
        self.decided(&PamRequest::Authenticate { login, password })
    }

    /// The account phase for the uid that NSS gives.
    pub fn account(&self, user: &str, service: &str) -> Answer {
        let uid = self.user(user).unwrap_or_else(|| panic!("NSS has no {user:?}")).uid;
        self.account_as(user, uid, service)
    }

    pub fn account_as(&self, user: &str, uid: u32, service: &str) -> Answer {
        let login = Login { user, uid, service, rhost: "", tty: "", ruser: "" };
        self.decided(&PamRequest::Account { login, authenticated: false })
    }

    /// The account phase of somebody who has just typed the password on the same PAM handle.
    pub fn account_after_auth(&self, user: &str, service: &str) -> Answer {
        let uid = self.user(user).unwrap_or_else(|| panic!("NSS has no {user:?}")).uid;
        let login = Login { user, uid, service, rhost: "", tty: "", ruser: "" };
        self.decided(&PamRequest::Account { login, authenticated: true })
    }

    /// Whether this is the current password.
    pub fn check_old(&self, user: &str, old: &[u8]) -> Answer {
        let uid = self.user(user).unwrap_or_else(|| panic!("NSS has no {user:?}")).uid;
        self.try_one_more(user);
        let login = Login { user, uid, service: "passwd", rhost: "", tty: "", ruser: "" };
        self.decided(&PamRequest::CheckOldPassword { login, old })
    }

    /// A password change.
    pub fn change(&self, user: &str, old: &[u8], new: &[u8]) -> Answer {
        let uid = self.user(user).unwrap_or_else(|| panic!("NSS has no {user:?}")).uid;
        // Two passwords are tried.
        self.try_one_more(user);
        self.try_one_more(user);
        let login = Login { user, uid, service: "passwd", rhost: "", tty: "", ruser: "" };
        self.decided(&PamRequest::ChangePassword { login, old, new })
    }

    fn decided(&self, request: &PamRequest<'_>) -> Answer {
        let PamReply { verdict, request, notice } = self.pam(request);
        let number = format!(" request={request} ");
        let log = self.daemon.log();
        // The phases of one login have one name: the last line is this one's.
        let line = log.lines().rfind(|line| line.contains(&number)).unwrap_or_default().to_owned();
        Answer { verdict, notice, line }
    }
}

/// What was decided, and the line of the log that says so.
#[derive(Debug)]
pub struct Answer {
    pub verdict: Verdict,
    /// The line for the person.
    pub notice: Option<String>,
    pub line: String,
}

pub fn nss(run_dir: &RunDir, request: &NssRequest) -> Result<NssReply, AskError> {
    ask(run_dir, Socket::Nss, request, NSS_DEADLINE)
}

fn as_user(reply: NssReply) -> Option<PasswdEntry> {
    match reply {
        NssReply::User(entry) => Some(entry),
        NssReply::NotFound => None,
        other => panic!("{other:?}"),
    }
}

fn as_group(reply: NssReply) -> Option<GroupEntry> {
    match reply {
        NssReply::Group(entry) => Some(entry),
        NssReply::NotFound => None,
        other => panic!("{other:?}"),
    }
}

/// Does something as another user: in a thread, whose uid the kernel shows to the daemon. None,
/// and a word about it, where the tests are not root's and cannot.
pub fn as_uid<T: Send>(uid: u32, act: impl FnOnce() -> T + Send) -> Option<T> {
    if !geteuid().is_root() {
        skip(&format!("only root can ask as uid {uid}"));
        return None;
    }
    let become_and_act = || {
        let uid = rustix::thread::Uid::from_raw(uid);
        set_thread_res_uid(uid, uid, uid).unwrap();
        act()
    };
    Some(std::thread::scope(|scope| scope.spawn(become_and_act).join().unwrap()))
}

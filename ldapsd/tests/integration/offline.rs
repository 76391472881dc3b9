//! Logging in while no domain controller answers: what is saved, what it opens, what ends it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ldaps_core::protocol::client::{PAM_DEADLINE, Socket, ask};
use ldaps_core::protocol::messages::{Login, NssReply, NssRequest, PamReply, PamRequest, Verdict};
use ldaps_core::refusal::Refusal;
use rustix::process::Signal;
use test_directory::{Fault, On, USER_PASSWORD};

use crate::asking::{AT_ONCE, Answer, FIRST_ID};
use crate::daemon::Daemon;
use crate::stage::{Extra, Stage, WRONG_PASSWORD};

pub const RIGHT: &[u8] = USER_PASSWORD.as_bytes();
pub const WRONG: &[u8] = WRONG_PASSWORD.as_bytes();
pub const NEW: &str = "Quartz.Vexed.81";
pub const ALICE: u32 = FIRST_ID + 1107;

/// A laptop: offline logins for two weeks, and a server that is silent is not waited for.
pub const LAPTOP: Extra<'static> = Extra {
    directory: "connect_timeout = \"300ms\"\noperation_timeout = \"300ms\"\n",
    sections: "[pam]\noffline_days = 14\n\
               [access]\nallow = [\"@linux-users\", \"grace\"]\n\
               [access.sudo]\nallow = [\"@linux-admins\"]\n",
};

pub const WRONG_OFFLINE: Verdict = Verdict::Refused(Refusal::NotTheSavedPassword);

impl Stage {
    pub fn go_offline(&self) {
        self.server.fault(Fault::Silence);
        self.server.drop_connections();
    }

    pub fn come_back(&self) {
        self.server.fault(Fault::None);
        self.daemon.wait_for("the connection", || {
            self.status().servers.iter().any(|server| server.connected)
        });
    }

    /// Ends the daemon as a power cut would, and starts the next one.
    pub fn start_again(&mut self) {
        self.daemon.signal(Signal::KILL);
        self.daemon.wait();
        self.start_next();
    }

    /// Starts the next one after the end of the one before.
    pub fn start_next(&mut self) {
        // What follows waits for the words of the new one.
        fs::write(self.files.path("log"), "").unwrap();
        self.daemon = Daemon::start(&self.files);
        self.daemon.wait_until_it_answers();
    }

    pub fn saved(&self) -> Vec<PathBuf> {
        let dir = fs::read_dir(self.files.path("state/offline"));
        dir.map(|dir| dir.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }

    /// A number in the file of the one person who is saved.
    pub fn edit_saved(&self, key: &str, value: u64) {
        let [file] = self.saved().try_into().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once(&format!("\"{key}\":")).unwrap();
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        fs::write(&file, format!("{before}\"{key}\":{value}{rest}")).unwrap();
    }

    pub fn offline_auth(&self, user: &str, uid: u32, password: &[u8]) -> Answer {
        self.try_one_more(user);
        self.auth_as(user, uid, "sshd", password)
    }
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_saved_password_does_not_open_or_another_one_does() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    let bob = stage.user("bob").unwrap().uid;
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    stage.go_offline();
    let binds = stage.server.binds("alice") + stage.server.binds("bob");

    let wrong = stage.offline_auth("alice", ALICE, WRONG);
    assert_eq!(wrong.verdict, WRONG_OFFLINE, "{}", wrong.line);
    assert!(wrong.line.contains("offline: not the password saved on"), "{}", wrong.line);
    let right = stage.offline_auth("alice", ALICE, RIGHT);
    assert_eq!(right.verdict, Verdict::Granted, "{}", right.line);
    assert!(right.line.contains("offline: the password is the one saved on"), "{}", right.line);
    assert!(right.line.contains("did not answer"), "{}", right.line);
    let account = stage.account_after_auth("alice", "sshd");
    assert_eq!(account.verdict, Verdict::Granted, "{}", account.line);
    let notice = account.notice.unwrap();
    assert!(notice.starts_with("Offline: using the password saved on "), "{notice}");

    // Nothing is saved of bob, and that is no wrong password of his.
    let unknown = stage.offline_auth("bob", bob, RIGHT);
    assert_eq!(unknown.verdict, Verdict::Unavailable, "{}", unknown.line);
    // Rules and identity hold offline, too.
    let sudo = stage.auth_as("alice", ALICE, "sudo", RIGHT);
    assert_eq!(sudo.verdict, Verdict::Refused(Refusal::NotAllowed), "{}", sudo.line);
    let another = stage.auth_as("alice", bob, "sshd", RIGHT);
    assert_eq!(another.verdict, Verdict::Unavailable, "{}", another.line);
    assert_eq!(stage.server.binds("alice") + stage.server.binds("bob"), binds);

    stage.come_back();
    let online = stage.auth("alice", "sshd", RIGHT);
    assert_eq!(online.verdict, Verdict::Granted);
    assert!(!online.line.contains("offline"), "{}", online.line);
    assert_eq!(stage.account_after_auth("alice", "sshd").notice, None);
}

#[test]
fn a_power_cut_takes_the_saved_password_or_the_person_with_it() {
    let Some(mut stage) = Stage::for_logins(LAPTOP) else { return };
    let (entry, gids) = (stage.user("alice").unwrap(), stage.gids("alice").unwrap());
    for name in ["alice", "ALICE@corp.example"] {
        assert_eq!(stage.auth(name, "sshd", RIGHT).verdict, Verdict::Granted);
    }
    stage.go_offline();
    stage.start_again();

    assert_eq!(stage.user("alice"), Some(entry.clone()));
    assert_eq!(stage.user_by_id(ALICE), Some(entry.clone()));
    assert_eq!(stage.user("alice@corp.example"), Some(entry.clone()));
    assert_eq!(stage.gids("alice"), Some(gids.clone()));
    for gid in gids {
        let group = stage.group_by_id(gid).unwrap();
        assert_eq!(stage.group(&group.name), Some(group));
    }
    for name in ["alice", "alice@corp.example"] {
        let answer = stage.offline_auth(name, ALICE, RIGHT);
        assert_eq!(answer.verdict, Verdict::Granted, "{name}: {}", answer.line);
        assert_eq!(stage.account_after_auth(name, "sshd").verdict, Verdict::Granted, "{name}");
    }
    let wrong = stage.offline_auth("alice", ALICE, WRONG);
    assert_eq!(wrong.verdict, WRONG_OFFLINE, "{}", wrong.line);
    // Who never typed that name is not known by it.
    let reply = stage.nss(&NssRequest::UserByName("CORP\\alice".into()));
    assert_eq!(reply, NssReply::Unavailable);
    stage.come_back();
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
}

#[test]
fn a_guesser_gets_further_by_cutting_the_power() {
    let Some(mut stage) = Stage::for_logins(LAPTOP) else { return };
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    stage.go_offline();
    for _ in 0..3 {
        assert_eq!(stage.offline_auth("alice", ALICE, WRONG).verdict, WRONG_OFFLINE);
    }
    // The sixth is held back by its eight seconds, daemon new or not; the new one takes some of them.
    stage.edit_saved("wrong", 5);
    stage.edit_saved("wrong_at", now());
    stage.start_again();
    let start = Instant::now();
    assert_eq!(stage.offline_auth("alice", ALICE, WRONG).verdict, WRONG_OFFLINE);
    assert!(start.elapsed() > Duration::from_secs(1), "{:?}", start.elapsed());

    stage.edit_saved("wrong", 9);
    stage.edit_saved("wrong_at", now());
    stage.start_again();
    let start = Instant::now();
    let waiting = stage.offline_auth("alice", ALICE, RIGHT);
    assert_eq!(waiting.verdict, Verdict::Refused(Refusal::TooManyAttempts), "{}", waiting.line);
    assert!(waiting.notice.unwrap().starts_with("Too many wrong passwords. Please wait 12"));
    assert!(start.elapsed() < AT_ONCE * 3, "{:?}", start.elapsed());

    stage.edit_saved("wrong", 20);
    stage.edit_saved("wrong_at", 1);
    stage.start_again();
    let never = stage.offline_auth("alice", ALICE, RIGHT);
    assert_eq!(never.verdict, Verdict::Refused(Refusal::TooManyAttempts), "{}", never.line);
    // AD, once it is there, makes it good again.
    stage.come_back();
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    stage.go_offline();
    assert_eq!(stage.offline_auth("alice", ALICE, RIGHT).verdict, Verdict::Granted);
}

#[test]
fn a_disk_that_takes_nothing_lets_a_guesser_go_on() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    let dir = stage.files.path("state/offline");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o500)).unwrap();
    stage.go_offline();
    for _ in 0..3 {
        assert_eq!(stage.offline_auth("alice", ALICE, WRONG).verdict, WRONG_OFFLINE);
    }
    assert!(stage.daemon.log().contains("stays as it was"), "{}", stage.daemon.log());
    let start = Instant::now();
    assert_eq!(stage.offline_auth("alice", ALICE, WRONG).verdict, WRONG_OFFLINE);
    assert!(start.elapsed() > Duration::from_secs(1), "{:?}", start.elapsed());
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn an_old_password_opens_for_ever_or_a_clock_makes_it() {
    let day = 24 * 3600;
    let rows = [
        (now() - 13 * day, Verdict::Granted),
        (now() - 15 * day, Verdict::Unavailable),
        (now() + 2 * day, Verdict::Unavailable),
    ];
    for (confirmed, verdict) in rows {
        let Some(mut stage) = Stage::for_logins(LAPTOP) else { return };
        assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
        stage.go_offline();
        stage.edit_saved("confirmed", confirmed);
        stage.start_again();
        let answer = stage.offline_auth("alice", ALICE, RIGHT);
        assert_eq!(answer.verdict, verdict, "{}", answer.line);
    }
}

#[test]
fn an_account_that_expires_meanwhile_goes_on() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    // From 1601, in tenths of a microsecond.
    let expires = ((now() + 3 + 11_644_473_600) * 10_000_000).to_string();
    stage.server.edit(|d| d.set_attribute("alice", "accountExpires", &[&expires])).unwrap();
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    stage.go_offline();
    std::thread::sleep(Duration::from_secs(4));
    let expired = Verdict::Refused(Refusal::AccountExpired);
    let answer = stage.offline_auth("alice", ALICE, RIGHT);
    assert_eq!(answer.verdict, expired, "{}", answer.line);
    assert_eq!(stage.account_after_auth("alice", "sshd").verdict, expired);
}

#[test]
fn a_damaged_file_opens_or_takes_others_with_it() {
    let Some(mut stage) = Stage::for_logins(LAPTOP) else { return };
    let bob = stage.user("bob").unwrap().uid;
    assert_eq!(stage.auth("bob", "sshd", RIGHT).verdict, Verdict::Granted);
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    stage.go_offline();
    let of_alice = stage.saved().into_iter().find(|file| file.to_string_lossy().contains("-1107."));
    let of_alice = of_alice.unwrap();
    let good = fs::read(&of_alice).unwrap();
    let of_another = String::from_utf8_lossy(&good).replace("789-1107", "789-1108").into_bytes();
    let root = String::from_utf8_lossy(&good)
        .replace(&format!("\"uid\":{ALICE}"), "\"uid\":0")
        .into_bytes();
    for bad in [&b""[..], b"{}", &good[..good.len() / 2], &[0xff; 300], &of_another, &root] {
        fs::write(&of_alice, bad).unwrap();
        stage.start_again();
        let answer = stage.offline_auth("alice", ALICE, RIGHT);
        assert_eq!(answer.verdict, Verdict::Unavailable, "{}", answer.line);
        assert!(stage.daemon.log().contains("1107.json cannot be used"), "{}", stage.daemon.log());
        assert_eq!(stage.offline_auth("bob", bob, RIGHT).verdict, Verdict::Granted);
    }
    // A file that was being written when the power went.
    fs::write(&of_alice, &good).unwrap();
    let unfinished = of_alice.with_extension("new");
    fs::write(&unfinished, &good[..good.len() / 3]).unwrap();
    stage.start_again();
    assert!(!unfinished.exists());
    assert_eq!(stage.offline_auth("alice", ALICE, RIGHT).verdict, Verdict::Granted);
}

#[test]
fn trouble_on_the_way_reads_as_a_wrong_password() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    let bob = stage.user("bob").unwrap().uid;
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    for fault in [Fault::Silence, Fault::CutAfter(0), Fault::Garbage] {
        // Look-ups are answered; the bind is not.
        stage.server.fault_on(On::Binds, fault);
        let saved = stage.auth("alice", "sshd", RIGHT);
        assert_eq!(saved.verdict, Verdict::Granted, "{fault:?}: {}", saved.line);
        assert!(saved.line.contains("offline: "), "{fault:?}: {}", saved.line);
        let unsaved = stage.offline_auth("bob", bob, RIGHT);
        assert_eq!(unsaved.verdict, Verdict::Unavailable, "{fault:?}: {}", unsaved.line);
        stage.server.fault(Fault::None);
        stage.come_back();
    }
}

#[test]
fn a_server_that_refuses_us_counts_as_none() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    // Somebody answers: who has mistyped the service account's password opens no door by it.
    stage.server.edit(|d| d.set_password("svc-linux", NEW)).unwrap();
    stage.files.write("secret", "x");
    stage.reload_unready();
    let answer = stage.offline_auth("alice", ALICE, RIGHT);
    assert_eq!(answer.verdict, Verdict::Unavailable, "{}", answer.line);
    assert!(answer.line.contains("refused the service account"), "{}", answer.line);
}

#[test]
fn a_power_cut_at_some_moment_leaves_half_a_record() {
    let Some(mut stage) = Stage::for_logins(LAPTOP) else { return };
    // How long that is depends on the machine and what else it does.
    let start = Instant::now();
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    let whole = start.elapsed();
    for step in 0..16 {
        let run_dir = stage.run_dir();
        // A login, and the end of the daemon some milliseconds into it.
        std::thread::scope(|scope| {
            let login =
                Login { user: "alice", uid: ALICE, service: "sshd", rhost: "", tty: "", ruser: "" };
            let request = PamRequest::Authenticate { login, password: RIGHT };
            let asked = scope.spawn(move || {
                ask::<_, PamReply>(&run_dir, Socket::Pam, &request, PAM_DEADLINE).ok()
            });
            std::thread::sleep(whole * step / 12);
            stage.daemon.signal(Signal::KILL);
            drop(asked.join());
        });
        stage.go_offline();
        stage.start_again();
        let log = stage.daemon.log();
        assert!(!log.contains("cannot be used"), "after {step} steps: {log}");
        let is_saved = !stage.saved().is_empty();
        let verdict = match is_saved {
            true => Verdict::Granted,
            false => Verdict::Unavailable,
        };
        let answer = stage.offline_auth("alice", ALICE, RIGHT);
        assert_eq!(answer.verdict, verdict, "after {step} steps: {}", answer.line);
        // The next one begins with nothing again, and then replaces what is there.
        if step % 2 == 0 {
            stage.saved().iter().for_each(|file| fs::remove_file(file).unwrap());
        }
        stage.server.fault(Fault::None);
        stage.start_again();
        stage.wait_for_the_directory();
        stage.forget_tries();
    }
}

#[test]
fn hashes_at_the_same_time_take_all_memory() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    let users = ["alice", "bob", "erin", "frank", "grace"];
    let uids = users.map(|user| stage.user(user).unwrap().uid);
    std::thread::scope(|scope| {
        for user in users {
            let login = || assert_eq!(stage.auth(user, "sshd", RIGHT).verdict, Verdict::Granted);
            scope.spawn(login);
        }
    });
    stage.go_offline();
    std::thread::scope(|scope| {
        for (user, uid) in users.into_iter().zip(uids) {
            let stage = &stage;
            scope.spawn(move || {
                let answer = stage.offline_auth(user, uid, RIGHT);
                assert_eq!(answer.verdict, Verdict::Granted, "{user}: {}", answer.line);
            });
        }
    });
    // One hash takes 64 MiB.
    let peak = stage.daemon.peak_memory_kib();
    assert!(peak < 2 * 64 * 1024, "{peak} KiB");
}

#[test]
fn somebody_else_reads_what_is_saved() {
    let Some(stage) = Stage::for_logins(LAPTOP) else { return };
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Verdict::Granted);
    let [file] = stage.saved().try_into().unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("$argon2id$v=19$m=65536,t=3,p=1$") && !text.contains(USER_PASSWORD));
}

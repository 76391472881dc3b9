//! One bind, one answer: AD's reason for each account, and not a bind more than that.

use ldaps_core::refusal::Refusal::{self, *};
use ldaps_core::secret::Password;
use ldaps_directory::{BindOutcome, Directory};
use test_directory::{Fault, On, Options, SERVICE_PASSWORD, TestDirectory, USER_PASSWORD};

use crate::rig::{Extra, Rig, password, user};

/// An account and what AD says to its right password; None: come in.
const ACCOUNTS: &[(&str, Option<Refusal>)] = &[
    ("alice", None),
    ("bob", None),
    ("josé", None),
    ("joe blogs", None),
    ("jsmith", None),
    ("equals", None),
    ("quoty", None),
    ("grace", None),
    ("日本", None),
    ("nochange", None),
    ("nouac", None),
    ("notokens", None),
    ("disabled", Some(AccountDisabled)),
    ("expired", Some(AccountExpired)),
    ("pwexpired", Some(PasswordExpired)),
    ("mustchange", Some(PasswordMustChange)),
    ("locked", Some(LockedOut)),
    ("nohours", Some(LogonHours)),
    ("wrongstation", Some(Workstation)),
    ("restricted", Some(Restriction)),
    ("toomany", Some(TooManyGroups)),
    ("strange", Some(OtherSubCode(0x5ff))),
    ("nosuch", Some(NoSuchUser)),
];

/// The accounts of which AD says more than "wrong" to a wrong password.
const SAID_TO_ANYBODY: &[(&str, Refusal)] = &[("locked", LockedOut)];

async fn dn(directory: &Directory, name: &str) -> String {
    directory.user_by_name(&user(name)).await.unwrap().expect(name).dn
}

#[tokio::test]
async fn ads_answer_to_a_password_is_taken_for_another_or_asked_for_twice() {
    let rig = Rig::new();
    let directory = rig.directory();
    for (name, refusal) in ACCOUNTS {
        let dn = dn(&directory, name).await;
        let right = directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap();
        let expected = refusal.map_or(BindOutcome::Accepted, BindOutcome::Refused);
        assert_eq!(right, expected, "{name}, right password");
        assert_eq!(rig.server.binds(name), 1, "{name}, right password");

        let wrong = directory.authenticate(&dn, &password("Wrong.123")).await.unwrap();
        let said = SAID_TO_ANYBODY.iter().find(|(account, _)| account == name);
        let expected = said.map_or(WrongPassword, |(_, refusal)| *refusal);
        assert_eq!(wrong, BindOutcome::Refused(expected), "{name}, wrong password");
        assert_eq!(rig.server.binds(name), 2, "{name}, wrong password");
    }
}

#[tokio::test]
async fn somebody_elses_bind_comes_on_the_service_accounts_connection_or_renews_it() {
    let rig = Rig::new();
    let directory = rig.directory();
    let dn = dn(&directory, "alice").await;
    for _ in 0..5 {
        directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap();
        directory.user_by_name(&user("bob")).await.unwrap();
    }
    assert_eq!(rig.server.binds("svc-linux"), 1, "the service connection was not kept");
    let log = rig.server.bind_log();
    let service = log.iter().find(|bind| bind.name == "svc-linux@corp.example").unwrap();
    let others: Vec<_> = log.iter().filter(|bind| bind.name == dn).collect();
    assert_eq!(others.len(), 5);
    assert!(others.iter().all(|bind| bind.connection != service.connection));
    let mut connections: Vec<_> = others.iter().map(|bind| bind.connection).collect();
    connections.dedup();
    assert_eq!(connections.len(), 5, "two persons' binds on one connection");
    assert_eq!(rig.server.unauthenticated_binds() + rig.server.anonymous_binds(), 0);
}

#[test]
fn an_empty_password_can_be_made() {
    assert!(Password::parse(b"").is_err());
}

#[tokio::test]
async fn a_bind_is_sent_again_after_the_connection_was_lost() {
    for fault in [Fault::CutAfter(0), Fault::NoticeOfDisconnection, Fault::Garbage] {
        let rig = Rig::new();
        let directory = rig.directory();
        let dn = dn(&directory, "alice").await;
        rig.server.fault_on(On::Binds, fault);
        let lost = directory.authenticate(&dn, &password(USER_PASSWORD)).await;
        assert!(lost.is_err(), "{fault:?}: {lost:?}");
        assert_eq!(rig.server.binds("alice"), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_bind_that_is_not_answered_lasts_longer_than_it_may() {
    let rig = Rig::new();
    let patience = Extra { directory: "operation_timeout = \"300ms\"", ..Extra::default() };
    let directory = rig.with(patience);
    let dn = dn(&directory, "alice").await;
    rig.server.fault_on(On::Binds, Fault::Silence);
    let start = std::time::Instant::now();
    let error = directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap_err();
    assert!(start.elapsed().as_millis() < 1500, "{:?}", start.elapsed());
    assert!(error.to_string().contains("did not answer within 0.3 s (a bind)"), "{error}");
    assert_eq!(rig.server.binds("alice"), 1);
    assert!(!error.to_string().contains(USER_PASSWORD));
}

#[tokio::test]
async fn a_refused_service_account_is_tried_until_it_is_locked() {
    let rig = Rig::new();
    rig.file("secret", b"Wrong.Pass.1");
    let directory = rig.directory();
    let probe = directory.keep_connected();
    let ask = async {
        for _ in 0..20 {
            let error = directory.user_by_name(&user("alice")).await.unwrap_err().to_string();
            for words in ["refused the service account", "svc-linux@corp.example", "wrong password"]
            {
                assert!(error.contains(words), "{error}");
            }
            assert!(!error.contains("Wrong.Pass.1") && !error.contains(SERVICE_PASSWORD));
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        }
    };
    tokio::select! { () = probe => {}, () = ask => {} }
    assert_eq!(rig.server.binds("svc-linux"), 1);
}

/// Waits until one connection is ready for the next login, beside the service account's.
async fn is_ready(directory: &Directory, server: &TestDirectory) {
    let start = std::time::Instant::now();
    // Looked at and not used, it stays ready.
    while directory.ready().await.is_none() || server.open_connections() != 2 {
        assert!(start.elapsed().as_secs() < 5, "{} connections", server.open_connections());
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// A directory after a first login, with a connection ready for the second; and alice's DN.
async fn after_a_login(rig: &Rig) -> (Directory, String) {
    let directory = rig.directory();
    let dn = dn(&directory, "alice").await;
    directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap();
    is_ready(&directory, &rig.server).await;
    (directory, dn)
}

#[tokio::test]
async fn a_login_connects_although_a_connection_is_ready() {
    let rig = Rig::new();
    let (directory, dn) = after_a_login(&rig).await;
    assert_eq!(rig.server.connections(), 3, "the service account's, alice's, the ready one");
    // No server takes a new connection, and the login does not notice.
    rig.server.fault(Fault::SilenceBeforeTls);
    let outcome = directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap();
    assert_eq!(outcome, BindOutcome::Accepted);
    let log = rig.server.bind_log();
    assert_eq!(log.last().map(|bind| bind.connection), Some(3));
}

#[tokio::test]
async fn a_connection_that_dies_between_probe_and_bind_costs_a_second_bind() {
    let rig = Rig::new();
    let (directory, dn) = after_a_login(&rig).await;
    rig.server.fault_times(On::Searches, Fault::CloseBehind, 1);
    let error = directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap_err();
    assert!(error.to_string().contains("ended the connection"), "{error}");
    assert_eq!(rig.server.binds("alice"), 1, "only the one of the first login");

    // The bind was read, and nobody will know what came of it.
    let rig = Rig::new();
    let (directory, dn) = after_a_login(&rig).await;
    rig.server.fault_times(On::Binds, Fault::CutAfter(0), 1);
    let binds = rig.server.binds("alice");
    directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap_err();
    assert_eq!(rig.server.binds("alice"), binds + 1);
}

#[tokio::test]
async fn a_ready_connection_that_is_of_no_use_fails_the_login_or_costs_more_than_one_reconnect() {
    let short = std::time::Duration::from_millis(300);
    for fault in [Some(Fault::Silence), Some(Fault::NoticeOfDisconnection), None] {
        let idle_limit = if fault.is_none() { short } else { Options::default().idle_limit };
        let rig = Rig::of(Options { idle_limit, ..Options::default() });
        let (directory, dn) = after_a_login(&rig).await;
        match fault {
            Some(fault) => rig.server.fault_times(On::Searches, fault, 1),
            // AD drops it.
            None => tokio::time::sleep(short * 2).await,
        }
        let (before, binds) = (rig.server.connections(), rig.server.binds("alice"));
        let outcome = directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap();
        assert_eq!(outcome, BindOutcome::Accepted, "{fault:?}");
        assert_eq!(rig.server.binds("alice"), binds + 1, "{fault:?}");
        // Where AD has dropped the service account's, too, that makes one more.
        let made = rig.server.connections() - before;
        assert!(made <= if fault.is_none() { 3 } else { 2 }, "{fault:?}: {made} connections");
    }
}

#[tokio::test]
async fn a_certificate_that_has_turned_bad_is_believed_because_it_was_good() {
    let rig = Rig::new();
    let (directory, dn) = after_a_login(&rig).await;
    rig.server.present(&rig.server.pki().expired().unwrap()).unwrap();
    // Verified while it was good: this one may be used, once.
    directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap();
    let binds = rig.server.binds("alice");
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let error = directory.authenticate(&dn, &password(USER_PASSWORD)).await.unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
    assert_eq!(rig.server.binds("alice"), binds, "the password went to who may not have it");
}

#[tokio::test]
async fn of_two_logins_at_once_one_waits_for_the_other_or_they_share_a_connection() {
    let rig = Rig::new();
    let (directory, alice) = after_a_login(&rig).await;
    let bob = dn(&directory, "bob").await;
    rig.server.fault_on(On::Binds, Fault::Delay(300));
    let start = std::time::Instant::now();
    let password = password(USER_PASSWORD);
    let both = tokio::join!(
        directory.authenticate(&alice, &password),
        directory.authenticate(&bob, &password)
    );
    assert_eq!(both.0.unwrap(), BindOutcome::Accepted);
    assert_eq!(both.1.unwrap(), BindOutcome::Accepted);
    assert!(start.elapsed().as_millis() < 550, "{:?}", start.elapsed());
    let mut connections: Vec<_> = rig.server.bind_log().iter().map(|it| it.connection).collect();
    connections.sort_unstable();
    connections.dedup();
    assert_eq!(connections.len(), 4, "the service account's and three persons'");
}

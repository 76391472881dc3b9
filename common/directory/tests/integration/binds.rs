//! One bind, one answer: AD's reason for each account, and not a bind more than that.

use ldaps_core::refusal::Refusal::{self, *};
use ldaps_core::secret::Password;
use ldaps_directory::{BindOutcome, Directory};
use test_directory::{Fault, On, SERVICE_PASSWORD, USER_PASSWORD};

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

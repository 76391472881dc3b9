//! Servers that fall silent, lie, die or are replaced: one deadline once, an error that is an error,
//! and all is well again when the server is.

use std::time::{Duration, Instant};

use ldaps_directory::{Directory, DirectoryError};
use test_directory::{Directory as Data, Fault, On, SERVICE_PASSWORD, Sid, USER_PASSWORD};

use crate::rig::{DOMAIN, Extra, Rig, password, user};
use crate::two::{Two, connected};

/// One operation may take this long in these tests.
const PATIENCE: Duration = Duration::from_millis(500);
pub const PATIENT: &str = "connect_timeout = \"500ms\"\noperation_timeout = \"500ms\"\n";
/// Much less than [`PATIENCE`]; much more than an answer on 127.0.0.1 takes on a busy machine.
const AT_ONCE: Duration = Duration::from_millis(350);

/// A directory with [`PATIENCE`].
fn patient(rig: &Rig) -> Directory {
    rig.with(Extra { directory: PATIENT, ..Extra::default() })
}

/// Whether alice is found; she is there, so that anything but an error is "yes".
pub async fn asks(directory: &Directory) -> Result<(), DirectoryError> {
    let found = directory.user_by_name(&user("alice")).await?;
    assert!(found.is_some(), "an error was taken for \"not found\"");
    Ok(())
}

async fn error_of(directory: &Directory) -> String {
    asks(directory).await.unwrap_err().to_string()
}

/// Waits for what the probe does about an outage; it tries after 0.5, 1, 2, ... s.
async fn recovers(directory: &Directory) {
    let start = Instant::now();
    while let Err(error) = asks(directory).await {
        assert!(start.elapsed() < Duration::from_secs(6), "still: {error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs a test with the probe beside it, as the daemon does.
pub async fn with_probe(directory: &Directory, test: impl Future<Output = ()>) {
    tokio::select! { () = directory.keep_connected() => panic!("the probe ended"), () = test => {} }
}

/// What is wrong with every answer, and the words of the error.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::Silence, "did not answer within 0.5 s"),
    (Fault::Delay(5_000), "did not answer within 0.5 s"),
    (Fault::DripOneBytePerSecond, "did not answer within 0.5 s"),
    (Fault::CutAfter(0), "closed the connection"),
    (Fault::CutAfter(20), "ended the connection"),
    // The length that these bytes claim to have never comes.
    (Fault::Garbage, "did not answer within 0.5 s"),
    (Fault::HugeLength, "did not answer within 0.5 s"),
    (Fault::DeepNesting(100_000), "what is not LDAP"),
    (Fault::NoticeOfDisconnection, "The server is shutting down"),
];

#[tokio::test]
async fn a_fault_is_taken_for_an_answer_or_outlasts_its_cause() {
    let each = async |(fault, words): &(Fault, &str)| {
        let rig = Rig::new();
        let directory = patient(&rig);
        with_probe(&directory, async {
            asks(&directory).await.unwrap();
            rig.server.fault(*fault);
            let start = Instant::now();
            let error = error_of(&directory).await;
            // The question, and, where the connection ended, another connection for it.
            assert!(start.elapsed() < PATIENCE * 4, "{fault:?}: {:?}", start.elapsed());
            assert!(error.contains(words), "{fault:?}: {error:?} should say {words:?}");
            assert!(error.contains("dc1.corp.example:"), "{fault:?}: {error:?}");
            rig.server.fault(Fault::None);
            recovers(&directory).await;
        })
        .await;
    };
    futures_util::future::join_all(FAULTS.iter().map(each)).await;
}

#[tokio::test]
async fn the_same_faults_go_unseen_on_a_first_connection() {
    let each = async |(fault, words): &(Fault, &str)| {
        let rig = Rig::new();
        rig.server.fault(*fault);
        let error = error_of(&patient(&rig)).await;
        assert!(error.contains(words), "{fault:?}: {error:?} should say {words:?}");
    };
    futures_util::future::join_all(FAULTS.iter().map(each)).await;
}

#[tokio::test]
async fn a_silent_server_costs_more_than_one_deadline() {
    let rig = Rig::new();
    let directory = patient(&rig);
    with_probe(&directory, async {
        asks(&directory).await.unwrap();
        rig.server.fault(Fault::Silence);
        let start = Instant::now();
        asks(&directory).await.unwrap_err();
        assert!(start.elapsed() >= PATIENCE && start.elapsed() < PATIENCE * 2);
        for _ in 0..20 {
            let start = Instant::now();
            asks(&directory).await.unwrap_err();
            assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        rig.server.fault(Fault::None);
        recovers(&directory).await;
        assert!(directory.status().connected.is_some());
    })
    .await;
}

#[tokio::test]
async fn everybody_who_asks_a_silent_server_waits_in_turn() {
    let rig = Rig::new();
    let directory = patient(&rig);
    asks(&directory).await.unwrap();
    rig.server.fault(Fault::Silence);
    let start = Instant::now();
    let answers = futures_util::future::join_all((0..200).map(|_| asks(&directory))).await;
    assert!(answers.iter().all(Result::is_err));
    assert!(start.elapsed() < PATIENCE * 3, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_that_says_nothing_before_tls_costs_more_than_one_deadline() {
    let rig = Rig::new();
    rig.server.fault(Fault::SilenceBeforeTls);
    let directory = patient(&rig);
    with_probe(&directory, async {
        let start = Instant::now();
        let error = error_of(&directory).await;
        assert!(start.elapsed() < PATIENCE * 2, "{:?}", start.elapsed());
        assert!(error.contains("its port takes connections"), "{error}");
        let start = Instant::now();
        asks(&directory).await.unwrap_err();
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
        rig.server.fault(Fault::None);
        recovers(&directory).await;
    })
    .await;
}

#[tokio::test]
async fn a_dc_that_restarts_is_noticed_by_those_who_ask() {
    let rig = Rig::new();
    let directory = patient(&rig);
    for _ in 0..3 {
        asks(&directory).await.unwrap();
        rig.server.drop_connections();
        while rig.server.open_connections() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        asks(&directory).await.unwrap();
    }
    // Dropped with the question already under way: it is put once more, unseen.
    rig.server.fault_times(On::SearchesBelowRoot, Fault::CutAfter(0), 1);
    rig.server.forget_searches();
    asks(&directory).await.unwrap();
    let for_alice = |search: &test_directory::SearchSeen| search.filter.contains("alice");
    assert_eq!(rig.server.search_log().iter().filter(|search| for_alice(search)).count(), 2);
    assert_eq!(rig.server.binds("svc-linux"), 5, "one for each connection");
}

#[tokio::test]
async fn one_slow_search_breaks_the_others() {
    let rig = Rig::new();
    let directory = patient(&rig);
    with_probe(&directory, async {
        asks(&directory).await.unwrap();
        let connections = rig.server.connections();
        rig.server.fault_times(On::SearchesBelowRoot, Fault::Delay(2_000), 1);
        let slow = async {
            let error = error_of(&directory).await;
            assert!(error.contains("did not answer within"), "{error}");
        };
        let others = async {
            // Behind the slow one, all through its deadline, and after it.
            let start = Instant::now();
            while start.elapsed() < PATIENCE * 3 {
                let one = Instant::now();
                asks(&directory).await.unwrap();
                assert!(one.elapsed() < AT_ONCE, "{:?}", one.elapsed());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::join!(slow, others);
        assert_eq!(rig.server.connections(), connections, "the connection was given up");
        assert_eq!(rig.server.abandons(), 1, "the server goes on with what nobody waits for");
    })
    .await;
}

#[tokio::test]
async fn a_thousand_searches_in_flight_are_mixed_up() {
    let rig = Rig::new();
    let directory = rig.directory();
    asks(&directory).await.unwrap();
    let before = rig.server.connections();
    rig.server.fault(Fault::Delay(100));
    let names: Vec<_> = (1..=1000).map(|number| format!("u{number:04}")).collect();
    let ask = async |name: &String| {
        let found = directory.user_by_name(&user(name)).await.unwrap().unwrap();
        assert_eq!(found.sam_account_name, *name);
    };
    let start = Instant::now();
    futures_util::future::join_all(names.iter().map(ask)).await;
    assert_eq!(rig.server.connections(), before, "more than one connection");
    // One after the other they would take 100 s.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn with_the_first_server_gone_the_second_is_not_asked() {
    let mut two = Two::new(Data::corp_example());
    let directory = two.directory();
    asks(&directory).await.unwrap();
    assert_eq!(connected(&directory), "dc1.corp.example", "the order is not kept");
    two.first.server.stop();
    asks(&directory).await.unwrap();
    assert_eq!(connected(&directory), "dc2.corp.example");
    assert_eq!(directory.status().servers.len(), 2);
}

#[tokio::test]
async fn with_the_first_server_down_from_the_beginning_the_second_is_not_asked() {
    let mut two = Two::new(Data::corp_example());
    two.first.server.stop();
    let directory = two.directory();
    asks(&directory).await.unwrap();
    assert_eq!(connected(&directory), "dc2.corp.example");
    let (error, _) = directory.status().last_error.expect("the first one's error is not told");
    assert!(error.to_string().contains("dc1.corp.example"), "{error}");
}

#[tokio::test]
async fn with_the_first_server_silent_the_second_is_not_asked() {
    let two = Two::new(Data::corp_example());
    let directory = two.directory();
    with_probe(&directory, async {
        asks(&directory).await.unwrap();
        two.first.server.fault(Fault::Silence);
        asks(&directory).await.unwrap_err();
        recovers(&directory).await;
        assert_eq!(connected(&directory), "dc2.corp.example");
    })
    .await;
}

#[tokio::test]
async fn a_login_fails_because_one_of_two_servers_takes_no_connection() {
    let two = Two::new(Data::corp_example());
    let directory = two.directory();
    asks(&directory).await.unwrap();
    let alice = directory.user_by_name(&user("alice")).await.unwrap().unwrap();
    two.first.server.fault(Fault::SilenceBeforeTls);
    let outcome = directory.authenticate(&alice.dn, &password(USER_PASSWORD)).await.unwrap();
    assert_eq!(outcome, ldaps_directory::BindOutcome::Accepted);
    assert_eq!((two.first.server.binds("alice"), two.second.binds("alice")), (0, 1));
}

/// Another domain of the same name, with an alice.
fn another_domain() -> Data {
    let mut other = Data::empty("corp.example", "CORP", "dc2", Sid::nt(&[21, 9, 9, 9]));
    for (rid, name, password) in
        [(1103, "svc-linux", SERVICE_PASSWORD), (1107, "alice", USER_PASSWORD)]
    {
        other.add_user(name, rid).unwrap();
        other.set_password(name, password).unwrap();
    }
    other
}

#[tokio::test]
async fn a_persons_password_goes_to_a_server_of_another_domain() {
    let two = Two::new(another_domain());
    let directory = two.directory();
    asks(&directory).await.unwrap();
    let alice = directory.user_by_name(&user("alice")).await.unwrap().unwrap();
    two.first.server.fault(Fault::SilenceBeforeTls);
    let error = directory.authenticate(&alice.dn, &password(USER_PASSWORD)).await.unwrap_err();
    assert!(matches!(error, DirectoryError::WrongDomain { .. }), "{error}");
    assert_eq!((two.first.server.binds("alice"), two.second.binds("alice")), (0, 0));
}

#[tokio::test]
async fn a_server_of_another_domain_is_believed() {
    let mut two = Two::new(another_domain());
    let directory = two.directory();
    asks(&directory).await.unwrap();
    two.first.server.stop();
    let error = error_of(&directory).await;
    for words in ["dc2.corp.example", "is not used", "S-1-5-21-9-9-9", DOMAIN] {
        assert!(error.contains(words), "{error:?} should say {words:?}");
    }
    assert_eq!(connected(&directory), "");
    assert!(two.second.searches() > 0, "it was never asked");
}

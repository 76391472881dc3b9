//! Read-only domain controllers: passed over where a writable one is to be had, good enough for
//! look-ups and logins where none is, and never taken for one that changes a password.

use std::time::{Duration, Instant};

use ldaps_directory::{BindOutcome, ChangeOutcome, Directory, DirectoryError};
use test_directory::{Directory as Data, Fault, TestDirectory, USER_PASSWORD};

use crate::outages::{asks, with_probe};
use crate::rig::{password, user};
use crate::two::{Two, connected};

const NEW: &str = "Another.Pass.2";

fn read_only() -> Data {
    let mut data = Data::corp_example();
    data.set_read_only(true);
    data
}

/// dc1 is read-only, dc2 is not.
fn one_of_two() -> Two {
    let two = Two::new(Data::corp_example());
    two.first.server.edit(|data| data.set_read_only(true));
    two
}

async fn alice(directory: &Directory) -> String {
    directory.user_by_name(&user("alice")).await.unwrap().unwrap().dn
}

async fn change(directory: &Directory) -> Result<ChangeOutcome, DirectoryError> {
    let dn = alice(directory).await;
    directory.change_password(&dn, &password(USER_PASSWORD), &password(NEW)).await
}

async fn logs_in(directory: &Directory) {
    let outcome = directory.authenticate(&alice(directory).await, &password(USER_PASSWORD)).await;
    assert_eq!(outcome.unwrap(), BindOutcome::Accepted);
}

fn names_of_read_only(directory: &Directory) -> Vec<String> {
    directory.status().read_only.into_iter().map(|server| server.name).collect()
}

/// A server that answers nobody who connects from now on.
fn away(server: &TestDirectory) {
    server.fault(Fault::SilenceBeforeTls);
}

#[tokio::test]
async fn a_read_only_server_is_asked_although_a_writable_one_is_there() {
    let two = one_of_two();
    let directory = two.directory();
    asks(&directory).await.unwrap();
    assert_eq!(connected(&directory), "dc2.corp.example");
    assert_eq!(names_of_read_only(&directory), ["dc1.corp.example"]);
    logs_in(&directory).await;
    assert_eq!(change(&directory).await.unwrap(), ChangeOutcome::Changed);
    assert_eq!(two.first.server.total_binds(), 0, "it was sent a password");
    assert_eq!((two.first.server.modifies(), two.second.modifies()), (0, 1));
}

#[tokio::test]
async fn look_ups_and_logins_end_where_no_server_is_writable_or_a_change_is_said_to_be_made() {
    let two = Two::new(read_only());
    two.first.server.edit(|data| data.set_read_only(true));
    let directory = two.directory();
    asks(&directory).await.unwrap();
    assert_eq!(connected(&directory), "dc1.corp.example");
    logs_in(&directory).await;
    let error = change(&directory).await.unwrap_err();
    assert!(matches!(error, DirectoryError::ReadOnly { .. }), "{error}");
    for words in ["dc1.corp.example:", "read-only", "no writable one can be reached"] {
        assert!(error.to_string().contains(words), "{error} should say {words:?}");
    }
    assert_eq!((two.first.server.modifies(), two.second.modifies()), (0, 0), "it was sent");
    logs_in(&directory).await;
    assert!(asks(&directory).await.is_ok(), "the change ended the connection");
}

#[tokio::test]
async fn a_change_is_refused_although_a_writable_server_is_back() {
    let two = one_of_two();
    away(&two.second);
    let directory = two.directory();
    asks(&directory).await.unwrap();
    assert_eq!(connected(&directory), "dc1.corp.example");
    assert!(matches!(change(&directory).await.unwrap_err(), DirectoryError::ReadOnly { .. }));
    two.second.fault(Fault::None);
    assert_eq!(change(&directory).await.unwrap(), ChangeOutcome::Changed);
    assert_eq!((two.first.server.modifies(), two.second.modifies()), (0, 1));
    assert_eq!(connected(&directory), "dc2.corp.example", "the next is sought once more");
}

#[tokio::test]
async fn a_host_stays_with_a_read_only_server_for_ever() {
    let two = one_of_two();
    away(&two.second);
    let directory = two.directory();
    with_probe(&directory, async {
        asks(&directory).await.unwrap();
        assert_eq!(connected(&directory), "dc1.corp.example");
        two.second.fault(Fault::None);
        let start = Instant::now();
        while connected(&directory) != "dc2.corp.example" {
            assert!(start.elapsed() < Duration::from_secs(25));
            // Nobody who asks waits for it.
            let asked = Instant::now();
            asks(&directory).await.unwrap();
            assert!(asked.elapsed() < Duration::from_millis(350), "{:?}", asked.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_became_read_only_is_believed_to_have_changed_a_password() {
    let two = Two::new(read_only());
    let directory = two.directory();
    asks(&directory).await.unwrap();
    two.first.server.edit(|data| data.set_read_only(true));
    let error = change(&directory).await.unwrap_err();
    assert!(matches!(error, DirectoryError::ReadOnly { .. }), "{error}");
    assert_eq!(two.first.server.modifies(), 1);
    logs_in(&directory).await;
}

#[tokio::test]
async fn the_service_account_is_locked_by_changes_that_seek_a_writable_server() {
    let two = one_of_two();
    away(&two.second);
    let directory = two.directory();
    asks(&directory).await.unwrap();
    two.second.edit(|data| data.set_password("svc-linux", "Changed.Pass.2")).unwrap();
    two.second.fault(Fault::None);
    for _ in 0..5 {
        assert!(matches!(change(&directory).await.unwrap_err(), DirectoryError::ReadOnly { .. }));
    }
    assert_eq!(two.second.binds("svc-linux"), 1);
    asks(&directory).await.unwrap();
}

#[tokio::test]
async fn a_login_goes_nowhere_where_the_writable_server_takes_no_connection() {
    let two = Two::new(read_only());
    let directory = two.directory();
    asks(&directory).await.unwrap();
    assert_eq!(connected(&directory), "dc1.corp.example");
    let dn = alice(&directory).await;
    away(&two.first.server);
    let outcome = directory.authenticate(&dn, &password(USER_PASSWORD)).await;
    assert_eq!(outcome.unwrap(), BindOutcome::Accepted);
    assert_eq!((two.first.server.binds("alice"), two.second.binds("alice")), (0, 1));
}

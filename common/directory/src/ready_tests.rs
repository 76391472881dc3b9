//! The ready connection against the test directory.

use super::*;
use crate::bind;
use crate::tls::Tls;
use ldaps_core::config;
use ldaps_core::secret::Password;
use std::collections::BTreeMap;
use test_directory::{
    Directory, Fault, On, Options, SERVICE_ACCOUNT, SERVICE_PASSWORD, TestDirectory, USER_PASSWORD,
};

const PATIENCE: Duration = Duration::from_millis(500);
const BREATH: Duration = Duration::from_millis(30);
const HOURS: Duration = Duration::from_secs(3600);
const ALICE: &str = "alice@corp.example";

struct Rig {
    server: TestDirectory,
    name: Server,
    ready: Ready,
}

impl Rig {
    fn new(old: Duration, likely: Duration) -> Self {
        Self::on(Options::default(), old, likely)
    }

    fn on(options: Options, old: Duration, likely: Duration) -> Self {
        let server = TestDirectory::start(Directory::corp_example(), options).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let ca_file = Some(server.pki().write_ca(dir.path()).unwrap());
        let tls = Tls::new(&config::Tls { ca_file, ..config::Tls::default() }).unwrap();
        let address = Some(server.address().ip());
        let name = Server { name: server.url_host().into(), port: server.port(), address };
        let (breath, connect, word) = (BREATH, PATIENCE, PATIENCE);
        let spans = Spans { breath, old, likely, connect, word };
        let directory = config::Directory {
            servers: config::Servers::Domain("corp.example".into()),
            bind_dn: SERVICE_ACCOUNT.into(),
            bind_secret: "/nowhere".into(),
            base: None,
            address: BTreeMap::new(),
            connect_timeout: PATIENCE,
            operation_timeout: PATIENCE,
        };
        let secret = password(SERVICE_PASSWORD);
        let settings = Arc::new(Settings { directory, tls, secret });
        Self { server, name, ready: Ready::new(settings, spans) }
    }

    /// As after a login.
    async fn expects_another(&self) {
        self.ready.expect_more(&self.name);
        self.becomes("a connection held", || self.holds_one()).await;
    }

    fn holds_one(&self) -> bool {
        matches!(self.ready.shared.lock().connection, Place::Held(..))
    }

    async fn becomes(&self, what: &str, is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < Duration::from_secs(5), "no {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn password(text: &str) -> Password {
    Password::parse(text.as_bytes()).unwrap_or_else(|_| panic!())
}

async fn bind(connection: &Connection) -> Result<BindOutcome, DirectoryError> {
    bind::bind(connection, ALICE, &password(USER_PASSWORD), PATIENCE).await
}

#[tokio::test]
async fn a_connection_is_held_before_anybody_logs_in_or_serves_two_binds() {
    let rig = Rig::new(HOURS, HOURS);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(rig.ready.take(&rig.name).await.is_none());
    assert_eq!(rig.server.connections(), 0);
    rig.expects_another().await;
    let connection = rig.ready.take(&rig.name).await.and_then(Lent::into_connection).unwrap();
    assert!(rig.ready.take(&rig.name).await.is_none(), "a second one, or the same again");
    assert_eq!(bind(&connection).await.unwrap(), BindOutcome::Accepted);
    drop(connection);
    rig.expects_another().await;
    assert_eq!((rig.server.connections(), rig.server.total_binds()), (2, 1));
    rig.becomes("one connection alone", || rig.server.open_connections() == 1).await;
}

#[tokio::test]
async fn a_login_pays_for_the_first_bind_of_a_samba_process_or_the_service_account_is_locked_out() {
    let rig = Rig::new(HOURS, HOURS);
    rig.server.edit(|directory| directory.set_samba());
    let log_in = async || {
        rig.expects_another().await;
        let connection = rig.ready.take(&rig.name).await.and_then(Lent::into_connection).unwrap();
        assert_eq!(bind(&connection).await.unwrap(), BindOutcome::Accepted);
    };
    log_in().await;
    log_in().await;
    assert_eq!(rig.server.total_binds(), 4, "each time the service account's and then alice's");
    rig.server.edit(|directory| directory.set_password("svc-linux", "Another.Pass.2").unwrap());
    for _ in 0..3 {
        log_in().await;
    }
    assert_eq!(rig.server.total_binds(), 8, "one that is refused, and none after it");
}

#[tokio::test]
async fn a_login_that_comes_to_no_bind_takes_the_connection_from_the_next() {
    let rig = Rig::new(HOURS, HOURS);
    rig.expects_another().await;
    let lent = rig.ready.take(&rig.name).await;
    assert!(lent.is_some() && !rig.holds_one(), "it is lent twice");
    drop(lent);
    assert!(rig.holds_one(), "it is not given back");
    // What was lent before the link went elsewhere is not.
    let lent = rig.ready.take(&rig.name).await.unwrap();
    let other = Server { name: "dc2.corp.example".into(), ..rig.name.clone() };
    rig.ready.move_to(&other);
    drop(lent);
    assert!(!rig.holds_one(), "kept for a server that is no longer asked");
    assert_eq!(rig.server.connections(), 1, "another one was made");
}

#[tokio::test]
async fn the_account_phase_waits_behind_the_next_logins_handshake() {
    let rig = Rig::new(HOURS, HOURS);
    // However many come meanwhile, it is not put off again.
    let start = Instant::now();
    while start.elapsed() < BREATH / 2 {
        rig.ready.expect_more(&rig.name);
        tokio::time::sleep(Duration::from_millis(1)).await;
        let too_early = rig.server.connections() > 0 && start.elapsed() < BREATH;
        assert!(!too_early, "made after {:?}", start.elapsed());
    }
    while !rig.holds_one() {
        rig.ready.expect_more(&rig.name);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(start.elapsed() < Duration::from_secs(5), "put off for ever");
    }
}

#[tokio::test]
async fn of_many_logins_at_once_two_share_a_connection_or_one_waits_in_vain() {
    let rig = Rig::new(HOURS, HOURS);
    rig.server.fault_on(On::Searches, Fault::Delay(200));
    rig.ready.expect_more(&rig.name);
    rig.becomes("a connection in the making", || {
        matches!(rig.ready.shared.lock().connection, Place::Making(_))
    })
    .await;
    let taken = futures_util::future::join_all((0..5).map(|_| rig.ready.take(&rig.name))).await;
    assert_eq!(taken.iter().flatten().count(), 1, "one was made, for the first who waited");
    // What cannot be made is waited for no longer than it takes to see that.
    rig.server.fault(Fault::SilenceBeforeTls);
    rig.ready.expect_more(&rig.name);
    rig.becomes("a connection in the making", || {
        matches!(rig.ready.shared.lock().connection, Place::Making(_))
    })
    .await;
    let start = Instant::now();
    assert!(rig.ready.take(&rig.name).await.is_none());
    assert!(start.elapsed() < PATIENCE * 3, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_dead_connection_is_given_to_a_login() {
    for fault in [Fault::Silence, Fault::CutAfter(0), Fault::NoticeOfDisconnection] {
        let rig = Rig::new(HOURS, HOURS);
        rig.expects_another().await;
        rig.server.fault_times(On::Searches, fault, 1);
        let start = Instant::now();
        assert!(rig.ready.take(&rig.name).await.is_none(), "{fault:?}");
        assert!(start.elapsed() < PATIENCE * 3, "{fault:?}: {:?}", start.elapsed());
    }
    let rig = Rig::new(HOURS, HOURS);
    rig.expects_another().await;
    rig.server.drop_connections();
    rig.becomes("end", || rig.server.open_connections() == 0).await;
    assert!(rig.ready.take(&rig.name).await.is_none());
}

#[tokio::test]
async fn ad_drops_the_connection_because_it_has_never_asked_anything() {
    let soon = Duration::from_millis(100);
    let options = Options { first_request_limit: soon, ..Options::default() };
    let rig = Rig::on(options, HOURS, HOURS);
    rig.expects_another().await;
    tokio::time::sleep(soon * 3).await;
    assert!(rig.ready.take(&rig.name).await.is_some());
}

#[tokio::test]
async fn a_connection_grows_so_old_that_ad_drops_it() {
    let idle_limit = Duration::from_millis(400);
    let options = Options { idle_limit, ..Options::default() };
    let rig = Rig::on(options, idle_limit / 2, HOURS);
    rig.expects_another().await;
    let start = Instant::now();
    while start.elapsed() < idle_limit * 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(rig.server.open_connections() <= 2, "the old ones are not given up");
    }
    assert!(rig.server.connections() > 3, "{} connections", rig.server.connections());
    assert!(rig.ready.take(&rig.name).await.is_some());
}

#[tokio::test]
async fn a_connection_is_held_for_hours_without_a_login() {
    let likely = Duration::from_millis(200);
    let rig = Rig::new(likely / 4, likely);
    rig.expects_another().await;
    tokio::time::sleep(likely * 2).await;
    rig.becomes("end", || rig.server.open_connections() == 0).await;
    let connections = rig.server.connections();
    tokio::time::sleep(likely).await;
    assert_eq!(rig.server.connections(), connections, "one is made for nobody");
    // And after hours, somebody comes.
    assert!(rig.ready.take(&rig.name).await.is_none());
    rig.expects_another().await;
    assert!(rig.ready.take(&rig.name).await.is_some());
}

#[tokio::test]
async fn a_connection_to_a_server_that_is_no_longer_asked_is_used() {
    let rig = Rig::new(HOURS, HOURS);
    let other = Server { name: "dc2.corp.example".into(), ..rig.name.clone() };
    rig.expects_another().await;
    assert!(rig.ready.take(&other).await.is_none());
    rig.expects_another().await;
    rig.ready.move_to(&rig.name);
    assert!(rig.holds_one(), "given up for no reason");
    rig.ready.move_to(&other);
    rig.becomes("end", || rig.server.open_connections() == 0).await;
    assert!(rig.ready.take(&rig.name).await.is_none());
}

#[tokio::test]
async fn a_connection_outlives_the_configuration_it_was_made_for() {
    let Rig { server, name, ready } = Rig::new(HOURS, HOURS);
    ready.expect_more(&name);
    let start = Instant::now();
    while server.open_connections() == 0 || server.searches() == 0 {
        assert!(start.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(ready);
    while server.open_connections() > 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "it is still open");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

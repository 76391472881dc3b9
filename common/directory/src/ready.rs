//! One connection that is ready for the next login: TLS is up and verified, nobody has bound.
//!
//! A domain controller drops who has not asked anything 120 s after connecting (InitRecvTimeout),
//! and who has been silent for 900 s (MaxConnIdleTime, MS-ADTS 3.1.1.3.4.6); it takes 5,000
//! connections. So one is made only after a login, says its first word at once, is replaced well
//! before it is dropped, and is given up when no login has come for a while. It serves one bind.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::error::DirectoryError;
use crate::search::{self, Search};
use crate::server::Server;
use crate::tls::Tls;

/// Longest wait for the probe: whoever logs in waits for it, and a new connection costs less.
const PROBE: Duration = Duration::from_secs(1);
/// "1.1" asks for no attribute (RFC 4511 section 4.5.1.8).
const NO_ATTRIBUTES: &[&str] = &["1.1"];

/// How long things last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spans {
    /// A connection of this age is replaced.
    pub(crate) old: Duration,
    /// For so long after one login another is to be expected.
    pub(crate) likely: Duration,
    /// How long connecting may take.
    pub(crate) connect: Duration,
    /// How long the server may take for a word.
    pub(crate) word: Duration,
}

impl Spans {
    /// With these deadlines, and ages that AD allows.
    pub(crate) fn usual(connect: Duration, word: Duration) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self { old: minutes(10), likely: minutes(30), connect, word: word.min(PROBE) }
    }
}

/// See the module.
pub(crate) struct Ready {
    shared: Arc<Shared>,
    /// Makes the connections, from the first login on.
    keeper: Mutex<Option<AbortHandle>>,
}

struct Shared {
    tls: Tls,
    spans: Spans,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Where the last login was, and when; None: no further one is expected.
    login: Option<(Server, Instant)>,
    connection: Place,
}

#[derive(Default)]
enum Place {
    #[default]
    Empty,
    /// One is being made, perhaps for somebody who waits for it.
    Making(Option<oneshot::Sender<Connection>>),
    /// The connection, and when it was made.
    Held(Connection, Instant),
    /// It is used by a login. When that is answered, another is made.
    Given,
}

/// What there is for a login.
enum Taken {
    Now(Connection),
    Soon(oneshot::Receiver<Connection>),
    None,
}

/// What the keeper has to do.
enum Task {
    Make(Server),
    WaitUntil(Instant),
    Rest,
}

impl Ready {
    pub(crate) fn new(tls: Tls, spans: Spans) -> Self {
        let (state, changed) = (Mutex::default(), Notify::new());
        Self { shared: Arc::new(Shared { tls, spans, state, changed }), keeper: Mutex::default() }
    }

    /// The connection to this server, if there is one and the server still answers on it. It is
    /// the caller's from here on, and nobody is bound.
    pub(crate) async fn take(&self, server: &Server) -> Option<Connection> {
        let of_server = |connection: &Connection| connection.server() == server;
        let connection = match self.shared.take() {
            Taken::None => return None,
            // Another one would not be there sooner, and this one has just been answered on.
            Taken::Soon(soon) => return soon.await.ok().filter(of_server),
            Taken::Now(connection) => Some(connection).filter(of_server)?,
        };
        match probe(&connection, self.shared.spans.word).await {
            Ok(()) => Some(connection),
            Err(error) => {
                tracing::debug!("the connection kept for logins was of no use: {error}");
                None
            }
        }
    }

    /// This server has just answered a bind: another login may follow.
    pub(crate) fn expect_more(&self, server: &Server) {
        {
            let mut state = self.shared.lock();
            state.login = Some((server.clone(), Instant::now()));
            if let Place::Given = state.connection {
                state.connection = Place::Empty;
            }
        }
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        keeper.get_or_insert_with(|| tokio::spawn(keep(self.shared.clone())).abort_handle());
        self.shared.changed.notify_one();
    }

    /// From now on this server is asked: what is held to another is given up.
    pub(crate) fn move_to(&self, server: &Server) {
        let mut state = self.shared.lock();
        if state.login.as_ref().is_some_and(|(of_login, _)| of_login != server) {
            *state = State::default();
        }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = keeper.take() {
            keeper.abort();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Taken {
        let place = &mut self.lock().connection;
        match std::mem::replace(place, Place::Given) {
            Place::Held(connection, _) => Taken::Now(connection),
            Place::Making(None) => {
                let (giver, taker) = oneshot::channel();
                *place = Place::Making(Some(giver));
                Taken::Soon(taker)
            }
            // One connection is one person's: whoever else comes meanwhile makes their own.
            others @ (Place::Making(Some(_)) | Place::Given | Place::Empty) => {
                *place = others;
                Taken::None
            }
        }
    }

    /// Gives up what is old, and says what is to be done.
    fn next(&self) -> Task {
        let mut state = self.lock();
        let Spans { old, likely, .. } = self.spans;
        state.login.take_if(|(_, at)| at.elapsed() >= likely);
        let Some((server, login)) = state.login.clone() else {
            state.connection = Place::Empty;
            return Task::Rest;
        };
        match &state.connection {
            Place::Given => return Task::Rest,
            Place::Held(connection, made) if connection.is_open() && made.elapsed() < old => {
                return Task::WaitUntil((*made + old).min(login + likely));
            }
            Place::Held(..) | Place::Making(_) | Place::Empty => {}
        }
        state.connection = Place::Making(None);
        Task::Make(server)
    }

    /// Connects, and has the server answer a first time, so that it is not for want of a request
    /// that the connection ends.
    async fn make(&self, server: &Server) -> Result<Connection, DirectoryError> {
        let connection = Connection::open(server, &self.tls, self.spans.connect).await?;
        probe(&connection, self.spans.word).await?;
        Ok(connection)
    }

    /// Puts away what was made, or gives it to who waits; None: it could not be made.
    fn put(&self, made: Option<Connection>) {
        let mut state = self.lock();
        let (Place::Making(waiting), Some(connection)) =
            (std::mem::take(&mut state.connection), made)
        else {
            // Nothing was made, or the link has moved meanwhile.
            return;
        };
        let left = match waiting {
            Some(waiting) => waiting.send(connection).err(),
            None => Some(connection),
        };
        state.connection = match left {
            Some(connection) => Place::Held(connection, Instant::now()),
            None => Place::Given,
        };
    }
}

/// Keeps one connection for as long as a login is to be expected.
async fn keep(shared: Arc<Shared>) {
    loop {
        match shared.next() {
            Task::Rest => shared.changed.notified().await,
            Task::WaitUntil(time) => {
                tokio::select! {
                    () = tokio::time::sleep_until(time) => {}
                    () = shared.changed.notified() => {}
                }
            }
            Task::Make(server) => {
                let made = shared.make(&server).await.inspect_err(|error| {
                    // The next login tells it, if it is still so.
                    tracing::debug!("no connection is kept for logins: {error}");
                    shared.lock().login = None;
                });
                shared.put(made.ok());
            }
        }
    }
}

/// Whether the server answers: rootDSE is open to whoever has not bound (MS-ADTS 3.1.1.3.2).
async fn probe(connection: &Connection, patience: Duration) -> Result<(), DirectoryError> {
    let root = Search::of_object("rootDSE", "", NO_ATTRIBUTES);
    search::few(connection, &root, patience).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::{self, BindOutcome};
    use ldaps_core::config;
    use ldaps_core::secret::Password;
    use test_directory::{Directory, Fault, On, Options, TestDirectory, USER_PASSWORD};

    const PATIENCE: Duration = Duration::from_millis(500);
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
            let spans = Spans { old, likely, connect: PATIENCE, word: PATIENCE };
            Self { server, name, ready: Ready::new(tls, spans) }
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

    async fn bind(connection: &Connection) -> Result<BindOutcome, DirectoryError> {
        let password = Password::parse(USER_PASSWORD.as_bytes()).unwrap_or_else(|_| panic!());
        bind::bind(connection, ALICE, &password, PATIENCE).await
    }

    #[tokio::test]
    async fn a_connection_is_held_before_anybody_logs_in_or_serves_two_binds() {
        let rig = Rig::new(HOURS, HOURS);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(rig.ready.take(&rig.name).await.is_none());
        assert_eq!(rig.server.connections(), 0);
        rig.expects_another().await;
        let connection = rig.ready.take(&rig.name).await.unwrap();
        assert!(rig.ready.take(&rig.name).await.is_none(), "a second one, or the same again");
        assert_eq!(bind(&connection).await.unwrap(), BindOutcome::Accepted);
        drop(connection);
        rig.expects_another().await;
        assert_eq!((rig.server.connections(), rig.server.total_binds()), (2, 1));
        rig.becomes("one connection alone", || rig.server.open_connections() == 1).await;
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
}

//! The three sockets: one connection, one request, one reply.

mod admin;
mod nss;
mod pam;

use std::sync::Arc;
use std::time::Duration;

use ldaps_core::protocol::frame::{self, FrameError, HEADER_LEN, Header, REPLY_MAX, REQUEST_MAX};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::budget::Budget;
use crate::host::HostCell;
use crate::peer::Peer;
use crate::run_dir::Listeners;
use crate::status::Numbers;

/// Connections that are served at once; more wait in the backlog.
const CONNECTIONS_MAX: u32 = 4096;
/// How long the last answers may take when the daemon ends: less than its callers' patience with
/// a restart.
const LAST_ANSWERS: Duration = Duration::from_millis(1_500);
/// Connections of one uid other than root's that are open at once on one socket: nobody can keep
/// the others out by connecting and saying nothing.
const CONNECTIONS_OF_ONE: usize = 128;
/// Questions of one uid other than root's to admin.sock that may be under way at once: each is
/// several searches.
const ADMIN_QUESTIONS_OF_ONE: usize = 2;
/// Look-ups of one uid other than root's that may be under way at once.
const LOOK_UPS_OF_ONE: usize = 32;
/// A caller that has connected sends its request at once: the modules write it in one piece.
const REQUEST_DEADLINE: Duration = Duration::from_secs(3);
/// A caller that does not read its reply is not waited for.
const REPLY_DEADLINE: Duration = Duration::from_secs(3);

/// The sockets while they are being answered on.
pub(crate) struct Serving {
    accepting: [AbortHandle; 3],
    places: Arc<Semaphore>,
}

impl Serving {
    /// Takes no more requests and answers those it has. Whoever connects from now on waits in the
    /// backlog of the sockets, which systemd keeps for the daemon after this one.
    pub(crate) async fn finish(self) {
        self.accepting.iter().for_each(AbortHandle::abort);
        let all = self.places.acquire_many(CONNECTIONS_MAX);
        let _ = timeout(LAST_ANSWERS, all).await;
    }
}

/// Answers on all three sockets from now on.
pub(crate) fn serve(
    listeners: Listeners,
    hosts: &Arc<HostCell>,
    numbers: &Arc<Numbers>,
) -> Serving {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    let budget = Arc::new(Budget::new(LOOK_UPS_OF_ONE));
    let on_nss = {
        let hosts = hosts.clone();
        move |peer, request| nss::answer(hosts.get(), budget.clone(), peer, request)
    };
    let on_pam = {
        let (hosts, numbers) = (hosts.clone(), numbers.clone());
        move |peer, request| pam::answer(hosts.get(), numbers.clone(), peer, request)
    };
    let on_admin = {
        let (hosts, numbers) = (hosts.clone(), numbers.clone());
        let budget = Arc::new(Budget::new(ADMIN_QUESTIONS_OF_ONE));
        move |peer, request| {
            admin::answer(hosts.get(), budget.clone(), numbers.clone(), peer, request)
        }
    };
    let accepting = [
        tokio::spawn(accept(listeners.nss, places.clone(), on_nss)).abort_handle(),
        tokio::spawn(accept(listeners.pam, places.clone(), on_pam)).abort_handle(),
        tokio::spawn(accept(listeners.admin, places.clone(), on_admin)).abort_handle(),
    ];
    Serving { accepting, places }
}

/// A request as it came: wiped when dropped, since it may hold a password.
type Request = Zeroizing<Vec<u8>>;
/// A reply as it goes out.
type Reply = Result<Zeroizing<Vec<u8>>, FrameError>;

async fn accept<Answering>(
    listener: UnixListener,
    places: Arc<Semaphore>,
    answer: impl Fn(Peer, Request) -> Answering + Clone + Send + 'static,
) where
    Answering: Future<Output = Reply> + Send + 'static,
{
    let of_one = Arc::new(Budget::new(CONNECTIONS_OF_ONE));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (answer, of_one) = (answer.clone(), of_one.clone());
                tokio::spawn(async move {
                    converse(stream, &of_one, answer).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of descriptors, most likely: who waits keeps waiting in the backlog.
                tracing::error!("a connection cannot be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse<Answering>(
    mut stream: UnixStream,
    of_one: &Budget,
    answer: impl Fn(Peer, Request) -> Answering,
) where
    Answering: Future<Output = Reply>,
{
    let Ok(credentials) = stream.peer_cred() else { return };
    let pid = credentials.pid().filter(|pid| *pid > 0);
    let peer = Peer { uid: credentials.uid(), pid };
    let Ok(_place) = of_one.place_now(peer.uid) else {
        return tracing::warn!("uid {} has too many connections open: one was closed", peer.uid);
    };
    let request = match timeout(REQUEST_DEADLINE, read(&mut stream)).await {
        Ok(Ok(request)) => request,
        Ok(Err(error)) => return complain(&mut stream, peer, &error).await,
        Err(_) => return tracing::debug!("uid {} connected and asked nothing", peer.uid),
    };
    match answer(peer, request).await {
        // A caller that is gone has its answer in memory when it comes back.
        Ok(reply) => drop(timeout(REPLY_DEADLINE, stream.write_all(&reply)).await),
        Err(error) => complain(&mut stream, peer, &error).await,
    }
}

/// What is no request of ours gets a frame of our version: a module of another version then knows
/// what is wrong.
async fn complain(stream: &mut UnixStream, peer: Peer, error: &FrameError) {
    tracing::warn!("a request of uid {} cannot be answered: {error}", peer.uid);
    if let Ok(frame) = frame::encode(&(), REPLY_MAX) {
        let _ = timeout(REPLY_DEADLINE, stream.write_all(&frame)).await;
    }
}

async fn read(stream: &mut UnixStream) -> Result<Request, FrameError> {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header).await?;
    let header = Header::parse(header, REQUEST_MAX)?;
    let mut body = Zeroizing::new(vec![0; header.length]);
    stream.read_exact(&mut body).await?;
    Ok(body)
}

fn reply<Message: Serialize>(message: &Message) -> Reply {
    frame::encode(message, REPLY_MAX)
}

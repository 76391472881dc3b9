//! One LDAPS connection, with many requests in flight on it.
//!
//! One task writes whole messages, one reads them and hands each to whoever waits for its message
//! id; so no caller that gives up can leave half a message behind.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use ldap3_proto::LdapCodec;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapMsg, LdapOp};
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_openssl::SslStream;
use tokio_util::codec::{Encoder, FramedRead};
use zeroize::Zeroizing;

use crate::certificates::ending::{self, Ending};
use crate::error::{DirectoryError, words_of};
use crate::reach::{Patience, tcp_connect};
use crate::server::Server;
use crate::tls::Tls;

/// The largest message taken from a server: a page of 1,000 entries comes as 1,000 messages, and
/// 1,500 values of `member` are 115 KB.
const MESSAGE_MAX: usize = 4 << 20;
/// Deepest nesting taken from a server: a filter has more levels than any answer.
const DEPTH_MAX: usize = 64;
/// Requests that may wait to be written.
const WRITE_QUEUE: usize = 64;

type Stream = SslStream<TcpStream>;
type Waiting = Mutex<HashMap<i32, mpsc::UnboundedSender<LdapMsg>>>;

/// A connection to one server, over TLS that was verified.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    outgoing: mpsc::Sender<Zeroizing<Vec<u8>>>,
    next_id: AtomicI32,
    tasks: [AbortHandle; 2],
}

/// What the connection and its two tasks share.
#[derive(Debug)]
struct Shared {
    server: Server,
    waiting: Waiting,
    /// Why the connection is no more.
    end: OnceLock<DirectoryError>,
    /// When the last message came.
    last_heard: Mutex<Instant>,
    /// When it was made.
    opened: Instant,
    /// When the certificates expire by which it was verified.
    endings: Vec<Ending>,
}

impl Connection {
    /// Resolves the name, connects and verifies, all before the deadline.
    ///
    /// # Errors
    /// [`DirectoryError`]: no address, no connection, no trust, or no time left.
    pub(crate) async fn open(
        server: &Server,
        tls: &Tls,
        patience: Duration,
    ) -> Result<Self, DirectoryError> {
        let patience = Patience::of(patience);
        let tcp = tcp_connect(server, patience).await?;
        let done = patience.for_tls(server, tls.handshake(server, tcp)).await?;
        let stream = done.map_err(|fault| DirectoryError::Tls(Box::new(fault)))?;
        Ok(Self::over(server.clone(), stream))
    }

    fn over(server: Server, stream: Stream) -> Self {
        let endings = ending::of_connection(stream.ssl(), &server);
        let (reader, writer) = tokio::io::split(stream);
        let (outgoing, queue) = mpsc::channel(WRITE_QUEUE);
        let shared = Arc::new(Shared {
            server,
            waiting: Mutex::default(),
            end: OnceLock::new(),
            last_heard: Mutex::new(Instant::now()),
            opened: Instant::now(),
            endings,
        });
        let reading = tokio::spawn(read_all(reader, shared.clone())).abort_handle();
        let writing = tokio::spawn(write_all(writer, queue, shared.clone())).abort_handle();
        Self { shared, outgoing, next_id: AtomicI32::new(1), tasks: [reading, writing] }
    }

    /// The server at the other end.
    pub(crate) fn server(&self) -> &Server {
        &self.shared.server
    }

    /// When it was made.
    pub(crate) fn opened(&self) -> Instant {
        self.shared.opened
    }

    /// When the certificates expire by which it was verified.
    pub(crate) fn endings(&self) -> &[Ending] {
        &self.shared.endings
    }

    /// Whether requests may still be sent.
    pub(crate) fn is_open(&self) -> bool {
        self.shared.end.get().is_none()
    }

    /// Sends one request and gives what comes back for it, in order.
    pub(crate) async fn start(
        &self,
        op: LdapOp,
        controls: Vec<LdapControl>,
        what: &'static str,
        patience: Duration,
    ) -> Result<Answers<'_>, DirectoryError> {
        let id = self.new_id();
        let mut message = BytesMut::new();
        LdapCodec::default()
            .encode(LdapMsg::new_with_ctrls(id, op, controls), &mut message)
            .map_err(|error| DirectoryError::Unusable { what, problem: error.to_string() })?;
        self.start_encoded(id, Zeroizing::new(message.to_vec()), what, patience).await
    }

    /// [`Connection::start`] for a message that was encoded by its sender, into a buffer that is
    /// wiped once it is written. The id must come from [`Connection::new_id`].
    pub(crate) async fn start_encoded(
        &self,
        id: i32,
        message: Zeroizing<Vec<u8>>,
        what: &'static str,
        patience: Duration,
    ) -> Result<Answers<'_>, DirectoryError> {
        let deadline = Instant::now() + patience;
        let (sender, receiver) = mpsc::unbounded_channel();
        self.shared.lock_waiting().insert(id, sender);
        let answers = Answers { connection: self, id, receiver, what, patience, deadline };
        // Looked at after the entry is there: an end that comes later clears it.
        if !self.is_open() {
            return Err(self.shared.why_ended());
        }
        match tokio::time::timeout_at(deadline, self.outgoing.send(message)).await {
            Ok(Ok(())) => Ok(answers),
            Ok(Err(_)) => Err(self.shared.why_ended()),
            Err(_) => Err(answers.give_up()),
        }
    }

    /// A message id that no request in flight has.
    pub(crate) fn new_id(&self) -> i32 {
        let next = |id: i32| Some(id.checked_add(1).unwrap_or(1));
        self.next_id.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or(1)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// What comes back for one request.
pub(crate) struct Answers<'c> {
    connection: &'c Connection,
    id: i32,
    receiver: mpsc::UnboundedReceiver<LdapMsg>,
    what: &'static str,
    patience: Duration,
    deadline: Instant,
}

impl Answers<'_> {
    /// The next message for this request.
    pub(crate) async fn next(&mut self) -> Result<LdapMsg, DirectoryError> {
        match tokio::time::timeout_at(self.deadline, self.receiver.recv()).await {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(self.connection.shared.why_ended()),
            Err(_) => Err(self.give_up()),
        }
    }

    /// The next message for this request, however long it takes to come: for one that is answered
    /// when something happens.
    pub(crate) async fn next_whenever(&mut self) -> Result<LdapMsg, DirectoryError> {
        self.receiver.recv().await.ok_or_else(|| self.connection.shared.why_ended())
    }

    /// The deadline has passed. If nothing at all was heard since the request went out, the server
    /// is silent and the connection ends for everybody; else only this request is slow.
    fn give_up(&self) -> DirectoryError {
        let shared = &self.connection.shared;
        let server = shared.server.clone();
        let error = DirectoryError::Timeout { server, what: self.what, after: self.patience };
        let last_heard = *shared.last_heard.lock().unwrap_or_else(PoisonError::into_inner);
        if last_heard + self.patience <= self.deadline {
            shared.finish(error.clone());
        }
        error
    }
}

impl Drop for Answers<'_> {
    fn drop(&mut self) {
        let was_waiting = self.connection.shared.lock_waiting().remove(&self.id).is_some();
        // The server need not go on with what nobody waits for. To abandon one that has ended is
        // harmless (RFC 4511 section 4.11).
        if was_waiting {
            let mut message = BytesMut::new();
            let abandon = LdapMsg::new(self.connection.new_id(), LdapOp::AbandonRequest(self.id));
            if LdapCodec::default().encode(abandon, &mut message).is_ok() {
                // A full queue means that the server is not reading anyway.
                let _ = self.connection.outgoing.try_send(Zeroizing::new(message.to_vec()));
            }
        }
    }
}

impl Shared {
    fn lock_waiting(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<i32, mpsc::UnboundedSender<LdapMsg>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection for everybody; the first reason stays.
    fn finish(&self, error: DirectoryError) {
        let _ = self.end.set(error);
        self.lock_waiting().clear();
    }

    fn why_ended(&self) -> DirectoryError {
        self.end.get().cloned().unwrap_or_else(|| DirectoryError::Closed {
            server: self.server.clone(),
            why: "the connection was given up".to_owned(),
        })
    }

    fn closed(&self, why: impl Into<String>) {
        self.finish(DirectoryError::Closed { server: self.server.clone(), why: why.into() });
    }

    /// Hands a message to whoever waits for it; the last message of an operation ends the wait.
    fn deliver(&self, message: LdapMsg) {
        *self.last_heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let more_follow = matches!(
            message.op,
            LdapOp::SearchResultEntry(_)
                | LdapOp::SearchResultReference(_)
                | LdapOp::IntermediateResponse(_)
        );
        let mut waiting = self.lock_waiting();
        let id = message.msgid;
        if let Some(receiver) = waiting.get(&id) {
            let _ = receiver.send(message);
        }
        if !more_follow {
            waiting.remove(&id);
        }
    }
}

async fn read_all(stream: ReadHalf<Stream>, shared: Arc<Shared>) {
    let codec = LdapCodec::new(Some(MESSAGE_MAX), Some(DEPTH_MAX));
    let mut messages = FramedRead::new(stream, codec);
    loop {
        match messages.next().await {
            // RFC 4511 section 4.4.1: message id 0 is the server's own, and AD's notice of
            // disconnection is the only one there is.
            Some(Ok(message)) if message.msgid == 0 => {
                return shared.closed(notice(&message.op));
            }
            Some(Ok(message)) => shared.deliver(message),
            Some(Err(error)) => {
                return shared.closed(format!("it sent what is not LDAP ({error})"));
            }
            None => return shared.closed("it closed the connection"),
        }
    }
}

fn notice(op: &LdapOp) -> String {
    match op {
        LdapOp::ExtendedResponse(response) => {
            format!("notice of disconnection, {}", words_of(&response.res))
        }
        _ => "it sent a message to nobody".to_owned(),
    }
}

async fn write_all(
    mut stream: WriteHalf<Stream>,
    mut queue: mpsc::Receiver<Zeroizing<Vec<u8>>>,
    shared: Arc<Shared>,
) {
    while let Some(message) = queue.recv().await {
        let written = async {
            stream.write_all(&message).await?;
            stream.flush().await
        };
        if let Err(error) = written.await {
            return shared.closed(format!("writing to it failed ({error})"));
        }
    }
}

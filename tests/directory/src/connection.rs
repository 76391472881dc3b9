//! One TLS connection: bytes in, bytes out, and the faults between.
#![forbid(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use openssl::ssl::Ssl;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_openssl::SslStream;
use tokio_util::codec::FramedRead;

use crate::codec::{self, Request, RequestDecoder};
use crate::faults::{self, Delivery, Fault, PROTOCOL_ERROR};
use crate::notify;
use crate::session::{self, Session};
use crate::shared::Shared;

use ldap3_proto::proto::{LdapMsg, LdapOp};

/// Serves one client until either side has had enough.
pub(crate) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let number = {
        let mut tally = shared.tally();
        tally.open_connections += 1;
        tally.connections += 1;
        tally.connections
    };
    let mut dropped = shared.dropped.subscribe();
    // An error here is a client that went away or would not have our certificate: its own business.
    tokio::select! {
        _ = converse(stream, &shared, number) => {}
        _ = dropped.changed() => {}
    }
    shared.tally().open_connections -= 1;
}

async fn converse(stream: TcpStream, shared: &Arc<Shared>, number: u64) -> io::Result<()> {
    if shared.mute() {
        return std::future::pending().await;
    }
    stream.set_nodelay(true)?;
    let ssl = Ssl::new(shared.acceptor().context()).map_err(io::Error::other)?;
    let mut tls = SslStream::new(ssl, stream).map_err(io::Error::other)?;
    Pin::new(&mut tls).accept().await.map_err(io::Error::other)?;
    let (reader, writer) = tokio::io::split(tls);
    let (out, deliveries) = mpsc::unbounded_channel();
    tokio::select! {
        // Whoever ends first ends both: a client that left wants no answers.
        read = read_requests(reader, shared, number, out) => read,
        written = write_answers(writer, deliveries) => written,
    }
}

async fn read_requests(
    reader: ReadHalf<SslStream<TcpStream>>,
    shared: &Arc<Shared>,
    number: u64,
    out: mpsc::UnboundedSender<Delivery>,
) -> io::Result<()> {
    let mut requests = FramedRead::new(reader, RequestDecoder);
    let mut session = Session::new(Arc::clone(shared), number);
    let mut allowance = None;
    let mut limit = shared.limits.first;
    while let Ok(Some(request)) = tokio::time::timeout(limit, requests.next()).await {
        limit = shared.limits.idle;
        let Ok(request) = request else {
            let _ = out.send(Delivery::Last(faults::notice(
                PROTOCOL_ERROR,
                "Error decoding ldap message",
            )));
            return std::future::pending().await;
        };
        if matches!(request.message.op, LdapOp::UnbindRequest) {
            return Ok(());
        }
        answer(&mut session, shared, request, &mut allowance, &out);
    }
    Ok(())
}

fn answer(
    session: &mut Session,
    shared: &Arc<Shared>,
    request: Request,
    allowance: &mut Option<usize>,
    out: &mpsc::UnboundedSender<Delivery>,
) {
    let fault = shared.strike(session::kind_of(&request.message));
    if !matches!(fault, Fault::CutAfter(_)) {
        *allowance = None;
    }
    let messages = match session.watch(&request) {
        None => session.answer(request),
        Some(Err(refusal)) => vec![refusal],
        Some(Ok(())) => {
            let LdapMsg { msgid, op, .. } = request.message;
            if let LdapOp::SearchRequest(search) = op {
                tokio::spawn(notify::tell(Arc::clone(shared), msgid, search, out.clone()));
            }
            return;
        }
    };
    let bytes: Vec<u8> = messages.into_iter().flat_map(codec::encode).collect();
    if bytes.is_empty() {
        return;
    }
    match faults::distort(fault, bytes, allowance) {
        None => {}
        Some((Duration::ZERO, delivery)) => {
            let _ = out.send(delivery);
        }
        Some((delay, delivery)) => {
            let out = out.clone();
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let _ = out.send(delivery);
            });
        }
    }
}

async fn write_answers(
    mut writer: WriteHalf<SslStream<TcpStream>>,
    mut deliveries: mpsc::UnboundedReceiver<Delivery>,
) -> io::Result<()> {
    while let Some(delivery) = deliveries.recv().await {
        match delivery {
            Delivery::Plain(bytes) => writer.write_all(&bytes).await?,
            Delivery::Drip(bytes) => {
                for byte in bytes {
                    writer.write_all(&[byte]).await?;
                    writer.flush().await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Delivery::Last(bytes) => {
                writer.write_all(&bytes).await?;
                return writer.flush().await;
            }
        }
        writer.flush().await?;
    }
    Ok(())
}

//! pam.sock: logins.

use std::sync::Arc;

use ldaps_core::protocol::frame;
use ldaps_core::protocol::messages::PamRequest;

use super::{Reply, Request, reply};
use crate::host::Host;
use crate::logins;
use crate::peer::Peer;
use crate::status::Numbers;

/// Answers one request. The password in it is wiped with the request's buffer.
pub(crate) async fn answer(
    host: Arc<Host>,
    numbers: Arc<Numbers>,
    peer: Peer,
    request: Request,
) -> Reply {
    let decoded: PamRequest<'_> = frame::decode(&request)?;
    let decision = logins::decide(&host, &numbers, peer, decoded).await;
    host.published().await;
    reply(&decision)
}

//! What the targets in `fuzz/` call, and a test with their corpus.
#![forbid(unsafe_code)]

use crate::protocol::admin::AdminRequest;
use crate::protocol::frame;
use crate::protocol::messages::{NssReply, NssRequest, PamReply, PamRequest};

/// Any bytes on a socket: an error, or a message, and never more memory than the cap.
pub fn read_frames(bytes: &[u8]) {
    if let Ok(body) = frame::read(&mut &*bytes, 1 << 20) {
        let _ = frame::decode::<NssRequest>(&body);
        let _ = frame::decode::<NssReply>(&body);
        let _ = frame::decode::<PamRequest<'_>>(&body);
        let _ = frame::decode::<PamReply>(&body);
        let _ = frame::decode::<AdminRequest>(&body);
    }
}

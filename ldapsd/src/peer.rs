//! Who asks.

/// The process at the other end of a socket, as the kernel says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) uid: u32,
    /// The process; None where it has no number in the daemon's own namespace.
    pub(crate) pid: Option<i32>,
}

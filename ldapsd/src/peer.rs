//! Who asks.

/// The process at the other end of a socket, as the kernel says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) uid: u32,
    /// Its number; None where the kernel shows none.
    pub(crate) pid: Option<i32>,
}

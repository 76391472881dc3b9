//! The frame around every message: magic, version, length, then the message in postcard.
//!
//! ```text
//! 0       4         6          8        12
//! | LDPS  | version | reserved | length | message (length bytes)
//! ```
//! Numbers are little-endian. The length is checked against a cap before anything is allocated.

use std::fmt;
use std::io::{self, Read};

use serde::de::Deserialize;
use serde::ser::Serialize;
use zeroize::Zeroizing;

/// The version spoken here. A long-running process keeps the module it has loaded when the package
/// is upgraded, so a daemon answers each request in the version it came in, down to [`OLDEST`].
pub const VERSION: u16 = 1;
/// The oldest version that is still understood.
pub const OLDEST: u16 = 1;
/// Longest request: two names, a password and what PAM knows about the terminal.
pub const REQUEST_MAX: usize = 16 * 1024;
/// Longest reply: a group of 400,000 members with names of 40 bytes.
pub const REPLY_MAX: usize = 16 * 1024 * 1024;
/// Bytes before the message.
pub const HEADER_LEN: usize = 12;

const MAGIC: [u8; 4] = *b"LDPS";

/// What can be wrong with a frame; each is told apart in the log.
#[derive(Debug)]
pub enum FrameError {
    /// The other side closed the connection before the first byte.
    Closed,
    /// The other side closed the connection in the middle.
    Short,
    /// The bytes are not of this protocol.
    NotOurs,
    /// The other side speaks a version that is not understood here.
    Version(u16),
    /// The message is longer than the cap.
    TooLong(usize),
    /// The message cannot be decoded, or not be encoded.
    Malformed,
    /// Reading or writing failed.
    Io(io::Error),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection was closed without an answer"),
            Self::Short => f.write_str("the connection was closed in the middle of a message"),
            Self::NotOurs => f.write_str("the message is not of ldapsd's protocol"),
            Self::Version(theirs) => write!(
                f,
                "the other side speaks protocol version {theirs}, this one {OLDEST} to {VERSION}; \
                 restart the older of the two programs"
            ),
            Self::TooLong(length) => write!(f, "a message of {length} bytes is above the limit"),
            Self::Malformed => f.write_str("the message cannot be understood"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Short,
            _ => Self::Io(error),
        }
    }
}

/// A header that has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The version the message is written in.
    pub version: u16,
    /// Bytes of the message behind the header.
    pub length: usize,
}

impl Header {
    /// Checks the bytes before a message.
    ///
    /// # Errors
    /// [`FrameError`]: not ours, unknown version, or longer than `cap`.
    pub fn parse(bytes: [u8; HEADER_LEN], cap: usize) -> Result<Self, FrameError> {
        let [m0, m1, m2, m3, v0, v1, _, _, l0, l1, l2, l3] = bytes;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(FrameError::NotOurs);
        }
        let version = u16::from_le_bytes([v0, v1]);
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(FrameError::Version(version));
        }
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let length = usize::try_from(length).map_err(|_| FrameError::TooLong(usize::MAX))?;
        if length > cap {
            return Err(FrameError::TooLong(length));
        }
        Ok(Self { version, length })
    }
}

/// Writes a message and its header into one buffer, which is wiped when dropped: a request may
/// hold a password.
///
/// # Errors
/// [`FrameError::TooLong`] if the message is above `cap`, [`FrameError::Malformed`] if it cannot
/// be encoded.
pub fn encode<M: Serialize + ?Sized>(
    message: &M,
    cap: usize,
) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    // Sized first, so that the buffer never grows: growing would leave unwiped copies behind.
    let length =
        postcard::experimental::serialized_size(message).map_err(|_| FrameError::Malformed)?;
    let wire_length = u32::try_from(length).map_err(|_| FrameError::TooLong(length))?;
    if length > cap {
        return Err(FrameError::TooLong(length));
    }
    let mut frame = Zeroizing::new(vec![0; HEADER_LEN.saturating_add(length)]);
    let (header, body) = frame.split_at_mut(HEADER_LEN);
    header[..4].copy_from_slice(&MAGIC);
    header[4..6].copy_from_slice(&VERSION.to_le_bytes());
    header[8..].copy_from_slice(&wire_length.to_le_bytes());
    postcard::to_slice(message, body).map_err(|_| FrameError::Malformed)?;
    Ok(frame)
}

/// Decodes the message behind a header; every byte must be used.
///
/// # Errors
/// [`FrameError::Malformed`].
pub fn decode<'a, M: Deserialize<'a>>(body: &'a [u8]) -> Result<M, FrameError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(FrameError::Malformed),
    }
}

/// Reads one frame and gives the message's bytes, in a buffer that is wiped when dropped.
///
/// # Errors
/// [`FrameError`]; a deadline is the reader's matter and arrives as [`FrameError::Io`].
pub fn read(from: &mut impl Read, cap: usize) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let mut header = [0; HEADER_LEN];
    // The first byte alone, to tell a connection closed without an answer from one cut short.
    let (first, rest) = header.split_at_mut(1);
    if let Err(error) = from.read_exact(first) {
        return Err(match error.kind() {
            io::ErrorKind::UnexpectedEof => FrameError::Closed,
            _ => FrameError::Io(error),
        });
    }
    from.read_exact(rest)?;
    let header = Header::parse(header, cap)?;
    let mut body = Zeroizing::new(Vec::new());
    // A program short of memory gets an error here; to abort it is not ours.
    body.try_reserve_exact(header.length).map_err(|_| FrameError::TooLong(header.length))?;
    body.resize(header.length, 0);
    from.read_exact(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(spoil: fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut frame = encode("hello", 100).unwrap().to_vec();
        spoil(&mut frame);
        frame
    }

    #[test]
    fn a_broken_frame_goes_by_another_name() {
        let table: &[(fn(&mut Vec<u8>), &str)] = &[
            (|f| f.clear(), "without an answer"),
            (|f| f.truncate(5), "in the middle"),
            (|f| f.truncate(HEADER_LEN + 2), "in the middle"),
            (|f| f[0] = b'X', "not of ldapsd's protocol"),
            (|f| f[4] = 2, "version 2, this one 1 to 1"),
            (|f| f[4] = 0, "version 0"),
            (|f| f[8..12].copy_from_slice(&u32::MAX.to_le_bytes()), "above the limit"),
        ];
        for (spoil, words) in table {
            let error = read(&mut frame(*spoil).as_slice(), 100).unwrap_err();
            assert!(error.to_string().contains(words), "{error} should say {words}");
        }
    }

    #[test]
    fn a_message_is_decoded_that_has_bytes_left_over() {
        assert_eq!(decode::<&str>(b"\x05hello").unwrap(), "hello");
        assert!(matches!(decode::<&str>(b"\x05hello!"), Err(FrameError::Malformed)));
        assert!(matches!(decode::<&str>(b"\x06hello"), Err(FrameError::Malformed)));
    }

    #[test]
    fn a_message_above_the_cap_is_sent() {
        assert!(matches!(encode(&"x".repeat(200), 100), Err(FrameError::TooLong(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_on_a_socket_make_the_reader_panic(bytes: Vec<u8>) {
            if let Ok(body) = read(&mut bytes.as_slice(), 64) {
                let _ = decode::<super::super::messages::NssRequest>(&body);
                let _ = decode::<super::super::messages::PamReply>(&body);
            }
        }
    }
}

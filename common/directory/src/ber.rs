//! Requests with a password in them, encoded by hand (X.690): every buffer that holds it is made as
//! large as it will be, so that none is ever moved and left behind, and is wiped when dropped.

use zeroize::Zeroizing;

/// Universal 2.
pub(crate) const INTEGER: u8 = 0x02;
/// Universal 4.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// Universal 10.
pub(crate) const ENUMERATED: u8 = 0x0a;
/// Universal 16, constructed.
pub(crate) const SEQUENCE: u8 = 0x30;
/// Universal 17, constructed.
pub(crate) const SET: u8 = 0x31;

/// The bytes that tags and lengths add to a request, at most: six each, for sixteen fields.
const TAGS_AND_LENGTHS: usize = 96;

/// `LDAPMessage { id, operation }` (RFC 4511 section 4.1.1) around what `fill` writes; `content` is
/// how many bytes of values it writes, for the size of the buffers.
pub(crate) fn message(
    id: i32,
    operation: u8,
    content: usize,
    fill: impl FnOnce(&mut Vec<u8>),
) -> Zeroizing<Vec<u8>> {
    let body = nested(content, fill);
    let inner = nested(content, |inner| {
        field(inner, INTEGER, &id.to_be_bytes());
        field(inner, operation, &body);
    });
    nested(content, |message| field(message, SEQUENCE, &inner))
}

/// A buffer for the fields inside of another: as large as all of them can be.
pub(crate) fn nested(content: usize, fill: impl FnOnce(&mut Vec<u8>)) -> Zeroizing<Vec<u8>> {
    let most = content.saturating_add(TAGS_AND_LENGTHS);
    let mut buffer = Zeroizing::new(Vec::with_capacity(most));
    let first = buffer.as_ptr();
    fill(&mut buffer);
    debug_assert!(std::ptr::eq(first, buffer.as_ptr()), "a buffer with a password was moved");
    buffer
}

/// Tag, length in the long form where it must be (X.690 section 8.1.3), content.
pub(crate) fn field(to: &mut Vec<u8>, tag: u8, content: &[u8]) {
    to.push(tag);
    match u8::try_from(content.len()) {
        Ok(short @ ..0x80) => to.push(short),
        _ => {
            to.push(0x84);
            // A name and a password are far below 4 GiB: both are bounded by their types.
            let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
            to.extend_from_slice(&length.to_be_bytes());
        }
    }
    to.extend_from_slice(content);
}

//! LDAP messages off and onto the wire: `ldap3_proto`, but for the filters of searches, which are read here.
#![forbid(unsafe_code)]

use std::io;

use bytes::{Buf, BytesMut};
use ldap3_lber::Err as BerError;
use ldap3_lber::common::TagClass;
use ldap3_lber::parse::{DEFAULT_MAX_BER_DEPTH, Parser};
use ldap3_lber::structure::{PL, StructureTag};
use ldap3_proto::proto::LdapMsg;
use tokio_util::codec::Decoder;

use crate::filter::Filter;

/// The biggest request taken, in bytes: AD's MaxReceiveBuffer.
const MAX_REQUEST: usize = 10 << 20;
/// The application tag of a search request (RFC 4511, 4.5.1).
const SEARCH_REQUEST: u64 = 3;
/// The application tag of a bind request (RFC 4511, 4.2).
const BIND_REQUEST: u64 = 0;
/// Where the credentials stand among a bind request's fields.
const CREDENTIALS_FIELD: usize = 2;
/// Where the filter stands among a search request's fields.
const FILTER_FIELD: usize = 6;

/// One request from a client.
#[derive(Debug)]
pub struct Request {
    /// The message; a search's filter is not in it.
    pub message: LdapMsg,
    /// A search's filter.
    pub filter: Option<Filter>,
}

/// Cuts the client's bytes into requests.
#[derive(Debug, Default)]
pub struct RequestDecoder;

impl Decoder for RequestDecoder {
    type Item = Request;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Request>> {
        if buffer.len() > MAX_REQUEST {
            return Err(io::Error::other("a request is longer than the 10 MiB that AD takes"));
        }
        let (tag, length) = match Parser::new(DEFAULT_MAX_BER_DEPTH).parse(buffer) {
            Ok((rest, tag)) => (tag, buffer.len() - rest.len()),
            Err(BerError::Incomplete(_)) => return Ok(None),
            Err(_) => return Err(io::Error::other("a request is no BER")),
        };
        buffer.advance(length);
        read_request(tag).map(Some)
    }
}

fn read_request(mut tag: StructureTag) -> io::Result<Request> {
    let filter = match filter_field(&mut tag) {
        Some(field) => {
            let filter = Filter::from_ber(field)
                .ok_or_else(|| io::Error::other("a search filter is malformed"))?;
            *field = anything();
            Some(filter)
        }
        None => None,
    };
    make_password_text(&mut tag);
    let message = LdapMsg::try_from(tag).map_err(io::Error::other)?;
    Ok(Request { message, filter })
}

/// The fields of the message's operation, if it is this one.
fn fields_of(message: &mut StructureTag, operation: u64) -> Option<&mut Vec<StructureTag>> {
    let PL::C(parts) = &mut message.payload else { return None };
    match parts.get_mut(1) {
        Some(StructureTag { class: TagClass::Application, id, payload: PL::C(fields) })
            if *id == operation =>
        {
            Some(fields)
        }
        _ => None,
    }
}

fn filter_field(message: &mut StructureTag) -> Option<&mut StructureTag> {
    fields_of(message, SEARCH_REQUEST)?.get_mut(FILTER_FIELD)
}

/// A password that is no UTF-8 is merely a wrong one for AD; `ldap3_proto` would not decode it.
fn make_password_text(message: &mut StructureTag) {
    let credentials =
        fields_of(message, BIND_REQUEST).and_then(|fields| fields.get_mut(CREDENTIALS_FIELD));
    if let Some(StructureTag { class: TagClass::Context, id: 0, payload: PL::P(password) }) =
        credentials
    {
        *password = String::from_utf8_lossy(password).into_owned().into_bytes();
    }
}

/// `(objectClass=*)`, in the place of the filter that was taken out.
fn anything() -> StructureTag {
    StructureTag { class: TagClass::Context, id: 7, payload: PL::P(b"objectClass".to_vec()) }
}

/// A message as the bytes of the wire.
pub fn encode(message: LdapMsg) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&message.into(), &mut bytes);
    bytes
}

/// BER as AD writes it: every constructed length takes four bytes and a mark, however short, which some readers
/// have never seen.
pub(crate) fn write(tag: &StructureTag, out: &mut Vec<u8>) {
    let class = match tag.class {
        TagClass::Universal => 0x00,
        TagClass::Application => 0x40,
        TagClass::Context => 0x80,
        TagClass::Private => 0xC0,
    };
    // No LDAP tag is above 30, where BER would need more than one byte.
    let id = class | (tag.id as u8 & 0x1F);
    match &tag.payload {
        PL::P(value) => {
            out.push(id);
            match value.len() {
                length @ 0..=0x7F => out.push(length as u8),
                length => write_long_length(length, out),
            }
            out.extend_from_slice(value);
        }
        PL::C(inner) => {
            out.push(id | 0x20);
            let mut contents = Vec::new();
            inner.iter().for_each(|tag| write(tag, &mut contents));
            write_long_length(contents.len(), out);
            out.append(&mut contents);
        }
    }
}

fn write_long_length(length: usize, out: &mut Vec<u8>) {
    out.push(0x84);
    out.extend_from_slice(&(length as u32).to_be_bytes());
}

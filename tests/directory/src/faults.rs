//! Faults on demand: what a broken, hostile or dying server does to its clients.
#![forbid(unsafe_code)]

use std::time::Duration;

use ldap3_lber::common::TagClass;
use ldap3_lber::structure::{PL, StructureTag};

use crate::codec;

/// The result code of a server that is going away (RFC 4511, 4.1.9).
const UNAVAILABLE: u8 = 52;
/// The result code for a request that makes no sense (RFC 4511, 4.1.9).
pub(crate) const PROTOCOL_ERROR: u8 = 2;

/// What is wrong with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Requests are read and never answered.
    Silence,
    /// Connections are accepted, and then not a byte is sent: no TLS handshake. Only new connections feel it.
    SilenceBeforeTls,
    /// Every answer comes this many milliseconds late; later requests do not wait for earlier ones.
    Delay(u64),
    /// The TCP connection is cut after this many bytes of answers, counted for each connection.
    CutAfter(usize),
    /// The answer comes whole, and behind it the connection is closed.
    CloseBehind,
    /// Answers are bytes that are no LDAP.
    Garbage,
    /// Answers claim to be 1 GiB long, and then nothing follows.
    HugeLength,
    /// Answers are this many sequences, one inside the other.
    DeepNesting(usize),
    /// Answers come at one byte a second.
    DripOneBytePerSecond,
    /// The server says goodbye as AD does (message id 0) and closes.
    NoticeOfDisconnection,
}

/// Which requests a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum On {
    /// All of them.
    #[default]
    Everything,
    /// Binds alone.
    Binds,
    /// Searches alone, reads of the rootDSE included.
    Searches,
    /// Searches alone, reads of the rootDSE left out.
    SearchesBelowRoot,
    /// Searches of one object alone, which a base search names; reads of the rootDSE left out.
    Objects,
    /// Modify requests alone.
    Modifies,
}

/// A fault that has been asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    pub(crate) on: On,
    /// How many requests it still strikes; `None` is without end.
    pub(crate) times: Option<usize>,
}

impl Plan {
    /// The fault for a request of this kind, counting it.
    pub(crate) fn strike(&mut self, kind: On) -> Fault {
        let wider: &[On] = match kind {
            On::Objects => &[On::Searches, On::SearchesBelowRoot],
            On::SearchesBelowRoot => &[On::Searches],
            On::Everything | On::Binds | On::Searches | On::Modifies => &[],
        };
        let struck = self.on == On::Everything || self.on == kind || wider.contains(&self.on);
        if !struck || self.times == Some(0) || self.fault == Fault::SilenceBeforeTls {
            return Fault::None;
        }
        self.times = self.times.map(|times| times - 1);
        self.fault
    }
}

/// Bytes on their way to the client.
pub(crate) enum Delivery {
    /// At once.
    Plain(Vec<u8>),
    /// A byte a second.
    Drip(Vec<u8>),
    /// At once, and then the connection is closed.
    Last(Vec<u8>),
}

/// An answer as the fault makes it: when, and what; `None` for never. `allowance` is what CutAfter has left.
pub(crate) fn distort(
    fault: Fault,
    answer: Vec<u8>,
    allowance: &mut Option<usize>,
) -> Option<(Duration, Delivery)> {
    let now = Duration::ZERO;
    Some(match fault {
        Fault::None | Fault::SilenceBeforeTls => (now, Delivery::Plain(answer)),
        Fault::Silence => return None,
        Fault::Delay(milliseconds) => {
            (Duration::from_millis(milliseconds), Delivery::Plain(answer))
        }
        Fault::CutAfter(bytes) => (now, cut(answer, allowance.get_or_insert(bytes))),
        Fault::CloseBehind => (now, Delivery::Last(answer)),
        Fault::Garbage => (now, Delivery::Plain(garbage())),
        Fault::HugeLength => {
            (now, Delivery::Plain(vec![0x30, 0x84, 0x40, 0, 0, 0, 0x02, 0x01, 0x01]))
        }
        Fault::DeepNesting(levels) => (now, Delivery::Plain(nested(levels))),
        Fault::DripOneBytePerSecond => (now, Delivery::Drip(answer)),
        Fault::NoticeOfDisconnection => {
            (now, Delivery::Last(notice(UNAVAILABLE, "The server is shutting down")))
        }
    })
}

fn cut(mut answer: Vec<u8>, allowance: &mut usize) -> Delivery {
    if answer.len() < *allowance {
        *allowance -= answer.len();
        return Delivery::Plain(answer);
    }
    answer.truncate(*allowance);
    *allowance = 0;
    Delivery::Last(answer)
}

/// Bytes that look random and are the same each time.
fn garbage() -> Vec<u8> {
    (0u32..256).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x80).collect()
}

/// Sequences in sequences, with true lengths, written from the inside out.
fn nested(levels: usize) -> Vec<u8> {
    let mut backwards: Vec<u8> = Vec::with_capacity(levels * 6);
    for _ in 0..levels {
        let length = backwards.len() as u32;
        backwards.extend(length.to_le_bytes());
        backwards.extend([0x84, 0x30]);
    }
    backwards.reverse();
    backwards
}

/// AD's notice of disconnection, as Windows servers send it: the OID stands beside the extended response, where
/// RFC 4511 has it inside. `code` is the LDAP result code.
pub(crate) fn notice(code: u8, comment: &str) -> Vec<u8> {
    let leaf = |class, id, bytes: &[u8]| StructureTag { class, id, payload: PL::P(bytes.to_vec()) };
    let octets = |text: &str| leaf(TagClass::Universal, 4, text.as_bytes());
    let words = format!("00000057: LdapErr: DSID-0C0C0095, comment: {comment}, data 0, v4563\0");
    let response = StructureTag {
        class: TagClass::Application,
        id: 24,
        payload: PL::C(vec![leaf(TagClass::Universal, 10, &[code]), octets(""), octets(&words)]),
    };
    let oid = leaf(TagClass::Context, 10, b"1.3.6.1.4.1.1466.20036");
    let message = StructureTag {
        class: TagClass::Universal,
        id: 16,
        payload: PL::C(vec![leaf(TagClass::Universal, 2, &[0]), response, oid]),
    };
    let mut bytes = Vec::new();
    codec::write(&message, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_as_deep_as_asked_and_its_lengths_are_true() {
        assert_eq!(nested(1), [0x30, 0x84, 0, 0, 0, 0]);
        assert_eq!(nested(2), [0x30, 0x84, 0, 0, 0, 6, 0x30, 0x84, 0, 0, 0, 0]);
        assert_eq!(nested(100_000).len(), 600_000);
    }

    #[test]
    fn the_notice_is_the_one_a_windows_server_sends() {
        // Seen on the wire of a Windows DC (v4563): lapo-luchini/asn1js#100.
        let mut seen = vec![
            0x30, 0x84, 0, 0, 0, 0x7E, 2, 1, 0, 0x78, 0x84, 0, 0, 0, 0x5D, 0x0A, 1, 2, 4, 0, 4,
            0x56,
        ];
        seen.extend(b"00000057: LdapErr: DSID-0C0C0095, comment: Error decoding ldap message, data 0, v4563\0");
        seen.extend([0x8A, 0x16]);
        seen.extend(b"1.3.6.1.4.1.1466.20036");
        assert_eq!(notice(PROTOCOL_ERROR, "Error decoding ldap message"), seen);
    }

    #[test]
    fn a_cut_lets_exactly_so_many_bytes_through() {
        let mut left = 5;
        assert!(
            matches!(cut(vec![1, 2, 3], &mut left), Delivery::Plain(sent) if sent == [1, 2, 3])
        );
        assert!(matches!(cut(vec![4, 5, 6], &mut left), Delivery::Last(sent) if sent == [4, 5]));
        assert!(matches!(cut(vec![7], &mut left), Delivery::Last(sent) if sent.is_empty()));
    }

    #[test]
    fn a_fault_strikes_only_what_it_was_meant_for_and_only_so_often() {
        let mut plan = Plan { fault: Fault::Silence, on: On::Binds, times: Some(1) };
        assert_eq!(plan.strike(On::Searches), Fault::None);
        assert_eq!(plan.strike(On::Binds), Fault::Silence);
        assert_eq!(plan.strike(On::Binds), Fault::None);
        let mut searches = Plan { fault: Fault::Silence, on: On::SearchesBelowRoot, times: None };
        assert_eq!(searches.strike(On::Searches), Fault::None);
        assert_eq!(searches.strike(On::SearchesBelowRoot), Fault::Silence);
        assert_eq!(searches.strike(On::Objects), Fault::Silence);
        let mut objects = Plan { fault: Fault::Silence, on: On::Objects, times: None };
        assert_eq!(objects.strike(On::SearchesBelowRoot), Fault::None);
        assert_eq!(objects.strike(On::Objects), Fault::Silence);
    }
}

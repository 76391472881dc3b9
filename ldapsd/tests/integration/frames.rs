//! What comes through the sockets and is no question: the daemon lives on, says so, and answers
//! the others at once.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ldaps_core::protocol::client::Socket;
use ldaps_core::protocol::frame::{self, HEADER_LEN};
use ldaps_core::protocol::messages::{NssReply, NssRequest};

use crate::asking::{AT_ONCE, as_uid};
use crate::stage::{EVERYBODY, Stage};

const SOCKETS: [Socket; 3] = [Socket::Nss, Socket::Pam, Socket::Admin];

/// The frame of a question, spoilt.
fn spoilt(spoil: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = frame::encode(&NssRequest::UserByName("alice".into()), 100).unwrap().to_vec();
    spoil(&mut frame);
    frame
}

/// Bytes, whether the sender then ends its side, and what the log says; None: nothing need be said.
fn bad_frames() -> Vec<(&'static str, Vec<u8>, bool, Option<&'static str>)> {
    let body_of = |bytes: &[u8]| {
        let mut frame = spoilt(|frame| frame.truncate(HEADER_LEN));
        frame[8..].copy_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
        frame.extend_from_slice(bytes);
        frame
    };
    let length = |length: u32| {
        move |frame: &mut Vec<u8>| frame[8..12].copy_from_slice(&length.to_le_bytes())
    };
    vec![
        ("version 0", spoilt(|frame| frame[4] = 0), false, Some("version 0")),
        ("version 2", spoilt(|frame| frame[4] = 2), false, Some("version 2")),
        ("version 65535", spoilt(|frame| frame[4..6].fill(0xff)), false, Some("version 65535")),
        ("garbage", vec![0xa5; 4096], false, Some("not of ldapsd's protocol")),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec(), false, Some("not of ldapsd's protocol")),
        ("1 GiB", spoilt(length(1 << 30)), false, Some("above the limit")),
        ("4 GiB", spoilt(length(u32::MAX)), false, Some("above the limit")),
        ("no message", body_of(&[]), false, Some("cannot be understood")),
        ("no such question", body_of(&[99, 1, 2]), false, Some("cannot be understood")),
        (
            "a string of 4 GiB",
            body_of(&[0, 0xff, 0xff, 0xff, 0xff, 0x0f]),
            false,
            Some("cannot be understood"),
        ),
        ("bytes left over", body_of(b"\x00\x05alice!"), false, Some("cannot be understood")),
        ("half a header", spoilt(|frame| frame.truncate(5)), true, None),
        ("half a message", spoilt(|frame| frame.truncate(HEADER_LEN + 3)), true, None),
        ("nothing", Vec::new(), true, None),
    ]
}

fn answers_at_once(stage: &Stage, after: &str) {
    let start = Instant::now();
    let reply = stage.nss(&NssRequest::UserByName("alice".into()));
    assert!(matches!(reply, NssReply::User(_)), "after {after}: {reply:?}");
    assert!(stage.status().domain.is_some(), "after {after}");
    assert!(start.elapsed() < AT_ONCE, "after {after}: {:?}", start.elapsed());
}

fn connect(stage: &Stage, socket: Socket) -> UnixStream {
    UnixStream::connect(stage.run_dir().join(socket.file())).unwrap()
}

#[test]
fn a_bad_frame_ends_the_daemon_or_is_answered_with_nothing() {
    let stage = Stage::new(EVERYBODY);
    for (what, bytes, ends, words) in bad_frames() {
        for socket in SOCKETS {
            let start = Instant::now();
            let mut stream = connect(&stage, socket);
            // The daemon may have refused, and closed, before all was written.
            let _ = stream.write_all(&bytes);
            if ends {
                stream.shutdown(std::net::Shutdown::Write).unwrap();
            }
            let mut reply = Vec::new();
            let _ = stream.read_to_end(&mut reply);
            assert!(start.elapsed() < AT_ONCE, "{what}: {:?}", start.elapsed());
            if !reply.is_empty() {
                // A frame of this version, from which a module of another sees what is wrong.
                assert_eq!(reply[..6], *b"LDPS\x01\x00", "{what} on {socket:?}");
            }
            answers_at_once(&stage, what);
        }
        if let Some(words) = words {
            assert!(stage.daemon.log().contains(words), "{what}: the log does not say {words:?}");
        }
    }
    // A peer that has gone before its answer came.
    for _ in 0..50 {
        connect(&stage, Socket::Nss).write_all(&spoilt(|_| {})).unwrap();
    }
    answers_at_once(&stage, "leaving");
}

#[test]
fn who_connects_and_says_nothing_keeps_the_others_waiting() {
    let stage = Stage::new(EVERYBODY);
    let silent = |count: usize| -> Vec<_> {
        SOCKETS.iter().flat_map(|socket| (0..count).map(|_| connect(&stage, *socket))).collect()
    };
    let mine = silent(60);
    // Another user, with more than may be open at once; the further ones are closed.
    let others = as_uid(61_000, || silent(300));
    answers_at_once(&stage, "silence");
    // Nobody stays for ever: 3 s are allowed for a question.
    let start = Instant::now();
    for mut stream in mine.into_iter().chain(others.into_iter().flatten()) {
        stream.set_read_timeout(Some(Duration::from_secs(6))).unwrap();
        let _ = stream.read(&mut [0; 1]).unwrap_or(0);
        assert!(start.elapsed() < Duration::from_secs(5), "a silent connection stays open");
    }
    answers_at_once(&stage, "silence that was ended");
}

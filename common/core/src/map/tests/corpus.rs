//! The corpus of the fuzz targets, and what becomes of it by small changes: what the targets find
//! without end, a moment of in every test.

use std::path::PathBuf;

use super::super::fuzzing::look_up_in;
use crate::fuzzing::read_frames;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{dir:?}: {error}"));
    let corpus: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!corpus.is_empty(), "{dir:?} is empty");
    corpus
}

/// The input, and many like it.
fn with_changes(input: &[u8], changes: u64, run: fn(&[u8])) {
    run(input);
    let mut dice = 1_u64;
    let mut roll = |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(dice >> 33).unwrap() % sides.max(1)
    };
    for _ in 0..changes {
        let mut changed = input.to_vec();
        for _ in 0..=roll(8) {
            let (at, byte) = (roll(changed.len()), u8::try_from(roll(256)).unwrap());
            if let Some(place) = changed.get_mut(at) {
                *place = byte;
            }
        }
        if roll(4) == 0 {
            changed.truncate(roll(changed.len()));
        }
        run(&changed);
    }
}

#[test]
fn a_map_of_any_bytes_makes_the_reader_panic() {
    corpus("map").iter().for_each(|input| with_changes(input, 300, look_up_in));
}

#[test]
fn a_frame_of_any_bytes_makes_the_reader_panic() {
    corpus("frame").iter().for_each(|input| with_changes(input, 2_000, read_frames));
}

/// `cargo test -p ldaps-core -- --ignored the_corpus_is_made_anew`, after the format has changed.
#[test]
#[ignore = "it writes into the source tree"]
fn the_corpus_is_made_anew() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    std::fs::create_dir_all(dir.join("map")).unwrap();
    std::fs::create_dir_all(dir.join("frame")).unwrap();
    std::fs::write(dir.join("map/everything"), super::damage::small_file()).unwrap();
    std::fs::write(dir.join("map/nothing"), []).unwrap();
    let user = super::user("alice", 200_001);
    let group = super::group("staff", 200_600, 3);
    use crate::protocol::frame::encode;
    use crate::protocol::messages::{Login, NssReply, NssRequest, PamRequest};
    let login = Login { user: "a", uid: 1000, service: "s", rhost: "", tty: "", ruser: "" };
    for (name, frame) in [
        ("request", encode(&NssRequest::UserByName("alice".into()), 1000)),
        ("user", encode(&NssReply::User(user), 1000)),
        ("group", encode(&NssReply::Group(group), 1000)),
        ("gids", encode(&NssReply::Gids(vec![200_513, 200_600]), 1000)),
        ("login", encode(&PamRequest::Authenticate { login, password: b"pw" }, 1000)),
    ] {
        std::fs::write(dir.join("frame").join(name), frame.unwrap()).unwrap();
    }
}

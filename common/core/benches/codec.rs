//! The id mapping, and the frames between module and daemon.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::idmap::{IdMap, IdSpace, OnCollision};
use ldaps_core::protocol::frame;
use ldaps_core::protocol::messages::NssReply;
use ldaps_core::sid::Sid;

const CAP: usize = 16 << 20;

fn ids(bench: &mut Criterion) {
    let domain: Sid = "S-1-5-21-1004336348-1177238915-682003330".parse().expect("a SID");
    let space = IdSpace::new(200_000, 2_000_200_000, 200_000).expect("a space");
    let map = IdMap::new(space, domain, OnCollision::Refuse).expect("a map");
    let alice = domain.with_rid(1107).expect("a SID");
    let uid = map.id_of(alice).expect("an id");
    bench.bench_function("the id of a SID", |bench| bench.iter(|| map.id_of(black_box(alice))));
    bench.bench_function("the SID of an id", |bench| bench.iter(|| map.sid_of(black_box(uid))));
}

fn frames(bench: &mut Criterion) {
    let user = NssReply::User(PasswdEntry {
        name: "alice".into(),
        uid: 1_842_601_107,
        gid: 1_842_600_513,
        gecos: "Alice Example".into(),
        home: "/home/alice".into(),
        shell: "/bin/bash".into(),
    });
    let members = (0..3_000).map(|number| format!("user{number:06}")).collect();
    let group = NssReply::Group(GroupEntry { name: "staff".into(), gid: 1_842_601_200, members });
    for (what, reply) in [("a user", user), ("a group of 3,000 members", group)] {
        let bytes = frame::encode(&reply, CAP).expect("a frame");
        bench.bench_function(&format!("encode {what}"), |bench| {
            bench.iter(|| frame::encode(black_box(&reply), CAP));
        });
        bench.bench_function(&format!("decode {what}"), |bench| {
            bench.iter(|| frame::decode::<NssReply>(black_box(&bytes[frame::HEADER_LEN..])));
        });
    }
}

criterion_group!(benches, ids, frames);
criterion_main!(benches);

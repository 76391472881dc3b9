//! The id mapping, SIDs and filters as LDAP has them, and the frames between module and daemon.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ldaps_core::config::LdapFilter;
use ldaps_core::entries::{GroupEntry, PasswdEntry};
use ldaps_core::idmap::{IdMap, IdSpace, OnCollision};
use ldaps_core::protocol::frame;
use ldaps_core::protocol::messages::{NssReply, NssRequest};
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
    let stranger: Sid = "S-1-5-21-1-2-3-1107".parse().expect("a SID");
    bench.bench_function("the id of another domain's SID", |bench| {
        bench.iter(|| map.id_of(black_box(stranger)));
    });
    let first_rid = black_box(400_000);
    bench.bench_function("the place of a slice", |bench| bench.iter(|| map.place_of(first_rid)));
}

fn ldap(bench: &mut Criterion) {
    let alice: Sid = "S-1-5-21-1004336348-1177238915-682003330-1107".parse().expect("a SID");
    let bytes = alice.to_bytes();
    bench.bench_function("a SID from AD's bytes", |bench| {
        bench.iter(|| Sid::from_bytes(black_box(&bytes)));
    });
    bench.bench_function("a SID as a filter has it", |bench| {
        bench.iter(|| black_box(alice).to_string());
    });
    let text = "(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2))(memberOf=CN=Staff,DC=corp,DC=example))";
    assert!(LdapFilter::parse(text).is_ok());
    bench.bench_function("a filter from the configuration", |bench| {
        bench.iter(|| LdapFilter::parse(black_box(text)));
    });
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
    let gids = NssReply::Gids((900_000..900_040).collect());
    let replies = [("a user", user), ("40 gids", gids), ("a group of 3,000 members", group)];
    for (what, reply) in replies {
        let bytes = frame::encode(&reply, CAP).expect("a frame");
        bench.bench_function(&format!("encode {what}"), |bench| {
            bench.iter(|| frame::encode(black_box(&reply), CAP));
        });
        bench.bench_function(&format!("decode {what}"), |bench| {
            bench.iter(|| frame::decode::<NssReply>(black_box(&bytes[frame::HEADER_LEN..])));
        });
    }
}

fn requests(bench: &mut Criterion) {
    let request = NssRequest::UserByName("alice@corp.example".into());
    let bytes = frame::encode(&request, CAP).expect("a frame");
    bench.bench_function("encode a question", |bench| {
        bench.iter(|| frame::encode(black_box(&request), CAP));
    });
    bench.bench_function("decode a question", |bench| {
        bench.iter(|| frame::decode::<NssRequest>(black_box(&bytes[frame::HEADER_LEN..])));
    });
}

criterion_group!(benches, ids, ldap, frames, requests);
criterion_main!(benches);

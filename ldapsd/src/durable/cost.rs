//! What a start costs where many are known: `cargo test --release -p ldapsd -- --ignored
//! --nocapture a_start_with_100_000`.

use std::time::Instant;

use ldaps_core::config::Cache;

use super::*;

fn many(count: u32, domain: Sid) -> impl Iterator<Item = Kept> {
    let origin = Kept::Of(Origin { format: FORMAT, configuration: [7; 16], domain });
    let of_one = move |number: u32| {
        let mut user = kept::tests::alice();
        user.entry.name = format!("user{number}");
        user.entry.uid += number;
        user.record.dn = format!("CN=User {number},OU=People,DC=corp,DC=example");
        user.record.sid = domain.with_rid(number + 1000).unwrap_or(domain);
        let gids: Vec<u32> = (0..20).map(|group| 200_000 + group).collect();
        let sids = (0..20).filter_map(|group| domain.with_rid(group)).collect();
        let groups = Membership { sids, gids };
        let membership = Kept::membership(user.record.sid, &groups, domain);
        [Kept::User(Box::new(user), Vec::new()), membership]
    };
    std::iter::once(origin).chain((0..count).flat_map(of_one))
}

#[test]
#[ignore = "a measurement, for a release build"]
fn a_start_with_100_000_users_takes_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let (path, domain) = (dir.path().join("known"), "S-1-5-21-1-2-3".parse().unwrap());
    let start = Instant::now();
    KeptFile::make(&path, many(100_000, domain)).unwrap();
    let made = start.elapsed();
    let length = std::fs::metadata(&path).unwrap().len();
    let start = Instant::now();
    let content = file::read(&path).unwrap();
    let read = start.elapsed();
    let all = Recollection::of(content.records.into_iter().skip(1), domain);
    let mut memory = crate::lookups::memory::Memory::new(&Cache::default());
    all.users.into_values().for_each(|(user, names)| memory.recollect_user(user, names));
    all.memberships.into_iter().for_each(|(sid, g)| memory.recollect_membership(sid, g));
    println!("{length} bytes: made in {made:?}, read in {read:?}, known in {:?}", start.elapsed());
    assert_eq!(memory.count().0, 100_000);
}

//! Damage anywhere in a file is a miss: never a crash, never something that was not put.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::super::entry::{
    encode_alias, encode_group, encode_groups_of, encode_nobody, encode_user,
};
use super::super::format::{PAGE, SLOTS_AT};
use super::super::fuzzing::use_sealed;
use super::super::view::{Shape, Sound};
use super::super::{Answer, Key, MapView, Region, file_name};
use super::{found, group, run_dir, user, writer};
use crate::entries::{GroupEntry, PasswdEntry};
use crate::protocol::client::monotonic_now;

/// A small file with everything in it, and what was put there.
struct Sample {
    words: Vec<AtomicU32>,
    used: usize,
    users: Vec<PasswdEntry>,
    groups: Vec<GroupEntry>,
}

const GIDS: [u32; 3] = [200_513, 200_600, 200_601];

impl Sample {
    fn make() -> Self {
        let (_top, dir, ctl) = run_dir();
        let mut map = writer(&dir, &ctl);
        let mut users: Vec<_> =
            (0..6).map(|number| user(&format!("user{number}"), 200_000 + number)).collect();
        let groups: Vec<_> = [("staff", 200_600, 3), ("empty", 200_601, 0)]
            .map(|(name, gid, members)| group(name, gid, members))
            .into();
        users.iter().for_each(|user| map.put_user(user).unwrap());
        groups.iter().for_each(|group| map.put_group(group).unwrap());
        map.put_groups_of(200_001, &GIDS).unwrap();
        map.put_alias("user1@corp.example", &users[1]).unwrap();
        let later = monotonic_now() + Duration::from_secs(86_400);
        map.put_nobody(Key::UserName(b"nobody1"), later).unwrap();
        map.put_nobody(Key::Uid(200_099), later).unwrap();
        // Replaced and removed ones leave something behind.
        let replaced = PasswdEntry { gecos: "Another".into(), ..user("user2", 200_002) };
        map.put_user(&replaced).unwrap();
        map.remove(Key::Uid(200_003));
        users.push(replaced);

        let number = map.stats().number;
        let used = SLOTS_AT + map.view().slots() * 4 + map.stats().live + map.stats().dead;
        let bytes = std::fs::read(dir.join(&file_name(number))).unwrap();
        let words = bytes.as_chunks::<4>().0.iter();
        let words = words.map(|word| AtomicU32::new(u32::from_ne_bytes(*word))).collect();
        Self { words, used, users, groups }
    }

    /// Everything that may be asked, and that what is said was once put.
    fn no_lie(&self, map: &MapView<'_>, where_: &dyn Fn() -> String) {
        let names = self.users.iter().map(|user| user.name.as_str());
        for name in names.chain(["user1@corp.example", "nobody1", "never"]) {
            if let Some(user) = found(map.user_by_name(name.as_bytes())) {
                let entry = user.to_entry().unwrap();
                let canonical = name.split('@').next().unwrap();
                assert_eq!(entry.name, canonical, "{}", where_());
                assert!(self.users.contains(&entry), "{name}: {entry:?}, {}", where_());
            }
            let nobody = matches!(map.user_by_name(name.as_bytes()), Answer::Nobody);
            assert!(!nobody || name == "nobody1", "nobody is called {name}: {}", where_());
            if let Some(gids) = found(map.groups_of(name.as_bytes())) {
                assert!(name.starts_with("user1"), "{}", where_());
                assert!(gids.gids().eq(GIDS), "{}", where_());
            }
        }
        for uid in (200_000..200_006).chain([200_099, 200_100]) {
            if let Some(user) = found(map.user_by_uid(uid)) {
                let entry = user.to_entry().unwrap();
                assert_eq!(entry.uid, uid, "{}", where_());
                assert!(self.users.contains(&entry), "{uid}: {entry:?}, {}", where_());
            }
            let nobody = matches!(map.user_by_uid(uid), Answer::Nobody);
            assert!(!nobody || uid == 200_099, "nobody has {uid}: {}", where_());
        }
        for wanted in &self.groups {
            let by_name = found(map.group_by_name(wanted.name.as_bytes()));
            for group in [by_name, found(map.group_by_gid(wanted.gid))].into_iter().flatten() {
                assert_eq!(group.to_entry().as_ref(), Some(wanted), "{}", where_());
            }
        }
    }

    /// Every byte of whatever is said.
    fn ask_for_all(&self, map: &MapView<'_>) {
        for user in &self.users {
            let name = user.name.as_bytes();
            let by_uid = map.user_by_uid(user.uid);
            for user in [map.user_by_name(name), by_uid].into_iter().filter_map(found) {
                let _ = (user.to_entry(), user.passwd_at());
            }
            let _ = found(map.groups_of(name)).map(|gids| gids.gids().count());
        }
        for group in &self.groups {
            let _ = found(map.group_by_gid(group.gid)).map(|group| group.to_entry());
        }
    }

    fn flip(&self, at: usize, mask: u8) {
        let mut bytes = [0; 4];
        bytes[at % 4] = mask;
        self.words[at / 4].fetch_xor(u32::from_ne_bytes(bytes), Ordering::Relaxed);
    }

    /// The sample in order, where all is found.
    fn shape(&self) -> Shape {
        let region = Region::of_words(&self.words);
        let view = MapView::open(region).unwrap();
        self.no_lie(&view, &|| "undamaged".into());
        assert!(found(view.user_by_uid(200_002)).is_some_and(|user| user.gecos() == b"Another"));
        assert!(found(view.groups_of(b"user1@corp.example")).is_some());
        assert!(matches!(view.user_by_name(b"nobody1"), Answer::Nobody));
        let header = super::super::format::Header::decode(region).unwrap();
        Shape::of(&header).unwrap()
    }
}

/// The sample up to its end: what the fuzzer begins with.
pub(super) fn small_file() -> Vec<u8> {
    let sample = Sample::make();
    let words = sample.words.iter().take(sample.used.div_ceil(4));
    words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect()
}

#[test]
fn a_flipped_byte_crashes_a_reader_or_makes_it_lie() {
    let sample = Sample::make();
    let shape = sample.shape();
    let slots = SLOTS_AT..sample.used;
    for at in (0..PAGE).chain(slots) {
        for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            sample.flip(at, mask);
            let region = Region::of_words(&sample.words);
            let place = || format!("byte {at} of {} xor {mask}", sample.used);
            if let Some(view) = MapView::open(region) {
                sample.no_lie(&view, &place);
            }
            // A process that had attached before.
            sample.no_lie(&MapView::known(region, shape), &place);
            sample.flip(at, mask);
        }
    }
}

/// Whoever has found an entry sound does not compute its checksum again.
#[test]
fn what_is_damaged_after_it_was_found_sound_crashes_a_reader_and_what_was_damaged_before_is_believed()
 {
    let sample = Sample::make();
    let shape = sample.shape();
    let region = Region::of_words(&sample.words);
    let attached = Sound::default();
    sample.no_lie(&MapView::known(region, shape).with(&attached), &|| "undamaged".into());
    for at in (0..PAGE).chain(SLOTS_AT..sample.used) {
        for mask in [1, 16, 128, 255] {
            sample.flip(at, mask);
            sample.ask_for_all(&MapView::known(region, shape).with(&attached));
            let (later, place) = (Sound::default(), || format!("byte {at} xor {mask}"));
            for _again in 0..2 {
                sample.no_lie(&MapView::known(region, shape).with(&later), &place);
            }
            sample.flip(at, mask);
        }
    }
}

/// As a broken writer would make them: the checksum is right, the offsets are not.
#[test]
fn an_entry_with_wrong_offsets_leads_out_of_itself() {
    let user = user("alice", 200_001);
    let entries = [
        encode_user(&user),
        encode_group(&group("staff", 200_600, 3)),
        encode_group(&group("empty", 200_601, 0)),
        encode_groups_of(200_001, &GIDS),
        encode_alias("alice@corp.example", &user),
        encode_nobody(&Key::UserName(b"x"), Duration::from_secs(1)),
    ];
    for entry in entries.map(Option::unwrap) {
        for at in 0..entry.len() {
            for value in 0..=255 {
                let mut damaged = entry.clone();
                damaged[at] = value;
                use_sealed(&damaged);
            }
            use_sealed(&entry[..at]);
        }
    }
}

#[test]
fn a_file_cut_short_crashes_a_reader_or_makes_it_lie() {
    let sample = Sample::make();
    let shape = sample.shape();
    for length in (0..=sample.used / 4).rev() {
        let region = Region::of_words(&sample.words[..length]);
        assert!(MapView::open(region).is_none(), "{length}");
        sample.no_lie(&MapView::known(region, shape), &|| format!("cut to {length} words"));
    }
}

#[test]
fn a_run_of_zeros_or_ones_makes_a_reader_lie() {
    let sample = Sample::make();
    let shape = sample.shape();
    for at in 0..sample.used / 4 {
        for length in [1, 4, 16] {
            let damaged = sample.words.iter().skip(at).take(length);
            let kept: Vec<u32> = damaged.clone().map(|word| word.load(Ordering::Relaxed)).collect();
            for filling in [0, u32::MAX] {
                damaged.clone().for_each(|word| word.store(filling, Ordering::Relaxed));
                let view = MapView::known(Region::of_words(&sample.words), shape);
                sample.no_lie(&view, &|| format!("{length} words at {at} of {filling:#x}"));
            }
            damaged.zip(kept).for_each(|(word, kept)| word.store(kept, Ordering::Relaxed));
        }
    }
}

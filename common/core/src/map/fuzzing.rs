//! A map file of any bytes. As most of them fail at the first checksum, it is read again with the
//! checksums put right, as a broken writer could have made it.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU32;

use super::entry::{Entry, HEAD};
use super::format::{
    ALIGN, ALLOCATED_AT, Header, Key, PAGE, SLOTS_AT, allocated_word, checksum, slot_offset,
    u32_at, u64_at,
};
use super::{Answer, MapView, Region};

/// Looks for everything in a file of any bytes.
pub fn look_up_in(bytes: &[u8]) {
    look(bytes);
    let mut file = bytes.to_vec();
    file.resize(file.len().next_multiple_of(PAGE).max(4 * PAGE), 0);
    let slots_log2 = 8 + u32::from(bytes.first().copied().unwrap_or(0) % 4);
    let pages = u32::try_from(file.len() / PAGE).unwrap_or(0);
    let header = Header { number: 1, slots_log2, pages, seed: 1 }.encode();
    put(&mut file, 0, &header);
    let allocated = allocated_word(file.len() / PAGE).unwrap_or(0);
    put(&mut file, ALLOCATED_AT, &allocated.to_ne_bytes());
    look(&file);
    for slot in 0..1_usize << slots_log2 {
        let word = u32_at(&file, SLOTS_AT + 4 * slot).unwrap_or(0);
        if let Some(offset) = slot_offset(word) {
            seal(&mut file, offset);
        }
    }
    look(&file);
    let rest = file.split_off(SLOTS_AT + (4 << slots_log2));
    rest.chunks(512).for_each(use_sealed);
}

/// Uses an entry of any bytes, its length and its checksum put right.
pub fn use_sealed(bytes: &[u8]) {
    let mut entry = bytes.to_vec();
    let length = u32::try_from(entry.len()).unwrap_or(0).to_ne_bytes();
    put(&mut entry, 0, &length);
    seal(&mut entry, 0);
    if let Some(entry) = Entry::read(&entry) {
        use_all(&entry);
    }
}

fn look(bytes: &[u8]) {
    let words: Vec<AtomicU32> =
        bytes.as_chunks().0.iter().map(|word| AtomicU32::new(u32::from_ne_bytes(*word))).collect();
    let Some(map) = MapView::open(Region::of_words(&words)) else { return };
    for slot in 0..map.slots() {
        let Some(offset) = map.slot(slot).and_then(slot_offset) else { continue };
        let Some(entry) = map.entry(offset).and_then(Entry::read) else { continue };
        use_all(&entry);
        let (first, second) = entry.keys();
        for key in [Some(first), second].into_iter().flatten() {
            answers(&map, &key);
        }
    }
    answers(&map, &Key::UserName(b"alice"));
}

fn answers(map: &MapView<'_>, key: &Key<'_>) {
    let _ = match key {
        Key::UserName(name) => {
            if let Answer::Found(gids) = map.groups_of(name) {
                let _ = gids.gids().max();
            }
            matches!(map.user_by_name(name), Answer::Found(_))
        }
        Key::Uid(uid) => matches!(map.user_by_uid(*uid), Answer::Found(_)),
        Key::GroupName(name) => matches!(map.group_by_name(name), Answer::Found(_)),
        Key::Gid(gid) => matches!(map.group_by_gid(*gid), Answer::Found(_)),
        Key::GroupsOf(_) => map.find(key).is_some(),
    };
}

fn use_all(entry: &Entry<'_>) {
    match entry {
        Entry::User(user) => {
            let _ = user.to_entry();
            // What a caller of C is given ends within the text.
            for at in [0, user.passwd_at(), user.gecos_at, user.home_at, user.shell_at] {
                assert!(user.text.get(at..).is_some_and(|text| text.contains(&0)));
            }
        }
        Entry::Group(group) => {
            let _ = group.to_entry();
            for at in group.member_offsets().chain([0, group.passwd_at]) {
                assert!(group.text.get(at..).is_some_and(|text| text.contains(&0)));
            }
        }
        Entry::GroupsOf(_, gids) => {
            let _ = gids.gids().max();
        }
        Entry::Alias(_) | Entry::Nobody(_) => {}
    }
}

/// Puts the checksum of an entry right.
fn seal(file: &mut [u8], offset: usize) {
    let length = u32_at(file, offset).unwrap_or(0) as usize;
    let Some(entry) = offset.checked_add(length).and_then(|end| file.get_mut(offset..end)) else {
        return;
    };
    if let (Some(head), Some(body)) = (u64_at(entry, 0), entry.get(HEAD..)) {
        let sum = checksum(head, body);
        put(entry, ALIGN / 2, &sum.to_ne_bytes());
    }
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + what.len()) {
        place.copy_from_slice(what);
    }
}

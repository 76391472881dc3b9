//! What the map costs: published through the writer that the daemon has, read through the reader that
//! the module has, and by programs through glibc.

#![forbid(unsafe_code)]

use super::figures::print;
use super::loops::{Loops, Often};
use super::place::{Place, gids, group, memory, name, shuffled, user};
use crate::numbers::Samples;
use ldaps_core::entries::PasswdEntry;
use ldaps_core::map::{Answer, PutError};
use scenarios::outcome::{Check, Failure};
use std::path::Path;
use std::time::Instant;

/// Names that are asked for again and again.
const HOT: usize = 100;
/// Users who change, one after another.
const CHANGES: u32 = 2_001;
/// A warm sample is the mean of so many calls, so that a glance at the clock costs nothing.
const BATCH: usize = 5_000;
const SAMPLES: usize = 101;

/// The map of so many users.
///
/// # Errors
/// When something is not in the map that was put there.
pub fn users(count: u32) -> Check {
    let mut place = Place::make()?;
    publish(&mut place, count)?;
    let own = memory("self", "RssAnon")?;
    let bytes = place.map.stats().memory;
    print("writer-own", count, own);
    print("map-bytes", count, bytes as f64);
    let order = shuffled(count);
    let hot: Vec<u32> = order.iter().copied().take(HOT).collect();
    print("hot-map", count, read(&place, &hot)?.median());
    print("random-map", count, read(&place, &order)?.median());

    let loops = Loops::compile()?;
    let run = Path::new("/run");
    print("memory-read", count, loops.read_memory(run, bytes)?.median());
    let often = |names: &[u32]| Often { batch: BATCH, skip: names.len(), samples: SAMPLES };
    let list = loops.list(&hot)?;
    print("hot-glibc", count, loops.ask("user", &list, often(&hot))?.median());
    let first = Often { batch: 1, skip: 0, samples: SAMPLES };
    print("first", count, loops.ask("first", &list, first)?.median());
    let list = loops.list(&order)?;
    print("random-glibc", count, loops.ask("user", &list, often(&order))?.median());
    print("random-module", count, loops.ask("module", &list, often(&order))?.median());
    change(&mut place, count)
}

fn publish(place: &mut Place, count: u32) -> Check {
    let gids = gids();
    let (start, mut before, mut longest) = (Instant::now(), 0.0, 0.0_f64);
    for number in 0..count {
        place.map.put_user(&user(number)).map_err(no_room)?;
        place.map.put_groups_of(user(number).uid, &gids).map_err(no_room)?;
        let now = nanoseconds(start);
        longest = longest.max(now - before);
        before = now;
    }
    print("publish-all", count, nanoseconds(start));
    print("publish-longest", count, longest);
    Ok(())
}

/// Users change in random order, each once at most in a row.
fn change(place: &mut Place, count: u32) -> Check {
    let order = shuffled(count);
    let mut took = Samples::default();
    for (version, number) in (0..CHANGES).zip(order.iter().cycle()) {
        let changed = PasswdEntry { gecos: format!("Version {version}"), ..user(*number) };
        let start = Instant::now();
        place.map.put_user(&changed).map_err(no_room)?;
        took.add(Samples::of(nanoseconds(start)));
    }
    print("publish-one", count, took.median());
    Ok(())
}

/// Reads users as the module does: found, checked, copied. Through all of them once before.
fn read(place: &Place, numbers: &[u32]) -> Check<Samples> {
    // One behind the other: what the list costs to walk is not the map's cost.
    let length = name(0).len();
    let names: Vec<u8> = numbers.iter().flat_map(|number| name(*number).into_bytes()).collect();
    let mut asked = names.chunks_exact(length).cycle();
    let mut buffer = [0_u8; 1024];
    let mut one = || {
        let name = asked.next()?;
        place.reader.read(
            || Some(place.run_dir.clone()),
            |map| match map.user_by_name(name) {
                Answer::Found(user) => {
                    buffer.get_mut(..user.text.len())?.copy_from_slice(user.text);
                    Some(user.uid)
                }
                Answer::Nobody | Answer::Unknown => None,
            },
        )?
    };
    let mut samples = Samples::default();
    let rounds = numbers.len().div_ceil(BATCH);
    for sample in 0..rounds + SAMPLES {
        let start = Instant::now();
        let found = (0..BATCH).filter(|_| one().is_some()).count();
        let took = nanoseconds(start) / BATCH as f64;
        if found != BATCH {
            return Err(Failure::new("a user is not in the map who was put there"));
        }
        if sample >= rounds {
            samples.add(Samples::of(took));
        }
    }
    Ok(samples)
}

/// The map of one group with so many members.
///
/// # Errors
/// When the group is not in the map.
pub fn members(count: u32) -> Check {
    let mut place = Place::make()?;
    place.map.put_group(&group(count, 0)).map_err(no_room)?;
    print("group-bytes", count, place.map.stats().live as f64);
    let mut took = Samples::default();
    for version in 1..32 {
        let changed = group(count, version);
        let start = Instant::now();
        place.map.put_group(&changed).map_err(no_room)?;
        took.add(Samples::of(nanoseconds(start)));
    }
    print("group-publish", count, took.median());

    let batch = 100_000 / usize::try_from(count.max(100)).unwrap_or(100);
    let mut took = Samples::default();
    let mut buffer = vec![0_u8; 64 << 20];
    let mut places = vec![0_usize; 1 << 20];
    for _ in 0..SAMPLES {
        let start = Instant::now();
        for _ in 0..batch {
            let found = place.reader.read(
                || Some(place.run_dir.clone()),
                |map| match map.group_by_name(b"staff") {
                    Answer::Found(group) => {
                        buffer.get_mut(..group.text.len())?.copy_from_slice(group.text);
                        let of_members = places.iter_mut().zip(group.member_offsets());
                        of_members.for_each(|(place, at)| *place = at);
                        std::hint::black_box((&buffer, &places));
                        Some(group.gid)
                    }
                    Answer::Nobody | Answer::Unknown => None,
                },
            );
            found.flatten().ok_or_else(|| Failure::new("the group is not in the map"))?;
        }
        took.add(Samples::of(nanoseconds(start) / batch as f64));
    }
    print("group-map", count, took.median());
    let loops = Loops::compile()?;
    let often = Often { batch, skip: batch, samples: SAMPLES };
    let list = loops.list_of("staff\n")?;
    print("group-glibc", count, loops.ask("group", &list, often)?.median());
    Ok(())
}

fn no_room(error: PutError) -> Failure {
    Failure::new(error.to_string())
}

/// Since then.
#[must_use]
pub fn nanoseconds(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

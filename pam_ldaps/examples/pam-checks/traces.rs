//! Finds what is left of passwords in a heap of bytes, whatever form they have taken there.
#![forbid(unsafe_code)]

use std::fmt;

/// So many characters of a password in a row are no chance.
const PIECE: usize = 7;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// One place where something was found.
#[derive(Debug)]
pub struct Trace<'p> {
    /// Of which password.
    pub password: &'p [u8],
    /// How it is written there.
    pub form: &'static str,
    /// Which byte of the heap it begins at.
    pub at: usize,
    /// How many bytes the run has.
    pub length: usize,
    /// What stands before it.
    before: String,
}

impl fmt::Display for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { password, form, at, length, before } = self;
        let name = password.get(..4).unwrap_or(password).escape_ascii();
        write!(f, "{length} bytes of {name}... in {form} at {at:#x} after \"{before}\"")
    }
}

/// A way to write a password, and the shortest run of it that is looked for.
struct Pattern<'p> {
    password: &'p [u8],
    form: &'static str,
    bytes: Vec<u8>,
    least: usize,
}

/// In UTF-8, in small letters, in UTF-16 (as a change sends it), in base64 from any byte on.
fn patterns(password: &[u8]) -> Vec<Pattern<'_>> {
    let pattern = |form, bytes, least| Pattern { password, form, bytes, least };
    let text = String::from_utf8_lossy(password);
    let wide = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = vec![
        pattern("UTF-8", password.to_vec(), PIECE),
        pattern("small letters", password.to_ascii_lowercase(), PIECE),
        pattern("UTF-16", wide, 2 * PIECE),
    ];
    for skipped in 0..3 {
        let coded = base64(password.get(skipped..).unwrap_or_default());
        all.push(pattern("base64", coded, PIECE + 3));
    }
    all
}

/// Every place where seven characters of one of them or more stand in a row. One pass over the heap:
/// it is large.
pub fn traces<'p>(heap: &[u8], passwords: &[&'p [u8]]) -> Vec<Trace<'p>> {
    let patterns: Vec<Pattern<'p>> =
        passwords.iter().flat_map(|password| patterns(password)).collect();
    // Where a run can begin, by its first two bytes.
    let mut starts: Vec<Vec<(&Pattern<'p>, usize)>> = vec![Vec::new(); 1 << 16];
    for pattern in &patterns {
        for (at, window) in pattern.bytes.windows(pattern.least).enumerate() {
            if let [first, second, ..] = window {
                starts[pair(*first, *second)].push((pattern, at));
            }
        }
    }
    let mut found = Vec::new();
    let mut at = 0;
    while let Some([first, second, ..]) = heap.get(at..) {
        let run = |&(pattern, start): &(_, usize)| (run(heap, at, pattern, start), pattern);
        let runs = starts[pair(*first, *second)].iter().map(run);
        let runs = runs.filter(|(length, pattern)| *length >= pattern.least);
        match runs.max_by_key(|(length, _)| *length) {
            Some((length, Pattern { password, form, .. })) => {
                let before = heap.get(at.saturating_sub(24)..at).unwrap_or_default();
                let before = before.escape_ascii().to_string();
                found.push(Trace { password, form, at, length, before });
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// How many bytes of the heap are those of the pattern from there on.
fn run(heap: &[u8], at: usize, pattern: &Pattern<'_>, start: usize) -> usize {
    let there = heap.get(at..).unwrap_or_default();
    let here = pattern.bytes.get(start..).unwrap_or_default();
    there.iter().zip(here).take_while(|(a, b)| a == b).count()
}

/// Whole groups of three only: what comes behind them changes the last one.
fn base64(bytes: &[u8]) -> Vec<u8> {
    let group = |three: &[u8]| {
        let number = three.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| BASE64[(number >> shift) & 63])
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

//! How records stand in the file: one behind the other, each with a checksum of its own.
//!
//! ```text
//! | LDPSknw1 | key, 16 bytes | checksum |   then for each record:   | mark | length | checksum | ... |
//! ```
//! Little-endian. What ends the daemon or the power leaves a file whose records are whole but for the
//! last; a damaged one is passed over and takes no other with it. The checksum is made with the
//! file's own random key and the record's place in it: what somebody wrote into their own display
//! name is never taken for a record, and no record for one of another file or place.

use std::fs::File;
use std::io::{self, Read};

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};

const MAGIC: &[u8; 8] = b"LDPSknw1";
const MARK: [u8; 4] = *b"\xf1kn\xfe";
/// Where the first record stands.
pub(super) const HEAD: usize = 32;
const FRAME: usize = 16;
/// A group of 100,000 members takes 2 MiB; what says it is longer than this is damaged.
const LONGEST: usize = 16 << 20;

/// A file's own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileKey([u8; 16]);

impl FileKey {
    /// A new one.
    pub(super) fn random() -> io::Result<Self> {
        let mut key = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        Ok(Self(key))
    }

    /// How a file with this key begins.
    pub(super) fn head(self) -> Vec<u8> {
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&self.0);
        let sum = checksum(self, 0, MAGIC);
        head.extend_from_slice(&sum);
        head
    }

    /// The key of a file; None: it is none of ours.
    pub(super) fn of(file: &[u8]) -> Option<Self> {
        let key = Self(*file.get(MAGIC.len()..)?.first_chunk()?);
        (file.get(..HEAD)? == key.head()).then_some(key)
    }

    /// A record as it stands at this place of the file; None: it is too long for one.
    pub(super) fn frame(self, at: u64, record: &[u8]) -> Option<Vec<u8>> {
        let length = u32::try_from(record.len()).ok().filter(|_| record.len() <= LONGEST)?;
        let mut frame = Vec::with_capacity(FRAME + record.len());
        frame.extend_from_slice(&MARK);
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&checksum(self, at, record));
        frame.extend_from_slice(record);
        Some(frame)
    }
}

/// The whole records of a file in their order, and whether something else is there besides.
pub(super) struct Records<'file> {
    file: &'file [u8],
    key: FileKey,
    at: usize,
    /// Whether something was passed over.
    pub(super) damaged: bool,
}

impl<'file> Records<'file> {
    /// Those behind the head.
    pub(super) fn of(file: &'file [u8], key: FileKey) -> Self {
        Self { file, key, at: HEAD, damaged: false }
    }

    fn record_at(&self, at: usize) -> Option<&'file [u8]> {
        let rest = self.file.get(at..)?.strip_prefix(&MARK)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let record = rest.get(..length).filter(|_| length <= LONGEST)?;
        (checksum(self.key, u64::try_from(at).ok()?, record) == *sum).then_some(record)
    }
}

impl<'file> Iterator for Records<'file> {
    type Item = &'file [u8];

    fn next(&mut self) -> Option<&'file [u8]> {
        while self.at < self.file.len() {
            if let Some(record) = self.record_at(self.at) {
                self.at += FRAME + record.len();
                return Some(record);
            }
            self.damaged = true;
            let behind = self.at + 1;
            let rest = self.file.get(behind..).unwrap_or_default();
            let next = rest.windows(MARK.len()).position(|window| window == MARK);
            self.at = next.map_or(self.file.len(), |next| behind + next);
        }
        None
    }
}

fn checksum(key: FileKey, at: u64, record: &[u8]) -> [u8; 8] {
    let hash = Blake2b::<U8>::new();
    hash.chain_update(key.0).chain_update(at.to_le_bytes()).chain_update(record).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: FileKey = FileKey(*b"0123456789abcdef");

    fn file(records: &[Vec<u8>]) -> Vec<u8> {
        let mut file = KEY.head();
        for record in records {
            file.extend(KEY.frame(file.len() as u64, record).unwrap());
        }
        file
    }

    fn read(file: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let Some(key) = FileKey::of(file) else { return (Vec::new(), true) };
        let mut records = Records::of(file, key);
        let all = records.by_ref().map(<[u8]>::to_vec).collect();
        (all, records.damaged)
    }

    /// Records that hold the mark, and whole frames of another file.
    fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let piece = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            Just(MARK.to_vec()),
            Just(FileKey([7; 16]).frame(90, b"forged").unwrap()),
        ];
        let record = prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat());
        prop::collection::vec(record, 0..8)
    }

    #[derive(Debug, Clone)]
    enum Harm {
        Cut(prop::sample::Index),
        Flip(prop::sample::Index, u8),
        Zero(prop::sample::Index, usize),
        Repeat(prop::sample::Index),
    }

    fn harm() -> impl Strategy<Value = Harm> {
        let at = any::<prop::sample::Index>;
        prop_oneof![
            at().prop_map(Harm::Cut),
            (at(), 1..=255_u8).prop_map(|(at, bits)| Harm::Flip(at, bits)),
            (at(), 1..64_usize).prop_map(|(at, count)| Harm::Zero(at, count)),
            at().prop_map(Harm::Repeat),
        ]
    }

    fn suffer(mut file: Vec<u8>, harm: &Harm) -> Vec<u8> {
        match harm {
            Harm::Cut(at) => file.truncate(at.index(file.len() + 1)),
            Harm::Flip(at, bits) => {
                let at = at.index(file.len());
                file[at] ^= bits;
            }
            Harm::Zero(at, count) => {
                let at = at.index(file.len());
                file.iter_mut().skip(at).take(*count).for_each(|byte| *byte = 0);
            }
            Harm::Repeat(at) => {
                let end = file[at.index(file.len())..].to_vec();
                file.extend(end);
            }
        }
        file
    }

    proptest! {
        #[test]
        fn a_whole_file_is_read_otherwise_than_it_was_written(all in records()) {
            prop_assert_eq!(read(&file(&all)), (all, false));
        }

        #[test]
        fn a_damaged_file_tells_what_was_never_written(all in records(), harm in harm()) {
            let harmed = suffer(file(&all), &harm);
            let (found, damaged) = read(&harmed);
            // What is found was written, in this order.
            let mut written = all.iter();
            for record in &found {
                prop_assert!(written.any(|one| one == record), "{record:?} of {all:?}");
            }
            if harmed.len() == file(&all).len() && harmed != file(&all) {
                prop_assert!(damaged);
            }
        }

        #[test]
        fn one_damaged_byte_takes_other_records_with_it(
            all in records(), at in any::<prop::sample::Index>(), bits in 1..=255_u8,
        ) {
            let mut file = file(&all);
            if file.len() > HEAD {
                let at = HEAD + at.index(file.len() - HEAD);
                file[at] ^= bits;
                prop_assert_eq!(read(&file).0.len(), all.len() - 1);
            }
        }
    }
}

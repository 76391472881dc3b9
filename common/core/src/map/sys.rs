//! Mapped files, and memory that another process writes while it is read here.
//!
//! What makes reading sound is the writer's promise, which the format's description gives: a
//! slot's word and the words of the header change, and are read as atomics; the bytes of an entry
//! are written before any slot leads to it and never after. A file is never made shorter.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

/// The memory of a file: words that may change, and runs of bytes that do not.
#[derive(Debug, Clone, Copy)]
pub struct Region<'m> {
    /// Aligned to 4.
    base: NonNull<u8>,
    len: usize,
    lives: PhantomData<&'m [AtomicU32]>,
}

// SAFETY: it gives out atomics and shared bytes, both of which any thread may read.
unsafe impl Send for Region<'_> {}
// SAFETY: as above.
unsafe impl Sync for Region<'_> {}

impl<'m> Region<'m> {
    /// Memory of this process, for tests and fuzzing.
    #[must_use]
    pub fn of_words(words: &'m [AtomicU32]) -> Self {
        let base = NonNull::from(words).cast();
        Self { base, len: size_of_val(words), lives: PhantomData }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The word at a multiple of 4, as it is now; what was written before it is seen after it.
    #[must_use]
    #[inline]
    pub fn word(&self, at: usize) -> Option<u32> {
        self.atomic(at).map(|word| word.load(Ordering::Acquire))
    }

    /// Bytes that nobody changes any more.
    #[must_use]
    #[inline]
    pub fn bytes(&self, at: usize, length: usize) -> Option<&'m [u8]> {
        let end = at.checked_add(length).filter(|end| *end <= self.len)?;
        debug_assert!(end <= self.len);
        // SAFETY: at is within the memory, which is one object.
        let begin = unsafe { self.base.add(at) };
        // SAFETY: the range is within the memory, which lives for 'm; it is an entry's or the
        // header's fixed part, which by the writer's promise nobody writes while a slot (or the
        // page ctl) leads here. What a broken promise changes are bytes that the caller copies:
        // no length and no offset is believed of them that was looked at by an earlier reading.
        Some(unsafe { std::slice::from_raw_parts(begin.as_ptr(), length) })
    }

    fn atomic(&self, at: usize) -> Option<&'m AtomicU32> {
        let end = at.checked_add(4)?;
        if end > self.len || !at.is_multiple_of(4) {
            return None;
        }
        // SAFETY: at is within the memory, which is one object.
        let word = unsafe { self.base.add(at) };
        // SAFETY: it is aligned, as the base and `at` are; it lives for 'm; and whoever changes
        // it, in this process or another, does so as an atomic.
        Some(unsafe { AtomicU32::from_ptr(word.as_ptr().cast()) })
    }
}

/// A file mapped for reading. The descriptor may be closed; nothing of it is held.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: memory of the process, bound to no thread.
unsafe impl Send for Mapping {}
// SAFETY: what it gives out is a `Region`.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the whole of a file, which must not be empty. Core dumps leave it out.
    ///
    /// # Errors
    /// The error of mmap(2).
    pub fn of(file: &File) -> io::Result<Self> {
        Self::with(file, ProtFlags::READ)
    }

    fn with(file: &File, protection: ProtFlags) -> io::Result<Self> {
        let len =
            usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        // SAFETY: mmap(2) at an address of the kernel's choice touches no memory that is in use.
        let base = unsafe { mmap(ptr::null_mut(), len, protection, MapFlags::SHARED, file, 0) }?;
        // SAFETY: madvise(2): these are the pages just mapped; the advice changes no content.
        let _ = unsafe { madvise(base, len, Advice::LinuxDontDump) };
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { base, len })
    }

    /// The memory.
    #[must_use]
    pub fn region(&self) -> Region<'_> {
        Region { base: self.base, len: self.len, lives: PhantomData }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: munmap(2): these pages are ours, and every `Region` of them has borrowed self.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// A file mapped by its one writer.
#[derive(Debug)]
pub(super) struct Writable(Mapping);

impl Writable {
    /// Maps the whole of a file that was opened for writing.
    ///
    /// # Errors
    /// The error of mmap(2).
    pub(super) fn of(file: &File) -> io::Result<Self> {
        Mapping::with(file, ProtFlags::READ | ProtFlags::WRITE).map(Self)
    }

    /// The memory.
    pub(super) fn region(&self) -> Region<'_> {
        self.0.region()
    }

    /// Changes one word; whoever sees it sees all that was written before.
    pub(super) fn store(&mut self, at: usize, word: u32) {
        super::writer::moment();
        if let Some(place) = self.region().atomic(at) {
            place.store(word, Ordering::Release);
        }
    }

    /// Writes bytes that no slot leads to yet; nothing where they do not fit.
    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        super::writer::moment();
        if at.checked_add(bytes.len()).is_none_or(|end| end > self.0.len) {
            return;
        }
        // SAFETY: the range is within the mapping.
        let place = unsafe { self.0.base.add(at) };
        // SAFETY: the range is within the mapping; `bytes` is no part of it, because a `Region`
        // of it would have borrowed self; and nobody reads it, because no slot leads there.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), place.as_ptr(), bytes.len()) };
    }
}

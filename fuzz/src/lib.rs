//! What the targets share: an end to memory, a store for each input, inputs that consist of parts, and seeds.

pub mod asked;
pub mod catalog;
pub mod samples;
pub mod zipped;

use cap::Cap;
use kiln::oci::Digest;
use kiln::store::Store;
use std::alloc::System;
use std::path::PathBuf;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Runs `work`, which may take `mebibytes` of the heap beyond what is taken already, on all its threads together.
///
/// An allocation beyond that fails, which ends the process, and so the fuzzer keeps the input. The limit of libFuzzer
/// itself sees only memory that is written to.
pub fn within<T>(mebibytes: usize, work: impl FnOnce() -> T) -> T {
    limit(HEAP.allocated() + (mebibytes << 20));
    let result = work();
    limit(usize::MAX);
    result
}

fn limit(bytes: usize) {
    HEAP.set_limit(bytes).expect("less is allocated");
}

/// Runs `work` with a store that is empty and goes afterwards, in the folder for temporary files.
pub fn with_store<T>(work: impl FnOnce(&Store) -> T) -> T {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let store = Store::open(folder.path().join("store")).expect("a store can be made there");
    work(&store)
}

/// An input as a sequence of numbers and contents. What is missing at its end is zero or empty.
#[derive(Clone, Copy)]
pub struct Input<'i>(&'i [u8]);

impl<'i> Input<'i> {
    /// Reads from the beginning of `bytes`.
    pub fn new(bytes: &'i [u8]) -> Self {
        Input(bytes)
    }

    /// Whether nothing is left.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let (byte, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *byte
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// One of some things, by the next byte.
    pub fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        things[usize::from(self.byte()) % things.len()]
    }

    /// The next content: its length in two bytes, as far as there is so much, and the content.
    pub fn part(&mut self) -> &'i [u8] {
        let length = usize::from(u16::from_le_bytes(self.bytes())).min(self.0.len());
        let (part, rest) = self.0.split_at(length);
        self.0 = rest;
        part
    }

    /// All that is left.
    pub fn rest(self) -> &'i [u8] {
        self.0
    }
}

/// A content as [`Input::part`] reads it.
///
/// # Panics
/// Where it is larger than 64 KiB.
pub fn part(content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let length = u16::try_from(content.len()).expect("a part of a seed is small");
    [&length.to_le_bytes(), content].concat()
}

/// Writes the seeds of a target into the folder that `KILN_FUZZ_SEEDS` names, before libFuzzer reads it; without that
/// variable there are none.
///
/// # Panics
/// Where the folder cannot be written.
pub fn plant(seeds: impl FnOnce() -> Vec<Vec<u8>>) {
    let Some(folder) = std::env::var_os("KILN_FUZZ_SEEDS").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).expect("the folder of seeds can be made");
    for seed in seeds() {
        std::fs::write(folder.join(Digest::of(&seed).hex()), seed).expect("a seed can be written");
    }
}

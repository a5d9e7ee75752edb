//! Archives and compressed files, read from their beginning to their end without keeping them.

mod ar;
mod tar;
mod zip;

use super::leak::Gap;
use super::place::Place;
use super::search::Search;
use crate::tree::tar::{Compression, decompress};
use std::io::{self, Read};

/// Archives in archives are looked into as deep as this: a wheel in a jar in an archive of a layer.
const MAX_DEPTH: usize = 8;
/// No more members of all archives in one content.
const MAX_MEMBERS: u32 = 500_000;
/// No more bytes come out of all archives in one content: what takes a processor some seconds.
const MAX_UNPACKED: u64 = 2 << 30;
/// No more streams of xz and Zstandard are open in each other: each takes as much as 128 MiB of memory, if it asks for it.
const MAX_WINDOWS: u32 = 3;

/// What may still be read.
pub(super) struct Bounds {
    /// Members of archives.
    pub(super) members: u32,
    /// Bytes that come out of them.
    pub(super) bytes: u64,
    /// Streams that keep a large part of what came out of them.
    pub(super) windows: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { members: MAX_MEMBERS, bytes: MAX_UNPACKED, windows: MAX_WINDOWS }
    }
}

/// A kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Archive {
    /// zip, and with it jar, wheel, apk of Android, Office and others.
    Zip,
    /// tar.
    Tar,
    /// ar, and with it `.deb` and static libraries.
    Ar,
    /// One stream of gzip, xz or Zstandard.
    Compressed,
}

impl Archive {
    /// What a content that begins like this is.
    pub(super) fn detect(start: &[u8]) -> Option<Archive> {
        match start {
            _ if zip::begins(start) => Some(Archive::Zip),
            [0x1f, 0x8b, 8, ..] | [0xfd, b'7', b'z', b'X', b'Z', 0, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                Some(Archive::Compressed)
            }
            _ if tar::begins(start) => Some(Archive::Tar),
            _ if ar::begins(start) => Some(Archive::Ar),
            _ => None,
        }
    }

    /// Searches all that is in it. What cannot be read is a gap.
    pub(super) fn search(self, search: &mut Search, place: Place, input: &mut dyn Read, depth: usize) {
        if depth == MAX_DEPTH {
            return search.gap(Gap::Depth);
        }
        let result = match self {
            Archive::Zip => zip::search(search, input, depth + 1),
            Archive::Tar => tar::search(search, input, depth + 1),
            Archive::Ar => ar::search(search, input, depth + 1),
            Archive::Compressed => compressed(search, place, input, depth + 1),
        };
        if result.is_err() {
            search.gap(Gap::Damaged);
        }
    }
}

fn compressed(search: &mut Search, place: Place, input: &mut dyn Read, depth: usize) -> io::Result<()> {
    if !search.next_member() {
        return Ok(());
    }
    let mut unpacked = decompress(input, u64::MAX).map_err(io::Error::other)?;
    let windows = u32::from(matches!(unpacked.compression(), Compression::Xz | Compression::Zstd));
    let Some(left) = search.bounds.windows.checked_sub(windows) else {
        search.gap(Gap::Depth);
        return Ok(());
    };
    search.bounds.windows = left;
    let result = search.bounded(&mut unpacked, |search, input| search.content(place, input, depth));
    search.bounds.windows += windows;
    result
}

impl Search {
    /// Whether another member may be read.
    fn next_member(&mut self) -> bool {
        let allowed = self.bounds.members > 0 && self.bounds.bytes > 0 && !self.is_full();
        if self.bounds.members == 0 {
            self.gap(Gap::Members);
        }
        self.bounds.members = self.bounds.members.saturating_sub(1);
        allowed
    }

    /// Reads what is unpacked, as far as the bounds allow.
    fn bounded(
        &mut self,
        input: &mut dyn Read,
        read: impl FnOnce(&mut Search, &mut dyn Read) -> io::Result<()>,
    ) -> io::Result<()> {
        let allowed = self.bounds.bytes;
        let mut counted = Counted { input: &mut input.take(allowed), count: 0 };
        let result = read(self, &mut counted);
        // What was unpacked inside was taken off already, and what is unpacked twice costs twice.
        self.bounds.bytes = self.bounds.bytes.saturating_sub(counted.count);
        if self.bounds.bytes == 0 {
            self.gap(Gap::Size);
        }
        result
    }
}

struct Counted<'a> {
    input: &'a mut dyn Read,
    count: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

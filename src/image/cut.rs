//! Where to cut a sequence of files so that a change stays local.
//!
//! Whether there is a cut depends on what stands there and on how much came since the
//! last one, never on what was long before. So two sequences that differ in one place are
//! cut alike again soon after it, and what lies between the same two cuts can be shared.

use crate::oci::Digest;
use crate::tree::TreePath;

/// Of so many paths one ends a piece that is at least half full.
const MARKS: u8 = 8;

/// The rule for pieces of about one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// The size in bytes at which a piece is full.
    pub(super) full: u64,
}

impl Cut {
    /// Whether a piece of `filled` bytes ends before the entry at `path` with `size` bytes: what fills a piece
    /// by itself begins one, and so does one path in [`MARKS`] where the piece is half full.
    pub(super) fn before(self, filled: u64, path: &TreePath, size: u64) -> bool {
        let marked = || Digest::of(path.as_bytes()).as_bytes()[0].is_multiple_of(MARKS);
        filled > 0 && (filled >= self.full || size >= self.full || (filled >= self.full / 2 && marked()))
    }
}

//! Whether content may have gone since.
//!
//! Whoever found out with much work that many contents are there need not look again, as long as nothing was removed. The
//! count of removals is raised after each of them, so that what was found before it does not count after it; pruning, beside
//! which nobody looks, raises it before it begins. As nothing here waits for the disk, a new start of the machine counts too.

use super::blob::rename_into;
use super::{Store, StoreError};
use crate::oci::Digest;
use std::path::{Path, PathBuf};

impl Store {
    /// A stamp, to be asked for before contents are looked for: another one as soon as any may have gone.
    pub fn stamp(&self) -> Digest {
        let start = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Digest::of([&start, read(&self.root).to_le_bytes().as_slice()].concat())
    }

    /// Notes that content was removed or is missing.
    pub(super) fn note_removal(&self) {
        // What cannot be noted is found out by whoever wants the content.
        let _ = self.session.unfinished().and_then(|unfinished| raise(&self.root, &unfinished));
    }
}

fn file(root: &Path) -> PathBuf {
    root.join("removals")
}

/// A file that is not there or damaged stands for none.
fn read(root: &Path) -> u64 {
    let bytes = std::fs::read(file(root)).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u64::from_le_bytes)
}

/// Raises the count by way of a file of this name.
pub(super) fn raise(root: &Path, unfinished: &Path) -> Result<(), StoreError> {
    let count = read(root).wrapping_add(1);
    std::fs::write(unfinished, count.to_le_bytes()).map_err(StoreError::io("cannot write", unfinished))?;
    rename_into(unfinished, &file(root))
}

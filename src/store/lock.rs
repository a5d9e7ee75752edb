//! Advisory locks, so that equal work in several processes is done once.

use super::session::open_lock;
use super::{Store, StoreError};
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest time between two attempts to get a lock.
const PAUSE: Duration = Duration::from_millis(50);

/// How the files of passing locks end, so that those are found that killed processes left.
const PASSING: &str = "passing";

/// An exclusive lock, released when dropped or when the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    /// The lock's file, where it goes with the lock.
    passing: Option<PathBuf>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Gone before it is released: whoever waits for it sees that what he gets is no longer the lock.
        if let Some(path) = &self.passing {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Store {
    /// Waits until no other process holds the lock `name`, then holds it.
    ///
    /// `name` consists of letters, digits and dashes.
    pub fn lock(&self, name: &str) -> Result<Lock, StoreError> {
        debug_assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        let path = self.root.join("locks").join(name);
        let file = open_lock(&path)?;
        file.lock().map_err(StoreError::io("cannot lock", &path))?;
        Ok(Lock { _file: file, passing: None })
    }

    /// As [`lock`](Self::lock), for names of which there is no end: no file stays behind, and the wait ends without a
    /// lock as soon as `gave_up` says so, which is asked often.
    pub fn lock_passing(&self, name: &str, gave_up: &dyn Fn() -> bool) -> Result<Option<Lock>, StoreError> {
        debug_assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        let path = self.root.join("locks").join(name).with_extension(PASSING);
        let mut pause = Duration::from_millis(1);
        loop {
            let file = open_lock(&path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(Some(Lock { _file: file, passing: Some(path) })),
                // Its holder took the file along between opening and locking.
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(StoreError::io("cannot lock", &path)(e)),
            }
            if gave_up() {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE);
        }
    }
}

/// Removes the files of passing locks that nobody holds: their holders were killed.
pub(super) fn clear_passing(locks: &Path) {
    let Ok(entries) = std::fs::read_dir(locks) else { return };
    for path in
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == PASSING))
    {
        let Ok(lock) = File::open(&path) else { continue };
        if lock.try_lock().is_ok() && is_at(&lock, &path) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Whether an open file is the one that stands under a path.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |a: &std::fs::Metadata, b: &std::fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

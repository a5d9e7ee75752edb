//! Advisory locks, so that equal work in several processes is done once.

use super::session::open_lock;
use super::{Store, StoreError};
use std::fs::File;

/// An exclusive lock, released when dropped or when the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
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
        Ok(Lock { _file: file })
    }
}

//! Content-addressed storage on disk: blobs named by their SHA-256 and small
//! records named by a kind and a key.
//!
//! The invariants, which hold under `kill -9`, a full disk and any number of
//! processes at once:
//!
//! - What stands under a name is complete: everything is written to a file of
//!   its own below `tmp/` and then renamed.
//! - What is read is what was written: a blob is hashed when a process that did
//!   not write it reads it first, and records carry a checksum. What fails the
//!   check is removed, so that the next run makes it anew. That is why nothing
//!   here waits for the disk (`fsync`): a power cut can lose work, never
//!   falsify it.
//! - Leftovers of dead processes are cleared by the next one: each process
//!   holds a lock on its folder below `tmp/`.

mod blob;
mod ledger;
mod lock;
mod prune;
mod record;
mod removals;
mod session;
mod verify;

pub use blob::{BlobReader, BlobWriter};
pub use ledger::Ledger;
pub use lock::Lock;
pub use prune::{Bounds, Pruned, Usage};

use crate::oci::Digest;
use session::Session;
pub use session::remove_folder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A store on disk; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    root: Arc<Path>,
    session: Arc<Session>,
}

/// Why the store could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused; what was attempted stands first.
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted, such as `cannot write`.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Content is not what its name says.
    #[error("expected content with digest {expected}, got {actual}")]
    WrongDigest {
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// Content was damaged on disk; it has been removed.
    #[error("the stored content {0} was damaged on disk and has been removed; run the command again to make it anew")]
    Corrupt(Digest),
    /// Content is not in the store.
    #[error("the content {0} is not in the store")]
    Missing(Digest),
    /// Content is larger than the reader allows.
    #[error("the content {digest} has {size} bytes, more than the {limit} that are allowed here")]
    TooLarge {
        /// The content.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Another process uses the store.
    #[error("the store {} is in use by another kiln; try again when it is done", .0.display())]
    Busy(PathBuf),
}

impl StoreError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError + use<> {
        let path = path.to_owned();
        move |source| StoreError::Io { action, path, source }
    }

    /// Whether making the content anew would help: it is missing or was damaged.
    pub fn is_lost_content(&self) -> bool {
        matches!(self, StoreError::Corrupt(_) | StoreError::Missing(_))
    }
}

impl Store {
    /// Opens the store in the folder `root`, which is made if it is missing.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the folder cannot be made or written, and
    /// [`StoreError::Busy`] while another process prunes it.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        for folder in ["blobs/sha256", "records", "locks", "tmp"] {
            let path = root.join(folder);
            std::fs::create_dir_all(&path).map_err(StoreError::io("cannot make the store's folder", &path))?;
        }
        let session = Session::begin(&root)?;
        Ok(Store { root: root.into(), session: Arc::new(session) })
    }

    /// Opens the store in the folder `root` for a process within the stay of another: a helper that does not outlive it. What
    /// it leaves unfinished is in `folder`, which the other one removes.
    pub fn open_as_guest(root: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Store { root: root.into().into(), session: Arc::new(Session::of_guest(folder.into())) }
    }

    /// Makes a new folder below `tmp/` that only this user may enter, for work that needs real files.
    ///
    /// Whoever makes it removes it; what is left when the process ends goes with its other unfinished files.
    pub fn scratch_folder(&self) -> Result<PathBuf, StoreError> {
        let path = self.session.unfinished()?;
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(StoreError::io("cannot make the folder", &path))?;
        Ok(path)
    }

    /// Removes what stays left that ended without clearing up, by `remove`, which says whether it could.
    ///
    /// Opening the store does this too, with no more rights than this user has.
    pub fn clear_leftovers(&self, remove: impl Fn(&Path) -> bool) {
        session::clear_leftovers(&self.root.join("tmp"), remove);
    }

    /// The folder that the store lives in.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

#[cfg(test)]
mod tests;

//! One process's stay in the store: its shared lock and its folder for unfinished files.

use super::StoreError;
use super::lock::clear_passing;
use crate::oci::Digest;
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Unfinished files are spread over so many folders: threads that make files in the same one wait for each other.
const FOLDERS: u64 = 8;

/// Tells apart the stays of one process, which tests open several of.
static STAYS: AtomicU64 = AtomicU64::new(0);

/// A stay in the store; its folder goes when it ends.
#[derive(Debug)]
pub(super) struct Session {
    folder: PathBuf,
    lock_file: PathBuf,
    next: AtomicU64,
    /// How often content was found missing or damaged.
    pub(super) losses: AtomicU64,
    /// Blobs that were opened and not read to their end.
    pub(super) doubts: Mutex<BTreeSet<Digest>>,
    /// Blobs that were written or checked during this stay, and need no other check in it.
    pub(super) checked: Mutex<BTreeSet<Digest>>,
    /// Held while content is checked of which many want a part.
    pub(super) checking: Mutex<()>,
    /// Held until the stay ends: others see by it that the folder is in use.
    _own: File,
    /// Shared by all stays; pruning takes it alone.
    _store: File,
}

impl Session {
    pub(super) fn begin(root: &Path) -> Result<Self, StoreError> {
        let store = open_lock(&root.join("lock"))?;
        match store.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(root.to_owned())),
            Err(TryLockError::Error(e)) => return Err(StoreError::io("cannot lock", &root.join("lock"))(e)),
        }
        clear_leftovers(&root.join("tmp"), |folder| remove_folder(folder).is_ok());
        clear_passing(&root.join("locks"));
        let (own, lock_file, folder) = loop {
            let name = format!("{}-{}", std::process::id(), STAYS.fetch_add(1, Ordering::Relaxed));
            let lock_file = root.join("tmp").join(format!("{name}.lock"));
            let own = open_lock(&lock_file)?;
            match own.try_lock() {
                // A stay that ended between opening and locking took its file along: begin again.
                Ok(()) if lock_file.exists() => break (own, lock_file, root.join("tmp").join(name)),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(StoreError::io("cannot lock", &lock_file)(e)),
            }
        };
        for number in 0..FOLDERS {
            let folder = folder.join(number.to_string());
            std::fs::create_dir_all(&folder).map_err(StoreError::io("cannot make the folder", &folder))?;
        }
        Ok(Session {
            folder,
            lock_file,
            next: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            doubts: Mutex::default(),
            checked: Mutex::default(),
            checking: Mutex::default(),
            _own: own,
            _store: store,
        })
    }

    /// A path for a new unfinished file, unique in the store.
    pub(super) fn unfinished(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join((number % FOLDERS).to_string()).join(number.to_string())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A failure leaves files that the next stay clears.
        let _ = remove_folder(&self.folder);
        let _ = std::fs::remove_file(&self.lock_file);
    }
}

pub(super) fn open_lock(path: &Path) -> Result<File, StoreError> {
    File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .map_err(StoreError::io("cannot open the lock file", path))
}

/// Removes the folders of stays that ended without clearing up: those whose lock nobody holds.
///
/// A folder that `remove` cannot remove keeps its lock, and is tried again by the next.
pub(super) fn clear_leftovers(tmp: &Path, remove: impl Fn(&Path) -> bool) {
    let Ok(entries) = std::fs::read_dir(tmp) else { return };
    for entry in entries.flatten() {
        let lock_file = entry.path();
        if lock_file.extension().is_none_or(|e| e != "lock") {
            continue;
        }
        let Ok(lock) = File::open(&lock_file) else { continue };
        let folder = lock_file.with_extension("");
        if lock.try_lock().is_ok() && (!folder.exists() || remove(&folder)) {
            let _ = std::fs::remove_file(&lock_file);
        }
    }
}

/// Removes a folder with all that is in it, links not followed, also where its folders forbid it to their owner.
///
/// # Errors
/// Where the system does not allow it; what could be removed until then is gone.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            open_up(folder)?;
            std::fs::remove_dir_all(folder)
        }
        other => other,
    }
}

/// Lets the owner of a folder and of those below do everything in them.
fn open_up(folder: &Path) -> io::Result<()> {
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                todo.push(entry.path());
            }
        }
    }
    Ok(())
}

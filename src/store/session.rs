//! One process's stay in the store: its shared lock and its folder for unfinished files.

use super::StoreError;
use super::lock::clear_passing;
use crate::oci::Digest;
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

/// Unfinished files are spread over so many folders: threads that make files in the same one wait for each other.
const FOLDERS: usize = 8;

/// Tells apart the stays of one process, which tests open several of.
static STAYS: AtomicU64 = AtomicU64::new(0);

/// A stay in the store; its folder goes when it ends.
#[derive(Debug)]
pub(super) struct Session {
    folder: PathBuf,
    /// The folders in it that were made.
    made: [Once; FOLDERS],
    next: AtomicUsize,
    /// How often content was found missing or damaged.
    pub(super) losses: AtomicU64,
    /// Blobs that were opened and not read to their end.
    pub(super) doubts: Mutex<BTreeSet<Digest>>,
    /// Blobs that were written or checked during this stay, and need no other check in it.
    pub(super) checked: Mutex<BTreeSet<Digest>>,
    /// Held while content is checked of which many want a part.
    pub(super) checking: Mutex<()>,
    /// None for a guest, whose host has them.
    locks: Option<Locks>,
}

/// What a stay holds until it ends.
#[derive(Debug)]
struct Locks {
    /// Others see by it that the folder is in use.
    _own: File,
    own_path: PathBuf,
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
        let (own, own_path, folder) = loop {
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
        Ok(Session::new(folder, Some(Locks { _own: own, own_path, _store: store })))
    }

    /// The stay of a process within that of another, whose locks hold for both: unfinished files go to `folder`, which the
    /// other one removes.
    pub(super) fn of_guest(folder: PathBuf) -> Self {
        Session::new(folder, None)
    }

    fn new(folder: PathBuf, locks: Option<Locks>) -> Self {
        Session {
            folder,
            made: [const { Once::new() }; FOLDERS],
            next: AtomicUsize::new(0),
            losses: AtomicU64::new(0),
            doubts: Mutex::default(),
            checked: Mutex::default(),
            checking: Mutex::default(),
            locks,
        }
    }

    /// A path for a new unfinished file, unique in the store.
    pub(super) fn unfinished(&self) -> Result<PathBuf, StoreError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join((number % FOLDERS).to_string());
        let made = &self.made[number % FOLDERS];
        if !made.is_completed() {
            std::fs::create_dir_all(&folder).map_err(StoreError::io("cannot make the folder", &folder))?;
            made.call_once(|| {});
        }
        Ok(folder.join(number.to_string()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(locks) = &self.locks else { return };
        // A failure leaves files that the next stay clears.
        if self.made.iter().any(Once::is_completed) {
            let _ = remove_folder(&self.folder);
        }
        let _ = std::fs::remove_file(&locks.own_path);
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

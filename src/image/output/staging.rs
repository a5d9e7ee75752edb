//! Making something beside its place and moving it there whole.

use super::{OutputError, failed};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells apart what one process makes at the same time.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A folder beside the target, on the same filesystem; it goes when it is dropped.
///
/// It is locked as long as its process lives, so that the next one can tell
/// leftovers of the dead and clears them.
pub(super) struct Staging {
    folder: PathBuf,
    new: PathBuf,
    _lock: File,
}

impl Staging {
    pub(super) fn beside(target: &Path) -> Result<Self, OutputError> {
        let parent = parent(target);
        std::fs::create_dir_all(parent).map_err(failed("make the folder", parent))?;
        let mut prefix = OsString::from(".");
        prefix.push(target.file_name().unwrap_or_default());
        prefix.push(".kiln-");
        clear_leftovers(parent, &prefix);
        loop {
            let mut name = prefix.clone();
            name.push(format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
            let folder = parent.join(name);
            std::fs::create_dir(&folder).map_err(failed("make the folder", &folder))?;
            let lock = match File::open(&folder) {
                Ok(lock) => lock,
                // Another process took it for a leftover, as it was not locked yet.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(failed("open", &folder)(e)),
            };
            // Where the filesystem has no locks, leftovers stay.
            let _ = lock.lock();
            if folder.exists() {
                return Ok(Staging { new: folder.join("new"), folder, _lock: lock });
            }
        }
    }

    /// Where the new thing is to be made.
    pub(super) fn new_path(&self) -> &Path {
        &self.new
    }

    /// Moves the new file to its place, in place of the one that is there.
    pub(super) fn move_file(self, target: &Path) -> Result<(), OutputError> {
        std::fs::rename(&self.new, target).map_err(failed("move the new file to", target))
    }

    /// Moves the new folder to its place and removes the one that was there.
    pub(super) fn move_folder(self, target: &Path) -> Result<(), OutputError> {
        // Takes the place of nothing and of an empty folder.
        match rustix::fs::rename(&self.new, target) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            other => return other.map_err(|e| failed("move the new folder to", target)(e.into())),
        }
        match rustix::fs::renameat_with(CWD, &self.new, CWD, target, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(()),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self.move_in_two_steps(target),
            Err(e) => Err(failed("move the new folder to", target)(e.into())),
        }
    }

    /// For filesystems that cannot exchange: for a moment nothing is there.
    fn move_in_two_steps(&self, target: &Path) -> Result<(), OutputError> {
        let old = self.folder.join("old");
        std::fs::rename(target, &old).map_err(failed("move away", target))?;
        std::fs::rename(&self.new, target).map_err(|e| {
            let _ = std::fs::rename(&old, target);
            failed("move the new folder to", target)(e)
        })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is a leftover for the next run.
        let _ = crate::store::remove_folder(&self.folder);
    }
}

fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn clear_leftovers(parent: &Path, prefix: &OsString) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
            continue;
        }
        let Ok(lock) = File::open(entry.path()) else { continue };
        if lock.try_lock().is_ok() {
            let _ = crate::store::remove_folder(&entry.path());
        }
    }
}

/// Whether anything is there, a broken link included.
pub(super) fn is_there(path: &Path) -> Result<bool, OutputError> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed("look at", path)(e)),
    }
}

/// Whether it is a folder, and no link to one, with nothing in it.
///
/// # Errors
/// [`OutputError::NotOurs`] for what is no folder.
pub(super) fn is_empty_folder(path: &Path) -> Result<bool, OutputError> {
    let metadata = std::fs::symlink_metadata(path).map_err(failed("look at", path))?;
    if !metadata.is_dir() {
        return Err(OutputError::NotOurs { path: path.to_owned(), reason: "it is not a folder" });
    }
    Ok(std::fs::read_dir(path).map_err(failed("list", path))?.next().is_none())
}

//! What the store holds, and clearing it.

use super::session::{clear_leftovers, open_lock, remove_folder};
use super::{Store, StoreError};
use std::fs::{Metadata, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How much of one kind the store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// `blobs`, `layers`, `caches`, or the kind of record.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

/// What pruning may remove: everything where neither is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// Only what was last used longer ago.
    pub older_than: Option<Duration>,
    /// Only until so many bytes are left.
    pub keep: Option<u64>,
}

/// What pruning removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many files.
    pub count: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

impl Store {
    /// What the store holds: blobs first, then trees on disk and commands' caches where there are any, then the kinds of
    /// records by name.
    pub fn usage(&self) -> Result<Vec<Usage>, StoreError> {
        let mut kinds = vec![usage("blobs", &self.root.join("blobs"), Whose::Own)?];
        for kind in ["layers", "caches"] {
            let folder = self.root.join(kind);
            if folder.exists() {
                kinds.push(usage(kind, &folder, Whose::Commands)?);
            }
        }
        let mut records = list(&self.root.join("records"))?;
        records.sort();
        for folder in records {
            if let Some(kind) = folder.file_name().and_then(|name| name.to_str()) {
                kinds.push(usage(kind, &folder, Whose::Own)?);
            }
        }
        Ok(kinds)
    }

    /// Removes what `bounds` say, what was used longest ago first.
    ///
    /// Whatever is missing afterwards is made or fetched anew.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where another process has the store open.
    pub fn prune(root: impl Into<PathBuf>, bounds: Bounds) -> Result<Pruned, StoreError> {
        let root = root.into();
        let mut pruned = Pruned::default();
        if !root.exists() {
            return Ok(pruned);
        }
        let lock_path = root.join("lock");
        let lock = open_lock(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(root)),
            Err(TryLockError::Error(e)) => return Err(StoreError::io("cannot lock", &lock_path)(e)),
        }
        #[expect(clippy::disallowed_methods, reason = "how long ago something was last used decides what goes")]
        let now = SystemTime::now();
        clear_leftovers(&root.join("tmp"), |folder| remove_folder(folder).is_ok());
        let mut things = things(&root)?;
        things.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        let tmp = root.join("tmp");
        std::fs::create_dir_all(&tmp).map_err(StoreError::io("cannot make the folder", &tmp))?;
        super::removals::raise(&root, &tmp.join("removals"))?;
        let mut left: u64 = things.iter().map(|thing| thing.bytes).sum();
        for thing in things {
            let age = now.duration_since(thing.used).unwrap_or_default();
            let is_old = bounds.older_than.is_none_or(|limit| age > limit);
            if is_old && bounds.keep.is_none_or(|keep| left > keep) && thing.remove(&root)? {
                pruned.count += thing.count;
                pruned.bytes += thing.bytes;
                left -= thing.bytes;
            }
        }
        Ok(pruned)
    }
}

fn usage(kind: &str, folder: &Path, whose: Whose) -> Result<Usage, StoreError> {
    let mut usage = Usage { kind: kind.to_owned(), count: 0, bytes: 0 };
    walk(folder, whose, &mut |_, metadata| {
        usage.count += 1;
        usage.bytes += metadata.len();
    })?;
    Ok(usage)
}

/// Something that goes or stays as a whole.
struct Thing {
    path: PathBuf,
    used: SystemTime,
    count: u64,
    bytes: u64,
    is_folder: bool,
}

impl Thing {
    /// A folder with all that is in it. Times of files may be anything; when they were last changed cannot be set.
    fn folder(path: PathBuf) -> Result<Self, StoreError> {
        let changed = |metadata: &Metadata| {
            SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(metadata.ctime()).unwrap_or_default())
        };
        let mut used = std::fs::symlink_metadata(&path).map_or(SystemTime::UNIX_EPOCH, |metadata| changed(&metadata));
        let (mut count, mut bytes) = (0, 0);
        walk(&path, Whose::Commands, &mut |_, metadata| {
            count += 1;
            bytes += metadata.len();
            used = used.max(changed(metadata));
        })?;
        Ok(Thing { path, used, count, bytes, is_folder: true })
    }

    /// Removes it, and says whether it did. A folder is moved away first: half of one must not be found under its name.
    /// What of it belongs to other ids stays among the leftovers, for the next command that runs with them.
    fn remove(&self, root: &Path) -> Result<bool, StoreError> {
        if !self.is_folder {
            return Ok(std::fs::remove_file(&self.path).is_ok());
        }
        let name = self.path.file_name().map(|name| format!("pruned-{}", name.display())).unwrap_or_default();
        let away = root.join("tmp").join(name);
        std::fs::create_dir_all(root.join("tmp")).map_err(StoreError::io("cannot make the folder", &away))?;
        let lock_file = away.with_extension("lock");
        drop(open_lock(&lock_file)?);
        let moved = std::fs::rename(&self.path, &away).is_ok();
        if moved {
            // What is left of it is cleared with the leftovers, which are known by their locks.
            let _ = remove_folder(&away);
        }
        if !away.exists() {
            let _ = std::fs::remove_file(&lock_file);
        }
        Ok(moved)
    }
}

/// All that can go.
fn things(root: &Path) -> Result<Vec<Thing>, StoreError> {
    let mut things = Vec::new();
    for folder in ["blobs", "records", "locks"] {
        each_file(&root.join(folder), &mut |path, metadata| {
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            things.push(Thing { path: path.to_owned(), used, count: 1, bytes: metadata.len(), is_folder: false });
        })?;
    }
    let mut folders = list(&root.join("caches"))?;
    for mapping in list(&root.join("layers"))? {
        folders.extend(list(&mapping)?);
    }
    for folder in folders {
        things.push(Thing::folder(folder)?);
    }
    Ok(things)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let fail = || StoreError::io("cannot list", folder);
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>().map_err(fail()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(fail()(e)),
    }
}

/// Calls `visit` for each regular file below `folder`; files that vanish meanwhile are passed over.
pub(super) fn each_file(folder: &Path, visit: &mut impl FnMut(&Path, &Metadata)) -> Result<(), StoreError> {
    walk(folder, Whose::Own, visit)
}

/// Who made what is in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// kiln.
    Own,
    /// Commands: folders of other ids than this user's may be closed, and are passed over.
    Commands,
}

fn walk(folder: &Path, whose: Whose, visit: &mut impl FnMut(&Path, &Metadata)) -> Result<(), StoreError> {
    let is_closed = |error: &io::Error| whose == Whose::Commands && error.kind() == io::ErrorKind::PermissionDenied;
    let entries = match list(folder) {
        Err(StoreError::Io { source, .. }) if is_closed(&source) => return Ok(()),
        entries => entries?,
    };
    for path in entries {
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => walk(&path, whose, visit)?,
            Ok(metadata) => visit(&path, &metadata),
            Err(_) => {}
        }
    }
    Ok(())
}

//! What the store holds, and clearing it.

use super::session::open_lock;
use super::{Store, StoreError};
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How much of one kind the store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// `blobs`, or the kind of record.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
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
    /// What the store holds: blobs first, then the kinds of records by name.
    pub fn usage(&self) -> Result<Vec<Usage>, StoreError> {
        let mut kinds = vec![("blobs".to_owned(), self.root.join("blobs"))];
        let records = self.root.join("records");
        let mut names: Vec<String> =
            list(&records)?.iter().filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect();
        names.sort();
        kinds.extend(names.into_iter().map(|name| (name.clone(), records.join(name))));
        kinds
            .into_iter()
            .map(|(kind, folder)| {
                let mut usage = Usage { kind, count: 0, bytes: 0 };
                each_file(&folder, &mut |_, metadata| {
                    usage.count += 1;
                    usage.bytes += metadata.len();
                })?;
                Ok(usage)
            })
            .collect()
    }

    /// Removes everything that was made longer than `older_than` ago; all of it for none.
    ///
    /// Whatever is missing afterwards is made or fetched anew.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where another process has the store open.
    pub fn prune(root: impl Into<PathBuf>, older_than: Option<Duration>) -> Result<Pruned, StoreError> {
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
        for folder in ["blobs", "records", "tmp", "locks"] {
            each_file(&root.join(folder), &mut |path, metadata| {
                let age = metadata.modified().ok().and_then(|m| now.duration_since(m).ok()).unwrap_or_default();
                if older_than.is_none_or(|limit| age > limit) && std::fs::remove_file(path).is_ok() {
                    pruned.count += 1;
                    pruned.bytes += metadata.len();
                }
            })?;
        }
        Ok(pruned)
    }
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
pub(super) fn each_file(folder: &Path, visit: &mut impl FnMut(&Path, &std::fs::Metadata)) -> Result<(), StoreError> {
    for path in list(folder)? {
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => each_file(&path, visit)?,
            Ok(metadata) => visit(&path, &metadata),
            Err(_) => {}
        }
    }
    Ok(())
}

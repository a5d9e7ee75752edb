//! Which files an output consists of, so that one that is there already is known without reading it.

use super::{OutputError, failed};
use crate::oci::Digest;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file as it was when it was written. Whoever changes it changes its inode or its time of change,
/// which nobody but the system can set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct File {
    /// Below the output, as bytes.
    path: Vec<u8>,
    device: u64,
    inode: u64,
    mode: u32,
    size: u64,
    changed: (i64, i64),
}

#[derive(Serialize, Deserialize)]
struct Memory {
    key: Digest,
    files: Vec<File>,
}

/// All files of an output, which is a file or a folder without links.
pub(super) fn look_at(output: &Path) -> Result<Vec<File>, OutputError> {
    let mut files = Vec::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(below) = todo.pop() {
        let path = if below.as_os_str().is_empty() { output.to_owned() } else { output.join(&below) };
        let metadata = std::fs::symlink_metadata(&path).map_err(failed("look at", &path))?;
        if metadata.is_dir() {
            for entry in std::fs::read_dir(&path).map_err(failed("list", &path))? {
                todo.push(below.join(entry.map_err(failed("list", &path))?.file_name()));
            }
            continue;
        }
        files.push(File {
            path: below.as_os_str().as_bytes().to_vec(),
            device: metadata.dev(),
            inode: metadata.ino(),
            mode: metadata.mode(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        });
    }
    files.sort();
    Ok(files)
}

/// Notes that what stands at `target` is the output `key`.
///
/// To be called when everything is in its place: a move and a lost link change a file's time.
pub(super) fn remember(store: &Store, target: &Path, key: &Digest) -> Result<(), OutputError> {
    let value = serde_json::to_vec(&Memory { key: *key, files: look_at(target)? }).expect("plain data");
    Ok(store.set_record("output", &place(target)?, &value)?)
}

/// Whether `target` still is the output `key` as it was written.
pub(super) fn holds(store: &Store, target: &Path, key: &Digest) -> Result<bool, OutputError> {
    let memory = memory(store, target)?.filter(|memory| memory.key == *key);
    Ok(memory.is_some_and(|memory| look_at(target).is_ok_and(|files| files == memory.files)))
}

/// The files at `target` that are as they were written, by their paths below it.
pub(super) fn intact(store: &Store, target: &Path) -> Result<Vec<PathBuf>, OutputError> {
    let Some(memory) = memory(store, target)? else { return Ok(Vec::new()) };
    let written: BTreeSet<File> = memory.files.into_iter().collect();
    let intact = look_at(target)?.into_iter().filter(|file| written.contains(file));
    Ok(intact.map(|file| PathBuf::from(OsString::from_vec(file.path))).collect())
}

/// What was written to `target` last, if there is anything now.
fn memory(store: &Store, target: &Path) -> Result<Option<Memory>, OutputError> {
    if std::fs::symlink_metadata(target).is_err() {
        return Ok(None);
    }
    let value = store.record("output", &place(target)?)?;
    Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
}

fn place(target: &Path) -> Result<Digest, OutputError> {
    let path = std::fs::canonicalize(target).map_err(failed("look at", target))?;
    Ok(Digest::of(path.as_os_str().as_bytes()))
}

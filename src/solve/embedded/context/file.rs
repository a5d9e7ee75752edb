//! Brings the content of one file into the store.

use super::ContextError;
use super::folder::Folder;
use super::index::{Clock, Stamp};
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::TreePath;
use rustix::fs::FileType;
use std::fs::File;
use std::io::{Read, Write};

/// How often a file is read that changes meanwhile.
const ATTEMPTS: usize = 4;

/// Pieces in which files are read; what fits into one is not written if the store has it.
pub(super) const PIECE: usize = 256 << 10;

/// What was read.
pub(super) struct Content {
    pub(super) stamp: Stamp,
    pub(super) digest: Digest,
    pub(super) executable: bool,
    /// Whether an unchanged stamp will mean unchanged content.
    pub(super) settled: bool,
}

/// Reads a file into the store, again if it changes meanwhile.
///
/// The digest is always that of the bytes that were stored; a change that falls within
/// one tick of the filesystem's clock can go unseen here, and is seen by the next build.
pub(super) fn read(
    folder: &Folder,
    path: &TreePath,
    clock: Clock,
    store: &Store,
    buffer: &mut [u8],
) -> Result<Content, ContextError> {
    for _ in 0..ATTEMPTS {
        let start = Clock::now();
        let mut file = File::from(folder.file(path)?);
        let before = stat(folder, path, &file)?;
        let (digest, size) = store_content(&mut file, store, buffer, folder, path)?;
        let after = stat(folder, path, &file)?;
        if before == after && size == before.0.size {
            let (stamp, executable) = before;
            return Ok(Content { stamp, digest, executable, settled: clock.is_settled(&stamp, start) });
        }
    }
    Err(ContextError::Changing(folder.shown(path)))
}

fn stat(folder: &Folder, path: &TreePath, file: &File) -> Result<(Stamp, bool), ContextError> {
    let stat = rustix::fs::fstat(file).map_err(|errno| ContextError::io("cannot read", &folder.shown(path), errno))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(ContextError::Changing(folder.shown(path)));
    }
    Ok((Stamp::of(&stat), stat.st_mode & 0o100 != 0))
}

/// Stores what a file holds; gives digest and size.
fn store_content(
    file: &mut File,
    store: &Store,
    buffer: &mut [u8],
    folder: &Folder,
    path: &TreePath,
) -> Result<(Digest, u64), ContextError> {
    let fail = |source| ContextError::Io { action: "cannot read", path: folder.shown(path), source };
    let first = fill(file, buffer).map_err(fail)?;
    if first < buffer.len() {
        return Ok((store.put(&buffer[..first])?, first as u64));
    }
    let mut writer = store.writer()?;
    let mut count = first;
    while count > 0 {
        writer.write_all(&buffer[..count]).map_err(crate::store::StoreError::from)?;
        count = fill(file, buffer).map_err(fail)?;
    }
    Ok(writer.commit()?)
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

//! Unpacking an archive where a copy would put it.

use super::make::make_dirs;
use super::{Draft, FileError, Ids};
use crate::store::{BlobReader, Store};
use crate::tree::tar::{self, Limits, Options, Reader, TarError};
use crate::tree::{Change, Entry, Tree, TreePath};
use std::io::Read;

/// Unpacks `source` into the directory `dest`; says whether it is an archive at all.
///
/// An archive is a file that, without its compression, begins as a tar archive does. Links
/// in the archive and in what stands at `dest` already lead nowhere but below `dest`.
pub(super) fn unpack(
    draft: &mut Draft,
    from: &Tree,
    source: &[u8],
    dest: &str,
    new_dir: Entry,
    ids: Ids,
    store: &Store,
) -> Result<bool, FileError> {
    let path = from.resolve(source)?;
    let Some(content) = from.get(&path).and_then(Entry::content) else { return Ok(false) };
    if is_bzip2(store.reader(content)?) {
        return Err(FileError::Compression { path, kind: "bzip2" });
    }
    if !is_archive(store.reader(content)?) {
        return Ok(false);
    }
    let folder = draft.tree().resolve(dest)?;
    make_dirs(draft, &folder, &new_dir)?;
    let fail = |source| FileError::Archive { path: path.clone(), source };
    let lower = draft.tree().subtree(&folder);
    let options = Options { origin: content.as_bytes(), lower: Some(&lower), ..Options::default() };
    let plain = tar::decompress(store.reader(content)?, Limits::default().size).map_err(fail)?;
    let change = tar::read(plain, store, &options).map_err(fail)?;
    lay(draft, &folder, change, ids)?;
    Ok(true)
}

/// Lays what an archive holds over a directory; an owner that was asked for is everything's.
fn lay(draft: &mut Draft, folder: &TreePath, change: Change, ids: Ids) -> Result<(), FileError> {
    for (path, entry) in change.entries.iter() {
        let target = folder.join_path(path);
        let mut entry = entry.clone();
        ids.own_copy(&mut entry);
        let is_replaced = draft.tree().get(&target).is_some_and(|there| there.is_dir() && !entry.is_dir());
        if is_replaced {
            draft.remove(&target);
        }
        draft.put(target, entry)?;
    }
    Ok(())
}

fn is_archive(content: BlobReader) -> bool {
    let first = || -> Result<bool, TarError> {
        let plain = tar::decompress(content, Limits::default().size)?;
        Ok(Reader::new(plain, Limits::default()).next_member()?.is_some())
    };
    first().unwrap_or(false)
}

/// Whether a file begins as bzip2 does, with the mark of a block behind it.
fn is_bzip2(mut content: BlobReader) -> bool {
    let mut start = Vec::new();
    let read = content.by_ref().take(10).read_to_end(&mut start);
    read.is_ok() && start.starts_with(b"BZh") && start.get(4..10) == Some(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
}

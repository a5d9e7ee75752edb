//! Making directories, files and links, and removing.

use super::{Draft, FileError, Ids};
use crate::llb::pb;
use crate::store::Store;
use crate::tree::{Entry, Tree, TreePath};
use std::collections::BTreeSet;

use super::super::super::glob::{Wildcard, clean};

/// Makes a directory; links on the way and at the end are followed.
pub(super) fn mkdir(draft: &mut Draft, action: &pb::FileActionMkDir, ids: Ids) -> Result<(), FileError> {
    let path = draft.tree().resolve(&action.path)?;
    let like = ids.own_new(Entry::dir(bits(action.mode)?)).modified_at(seconds(action.timestamp));
    if !action.make_parents {
        require_parent(draft.tree(), &path)?;
    }
    make_dirs(draft, &path, &like)
}

/// Makes a file; one that is there is replaced, links on the way and at the end are followed.
pub(super) fn mkfile(
    draft: &mut Draft,
    action: &pb::FileActionMkFile,
    ids: Ids,
    store: &Store,
) -> Result<(), FileError> {
    let path = draft.tree().resolve(&action.path)?;
    if path.is_root() {
        return Err(FileError::Root("replaced by a file"));
    }
    require_parent(draft.tree(), &path)?;
    if draft.tree().get(&path).is_some_and(Entry::is_dir) {
        return Err(FileError::IsADirectory(path));
    }
    let content = store.put(&action.data)?;
    let entry = Entry::file(content, action.data.len() as u64, bits(action.mode)?);
    Ok(draft.put(path, ids.own_new(entry).modified_at(seconds(action.timestamp)))?)
}

/// Makes a symbolic link; links on the way and at the end are followed.
pub(super) fn symlink(draft: &mut Draft, action: &pb::FileActionSymlink, ids: Ids) -> Result<(), FileError> {
    let path = draft.tree().resolve(&action.newpath)?;
    if path.is_root() || draft.tree().get(&path).is_some() {
        return Err(FileError::Exists(path));
    }
    if action.oldpath.is_empty() || action.oldpath.contains('\0') || action.oldpath.len() > 4095 {
        return Err(FileError::NotFound(format!("the target of the link {path}")));
    }
    require_parent(draft.tree(), &path)?;
    Ok(draft.put(path, ids.own_new(Entry::symlink(&action.oldpath)).modified_at(seconds(action.timestamp)))?)
}

/// Removes a path or what a pattern matches; links on the way are followed, the last one is removed itself.
pub(super) fn remove(draft: &mut Draft, action: &pb::FileActionRm) -> Result<(), FileError> {
    let path = clean(&format!("/{}", action.path));
    let paths = if action.allow_wildcard { expand(draft.tree(), &path, false)? } else { vec![path.into_bytes()] };
    for path in paths {
        let path = draft.tree().resolve_parent(&path)?;
        if path.is_root() {
            return Err(FileError::Root("removed"));
        }
        if !draft.remove(&path) && !action.allow_not_found {
            return Err(FileError::NotFound(path.to_string()));
        }
    }
    Ok(())
}

/// The paths that a pattern matches, folder by folder; a path without wildcards is itself, whether it exists or not.
///
/// The part before the first wildcard may lead through links; `follow` says whether it may end in one.
/// Below it no link is followed, and nothing is looked for inside of what matches.
pub(super) fn expand(tree: &Tree, path: &str, follow: bool) -> Result<Vec<Vec<u8>>, FileError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let Some(first) = parts.iter().position(|part| Wildcard::is_in(part)) else {
        return Ok(vec![path.as_bytes().to_vec()]);
    };
    let fixed = parts[..first].join("/");
    let pattern = Wildcard::new(&parts[first..].join("/"))?;
    let folder = if follow { tree.resolve(&fixed)? } else { tree.resolve_parent(&fixed)? };
    if !folder.is_root() && tree.get(&folder).is_none() {
        return Err(FileError::NotFound(folder.to_string()));
    }
    let mut found: BTreeSet<TreePath> = BTreeSet::new();
    for (path, _) in tree.below(&folder) {
        let Some(inside) = path.relative_to(&folder) else { continue };
        if pattern.matches(inside.as_bytes()) && !path.ancestors().any(|above| found.contains(&above)) {
            found.insert(path.clone());
        }
    }
    let mut found: Vec<TreePath> = found.into_iter().collect();
    found.sort_by(|a, b| a.parts().cmp(b.parts()));
    Ok(found.into_iter().map(|path| path.as_bytes().to_vec()).collect())
}

/// The bit of a directory that those made in it inherit.
const SET_GID: u16 = 0o2000;

/// Makes a directory and those above it where they are missing; all of them like `like`.
pub(super) fn make_dirs(draft: &mut Draft, path: &TreePath, like: &Entry) -> Result<(), FileError> {
    if let Some(blocker) = path.ancestors().find(|folder| draft.tree().get(folder).is_some_and(|e| !e.is_dir())) {
        let kind = draft.tree().get(&blocker).map_or("file", Entry::kind);
        return Err(FileError::NotADirectory { path: blocker, kind });
    }
    for folder in path.ancestors() {
        if draft.tree().get(&folder).is_some() {
            continue;
        }
        let above = folder.parent().and_then(|parent| draft.tree().get(&parent));
        let inherited = above.map_or(0, |above| above.mode & SET_GID);
        draft.put(folder, Entry { mode: like.mode | inherited, ..like.clone() })?;
    }
    Ok(())
}

/// The folder above a path must be there.
pub(super) fn require_parent(tree: &Tree, path: &TreePath) -> Result<(), FileError> {
    let Some(parent) = path.parent().filter(|parent| !parent.is_root()) else { return Ok(()) };
    match tree.get(&parent) {
        Some(entry) if entry.is_dir() => Ok(()),
        Some(entry) => Err(FileError::NotADirectory { path: parent, kind: entry.kind() }),
        None => Err(FileError::NotFound(parent.to_string())),
    }
}

/// The message's time in whole seconds; −1 is none.
pub(super) fn seconds(nanoseconds: i64) -> Option<i64> {
    (nanoseconds != -1).then(|| nanoseconds.div_euclid(1_000_000_000))
}

fn bits(mode: i32) -> Result<u16, FileError> {
    u16::try_from(mode).ok().filter(|mode| *mode <= 0o7777).ok_or_else(|| FileError::BadMode(format!("{mode:o}")))
}

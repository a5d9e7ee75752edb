//! Copying from tree to tree.
//!
//! # Where a copy goes
//!
//! A destination with a final slash is a directory, which is made if it is missing.
//! Any other is a directory if one is there, else the new name of what is copied.
//! What is copied *into* a directory keeps its name; with `dirCopyContents`, a
//! directory's content goes there and the directory itself does not.
//!
//! Links in the destination are followed, as they would be by whoever runs the
//! image; they cannot lead out of the tree. Links inside of what is copied are
//! copied. A link that a source path ends in is followed only on request.
//!
//! # What happens where two things meet
//!
//! Directories become one. The topmost keeps its metadata where it exists, those in
//! it take the metadata of the source. A file replaces anything but a directory;
//! nothing but a directory may come where a directory is, and the other way round,
//! unless `alwaysReplaceExistingDestPaths` says so. Files that were one in the source
//! (hard links) are one in the copy.
//!
//! # Include and exclude patterns
//!
//! They are matched against paths below the source. A directory that no pattern
//! includes comes into being only when something in it does.

use super::make::{expand, make_dirs, seconds};
use super::mode::Bits;
use super::{Draft, FileError, Ids, unpack};
use crate::llb::pb::FileActionCopy;
use crate::store::Store;
use crate::tree::{Entry, LinkId, Node, Tree, TreePath};
use std::collections::BTreeMap;

use super::super::super::glob::{Patterns, Verdict, clean};

/// Copies what an action says.
pub(super) fn copy(
    draft: &mut Draft,
    from: &Tree,
    action: &FileActionCopy,
    ids: Ids,
    store: &Store,
) -> Result<(), FileError> {
    let copier = Copier {
        from,
        ids,
        bits: Bits::of(action)?,
        mtime: seconds(action.timestamp),
        include: Patterns::new(&action.include_patterns)?,
        exclude: Patterns::new(&action.exclude_patterns)?,
        required: required(action)?,
        contents_only: action.dir_copy_contents,
        nameless: action.src == "." || action.src.ends_with("/."),
        follow: action.follow_symlink,
        replace: action.always_replace_existing_dest_paths,
    };
    if !action.create_dest_path {
        super::make::require_parent(draft.tree(), &draft.tree().resolve(&action.dest)?)?;
    }
    let source = clean(&format!("/{}", action.src));
    let sources = if action.allow_wildcard {
        let found = expand(from, &source, action.follow_symlink)?;
        if found.is_empty() && !action.allow_empty_wildcard {
            return Err(FileError::NoMatch(source));
        }
        found
    } else {
        vec![source.into_bytes()]
    };
    let mut met = vec![sources.is_empty(); copier.required.len()];
    for source in sources {
        if action.attempt_unpack_docker_compatibility
            && unpack::unpack(draft, from, &source, &action.dest, copier.new_dir(), ids, store)?
        {
            met.fill(true);
            continue;
        }
        copier.copy(draft, &source, &action.dest, &mut met)?;
    }
    match met.iter().position(|met| !met) {
        Some(missing) => Err(FileError::NoMatch(action.required_paths[missing].clone())),
        None => Ok(()),
    }
}

/// The paths that must be among those that were copied; they count only where there are include patterns.
fn required(action: &FileActionCopy) -> Result<Vec<Patterns>, FileError> {
    if action.include_patterns.is_empty() {
        return Ok(Vec::new());
    }
    let path = |path: &String| Patterns::new([path.trim_start_matches('/')]).map_err(FileError::from);
    action.required_paths.iter().map(path).collect()
}

struct Copier<'a> {
    from: &'a Tree,
    ids: Ids,
    bits: Bits,
    mtime: Option<i64>,
    include: Patterns,
    exclude: Patterns,
    required: Vec<Patterns>,
    contents_only: bool,
    /// The source ends in `.`, so that it has no name to keep.
    nameless: bool,
    follow: bool,
    replace: bool,
}

/// One walk over a source; the target of each entry is found by putting its path behind `target`.
struct Walk<'a> {
    root: &'a TreePath,
    target: &'a TreePath,
    /// The directories so far in which something may be included. The tree's order is that of
    /// the bytes, so what is in a directory need not follow it at once: `a-b` comes before `a/b`.
    open: BTreeMap<TreePath, Open>,
    /// The files of this copy that are one with another, by what they were in the source.
    links: BTreeMap<LinkId, LinkId>,
}

struct Open {
    include: Verdict,
    exclude: Verdict,
    /// Whether it was made, or was there.
    made: bool,
}

impl Copier<'_> {
    /// A directory that is made on the way.
    fn new_dir(&self) -> Entry {
        self.ids.own_new(Entry::dir(0o755)).modified_at(self.mtime)
    }

    fn copy(&self, draft: &mut Draft, source: &[u8], dest: &str, met: &mut [bool]) -> Result<(), FileError> {
        let root = if self.follow { self.from.resolve(source)? } else { self.from.resolve_parent(source)? };
        let entry = self.entry(&root).ok_or_else(|| FileError::NotFound(shown(source)))?;
        let target = self.target(draft, source, dest, entry.is_dir())?;
        self.copy_below(draft, &root, &entry, &target, met)
    }

    /// What stands at a path of the source; the root is a directory even if the tree does not say so.
    fn entry(&self, path: &TreePath) -> Option<Entry> {
        self.from.get(path).cloned().or_else(|| path.is_root().then(|| Entry::dir(0o755)))
    }

    /// Where the source goes; directories above are made.
    fn target(&self, draft: &mut Draft, source: &[u8], dest: &str, is_dir: bool) -> Result<TreePath, FileError> {
        let into = dest.ends_with('/') || dest.ends_with("/.") || dest.is_empty() || dest == ".";
        let folder = if into { dest } else { dest.rsplit_once('/').map_or("", |(folder, _)| folder) };
        let folder = draft.tree().resolve(folder)?;
        make_dirs(draft, &folder, &self.new_dir())?;

        let mut target = draft.tree().resolve(dest)?;
        let there = draft.tree().get(&target).map(Entry::is_dir).or_else(|| target.is_root().then_some(true));
        let keeps_name = match there {
            Some(_) if is_dir => !self.contents_only,
            Some(there_is_dir) => there_is_dir,
            None => false,
        };
        if keeps_name && !self.nameless {
            let name = source.split(|b| *b == b'/').rfind(|part| !part.is_empty());
            if let Some(name) = name {
                target = target.join(name)?;
            }
        }
        let needed =
            if self.contents_only && is_dir && there.is_none() { Some(target.clone()) } else { target.parent() };
        if let Some(needed) = needed {
            make_dirs(draft, &needed, &self.new_dir())?;
        }
        Ok(target)
    }

    fn copy_below(
        &self,
        draft: &mut Draft,
        root: &TreePath,
        entry: &Entry,
        target: &TreePath,
        met: &mut [bool],
    ) -> Result<(), FileError> {
        let mut walk = Walk { root, target, open: BTreeMap::new(), links: BTreeMap::new() };
        self.put(draft, &mut walk, target, entry, false)?;
        if !entry.is_dir() {
            return Ok(());
        }
        let top = Open { include: self.include.root(), exclude: self.exclude.root(), made: true };
        walk.open.insert(root.clone(), top);
        for (path, entry) in self.from.below(root) {
            let Some(inside) = path.relative_to(root) else { continue };
            // Where the directory is not open, nothing in it can be included.
            let Some(above) = path.parent().and_then(|parent| walk.open.get(&parent)) else { continue };
            let include = self.include.judge(inside.as_bytes(), &above.include);
            let exclude = self.exclude.judge(inside.as_bytes(), &above.exclude);
            let included = (include.matches || self.include.is_empty()) && !exclude.matches;
            if included {
                self.make_open(draft, &mut walk, path)?;
                self.put(draft, &mut walk, &target.join_path(&inside), entry, true)?;
                for (met, required) in met.iter_mut().zip(&self.required) {
                    *met |= required.judge_path(inside.as_bytes()).matches;
                }
            }
            if entry.is_dir() && (included || !self.nothing_below(&inside, &include, &exclude)) {
                walk.open.insert(path.clone(), Open { include, exclude, made: included });
            }
        }
        Ok(())
    }

    /// Whether nothing below a directory that is left out can be included.
    fn nothing_below(&self, folder: &TreePath, include: &Verdict, exclude: &Verdict) -> bool {
        let folder = folder.as_bytes();
        let never_included =
            !include.matches && !self.include.is_empty() && !self.include.can_change_below(folder, include);
        never_included || exclude.matches && !self.exclude.can_change_below(folder, exclude)
    }

    /// Makes the directories above a path that were left out until something in them came.
    ///
    /// One that is there already takes the source's mode and keeps its owner.
    fn make_open(&self, draft: &mut Draft, walk: &mut Walk<'_>, path: &TreePath) -> Result<(), FileError> {
        let above: Vec<TreePath> = path.ancestors().filter(|folder| folder != path).collect();
        for folder in above {
            if walk.open.get_mut(&folder).is_none_or(|open| std::mem::replace(&mut open.made, true)) {
                continue;
            }
            let inside = folder.relative_to(walk.root).unwrap_or_else(TreePath::root);
            let target = walk.target.join_path(&inside);
            let Some(entry) = self.from.get(&folder) else { continue };
            match draft.tree().get(&target).filter(|there| there.is_dir()).cloned() {
                Some(there) => draft.put(target, Entry { mode: entry.mode, ..there })?,
                None => self.put(draft, walk, &target, entry, true)?,
            }
        }
        Ok(())
    }

    /// Puts one entry; `inner` is whether it is below the topmost, so that a directory's metadata goes with it.
    fn put(
        &self,
        draft: &mut Draft,
        walk: &mut Walk<'_>,
        target: &TreePath,
        entry: &Entry,
        inner: bool,
    ) -> Result<(), FileError> {
        if let Some(there) = draft.tree().get(target) {
            match (entry.is_dir(), there.is_dir()) {
                (true, true) if !inner => return Ok(()),
                (true, true) | (false, false) => {}
                _ if self.replace => drop(draft.remove(target)),
                (true, false) => {
                    let kind = there.kind();
                    return Err(FileError::NotADirectory { path: target.clone(), kind });
                }
                (false, true) => return Err(FileError::IsADirectory(target.clone())),
            }
        } else if target.is_root() {
            // The root is there even where the tree has no entry for it.
            return if entry.is_dir() { Ok(()) } else { Err(FileError::Root("replaced by a file")) };
        }
        let mut copied = entry.clone();
        self.ids.own_copy(&mut copied);
        self.bits.apply(&mut copied);
        if self.mtime.is_some() {
            copied.mtime = self.mtime;
        }
        if let Node::File { link: Some(link), content, .. } = &mut copied.node {
            let own = walk.links.entry(*link).or_insert_with(|| LinkId::new(link_origin(*link, content), target));
            *link = *own;
        }
        Ok(draft.put(target.clone(), copied)?)
    }
}

/// Two copies of the same files do not become one: their first paths differ.
fn link_origin(link: LinkId, content: &crate::oci::Digest) -> Vec<u8> {
    [&link.0[..], content.as_bytes()].concat()
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

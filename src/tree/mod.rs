//! Root filesystems as data.
//!
//! A [`Tree`] is a sorted map of paths to entries; the bytes of its files stand
//! in the store and are named by digest. Merging, copying and comparing are
//! operations on maps: no byte is copied and nothing touches the disk. A
//! [`Change`] is what a layer is: a tree that is laid over another, and what is
//! taken away before.
//!
//! Owners, modes and times are data of the tree, whatever user runs kiln.

pub mod capture;
mod change;
mod codec;
mod entry;
pub mod flatten;
mod links;
pub mod materialise;
mod path;
mod resolve;
pub mod tar;

pub use change::Change;
pub use entry::{Entry, LinkId, Node, Xattrs};
pub use path::{PathError, TreePath};

use crate::oci::Digest;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

/// A root filesystem: paths in bytewise order, each with its entry.
///
/// Every parent of an entry is there as a directory; the root's own entry is
/// optional and stands under the empty path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<TreePath, Entry>,
}

/// A path with what stands there in one tree and in another.
pub type Pair<'a> = (&'a TreePath, Option<&'a Entry>, Option<&'a Entry>);

/// Why an operation on a tree cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A path is none that a tree can hold.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The folder that should hold the entry is missing.
    #[error("{path} cannot be there: {parent} does not exist")]
    NoParent {
        /// The entry.
        path: TreePath,
        /// The folder that is missing.
        parent: TreePath,
    },
    /// What should be a folder is something else.
    #[error("{path} cannot be there: {parent} is a {kind}, not a directory")]
    NotADirectory {
        /// The entry.
        path: TreePath,
        /// What stands in its way.
        parent: TreePath,
        /// What that is.
        kind: &'static str,
    },
    /// Symbolic links lead in a circle, or on and on.
    #[error("too many symbolic links on the way to {path}")]
    Links {
        /// The path that was followed.
        path: String,
    },
    /// Stored bytes are no tree.
    #[error("stored tree {digest} is damaged: {reason}; clear it with `kiln cache prune` and run the command again")]
    Malformed {
        /// The digest of the bytes.
        digest: Digest,
        /// What is wrong with them.
        reason: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

impl Tree {
    /// A tree without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries there are, the root's own included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry at `path` itself; links on the way are not followed.
    pub fn get(&self, path: &TreePath) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// All entries in bytewise order of their paths.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&TreePath, &Entry)> {
        self.entries.iter()
    }

    /// The paths of this tree and of another in order, each with what stands there in both.
    pub fn pairs<'a>(&'a self, other: &'a Tree) -> impl Iterator<Item = Pair<'a>> {
        let (mut own, mut others) = (self.iter().peekable(), other.iter().peekable());
        std::iter::from_fn(move || {
            let order = match (own.peek(), others.peek()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((own, _)), Some((other, _))) => own.cmp(other),
            };
            let here = if order.is_le() { own.next() } else { None };
            let there = if order.is_ge() { others.next() } else { None };
            let (path, _) = here.or(there)?;
            Some((path, here.map(|(_, entry)| entry), there.map(|(_, entry)| entry)))
        })
    }

    /// All entries below `path`, at any depth, without its own.
    pub fn below(&self, path: &TreePath) -> impl DoubleEndedIterator<Item = (&TreePath, &Entry)> {
        self.entries.range::<[u8], _>(range_below(path).as_bounds())
    }

    /// The entries in the folder `path`, without deeper ones.
    pub fn children(&self, path: &TreePath) -> impl Iterator<Item = (&TreePath, &Entry)> {
        let depth = path.depth() + 1;
        self.below(path).filter(move |(p, _)| p.depth() == depth)
    }

    /// Puts an entry; returns the one that stood there.
    ///
    /// Where an entry that is no directory takes the place of a directory, all
    /// that was below it goes.
    ///
    /// # Errors
    /// Where the folder above is missing or no directory.
    pub fn insert(&mut self, path: TreePath, entry: Entry) -> Result<Option<Entry>, TreeError> {
        if let Some(parent) = path.parent_bytes()
            && !parent.is_empty()
        {
            check_folder(&path, self.entries.get(parent))?;
        }
        if !entry.is_dir() && self.entries.get(&path).is_some_and(Entry::is_dir) {
            self.remove(&path);
        }
        Ok(self.entries.insert(path, entry))
    }

    /// Makes the folder `path` and those above it where they are missing, each like `like`.
    ///
    /// # Errors
    /// Where something else than a directory stands on the way; links are not followed.
    pub fn make_dirs(&mut self, path: &TreePath, like: &Entry) -> Result<(), TreeError> {
        debug_assert!(like.is_dir());
        for folder in path.ancestors() {
            match self.entries.get(&folder) {
                Some(e) if e.is_dir() => {}
                Some(e) => {
                    return Err(TreeError::NotADirectory { path: path.clone(), kind: e.kind(), parent: folder });
                }
                None => {
                    self.entries.insert(folder, like.clone());
                }
            }
        }
        Ok(())
    }

    /// Removes the entry at `path` and all below it; says whether there was any.
    pub fn remove(&mut self, path: &TreePath) -> bool {
        let below: Vec<TreePath> = self.below(path).map(|(p, _)| p.clone()).collect();
        for p in &below {
            self.entries.remove(p);
        }
        self.entries.remove(path).is_some() || !below.is_empty()
    }

    /// Removes all below the folder `path` and keeps itself.
    pub fn clear(&mut self, path: &TreePath) {
        let below: Vec<TreePath> = self.below(path).map(|(p, _)| p.clone()).collect();
        for p in &below {
            self.entries.remove(p);
        }
    }

    /// What stands at `path` and below, as a tree of its own whose root it is.
    ///
    /// `path` names a directory; for anything else the result is empty.
    pub fn subtree(&self, path: &TreePath) -> Tree {
        let own = self.entries.get(path).filter(|e| e.is_dir()).map(|e| (TreePath::root(), e.clone()));
        let below = self.below(path).map(|(p, e)| (p.relative_to(path).expect("below is below"), e.clone()));
        Tree { entries: own.into_iter().chain(below).collect() }
    }

    /// Lays `other` over this tree so that its root comes to stand at `at`, a directory that exists.
    ///
    /// Directories that meet become one with the metadata of `other`'s.
    pub fn graft(&mut self, at: &TreePath, other: &Tree) -> Result<(), TreeError> {
        for (path, entry) in other.iter() {
            self.insert(at.join_path(path), entry.clone())?;
        }
        Ok(())
    }
}

impl FromIterator<(TreePath, Entry)> for Tree {
    /// Collects entries whose parents are among them; later ones win.
    fn from_iter<I: IntoIterator<Item = (TreePath, Entry)>>(entries: I) -> Self {
        Tree { entries: entries.into_iter().collect() }
    }
}

/// Checks that what holds `path`, which is not the root, is a folder.
fn check_folder(path: &TreePath, folder: Option<&Entry>) -> Result<(), TreeError> {
    let parent = || path.parent().unwrap_or_else(TreePath::root);
    match folder {
        Some(entry) if entry.is_dir() => Ok(()),
        Some(entry) => Err(TreeError::NotADirectory { path: path.clone(), parent: parent(), kind: entry.kind() }),
        None => Err(TreeError::NoParent { path: path.clone(), parent: parent() }),
    }
}

/// The bounds of all paths that begin with a folder's and a slash.
struct Below {
    start: Vec<u8>,
    end: Option<Vec<u8>>,
}

fn range_below(path: &TreePath) -> Below {
    if path.is_root() {
        return Below { start: Vec::new(), end: None };
    }
    let with = |separator: u8| [path.as_bytes(), &[separator]].concat();
    Below { start: with(b'/'), end: Some(with(b'/' + 1)) }
}

impl Below {
    fn as_bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let end = self.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Excluded(&self.start), end)
    }
}

#[cfg(test)]
mod tests;

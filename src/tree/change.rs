//! What a layer does: it takes away, then it puts.

use super::{Tree, TreeError, TreePath};
use std::collections::BTreeSet;

/// A tree to be laid over another, and what is taken away before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What is put.
    pub entries: Tree,
    /// What goes, with all below it.
    pub removed: BTreeSet<TreePath>,
    /// Directories whose old content goes.
    pub opaque: BTreeSet<TreePath>,
}

impl From<Tree> for Change {
    fn from(entries: Tree) -> Self {
        Change { entries, ..Change::default() }
    }
}

impl Change {
    /// What turns `lower` into `upper`: the smallest change, but that each entry put or removed has its folders with
    /// it, because there are unpackers of layers that would make them anew with other owners and modes.
    pub fn between(lower: &Tree, upper: &Tree) -> Change {
        let mut change = Change::default();
        for (path, old, new) in lower.pairs(upper) {
            match new {
                None => {
                    let above_is_gone = || path.ancestors().any(|a| change.removed.contains(&a));
                    // What stood below a directory that became a file goes with it.
                    let replaced = || path.ancestors().any(|a| upper.get(&a).is_some_and(|e| !e.is_dir()));
                    if !above_is_gone() && !replaced() {
                        change.bring_folders(path, upper);
                        change.removed.insert(path.clone());
                    }
                }
                Some(_) if old == new => {}
                Some(entry) => {
                    change.bring_folders(path, upper);
                    change.entries.entries.insert(path.clone(), entry.clone());
                }
            }
        }
        change
    }

    /// Puts the folders above `path` as they are in `tree`.
    fn bring_folders(&mut self, path: &TreePath, tree: &Tree) {
        // A folder that is there has brought those above it.
        let Some(parent) = path.parent().filter(|parent| self.entries.get(parent).is_none()) else { return };
        for folder in std::iter::once(TreePath::root()).chain(parent.ancestors()) {
            if let Some(entry) = tree.get(&folder) {
                self.entries.entries.entry(folder).or_insert_with(|| entry.clone());
            }
        }
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.removed.is_empty() && self.opaque.is_empty()
    }

    /// Whether it only puts.
    pub fn takes_nothing_away(&self) -> bool {
        self.removed.is_empty() && self.opaque.is_empty()
    }

    /// Lays the change over `tree`.
    ///
    /// # Errors
    /// Where an entry's folder is neither there nor brought along.
    pub fn apply(&self, tree: &mut Tree) -> Result<(), TreeError> {
        for path in &self.removed {
            tree.remove(path);
        }
        for path in &self.opaque {
            tree.clear(path);
        }
        tree.graft(&TreePath::root(), &self.entries)
    }

    /// Lays `above` over this change: the one change that does what both do in turn.
    pub fn then(mut self, above: &Change) -> Result<Change, TreeError> {
        for path in &above.removed {
            self.entries.remove(path);
            self.removed.insert(path.clone());
        }
        for path in &above.opaque {
            self.entries.clear(path);
            self.opaque.insert(path.clone());
        }
        for (path, entry) in above.entries.iter() {
            // What this change's file hides must not come back under the directory that replaces it.
            if entry.is_dir() && self.entries.get(path).is_some_and(|e| !e.is_dir()) {
                self.removed.insert(path.clone());
            }
        }
        self.entries.graft(&TreePath::root(), &above.entries)?;
        Ok(self)
    }
}

//! Results of vertices: trees that are read from the store only when somebody looks at them.
//!
//! A solved graph of cached vertices is a walk over digests; of all its trees, only
//! those that are asked for at the end are read.

use super::file::{Input, normalise};
use super::sandbox::TreeRef;
use crate::oci::{Digest, Digester};
use crate::solve::Solved;
use crate::store::Store;
use crate::tree::flatten::Flat;
use crate::tree::{Change, Tree, TreeError, TreePath};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// As many trees does a history name.
const HISTORY: usize = 8;

/// A result; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Value(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    digest: Digest,
    tree_digest: Digest,
    removed: BTreeSet<TreePath>,
    opaque: BTreeSet<TreePath>,
    history: Vec<Digest>,
    tree: OnceLock<Arc<Tree>>,
}

impl Value {
    /// Stores a change as a result.
    pub(super) fn store(mut change: Change, history: Vec<Digest>, store: &Store) -> Result<Self, TreeError> {
        normalise(&mut change);
        let tree_digest = change.entries.save(store)?;
        let value = Self::stored(tree_digest, change.removed, change.opaque, history);
        let _ = value.0.tree.set(Arc::new(change.entries));
        Ok(value)
    }

    /// A result that is in the store.
    pub(super) fn stored(
        tree_digest: Digest,
        removed: BTreeSet<TreePath>,
        opaque: BTreeSet<TreePath>,
        mut history: Vec<Digest>,
    ) -> Self {
        let digest = digest(&tree_digest, &removed, &opaque);
        history.retain(|older| *older != tree_digest);
        history.truncate(HISTORY);
        Value(Arc::new(Inner { digest, tree_digest, removed, opaque, history, tree: OnceLock::new() }))
    }

    /// What layers came to.
    pub(super) fn flat(flat: Flat) -> Self {
        let value = Self::stored(flat.digest, BTreeSet::new(), BTreeSet::new(), Vec::new());
        let _ = value.0.tree.set(flat.tree);
        value
    }

    /// A result that left the engine before.
    pub(super) fn known(solved: &Solved) -> Self {
        let value = Self::stored(solved.tree_digest, solved.removed.clone(), solved.opaque.clone(), Vec::new());
        let _ = value.0.tree.set(solved.tree.clone());
        value
    }

    /// Names the result.
    pub(super) fn digest(&self) -> Digest {
        self.0.digest
    }

    /// The digest of its tree alone.
    pub(super) fn tree_digest(&self) -> Digest {
        self.0.tree_digest
    }

    /// The history of what is made from it: its own tree, then those that it was made of, nearest first.
    ///
    /// A history only tells what may stand on disk already; it is no part of what names a result.
    pub(super) fn lineage(&self) -> Vec<Digest> {
        std::iter::once(self.0.tree_digest).chain(self.0.history.iter().copied()).collect()
    }

    /// Its tree, as a sandbox takes it.
    pub(super) fn tree_ref(&self) -> TreeRef {
        TreeRef { tree: self.0.tree_digest, history: self.0.history.clone() }
    }

    /// Its tree, from the store if nobody looked at it yet.
    pub(super) fn tree(&self, store: &Store) -> Result<Arc<Tree>, TreeError> {
        if let Some(tree) = self.0.tree.get() {
            return Ok(tree.clone());
        }
        let tree = Arc::new(Tree::load(store, &self.0.tree_digest)?);
        Ok(self.0.tree.get_or_init(|| tree).clone())
    }

    /// The result as a change.
    pub(super) fn change(&self, store: &Store) -> Result<Change, TreeError> {
        let entries = (*self.tree(store)?).clone();
        Ok(Change { entries, removed: self.0.removed.clone(), opaque: self.0.opaque.clone() })
    }

    /// The result as what a file operation takes.
    pub(super) fn input(&self, store: &Store) -> Result<Input, TreeError> {
        Ok(Input { tree: self.tree(store)?, removed: self.0.removed.clone(), opaque: self.0.opaque.clone() })
    }

    /// The result as it leaves the engine.
    pub(super) fn solved(&self, store: &Store) -> Result<Solved, TreeError> {
        Ok(Solved {
            tree: self.tree(store)?,
            tree_digest: self.0.tree_digest,
            removed: self.0.removed.clone(),
            opaque: self.0.opaque.clone(),
            digest: self.0.digest,
        })
    }

    /// The bytes that stand for the result in a record.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = encode(&self.0.tree_digest, &self.0.removed, &self.0.opaque);
        put_number(&mut bytes, self.0.history.len());
        self.0.history.iter().for_each(|older| bytes.extend_from_slice(older.as_bytes()));
        bytes
    }

    /// Reads [`encode`](Self::encode)'s bytes; none where they are none.
    pub(super) fn decode(input: &mut &[u8]) -> Option<Self> {
        let digest = take_digest(input)?;
        let (removed, opaque) = (take_paths(input)?, take_paths(input)?);
        let older = take_number(input).filter(|count| *count <= HISTORY)?;
        let history = (0..older).map(|_| take_digest(input)).collect::<Option<_>>()?;
        Some(Self::stored(digest, removed, opaque, history))
    }
}

/// A result that takes nothing away is named as its tree is.
fn digest(tree: &Digest, removed: &BTreeSet<TreePath>, opaque: &BTreeSet<TreePath>) -> Digest {
    if removed.is_empty() && opaque.is_empty() {
        return *tree;
    }
    let mut digester = Digester::new();
    digester.update(b"kiln change 1\n");
    digester.update(&encode(tree, removed, opaque));
    digester.finish()
}

fn encode(tree: &Digest, removed: &BTreeSet<TreePath>, opaque: &BTreeSet<TreePath>) -> Vec<u8> {
    let mut bytes = tree.as_bytes().to_vec();
    for paths in [removed, opaque] {
        put_number(&mut bytes, paths.len());
        for path in paths {
            put_number(&mut bytes, path.as_bytes().len());
            bytes.extend_from_slice(path.as_bytes());
        }
    }
    bytes
}

fn put_number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u64).to_le_bytes());
}

fn take_number(input: &mut &[u8]) -> Option<usize> {
    let (number, rest) = input.split_first_chunk::<8>()?;
    *input = rest;
    usize::try_from(u64::from_le_bytes(*number)).ok()
}

fn take_digest(input: &mut &[u8]) -> Option<Digest> {
    let (digest, rest) = input.split_first_chunk::<32>()?;
    *input = rest;
    Some(Digest::from_bytes(*digest))
}

fn take_paths(input: &mut &[u8]) -> Option<BTreeSet<TreePath>> {
    let mut paths = BTreeSet::new();
    for _ in 0..take_number(input)? {
        let length = take_number(input)?;
        let (path, rest) = input.split_at_checked(length)?;
        *input = rest;
        paths.insert(TreePath::new(path).ok()?);
    }
    Some(paths)
}

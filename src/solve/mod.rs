//! Engines: what turns a build graph into trees.
//!
//! An engine sees a graph, folders and downloads, and nothing of the spec or the
//! lock; whatever it is, the same graph gives the same trees. One is built in,
//! [`embedded`]; others implement [`Engine`] beside it.

pub mod embedded;
mod error;
mod fetch;
mod glob;

pub use error::SolveError;
pub use fetch::{Downloads, Fetch, FetchError, Offline};
pub use glob::BadPattern;

use crate::llb::{Graph, Output, Vertex};
use crate::oci::Digest;
use crate::tree::{Change, Tree, TreePath};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Runs graphs.
///
/// Solving is blocking work: from asynchronous code, call it where blocking is allowed.
pub trait Engine: Send + Sync {
    /// Makes the trees that are asked for, and nothing that they do not take.
    fn solve(&self, request: &Request<'_>) -> Result<Solution, SolveError>;
}

/// What an engine is asked to do.
pub struct Request<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// What is wanted of it.
    pub targets: &'a [Output],
    /// The folders behind `local://` sources, by name.
    pub contexts: &'a BTreeMap<String, PathBuf>,
    /// Manifests in the store for sources that engines do not reach by themselves, by the sources' identifiers:
    /// images of registries.
    pub brought: &'a BTreeMap<String, Digest>,
    /// Hears what happens.
    pub progress: &'a dyn Progress,
    /// How many threads may work at once; never changes a result.
    pub parallelism: usize,
}

/// What an engine made: one result for each target, in their order.
#[derive(Debug, Clone)]
pub struct Solution {
    /// The results.
    pub results: Vec<Solved>,
}

/// A tree, or the change that a difference or a merge of differences is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solved {
    /// What is there.
    pub tree: Arc<Tree>,
    /// The digest of that tree, under which it is stored.
    pub tree_digest: Digest,
    /// What is taken away from a tree below.
    pub removed: BTreeSet<TreePath>,
    /// Folders whose content in a tree below is taken away.
    pub opaque: BTreeSet<TreePath>,
    /// Names the whole result: equal digests, equal results.
    pub digest: Digest,
}

impl Solved {
    /// Whether nothing is taken away, so that the tree is all there is to it.
    pub fn is_plain(&self) -> bool {
        self.removed.is_empty() && self.opaque.is_empty()
    }

    /// The result as a change.
    pub fn to_change(&self) -> Change {
        Change { entries: (*self.tree).clone(), removed: self.removed.clone(), opaque: self.opaque.clone() }
    }
}

/// How a vertex ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its work was done.
    Done,
    /// An earlier result was used; of a context, no file had to be read.
    Cached,
    /// It failed.
    Failed,
}

/// How much of a context had to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContextRead {
    /// Files that belong to the context.
    pub files: u64,
    /// Those of them that were read.
    pub read: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// Hears what an engine does, from any thread and in any order that the graph allows.
pub trait Progress: Sync {
    /// The work on a vertex begins.
    fn started(&self, vertex: &Vertex) {
        let _ = vertex;
    }

    /// The work on a vertex has ended.
    fn finished(&self, vertex: &Vertex, outcome: Outcome) {
        let _ = (vertex, outcome);
    }

    /// A context was read.
    fn context(&self, vertex: &Vertex, read: ContextRead) {
        let _ = (vertex, read);
    }
}

/// Nobody listens.
impl Progress for () {}

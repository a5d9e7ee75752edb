//! Engines: what turns a build graph into trees.
//!
//! An engine sees a graph, folders and downloads, and nothing of the spec or the
//! lock; whatever it is, the same graph gives the same trees. One is built in,
//! [`embedded`]; others implement [`Engine`] beside it.

pub mod buildkit;
pub mod embedded;
mod error;
mod fetch;
pub mod gateway;
mod glob;
mod ran;

pub use embedded::sandbox::Stream;
pub use error::SolveError;
pub use fetch::{Downloads, Fetch, FetchError, Offline};
pub use glob::BadPattern;
pub use ran::{Changes, Difference, Facts, Ran, Reason};

use crate::llb::exec::Network;
use crate::llb::{Graph, Output, Vertex};
use crate::oci::Digest;
use crate::tree::{Change, Tree, TreePath};
use secrecy::SecretSlice;
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
    /// What is wanted of it too, as far as it is there anyway: of what a command leaves, what others take of it.
    pub in_part: &'a [Output],
    /// The folders behind `local://` sources, by name.
    pub contexts: &'a BTreeMap<String, PathBuf>,
    /// Manifests in the store for sources that engines do not reach by themselves, by the sources' identifiers:
    /// images of registries.
    pub brought: &'a BTreeMap<String, Digest>,
    /// Results of sources that an earlier request has read, by the digests of their vertices: they are not read again.
    pub read: &'a BTreeMap<Digest, Solved>,
    /// Hears what happens.
    pub progress: &'a dyn Progress,
    /// How many threads may work at once; never changes a result.
    pub parallelism: usize,
    /// What commands may be told and nobody else, by name. No value decides what is built, or stays anywhere.
    pub secrets: &'a Secrets,
    /// Sockets of ssh agents, by name.
    pub agents: &'a BTreeMap<String, PathBuf>,
    /// What commands reach over the network that leave it to the engine, as many frontends' do.
    pub network: Network,
    /// Where results of commands are looked for that the store does not have.
    pub shared: &'a dyn Shared,
    /// Asked several times a second whether to stop; what is finished by then is kept.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Whether to find out why commands run, see [`Ran::why`].
    pub explain: bool,
    /// Whether to run each command once more than is needed and compare, see [`Solution::unreproducible`].
    pub twice: bool,
}

/// Secrets by name.
pub type Secrets = BTreeMap<String, SecretSlice<u8>>;

static NO_FOLDERS: BTreeMap<String, PathBuf> = BTreeMap::new();
static NO_MANIFESTS: BTreeMap<String, Digest> = BTreeMap::new();
static NOTHING_READ: BTreeMap<Digest, Solved> = BTreeMap::new();
static NO_SECRETS: Secrets = Secrets::new();

impl<'a> Request<'a> {
    /// Asks for outputs of a graph, and brings nothing along: no folders, no secrets, no network for commands, one
    /// thread, and nobody who listens.
    pub fn new(graph: &'a Graph, targets: &'a [Output]) -> Self {
        Request {
            graph,
            targets,
            in_part: &[],
            contexts: &NO_FOLDERS,
            brought: &NO_MANIFESTS,
            read: &NOTHING_READ,
            progress: &(),
            parallelism: 1,
            secrets: &NO_SECRETS,
            agents: &NO_FOLDERS,
            network: Network::None,
            shared: &(),
            cancelled: &|| false,
            explain: false,
            twice: false,
        }
    }
}

/// Results of commands that other machines made.
pub trait Shared: Sync {
    /// Whether the result of this key is in the store now.
    fn bring(&self, key: &Digest) -> bool;
}

/// Nobody shares.
impl Shared for () {
    fn bring(&self, _: &Digest) -> bool {
        false
    }
}

/// What an engine made.
#[derive(Debug, Clone)]
pub struct Solution {
    /// One result for each target, in their order.
    pub results: Vec<Solved>,
    /// The same for what was wanted in part.
    pub in_part: Vec<Solved>,
    /// The commands that this took, in the order of the graph.
    pub ran: Vec<Ran>,
    /// What two runs of the same command left differently, where that was asked for; at most 1000 for each command.
    pub unreproducible: Vec<Difference>,
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
    /// It failed, or was stopped.
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

    /// A command really runs: no earlier result of it was found.
    fn running(&self, vertex: &Vertex) {
        let _ = vertex;
    }

    /// A command wrote something, in which no secret is left. Pieces of one stream come in order, and end anywhere.
    fn output(&self, vertex: &Vertex, stream: Stream, bytes: &[u8]) {
        let _ = (vertex, stream, bytes);
    }

    /// Something that people should know, though the work goes on.
    fn warning(&self, vertex: &Vertex, text: &str) {
        let _ = (vertex, text);
    }
}

/// Nobody listens.
impl Progress for () {}

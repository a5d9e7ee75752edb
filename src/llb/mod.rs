//! LLB, the build graph of BuildKit: the only thing that an engine ever sees.
//!
//! [`Builder`] makes a [`Definition`] in the form in which BuildKit's own client
//! marshals one: inputs before the vertex that uses them, each vertex once, named
//! by the digest of its bytes, and last an operation with nothing but an input that
//! says what the graph yields. The same calls always give the same bytes.
//!
//! [`read()`] goes the other way and trusts nothing: sizes and counts are bounded
//! before anything is decoded, digests are computed and never taken from the text,
//! and a field that this version does not know is an error, because an engine that
//! overlooked it would build something else than was asked for.
//!
//! # Where this differs from BuildKit's client
//!
//! - `local.unique`, a random number that the client puts into each local source so
//!   that two builds never share it, is left out: a graph is a function of its spec.
//!   Whoever sends the graph to a daemon adds the session's name instead.
//! - Source positions count characters from 0 and lines from 1.
//!
//! As in BuildKit since 0.13, only operations whose result depends on the platform
//! carry one; a context or a copy is the same vertex for every platform, and so
//! is built once for all of them.

mod action;
mod adopt;
pub mod attr;
mod builder;
mod caps;
mod definition;
mod error;
pub mod exec;
mod graph;
mod read;
pub mod render;
mod source_map;
mod validate;
mod wire;

pub use action::{Account, Action, Copy, Mkdir, Mkfile, Mode, Owner, Remove, Symlink};
pub use adopt::Adopted;
pub use bollard_buildkit_proto::pb;
pub use builder::{Builder, FileOp, Note};
pub use definition::Definition;
pub use error::LlbError;
pub use exec::{Exec, ExecOutputs};
pub use graph::{Graph, Place, SourceText, Vertex};
pub use read::{Limits, read, read_with};

use crate::oci::Digest;

/// One output of a vertex: what an edge of the graph points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Output {
    /// The digest of the vertex's bytes.
    pub vertex: Digest,
    /// Which of its outputs; most vertices have output 0 only.
    pub index: u32,
}

/// Key of the description that names a vertex for people; BuildKit's progress shows it.
pub const CUSTOM_NAME: &str = "llb.customname";

#[cfg(test)]
mod tests;

//! Why a graph could not be solved.

use super::embedded::{Problem, Written};
use crate::oci::Digest;

/// Why a graph could not be solved.
#[derive(Debug, thiserror::Error)]
pub enum SolveError {
    /// A target is not in the graph.
    #[error("the graph has no output {index} of vertex {vertex}")]
    NoTarget {
        /// The vertex.
        vertex: Digest,
        /// The output.
        index: u32,
    },
    /// A vertex cannot be run by this engine.
    #[error("`{name}`: {what}")]
    Unsupported {
        /// The vertex.
        vertex: Digest,
        /// Its name for people.
        name: String,
        /// What it asks for and what would help.
        what: String,
    },
    /// A vertex failed.
    #[error("`{name}` failed: {problem}")]
    Failed {
        /// The vertex.
        vertex: Digest,
        /// Its name for people.
        name: String,
        /// What went wrong.
        #[source]
        problem: Box<Problem>,
    },
    /// Somebody stopped the build.
    #[error("the build was stopped; what was finished is kept")]
    Cancelled,
    /// The threads that do the work could not be started.
    #[error("cannot start threads: {0}")]
    Threads(String),
}

impl SolveError {
    /// The vertex to blame, to find its place in the spec.
    pub fn vertex(&self) -> Option<Digest> {
        match self {
            SolveError::NoTarget { vertex, .. }
            | SolveError::Unsupported { vertex, .. }
            | SolveError::Failed { vertex, .. } => Some(*vertex),
            SolveError::Cancelled | SolveError::Threads(_) => None,
        }
    }

    /// The code with which the command ended that failed, if it was a command that ended by itself.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            SolveError::Failed { problem, .. } => problem.exit_code(),
            _ => None,
        }
    }

    /// What the command wrote that failed, if it was a command.
    pub fn output(&self) -> Option<&Written> {
        match self {
            SolveError::Failed { problem, .. } => problem.output(),
            _ => None,
        }
    }
}

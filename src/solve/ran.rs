//! What an engine tells of commands beside their results.

use crate::llb::exec::Network;
use crate::oci::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A command that a solution took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The vertex.
    pub vertex: Digest,
    /// Names the result: the same on all machines that see the same.
    pub key: Digest,
    /// The trees that it took, in the order of the vertex's inputs.
    pub inputs: Vec<Digest>,
    /// The trees that it left, in the order of the vertex's outputs; of one that nobody takes whole, what is taken.
    pub outputs: Vec<Digest>,
    /// Whether an earlier result was used.
    pub cached: bool,
    /// What was seen in the run that made the result, whenever and wherever that was.
    pub facts: Facts,
    /// Why it ran, where that was asked for and it did.
    pub why: Option<Vec<Reason>>,
}

/// What was seen when a command ran. Nothing of it decides what is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// How long it took.
    pub milliseconds: u64,
    /// The exit code, one of those that mean success.
    pub exit_code: i32,
    /// What it could reach over the network.
    pub network: Network,
    /// What was asked for and could not be done, in words.
    pub warnings: Vec<String>,
}

/// Why a command ran, although one of that name had run before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// None of that name ran before, as far as the store knows.
    First,
    /// The graph asks for it.
    Always,
    /// Nothing changed, but the earlier result is gone from the store.
    Gone,
    /// The operation says something else.
    Operation {
        /// What of it.
        part: String,
    },
    /// What is mounted is something else.
    Input {
        /// How people call what is mounted.
        name: String,
        /// Where it is mounted.
        target: String,
        /// What is different in it, where both states are in the store.
        changes: Option<Changes>,
    },
}

/// Which paths of a tree are different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// How many.
    pub count: usize,
    /// The first of them, with `/` in front.
    pub first: Vec<String>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::First => write!(f, "no step of this name has run before"),
            Reason::Always => write!(f, "it is asked to run each time"),
            Reason::Gone => write!(f, "nothing changed, but its result is no longer in the store"),
            Reason::Operation { part } => write!(f, "its {part} changed"),
            Reason::Input { name, target, changes } => {
                write!(f, "input `{name}` (mounted at {target}) changed")?;
                let Some(Changes { count, first }) = changes else { return Ok(()) };
                let more = if first.len() < *count { " …" } else { "" };
                let things = if *count == 1 { "path" } else { "paths" };
                write!(f, ": {count} {things}: {}{more}", first.join(" "))
            }
        }
    }
}

/// Something that two runs of one command left differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The vertex.
    pub vertex: Digest,
    /// Where the tree was mounted; `/` for the root.
    pub target: String,
    /// The path in that tree, with `/` in front.
    pub path: String,
    /// What is different: one of `content`, `type`, `mode`, `owner`, `time`, `attributes`, or that it is only there in
    /// one of the runs, or how the second run ended where it failed.
    pub what: String,
}

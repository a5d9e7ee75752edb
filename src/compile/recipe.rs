//! How an image is made of the states of a graph.

use crate::diagnostic::Span;
use crate::llb::Output;
use crate::oci::{Config, Digest, Platform};
use crate::spec::Layers;
use std::collections::BTreeMap;
use std::ops::Range;

/// How an image is made of the states of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// What the image runs on.
    pub platform: Platform,
    /// How its layers are compressed.
    pub packing: Layers,
    /// Annotations that the spec asks for.
    pub annotations: BTreeMap<String, String>,
    /// From one state of the file system to the next, in order.
    pub moves: Vec<Move>,
    /// The layers, lowest first; together they hold all moves, each once and in order.
    pub layers: Vec<LayerPlan>,
    /// How a container is started, but for the user.
    pub config: Config,
    /// Who runs it.
    pub user: User,
}

/// A step from one state of the file system to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The state after it.
    pub state: Output,
    /// The level that asks for it.
    pub level: usize,
    /// What it does: who put there what it changes.
    pub origin: Origin,
}

/// Who put an entry into the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A base that is not kiln's own, whose layers are kept.
    Base {
        /// The source's name.
        source: String,
    },
    /// A stage that it stands on.
    Stage {
        /// The stage.
        name: String,
        /// Where the spec says it.
        span: Span,
    },
    /// The packages that the level adds.
    Packages,
    /// What the scripts of these packages did, and dpkg itself.
    Scripts {
        /// Where the spec asks for the packages.
        span: Span,
    },
    /// The level's groups and accounts.
    Accounts,
    /// A step of the level.
    Step {
        /// Its position among the level's steps.
        index: usize,
        /// The source that it copies from.
        source: Option<String>,
        /// Where the spec says it.
        span: Span,
    },
}

/// A command, and what of it only the spec knows; the rest is in its operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPlan {
    /// The stage that it runs in; none for the image itself.
    pub stage: Option<String>,
    /// Its vertex.
    pub vertex: Digest,
    /// What is done, in a few words.
    pub name: String,
    /// Whether it is kiln's own: dpkg installs packages.
    pub installs: bool,
    /// The sources and stages whose files are in the root that it sees.
    pub from: Vec<String>,
    /// The sources and stages that it sees elsewhere, by where they are mounted.
    pub mounted: BTreeMap<String, String>,
    /// What its result is worth, where its success decides whether the image is released.
    pub check: Option<CheckPlan>,
    /// Where the spec says it.
    pub span: Span,
}

/// What a check leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPlan {
    /// Its name.
    pub name: String,
    /// The file system that it leaves, of which nothing is used.
    pub output: Output,
    /// The files that it leaves its results in.
    pub results: Vec<ResultsFile>,
}

impl CheckPlan {
    /// What must be solved to know how it went: its file system, and where its results are, in their order.
    pub fn outputs(&self) -> impl Iterator<Item = Output> {
        std::iter::once(self.output).chain(self.results.iter().map(|file| file.tree))
    }
}

/// A file with the results of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultsFile {
    /// SARIF; else JUnit's format.
    pub sarif: bool,
    /// Where the check leaves it, as the check sees it.
    pub path: String,
    /// The tree that holds it: the check's file system, or what is mounted there.
    pub tree: Output,
    /// Where it is in that tree, relative to its root.
    pub within: String,
}

/// What becomes a layer, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerPlan {
    /// The base's own layers, unchanged; they hold the first move.
    Kept,
    /// What a package move adds, in several layers.
    Packages {
        /// The move.
        at: usize,
        /// How many layers at most where each of the level's other layers is one; at least 1.
        pieces: usize,
        /// What made it, for the image's history.
        created_by: String,
    },
    /// What some moves do together: one layer, or several where that is much.
    Steps {
        /// The moves.
        moves: Range<usize>,
        /// How many layers at most; at least 1.
        pieces: usize,
        /// What made it, for the image's history.
        created_by: String,
    },
}

/// Who runs an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// As it stands in the config: `65532:65532`.
    Fixed(String),
    /// An account of the finished file system, to be written by its numbers.
    Named(String),
}

//! `healthcheck`: how to tell that a container is well.

use crate::diagnostic::Span;

/// An image's health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healthcheck {
    /// `healthcheck #false`: also the base's check is switched off.
    Off,
    /// A program says it.
    Probe(Probe),
}

/// A program that is run to tell a container's health; times in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The program and its arguments; no shell.
    pub command: Vec<String>,
    /// Time between two runs.
    pub interval: Option<u64>,
    /// Time after which a run has failed.
    pub timeout: Option<u64>,
    /// Time in which failures do not count.
    pub start_period: Option<u64>,
    /// Failures in a row that make a container unhealthy.
    pub retries: Option<u32>,
    /// The whole node.
    pub span: Span,
}

//! A graph that could not be solved, as people are told of it.

use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::solve::SolveError;
use std::fmt;

/// Why a graph could not be solved, with the place of the spec to blame.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub error: SolveError,
    /// The same at its place in the spec, where there is one.
    pub shown: Option<Diagnostics>,
    /// Where that is, as `kiln.kdl:12`.
    place: Option<String>,
}

impl Failure {
    /// A failure of the vertex of that name, which the spec asks for at `spans`.
    pub(super) fn of(error: SolveError, name: Option<&str>, spans: &[Span], sources: &Sources) -> Self {
        let Some(first) = spans.first().copied() else { return Failure { error, shown: None, place: None } };
        let mut diagnostic = Diagnostic::error("solve::failed", error.to_string(), first, "failed here");
        // `stage NAME: what it does`
        let stage = name.and_then(|name| name.strip_prefix("stage ")).and_then(|name| name.split_once(": "));
        if let (Some((stage, _)), Some(_)) = (stage, error.output()) {
            diagnostic = diagnostic.with_help(format!("`kiln shell {stage}` opens a shell where it ran"));
        }
        Failure {
            error,
            place: Some(sources.locate(first)),
            shown: Some(Diagnostics::new(vec![diagnostic], sources.clone())),
        }
    }

    /// A failure of a graph without a spec, at a place that its own text tells.
    pub(super) fn at(error: SolveError, place: Option<String>) -> Self {
        Failure { error, shown: None, place }
    }

    /// All that the command wrote that failed, if it was one.
    pub fn output(&self) -> Option<String> {
        self.error.output().map(|written| written.text())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.error)
    }
}

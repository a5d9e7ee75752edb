//! A graph that could not be solved, as people are told of it.

use super::installing;
use crate::compile::CommandPlan;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::solve::SolveError;
use std::fmt;

/// Why a graph could not be solved, with the place of the spec to blame.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub error: SolveError,
    /// What is said of it.
    message: String,
    /// The same at its place in the spec, where there is one.
    pub shown: Option<Diagnostics>,
    /// Where that is, as `kiln.kdl:12`.
    place: Option<String>,
}

impl Failure {
    /// A failure of a vertex, which the spec asks for at `spans`; `command` is the command that it is, if it is one.
    pub(super) fn of(error: SolveError, command: Option<&CommandPlan>, spans: &[Span], sources: &Sources) -> Self {
        let (explanation, help) = Self::explained(&error, command);
        let message = explanation.unwrap_or_else(|| error.to_string());
        let Some(first) = spans.first().copied() else { return Failure { error, message, shown: None, place: None } };
        let mut diagnostic = Diagnostic::error("solve::failed", &message, first, "failed here");
        if let Some(help) = help {
            diagnostic = diagnostic.with_help(help);
        }
        Failure {
            error,
            message,
            place: Some(sources.locate(first)),
            shown: Some(Diagnostics::new(vec![diagnostic], sources.clone())),
        }
    }

    /// What is said in place of the error itself where more is known of it, and what to do next.
    fn explained(error: &SolveError, command: Option<&CommandPlan>) -> (Option<String>, Option<String>) {
        let (Some(command), Some(written)) = (command, error.output()) else { return (None, None) };
        let installing = error.exit_code().filter(|_| command.installs);
        if let Some((message, help)) = installing.and_then(|code| installing::explained(command, code, &written.text()))
        {
            return (Some(message), Some(help));
        }
        let stage = command.stage.as_ref();
        (None, stage.map(|stage| format!("`kiln shell {stage}` opens a shell where it ran")))
    }

    /// A failure of a graph without a spec, at a place that its own text tells.
    pub(super) fn at(error: SolveError, place: Option<String>) -> Self {
        Failure { message: error.to_string(), error, shown: None, place }
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
        write!(f, "{}", self.message)
    }
}

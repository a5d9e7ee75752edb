//! `arg`: what may be set when the build is started.

use crate::diagnostic::Span;
use crate::spec::Spanned;

/// A value of the spec that `--arg NAME=VALUE` sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// What `${…}` calls it.
    pub name: Spanned<String>,
    /// What it holds in this run.
    pub value: ArgValue,
    /// Who said so.
    pub origin: ArgOrigin,
    /// The whole node.
    pub span: Span,
}

/// The types that an arg can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// Any text; what an arg is where nothing is said.
    String,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
}

/// A value of an arg or of a template's parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgValue {
    /// Text.
    String(String),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

/// Where an arg's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgOrigin {
    /// `default=` in the spec.
    Default,
    /// `--arg` on the command line.
    CommandLine,
}

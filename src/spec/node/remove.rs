//! `remove`: what an image does without.

use crate::diagnostic::Span;
use crate::spec::Spanned;

/// Removes files and folders that earlier steps, packages or the base brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveStep {
    /// Absolute and clean, possibly with wildcards; at least one. Each must match something.
    pub paths: Vec<Spanned<String>>,
    /// The whole node.
    pub span: Span,
}

//! `file`: a file whose content stands in the spec.

use super::account::Owner;
use crate::diagnostic::Span;
use crate::spec::Spanned;

/// Writes a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStep {
    /// Absolute and clean.
    pub path: Spanned<String>,
    /// Its content, byte for byte.
    pub content: Spanned<String>,
    /// Its mode; 0644 where nothing is said.
    pub mode: u16,
    /// Its owner; root where nothing is said.
    pub owner: Option<Spanned<Owner>>,
    /// The whole node.
    pub span: Span,
}

//! `mkdir`: folders.

use super::account::Owner;
use crate::diagnostic::Span;
use crate::spec::Spanned;

/// Makes folders, with their parents; one that is there already gets the mode and the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MkdirStep {
    /// Absolute and clean; at least one.
    pub paths: Vec<Spanned<String>>,
    /// The mode; 0755 where nothing is said.
    pub mode: u16,
    /// The owner; root where nothing is said. Parents that are made on the way belong to root and have 0755.
    pub owner: Option<Spanned<Owner>>,
    /// The whole node.
    pub span: Span,
}

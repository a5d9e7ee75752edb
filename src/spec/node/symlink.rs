//! `symlink`: symbolic links.

use crate::diagnostic::Span;
use crate::spec::Spanned;

/// Makes a symbolic link; its parents are made too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymlinkStep {
    /// Where the link stands: absolute and clean.
    pub path: Spanned<String>,
    /// What it says: absolute or relative, not followed.
    pub target: Spanned<String>,
    /// The whole node.
    pub span: Span,
}

//! `copy`: files from a source into the image.

use super::account::Owner;
use crate::diagnostic::Span;
use crate::spec::Spanned;

/// Puts files of a source into the image.
///
/// Every match keeps its path below the fixed part of its pattern, which is the folder of the first component
/// that holds a wildcard, or the parent of a path without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyStep {
    /// What is copied: clean paths relative to the source's root, possibly with wildcards; the root itself is empty.
    pub paths: Vec<Spanned<String>>,
    /// The source's name.
    pub from: Spanned<String>,
    /// Absolute and clean. With a slash at the end it is the folder that matches are put into; without one it is
    /// the new name of the one file or folder that is copied.
    pub to: Spanned<String>,
    /// Mode of the files; where nothing is said, 0755 for executable ones and 0644 for others (of a context), or
    /// what the source says.
    pub mode: Option<u16>,
    /// Mode of the folders; where nothing is said, 0755 or what the source says.
    pub dir_mode: Option<u16>,
    /// Owner of all; root where nothing is said.
    pub owner: Option<Spanned<Owner>>,
    /// What is left out: patterns; without a slash they match names at any depth.
    pub exclude: Vec<Spanned<String>>,
    /// The whole node.
    pub span: Span,
}

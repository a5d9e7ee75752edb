//! `sign`: with what images are signed.

use crate::diagnostic::Span;
use crate::spec::Spanned;

/// With what images are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// A file with a private key: absolute, or relative to the spec's folder.
    pub key: Spanned<String>,
    /// The whole node.
    pub span: Span,
}

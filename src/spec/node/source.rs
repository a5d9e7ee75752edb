//! `source`: inputs other than packages.

use crate::diagnostic::Span;
use crate::oci::{Digest, Platform};
use crate::spec::Spanned;

/// An input with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What `copy` and `base` call it.
    pub name: Spanned<String>,
    /// What it is.
    pub kind: SourceKind,
    /// The whole node.
    pub span: Span,
}

/// The kinds of inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A folder of the project.
    Context(Context),
    /// A file from the web.
    Http(Http),
    /// An image in an OCI layout on disk.
    Oci(Layout),
}

/// A folder of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Clean and relative to the spec's folder, never above it; the folder itself is empty.
    pub path: Spanned<String>,
    /// Where there are any, only what matches one of these patterns is part of it.
    pub include: Vec<Spanned<String>>,
    /// What is not part of it: patterns; without a slash they match names at any depth.
    pub exclude: Vec<Spanned<String>>,
    /// The `context` node.
    pub span: Span,
}

/// A file from the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// `https`, or `http` if the digest is said.
    pub url: Spanned<String>,
    /// The digest that its content must have. None: the lock says it.
    pub sha256: Option<Spanned<Digest>>,
    /// Whether it is an archive whose content is meant: tar (plain, gzip, xz, zstd).
    pub unpack: bool,
    /// The file's mode; 0644 where nothing is said. Never with `unpack`.
    pub mode: Option<u16>,
    /// The file's name in the source: the URL's last part where nothing is said. Empty with `unpack`.
    pub filename: String,
    /// The `http` node.
    pub span: Span,
}

/// An image in an OCI layout on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Clean and relative to the spec's folder, never above it; the folder itself is empty.
    pub path: Spanned<String>,
    /// A tag in the layout's index, or a digest. None: the layout holds just one image.
    pub reference: Option<Spanned<String>>,
    /// The platform to take. None: that of the image being built.
    pub platform: Option<Spanned<Platform>>,
    /// The `oci` node.
    pub span: Span,
}

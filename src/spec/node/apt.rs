//! `apt`: a Debian package source.

use crate::diagnostic::Span;
use crate::spec::Spanned;

/// A Debian archive, or one in its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apt {
    /// What `packages` calls it.
    pub name: Spanned<String>,
    /// The suites, in the order in which they were written; never empty.
    pub suites: Vec<Suite>,
    /// The components; `main` where nothing is said.
    pub components: Vec<Spanned<String>>,
    /// Where all suites without one of their own are found: `http` or `https`, without a slash at the end.
    /// None: `KILN_DEBIAN_MIRROR`, the machine's apt sources, the built-in fallback.
    pub mirror: Option<Spanned<String>>,
    /// Files with the public keys that may sign the suites, relative to the spec's folder. Empty: Debian's keys.
    pub keyrings: Vec<Spanned<String>>,
    /// The whole node.
    pub span: Span,
}

/// One suite of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// Its name: `trixie`, `trixie-security`.
    pub name: Spanned<String>,
    /// Where it is found, if elsewhere than its archive.
    pub mirror: Option<Spanned<String>>,
    /// Whether a release file past its `Valid-Until` is refused; as apt's `Check-Valid-Until`.
    pub check_valid_until: bool,
}

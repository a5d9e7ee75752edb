//! `packages`: what comes out of a package source.

use crate::diagnostic::Span;
use crate::spec::Spanned;

/// The wishes that an image has towards one package source.
///
/// Where an image has several of these for one source, they are resolved as one: wishes, choices and what is kept
/// add up, `recommends` and [`Dpkg::Full`] hold if one of them says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// The package source's name.
    pub apt: Spanned<String>,
    /// Whether recommended packages are taken too.
    pub recommends: bool,
    /// The packages that are wanted; what they need comes along.
    pub add: Vec<Wish>,
    /// What becomes of maintainer scripts that kiln does not know.
    pub scripts: Vec<Scripts>,
    /// What is kept of the files that are left out by default.
    pub keep: Vec<Spanned<Keep>>,
    /// How the image lists its packages.
    pub dpkg: Dpkg,
    /// The whole node.
    pub span: Span,
}

/// A package that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its name; the span also covers the version, where there is one.
    pub name: Spanned<String>,
    /// Exactly this version: `add "curl=8.14.1-2"`.
    pub version: Option<String>,
    /// Only from this suite, which the package source has.
    pub suite: Option<Spanned<String>>,
}

/// What becomes of one package's maintainer scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scripts {
    /// The package.
    pub package: Spanned<String>,
    /// The choice.
    pub choice: ScriptChoice,
}

/// The choices for maintainer scripts that kiln does not emulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptChoice {
    /// They are not run, and that is all right.
    Skip,
}

/// Files of packages that are left out where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// `/usr/share/doc` beyond copyright files, and its like.
    Doc,
    /// Manual and info pages.
    Man,
    /// Translations.
    Locale,
}

/// How an image lists its packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dpkg {
    /// `/var/lib/dpkg/status.d/`, which scanners read.
    StatusD,
    /// `/var/lib/dpkg/status` with `info/`, which dpkg itself reads.
    Full,
}

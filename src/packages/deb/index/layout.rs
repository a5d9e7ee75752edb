//! Where things stand in the compact form of an index.
//!
//! All numbers are little-endian. A header of fixed width is followed by the names in
//! bytewise order, the packages by name with the highest version first, the
//! providers by the name that they provide, and at last the bytes of all strings.

/// Begins every compact index; its last byte is the version of the format.
pub(super) const MAGIC: &[u8; 8] = b"kilnidx\x01";
/// Counts of names, packages and providers, length of the strings, the architecture's place.
pub(super) const HEADER: usize = 8 + 4 * 4 + 8;

/// A name: text, rank, first package, packages, first provider, providers.
pub(super) const NAME: usize = 8 + 5 * 4;
/// A provider: the package, the version that it provides.
pub(super) const PROVIDER: usize = 4 + 8;
/// A package: name, flags, size, installed size, digest, then the texts.
pub(super) const ROW: usize = 4 + 4 + 8 + 8 + 32 + 8 * Text::COUNT;

/// The texts of a package, in the order in which they are kept.
#[derive(Clone, Copy)]
pub(super) enum Text {
    Version,
    Source,
    SourceVersion,
    Path,
    Section,
    Maintainer,
    PreDepends,
    Depends,
    Recommends,
    Conflicts,
    Breaks,
    Replaces,
    Provides,
}

impl Text {
    pub(super) const COUNT: usize = 13;
}

/// The bits of a package's flags.
pub(super) mod flag {
    pub(in super::super) const ESSENTIAL: u32 = 1;
    pub(in super::super) const PROTECTED: u32 = 2;
    pub(in super::super) const ALL: u32 = 4;
    pub(in super::super) const ALLOWED: u32 = 8;
    pub(in super::super) const FOREIGN: u32 = 16;
    pub(in super::super) const SAME: u32 = 32;
    /// The priority stands above this bit: 1 required … 5 extra, 0 unknown.
    pub(in super::super) const PRIORITY: u32 = 8;
}

//! `layers`: how an image's files are split and compressed.

/// How an image's files are split and compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layers {
    /// How many layers kiln makes at most, a base's own not counted; at least 1.
    pub max: u32,
    /// The compression.
    pub compression: Compression,
    /// Its level; the compression's own default where nothing is said.
    pub level: Option<u8>,
}

/// The compressions that an image's layers can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// What every registry and runtime reads; levels 1 to 12.
    Gzip,
    /// Smaller and faster, for runtimes of 2021 and later; levels 1 to 19.
    Zstd,
}

impl Default for Layers {
    fn default() -> Self {
        Layers { max: 8, compression: Compression::Gzip, level: None }
    }
}

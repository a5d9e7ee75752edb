//! `layers`: how an image's files are split and compressed.

use crate::spec::expand::{Cx, Item};
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

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

const LAYERS: Form = Form::new("layers", "layers max=8 compression=\"zstd\"");

/// Reads `layers`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Layers {
    let mut reader = Reader::new(cx, item, LAYERS);
    let default = Layers::default();
    let max = reader.number_property("max", 1, 100).and_then(|max| u32::try_from(max).ok());
    let choices = [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)];
    let compression = reader.choice_property("compression", "compression", &choices).unwrap_or(default.compression);
    let highest = match compression {
        Compression::Gzip => 12,
        Compression::Zstd => 19,
    };
    let level = reader.number_property("level", 1, highest).and_then(|level| u8::try_from(level).ok());
    reader.finish();
    Layers { max: max.unwrap_or(default.max), compression, level }
}

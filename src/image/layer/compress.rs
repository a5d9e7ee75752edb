//! Compressing one block.

use crate::oci::media_type;
use libdeflater::{CompressionLvl, Compressor};
use std::io;

/// How layers are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// What every registry and runtime reads.
    Gzip {
        /// 1 to 12.
        level: u8,
    },
    /// Smaller and faster, for runtimes of 2021 and later.
    Zstd {
        /// 1 to 19.
        level: u8,
    },
}

impl Default for Compression {
    fn default() -> Self {
        Compression::Gzip { level: 6 }
    }
}

impl Compression {
    /// The media type of layers that are compressed so.
    pub fn media_type(self) -> &'static str {
        match self {
            Compression::None => media_type::LAYER,
            Compression::Gzip { .. } => media_type::LAYER_GZIP,
            Compression::Zstd { .. } => media_type::LAYER_ZSTD,
        }
    }

    /// The compressor and its version, on which the bytes depend.
    pub fn compressor(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip { .. } => "libdeflate 1.26",
            Compression::Zstd { .. } => "zstd 1.5.7",
        }
    }

    /// Name and level: `gzip:6`.
    pub fn name(self) -> String {
        match self {
            Compression::None => "none".into(),
            Compression::Gzip { level } => format!("gzip:{level}"),
            Compression::Zstd { level } => format!("zstd:{level}"),
        }
    }

    /// The plain bytes that make one block; part of the promise that the same layer has the same bytes.
    pub(super) fn block_size(self) -> usize {
        match self {
            Compression::None | Compression::Gzip { .. } => 1 << 20,
            Compression::Zstd { .. } => 4 << 20,
        }
    }

    /// One block as a complete gzip member or Zstandard frame.
    pub(super) fn compress(self, block: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Compression::None => Ok(block.to_vec()),
            Compression::Gzip { level } => gzip(level, block),
            Compression::Zstd { level } => zstd::bulk::Compressor::new(level.into())?.compress(block),
        }
    }
}

/// The header has time 0, no name and 255 (unknown) as the operating system.
fn gzip(level: u8, block: &[u8]) -> io::Result<Vec<u8>> {
    let level = CompressionLvl::new(level.into())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("gzip has no level {level}")))?;
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(block.len())];
    let size = compressor
        .gzip_compress(block, &mut out)
        .map_err(|e| io::Error::other(format!("libdeflate failed within its own bound: {e:?}")))?;
    // What is not used is not given back: holes of all sizes would cost more memory than this.
    out.truncate(size);
    Ok(out)
}

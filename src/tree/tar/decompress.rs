//! Taking off compression, with a bound on what comes out.

use super::TarError;
use crate::oci::media_type;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use std::fmt;
use std::io::{self, BufReader, Cursor, Read};

/// As much memory as one stream may ask for: the dictionary of `xz -9` is 64 MiB.
const XZ_MEMORY_KIB: u32 = 80 << 10;

/// Zstandard's own bound for readers that were not told otherwise: a window of 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip; all members count.
    Gzip,
    /// Zstandard.
    Zstd,
    /// xz.
    Xz,
}

impl Compression {
    /// What `start`, the first bytes of an archive (six suffice), says.
    pub fn detect(start: &[u8]) -> Compression {
        // Zstandard's frames and its frames to be skipped, which may stand in front.
        let is_zstd =
            |s: &[u8]| s[..4] == [0x28, 0xb5, 0x2f, 0xfd] || (s[0] & 0xf0 == 0x50 && s[1..4] == [0x2a, 0x4d, 0x18]);
        match start {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            s if s.len() >= 4 && is_zstd(s) => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// What a layer's media type says; none where it is no layer that kiln can read.
    pub fn of_media_type(name: &str) -> Option<Compression> {
        match name {
            media_type::LAYER | "application/vnd.docker.image.rootfs.diff.tar" => Some(Compression::None),
            media_type::LAYER_GZIP | media_type::DOCKER_LAYER_GZIP => Some(Compression::Gzip),
            media_type::LAYER_ZSTD | "application/vnd.docker.image.rootfs.diff.tar.zstd" => Some(Compression::Zstd),
            _ => None,
        }
    }
}

/// The bytes of an archive without its compression.
pub struct Decompressed<R: Read> {
    decoder: Decoder<R>,
    compression: Compression,
    left: u64,
}

type Start<R> = io::Chain<Cursor<Vec<u8>>, R>;

enum Decoder<R: Read> {
    None(Start<R>),
    Gzip(Box<MultiGzDecoder<Start<R>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<Start<R>>>>),
    Xz(Box<XzReader<BufReader<Start<R>>>>),
}

/// Takes off the compression that the first bytes tell of.
///
/// Reading fails after `limit` bytes, however little stood in the input. A
/// stream that is cut short or has something else behind it fails as well.
///
/// # Errors
/// [`TarError::Read`] where the input cannot be read.
pub fn decompress<R: Read>(mut input: R, limit: u64) -> Result<Decompressed<R>, TarError> {
    let mut start = Vec::with_capacity(6);
    input.by_ref().take(6).read_to_end(&mut start).map_err(TarError::reading)?;
    let compression = Compression::detect(&start);
    decompress_as(compression, Cursor::new(start).chain(input), limit)
}

fn decompress_as<R: Read>(compression: Compression, input: Start<R>, limit: u64) -> Result<Decompressed<R>, TarError> {
    let decoder = match compression {
        Compression::None => Decoder::None(input),
        Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(input))),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(input).map_err(TarError::reading)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(TarError::reading)?;
            Decoder::Zstd(Box::new(decoder))
        }
        Compression::Xz => {
            let input = BufReader::with_capacity(64 << 10, input);
            Decoder::Xz(Box::new(XzReader::new_mem_limit(input, true, XZ_MEMORY_KIB)))
        }
    };
    Ok(Decompressed { decoder, compression, left: limit })
}

impl<R: Read> Decompressed<R> {
    /// The compression that was found.
    pub fn compression(&self) -> Compression {
        self.compression
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.decoder {
            Decoder::None(input) => input.read(buffer),
            Decoder::Gzip(input) => input.read(buffer),
            Decoder::Zstd(input) => input.read(buffer),
            Decoder::Xz(input) => input.read(buffer),
        }?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "it unpacks to more bytes than are allowed here")
        })?;
        Ok(count)
    }
}

impl<R: Read> fmt::Debug for Decompressed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decompressed({:?}, {} bytes left)", self.compression, self.left)
    }
}

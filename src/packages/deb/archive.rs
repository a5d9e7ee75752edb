//! Taking a `.deb` apart: an `ar` archive of three members, in order.
//!
//! The format allows members whose names begin with `_` at any place behind the
//! first, and says to pass over them. Everything else that is not expected is
//! refused: two readers must never see different packages in one file.

use crate::tree::tar::Compression;
use std::io::{self, Read};

/// What every archive begins with.
const MAGIC: &[u8; 8] = b"!<arch>\n";

/// Bytes of a member's header.
const HEADER: usize = 60;

/// The most that the version member may have; dpkg writes four bytes.
const MAX_VERSION: u64 = 64;

/// The most members that are passed over before the file is given up.
const MAX_SKIPPED: usize = 16;

/// Why a file is no Debian package.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(io::Error),
    /// It begins with something else.
    #[error("it is no Debian package: it does not begin as an ar archive")]
    Magic,
    /// A header is damaged.
    #[error("it is damaged: the member header at byte {at} {reason}")]
    Header {
        /// Where the header begins.
        at: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It stops in the middle.
    #[error("it is cut short: it ends at byte {0}, in the middle of a member")]
    Truncated(u64),
    /// A member is missing, doubled or in the wrong place.
    #[error("it is no well-formed Debian package: {found} stands where {expected} should")]
    Unexpected {
        /// What is there.
        found: String,
        /// What the format wants there.
        expected: &'static str,
    },
    /// A later version of the format.
    #[error("its format version `{0}` is not supported: kiln reads 2.x")]
    Version(String),
    /// A compression that is no longer in use.
    #[error("its member `{0}` is compressed in a way that kiln does not read: gz, xz, zst and none are known")]
    Compression(String),
}

/// Reads the members of a package one after another; reading it yields the present member's bytes.
#[derive(Debug)]
pub struct Archive<R> {
    input: R,
    /// Bytes taken so far.
    offset: u64,
    /// The size of the whole file.
    size: u64,
    /// Bytes of the present member that were not read yet.
    body: u64,
    /// Whether a byte of padding follows.
    padded: bool,
}

impl<R: Read> Archive<R> {
    /// Begins with a file of `size` bytes; reads up to the end of the version member.
    ///
    /// # Errors
    /// Where it is no package of format 2.
    pub fn open(input: R, size: u64) -> Result<Self, ArchiveError> {
        let mut archive = Archive { input, offset: 0, size, body: 0, padded: false };
        let mut magic = [0; MAGIC.len()];
        archive.fill(&mut magic).map_err(|e| match e {
            ArchiveError::Truncated(_) => ArchiveError::Magic,
            other => other,
        })?;
        if &magic != MAGIC {
            return Err(ArchiveError::Magic);
        }
        let expected = "debian-binary";
        let (name, length) = archive.header()?.ok_or(ArchiveError::Unexpected { found: "the end".into(), expected })?;
        if name != expected || length > MAX_VERSION {
            return Err(unexpected(&name, expected));
        }
        let mut version = Vec::new();
        archive.read_to_end(&mut version).map_err(ArchiveError::Read)?;
        if !version.starts_with(b"2.") || !version.ends_with(b"\n") {
            return Err(ArchiveError::Version(version.escape_ascii().to_string()));
        }
        Ok(archive)
    }

    /// Goes to the member `control.tar`; says how its name claims that it is compressed.
    pub fn control(&mut self) -> Result<Compression, ArchiveError> {
        self.tar("control.tar")
    }

    /// Goes to the member `data.tar`, in the same way.
    pub fn data(&mut self) -> Result<Compression, ArchiveError> {
        self.tar("data.tar")
    }

    /// Makes sure that nothing follows that anyone could take for content, and reads to the very end.
    pub fn finish(mut self) -> Result<(), ArchiveError> {
        match self.next_known()? {
            Some(name) => Err(unexpected(&name, "the end")),
            // The input checks its digest when it is read to the end.
            None => self.input.read(&mut [0]).map_err(ArchiveError::Read).and_then(|more| match more {
                0 => Ok(()),
                _ => Err(unexpected("more than the stated size", "the end")),
            }),
        }
    }

    fn tar(&mut self, expected: &'static str) -> Result<Compression, ArchiveError> {
        let name = self.next_known()?.ok_or(ArchiveError::Unexpected { found: "the end".into(), expected })?;
        let Some(suffix) = name.strip_prefix(expected) else { return Err(unexpected(&name, expected)) };
        match suffix {
            "" => Ok(Compression::None),
            ".gz" => Ok(Compression::Gzip),
            ".xz" => Ok(Compression::Xz),
            ".zst" => Ok(Compression::Zstd),
            _ if suffix.starts_with('.') => Err(ArchiveError::Compression(name)),
            _ => Err(unexpected(&name, expected)),
        }
    }

    /// The next member that is not to be passed over.
    fn next_known(&mut self) -> Result<Option<String>, ArchiveError> {
        for _ in 0..MAX_SKIPPED {
            match self.header()? {
                Some((name, _)) if name.starts_with('_') => {}
                other => return Ok(other.map(|(name, _)| name)),
            }
        }
        Err(unexpected("a long row of private members", "the end"))
    }

    /// Passes over what is left of the present member and reads the next header: name and size.
    fn header(&mut self) -> Result<Option<(String, u64)>, ArchiveError> {
        self.skip()?;
        if self.offset == self.size {
            return Ok(None);
        }
        let at = self.offset;
        let mut header = [0; HEADER];
        self.fill(&mut header)?;
        let damaged = |reason| ArchiveError::Header { at, reason };
        if &header[58..] != b"`\n" {
            return Err(damaged("does not end as it should"));
        }
        let name = header[..16].trim_ascii_end();
        let name = name.strip_suffix(b"/").unwrap_or(name);
        if name.is_empty() || !name.iter().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(b)) {
            return Err(damaged("has no proper name"));
        }
        let digits = header[48..58].trim_ascii_end();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(damaged("has no proper size"));
        }
        let length = digits.iter().fold(0u64, |n, digit| n * 10 + u64::from(digit - b'0'));
        if length > self.size - self.offset {
            return Err(damaged("claims more bytes than the file has"));
        }
        self.body = length;
        self.padded = length % 2 == 1;
        Ok(Some((String::from_utf8_lossy(name).into_owned(), length)))
    }

    fn skip(&mut self) -> Result<(), ArchiveError> {
        io::copy(self, &mut io::sink()).map_err(ArchiveError::Read)?;
        // Some writers leave out the padding behind the last member.
        if std::mem::take(&mut self.padded) && self.offset < self.size {
            self.fill(&mut [0])?;
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), ArchiveError> {
        self.input.read_exact(buffer).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => ArchiveError::Truncated(self.offset),
            _ => ArchiveError::Read(e),
        })?;
        self.offset += buffer.len() as u64;
        Ok(())
    }
}

impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.body).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.input.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends in the middle of a member"));
        }
        self.offset += count as u64;
        self.body -= count as u64;
        Ok(count)
    }
}

fn unexpected(found: &str, expected: &'static str) -> ArchiveError {
    ArchiveError::Unexpected { found: format!("`{found}`"), expected }
}

#[cfg(test)]
mod tests;

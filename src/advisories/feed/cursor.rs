//! A place in a file, of which there can be many.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are read at once.
const BUFFER: usize = 32 << 10;

/// Reads a file from a place of its own, so that several threads can read it.
#[derive(Debug, Clone)]
pub struct Cursor<'f> {
    file: &'f File,
    length: u64,
    at: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
    allowance: Arc<AtomicU64>,
}

impl<'f> Cursor<'f> {
    /// At the beginning of the file.
    pub fn new(file: &'f File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Cursor { file, length, at: 0, buffer: vec![], buffer_at: 0, allowance: Arc::new(AtomicU64::new(u64::MAX)) })
    }

    /// From now on this and its clones together give away no more than `bytes`; then reading fails.
    pub fn allow(&self, bytes: u64) {
        self.allowance.store(bytes, Ordering::Relaxed);
    }

    /// What lifts the allowance when somebody else has the cursor.
    pub fn allowance(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.allowance)
    }
}

impl Read for Cursor<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let buffered = |cursor: &Self| {
            let skipped = usize::try_from(cursor.at.checked_sub(cursor.buffer_at)?).ok()?;
            (skipped < cursor.buffer.len()).then_some(skipped)
        };
        if buffered(self).is_none() {
            self.buffer.resize(BUFFER, 0);
            let count = self.file.read_at(&mut self.buffer, self.at)?;
            self.buffer.truncate(count);
            self.buffer_at = self.at;
        }
        let Some(ready) = buffered(self).and_then(|skipped| self.buffer.get(skipped..)) else { return Ok(0) };
        let count = ready.len().min(out.len());
        let left = |left: u64| left.checked_sub(count as u64);
        if self.allowance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_err() {
            return Err(io::Error::other("its directory is too large"));
        }
        out[..count].copy_from_slice(&ready[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = to.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn it_reads_what_the_file_has() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        file.write_all(&content).unwrap();
        let mut cursor = Cursor::new(&file).unwrap();
        let mut all = vec![];
        cursor.read_to_end(&mut all).unwrap();
        assert!(all == content);
        for at in [0, 5, 32 << 10, 399_999, 400_000, 500_000] {
            cursor.seek(SeekFrom::Start(at)).unwrap();
            let (mut rest, at) = (vec![], usize::try_from(at).unwrap());
            cursor.read_to_end(&mut rest).unwrap();
            assert!(rest == content[at.min(content.len())..]);
        }
        cursor.seek(SeekFrom::End(-4)).unwrap();
        cursor.allow(3);
        assert!(cursor.read(&mut [0; 4]).is_err());
        assert!(cursor.seek(SeekFrom::Current(i64::MIN)).is_err());
    }
}

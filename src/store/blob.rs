//! Blobs: content named by its digest.

use super::{Store, StoreError};
use crate::oci::{Digest, Digester};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// Where one mass of content is written before it has a name.
///
/// Dropped without [`commit`](BlobWriter::commit), nothing is stored.
#[derive(Debug)]
pub struct BlobWriter {
    store: Store,
    path: PathBuf,
    file: Option<File>,
    digester: Digester,
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digester({} bytes)", self.length())
    }
}

impl BlobWriter {
    /// Gives the content its name; returns digest and size.
    pub fn commit(self) -> Result<(Digest, u64), StoreError> {
        let digest = self.digester.clone().finish();
        let size = self.digester.length();
        self.publish(&digest)?;
        Ok((digest, size))
    }

    /// Gives the content its name if that is `expected`; returns its size.
    ///
    /// # Errors
    /// [`StoreError::WrongDigest`] for other content, of which nothing is kept.
    pub fn commit_as(self, expected: &Digest) -> Result<u64, StoreError> {
        let actual = self.digester.clone().finish();
        if actual != *expected {
            return Err(StoreError::WrongDigest { expected: *expected, actual });
        }
        let size = self.digester.length();
        self.publish(expected)?;
        Ok(size)
    }

    fn publish(mut self, digest: &Digest) -> Result<(), StoreError> {
        self.file = None;
        rename_into(&self.path, &self.store.blob_path(digest))?;
        self.store.checked().insert(*digest);
        Ok(())
    }
}

/// Renames a finished file to its name, making the folder if this is the first in it.
pub(super) fn rename_into(from: &std::path::Path, to: &std::path::Path) -> Result<(), StoreError> {
    let fail = StoreError::io("cannot store", to);
    match std::fs::rename(from, to) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let folder = to.parent().expect("names in the store have a folder");
            std::fs::create_dir_all(folder).and_then(|()| std::fs::rename(from, to)).map_err(fail)
        }
        other => other.map_err(fail),
    }
}

impl Write for BlobWriter {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let file = self.file.as_mut().expect("the file is open until the writer is consumed");
        let written = file.write(piece)?;
        self.digester.update(&piece[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        // After a commit there is nothing left under this path.
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Reads a blob and checks it on the way, unless this stay in the store wrote or checked it.
///
/// The last `read`, the one that would return 0, fails with
/// [`io::ErrorKind::InvalidData`] where the content is not what its name says;
/// the blob is then gone from the store. Whoever makes something of the content
/// must read to the end before the result counts.
#[derive(Debug)]
pub struct BlobReader {
    store: Store,
    digest: Digest,
    file: File,
    digester: Option<Digester>,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.file.read(buffer)?;
        if count > 0 {
            if let Some(digester) = &mut self.digester {
                digester.update(&buffer[..count]);
            }
        } else if let Some(digester) = self.digester.take() {
            if digester.finish() != self.digest {
                self.store.remove(&self.digest);
                return Err(io::Error::new(io::ErrorKind::InvalidData, StoreError::Corrupt(self.digest)));
            }
            self.store.checked().insert(self.digest);
        }
        Ok(count)
    }
}

impl BlobReader {
    /// The file to read from, where its content needs no check: so that the system can copy it by itself.
    pub fn checked_file(&self) -> Option<&File> {
        self.digester.is_none().then_some(&self.file)
    }

    /// The file itself, for those who check what they read.
    pub fn into_file(mut self) -> io::Result<File> {
        self.digester = None;
        self.file.try_clone()
    }
}

impl Drop for BlobReader {
    fn drop(&mut self) {
        if self.digester.is_some() {
            self.store.doubt(&self.digest);
        }
    }
}

impl Store {
    /// Where a blob stands; the file is there only if [`has`](Self::has) says so.
    fn blob_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join("blobs/sha256").join(&hex[..2]).join(&hex[2..])
    }

    /// Whether the content is stored, by name; its bytes are checked when they are read.
    pub fn has(&self, digest: &Digest) -> bool {
        self.size(digest).is_some()
    }

    /// The size in bytes of stored content.
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        std::fs::metadata(self.blob_path(digest)).ok().map(|m| m.len())
    }

    /// Begins to write new content.
    pub fn writer(&self) -> Result<BlobWriter, StoreError> {
        let path = self.session.unfinished()?;
        let file = File::create(&path).map_err(StoreError::io("cannot write", &path))?;
        Ok(BlobWriter { store: self.clone(), path, file: Some(file), digester: Digester::new() })
    }

    /// Stores `content` and returns its name.
    pub fn put(&self, content: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(content);
        self.put_as(&digest, content)?;
        Ok(digest)
    }

    /// Stores `content`, whose digest the caller has just made.
    pub fn put_as(&self, digest: &Digest, content: &[u8]) -> Result<(), StoreError> {
        if self.size(digest) == Some(content.len() as u64) {
            return Ok(());
        }
        let path = self.session.unfinished()?;
        std::fs::write(&path, content).map_err(StoreError::io("cannot write", &path))?;
        rename_into(&path, &self.blob_path(digest))?;
        self.checked().insert(*digest);
        Ok(())
    }

    /// Opens stored content for reading.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where it is not stored.
    pub fn reader(&self, digest: &Digest) -> Result<BlobReader, StoreError> {
        let path = self.blob_path(digest);
        match File::open(&path) {
            Ok(file) => {
                let digester = (!self.checked().contains(digest)).then(Digester::new);
                Ok(BlobReader { store: self.clone(), digest: *digest, file, digester })
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.lose();
                Err(StoreError::Missing(*digest))
            }
            Err(e) => Err(StoreError::io("cannot read", &path)(e)),
        }
    }

    /// Reads stored content whole, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::TooLarge`], and [`StoreError::Corrupt`]
    /// where the disk gave back something else.
    pub fn read(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, StoreError> {
        let Some(size) = self.size(digest) else { return self.reader(digest).map(|_| Vec::new()) };
        if size > limit {
            return Err(StoreError::TooLarge { digest: *digest, size, limit });
        }
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        match self.reader(digest)?.read_to_end(&mut content) {
            Ok(_) => Ok(content),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(StoreError::Corrupt(*digest)),
            Err(e) => Err(StoreError::io("cannot read", &self.blob_path(digest))(e)),
        }
    }

    /// Reads `size` bytes of stored content from `offset` on; the whole is checked the first time.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`StoreError::Io`] for content that ends before.
    pub fn read_part(&self, digest: &Digest, offset: u64, size: u64) -> Result<Vec<u8>, StoreError> {
        // Whoever wants another part of the same content waits instead of checking it too.
        let checking = self.session.checking.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reader = self.reader(digest)?;
        if reader.digester.is_some() {
            io::copy(&mut reader, &mut io::sink())?;
        }
        drop(checking);
        let path = self.blob_path(digest);
        let fail = || StoreError::io("cannot read", &path);
        let end = reader.file.metadata().map_err(fail())?.len();
        if offset.checked_add(size).is_none_or(|wanted| wanted > end) {
            return Err(fail()(io::ErrorKind::UnexpectedEof.into()));
        }
        let mut part = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        reader.file.read_exact_at(&mut part, offset).map_err(fail())?;
        Ok(part)
    }

    /// How often this handle and its clones found content missing or damaged.
    ///
    /// Where work failed and this has grown meanwhile, [`forget`](Self::forget) and doing it again helps.
    pub fn losses(&self) -> u64 {
        self.session.losses.load(Ordering::Relaxed)
    }

    /// Forgets content that turned out to be damaged; the next run makes it anew.
    fn remove(&self, digest: &Digest) {
        let _ = std::fs::remove_file(self.blob_path(digest));
        self.lose();
    }

    fn lose(&self) {
        self.session.losses.fetch_add(1, Ordering::Relaxed);
        self.note_removal();
    }
}

impl From<io::Error> for StoreError {
    /// Finds the store's own error in what a reader of its blobs reported.
    fn from(error: io::Error) -> Self {
        match error.downcast::<StoreError>() {
            Ok(own) => own,
            Err(source) => {
                StoreError::Io { action: "cannot read or write", path: "a file of the store".into(), source }
            }
        }
    }
}

//! Where a layout's bytes are: in a folder, in an archive or in the store.

use super::LayoutError;
use crate::oci::{Digest, Digester, document::MAX_SIZE};
use crate::store::{Store, StoreError};
use crate::tree::tar::{Compression, Kind, Limits, Reader, TarError};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Content with its size.
type Blob = (Box<dyn Read + Send>, u64);

#[derive(Debug)]
pub(super) enum Source {
    Folder(PathBuf),
    /// Where each blob begins and how long it is.
    Archive {
        path: PathBuf,
        file: Arc<File>,
        blobs: BTreeMap<Digest, (u64, u64)>,
    },
    /// An image whose contents are in the store, as those of a registry are after a pull.
    Store(Store),
}

impl Source {
    /// Opens what is there; with it, the bytes of `oci-layout` and `index.json`.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<u8>, Vec<u8>), LayoutError> {
        let metadata = std::fs::metadata(path).map_err(failed(path))?;
        if !metadata.is_dir() {
            return open_archive(path);
        }
        let read = |name: &str| {
            let path = path.join(name);
            let missing = || not_a_layout(path.parent().unwrap_or(&path), format!("it has no file `{name}`"));
            let (content, size) = open_file(&path)?.ok_or_else(missing)?;
            read_document(content, size, name, &path)
        };
        Ok((Source::Folder(path.to_owned()), read("oci-layout")?, read("index.json")?))
    }

    /// The content under a digest, not checked yet.
    pub(super) fn blob(&self, digest: &Digest) -> Result<Option<Blob>, LayoutError> {
        match self {
            Source::Folder(path) => open_file(&path.join("blobs/sha256").join(digest.hex())),
            Source::Archive { path, file, blobs } => Ok(blobs.get(digest).map(|(at, size)| {
                let section = Section { file: file.clone(), path: path.clone(), at: *at, left: *size };
                (Box::new(section) as Box<dyn Read + Send>, *size)
            })),
            Source::Store(store) => match store.reader(digest) {
                Ok(reader) => {
                    let size = store.size(digest).ok_or(StoreError::Missing(*digest))?;
                    Ok(Some((Box::new(reader), size)))
                }
                Err(StoreError::Missing(_)) => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// The stretch of a file that holds the content under a digest, not checked yet: where it begins, and its length.
    pub(super) fn part(&self, digest: &Digest) -> Result<Option<(Arc<File>, u64, u64)>, LayoutError> {
        let path = match self {
            Source::Archive { file, blobs, .. } => {
                return Ok(blobs.get(digest).map(|(at, size)| (file.clone(), *at, *size)));
            }
            Source::Store(store) => {
                let Some(size) = store.size(digest) else { return Ok(None) };
                return Ok(Some((Arc::new(store.reader(digest)?.into_file().map_err(StoreError::from)?), 0, size)));
            }
            Source::Folder(path) => path.join("blobs/sha256").join(digest.hex()),
        };
        Ok(open_regular(&path)?.map(|(file, size)| (Arc::new(file), 0, size)))
    }
}

fn open_file(path: &Path) -> Result<Option<Blob>, LayoutError> {
    Ok(open_regular(path)?.map(|(file, size)| (Box::new(file) as Box<dyn Read + Send>, size)))
}

/// Links are followed, as there are tools that make blobs so; pipes and devices are not waited for.
fn open_regular(path: &Path) -> Result<Option<(File, u64)>, LayoutError> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("a small flag");
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(path)(e)),
    };
    let metadata = file.metadata().map_err(failed(path))?;
    if !metadata.is_file() {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a file");
        return Err(LayoutError::Io { path: path.to_owned(), source });
    }
    Ok(Some((file, metadata.len())))
}

fn read_document(content: impl Read, size: u64, name: &str, path: &Path) -> Result<Vec<u8>, LayoutError> {
    let mut bytes = Vec::new();
    content.take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(failed(path))?;
    if size > MAX_SIZE || bytes.len() as u64 > MAX_SIZE {
        return Err(not_a_layout(path, format!("its file `{name}` has more than {MAX_SIZE} bytes")));
    }
    Ok(bytes)
}

fn open_archive(path: &Path) -> Result<(Source, Vec<u8>, Vec<u8>), LayoutError> {
    let file = File::open(path).map_err(failed(path))?;
    let mut start = Vec::new();
    (&file).take(6).read_to_end(&mut start).map_err(failed(path))?;
    if Compression::detect(&start) != Compression::None {
        return Err(not_a_layout(path, "it is compressed; decompress it first".into()));
    }
    let archive = |source: TarError| LayoutError::Archive { path: path.to_owned(), source };
    let section = Section { file: Arc::new(file), path: path.to_owned(), at: 0, left: u64::MAX };
    let file = section.file.clone();
    let mut reader = Reader::new(BufReader::with_capacity(64 << 10, section), Limits::default());
    let (mut version, mut index, mut blobs) = (None, None, BTreeMap::new());
    while let Some(mut member) = reader.next_member().map_err(archive)? {
        if member.header().kind != Kind::File {
            continue;
        }
        let (name, size) = (member.header().path.clone(), member.header().size);
        let document = match name.as_bytes() {
            b"oci-layout" => &mut version,
            b"index.json" => &mut index,
            name => {
                let hex = name.strip_prefix(b"blobs/sha256/").and_then(|hex| std::str::from_utf8(hex).ok());
                if let Some(digest) = hex.and_then(|hex| Digest::from_hex(hex).ok()) {
                    blobs.insert(digest, (member.position(), size));
                }
                continue;
            }
        };
        let bytes = read_document(&mut member, size, &name.to_string(), path)?;
        if document.replace(bytes).is_some() {
            return Err(not_a_layout(path, format!("it has two files `{name}`")));
        }
    }
    let missing = |name: &str| not_a_layout(path, format!("it has no file `{name}`"));
    let version = version.ok_or_else(|| missing("oci-layout"))?;
    let index = index.ok_or_else(|| missing("index.json"))?;
    Ok((Source::Archive { path: path.to_owned(), file, blobs }, version, index))
}

/// A part of a file, read without moving the place that others read at.
struct Section {
    file: Arc<File>,
    path: PathBuf,
    at: u64,
    left: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

impl std::fmt::Debug for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Section({} bytes of {} from {})", self.left, self.path.display(), self.at)
    }
}

/// Reads content and fails at its end where its digest is another one.
pub(super) struct Verified {
    content: Box<dyn Read + Send>,
    expected: Digest,
    digester: Option<Digester>,
}

impl Verified {
    pub(super) fn new(content: Box<dyn Read + Send>, expected: Digest) -> Self {
        Verified { content, expected, digester: Some(Digester::new()) }
    }
}

impl Read for Verified {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.content.read(buffer)?;
        if count > 0 {
            if let Some(digester) = &mut self.digester {
                digester.update(&buffer[..count]);
            }
        } else if let Some(digester) = self.digester.take() {
            let actual = digester.finish();
            if actual != self.expected {
                let message = format!("its bytes have the digest {actual}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        Ok(count)
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> LayoutError {
    let path = path.to_owned();
    move |source| LayoutError::Io { path, source }
}

fn not_a_layout(path: &Path, reason: String) -> LayoutError {
    LayoutError::NotALayout { path: path.to_owned(), reason }
}

//! The one archive that a change has: equal changes and epochs give equal bytes.

use super::header::{self, BLOCK, Block, Field, OPAQUE, WHITEOUT};
use super::{TarError, pax};
use crate::oci::Digest;
use crate::store::{Store, StoreError};
use crate::tree::links::HardLinks;
use crate::tree::{Change, Entry, Node, TreePath};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

/// Where an archive goes, part by part; any [`Write`] takes the parts as one stream.
pub trait Sink {
    /// An entry begins, with so many bytes of content; whoever cuts the archive into pieces does well to cut here.
    fn begin(&mut self, path: &TreePath, size: u64) -> io::Result<()>;

    /// What is no content: headers, padding, the end mark.
    fn frame(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// The next bytes of a file, which are those of the stored `content` from `offset` on.
    fn content(&mut self, content: &Digest, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

impl<W: Write> Sink for W {
    fn begin(&mut self, _: &TreePath, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn frame(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn content(&mut self, _: &Digest, _: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }
}

/// The name of extended headers, which no reader uses.
const PAX_NAME: &[u8] = b"././@PaxHeader";

/// Writes `change` as a plain tar archive.
///
/// - Entries stand in bytewise order of their paths, parents before children,
///   each path once. Removals come right after the folder that they are in.
/// - Times are whole seconds, none after `epoch` and none before 1970. Owners
///   are numbers without names.
/// - Headers are POSIX ustar, with PAX records, sorted, where that is not enough.
/// - Of the paths of one file the first has the content, the others are hard
///   links to it.
/// - Two blocks of zeros end it, and nothing follows.
///
/// The root's own entry is written only where it differs from what every
/// reader makes by itself: root's, mode 0755.
///
/// # Errors
/// [`TarError::ReservedName`] for names that would be read as removals,
/// [`TarError::Store`] where content is missing or damaged.
pub fn write(change: &Change, store: &Store, epoch: i64, out: &mut impl Sink) -> Result<(), TarError> {
    let mut writing =
        Writing { out, store, epoch: epoch.max(0), links: HardLinks::default(), buffer: vec![0; 64 << 10] };
    let whiteouts = whiteouts(change);
    let paths: BTreeSet<&TreePath> = change.entries.iter().map(|(path, _)| path).chain(whiteouts.keys()).collect();
    for path in paths {
        if let Some(entry) = change.entries.get(path) {
            writing.entry(path, entry)?;
        }
        for name in whiteouts.get(path).into_iter().flatten() {
            writing.whiteout(path, name)?;
        }
    }
    writing.put(&[0; 2 * BLOCK])
}

/// The names of whiteouts by their folders, without those that others imply.
///
/// A removed path that is put again is no whiteout: a directory is opaque
/// instead, as a whiteout beside its own path is understood differently by
/// different readers, and everything else replaces what was there anyhow.
fn whiteouts(change: &Change) -> BTreeMap<TreePath, BTreeSet<Vec<u8>>> {
    let goes_with_folder = |path: &TreePath| {
        let mut above = std::iter::once(TreePath::root()).chain(path.ancestors()).filter(|a| a != path);
        above.any(|a| change.removed.contains(&a) || change.opaque.contains(&a))
    };
    let mut whiteouts: BTreeMap<TreePath, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for path in change.removed.iter().chain(&change.opaque) {
        if goes_with_folder(path) {
            continue;
        }
        let put = change.entries.get(path);
        if change.opaque.contains(path) || put.is_some_and(Entry::is_dir) {
            whiteouts.entry(path.clone()).or_default().insert(OPAQUE.to_vec());
        } else if put.is_none()
            && let (Some(parent), Some(name)) = (path.parent(), path.file_name())
        {
            whiteouts.entry(parent).or_default().insert([WHITEOUT, name].concat());
        }
    }
    whiteouts
}

struct Writing<'a, S> {
    out: &'a mut S,
    store: &'a Store,
    epoch: i64,
    links: HardLinks<'a>,
    buffer: Vec<u8>,
}

impl<'a, S: Sink> Writing<'a, S> {
    fn entry(&mut self, path: &'a TreePath, entry: &'a Entry) -> Result<(), TarError> {
        if path.is_root() && is_default_root(entry) {
            return Ok(());
        }
        if path.file_name().is_some_and(|name| name.starts_with(WHITEOUT)) {
            return Err(TarError::ReservedName(path.clone()));
        }
        let first = self.links.first_path(path, entry);
        let mut head = Head::new(path, entry, self.epoch);
        match &entry.node {
            Node::File { .. } if first.is_some() => {
                head.kind = b'1';
                head.link = first.map(|p| p.as_bytes().to_vec()).unwrap_or_default();
            }
            Node::File { size, .. } => head.size = *size,
            Node::Dir => {
                head.kind = b'5';
                head.name = if path.is_root() { b"./".to_vec() } else { [path.as_bytes(), b"/"].concat() };
            }
            Node::Symlink { target } => {
                head.kind = b'2';
                head.link = target.to_vec();
            }
            Node::CharDevice { major, minor } => (head.kind, head.device) = (b'3', (*major, *minor)),
            Node::BlockDevice { major, minor } => (head.kind, head.device) = (b'4', (*major, *minor)),
            Node::Fifo => head.kind = b'6',
        }
        self.head(path, head)?;
        match &entry.node {
            Node::File { content, size, .. } if first.is_none() => self.content(path, content, *size),
            _ => Ok(()),
        }
    }

    fn whiteout(&mut self, folder: &TreePath, name: &[u8]) -> Result<(), TarError> {
        let name = if folder.is_root() { name.to_vec() } else { [folder.as_bytes(), b"/", name].concat() };
        let head = Head { name, mode: 0o644, ..Head::empty(self.epoch) };
        self.head(folder, head)
    }

    fn head(&mut self, path: &TreePath, head: Head) -> Result<(), TarError> {
        let refuse = |reason| TarError::Refused { name: path.to_string(), reason };
        self.out.begin(path, head.size).map_err(TarError::Write)?;
        let (block, records) = head.encode().map_err(refuse)?;
        if !records.is_empty() {
            let mut body = Vec::new();
            for (key, value) in &records {
                pax::put_record(&mut body, key, value);
            }
            let extension =
                Head { kind: b'x', name: PAX_NAME.to_vec(), mode: 0o644, size: body.len() as u64, ..Head::empty(0) };
            let (block, _) = extension.encode().map_err(refuse)?;
            self.put(&block)?;
            self.put(&body)?;
            self.pad(body.len() as u64)?;
        }
        self.put(&block)
    }

    fn content(&mut self, path: &TreePath, content: &Digest, size: u64) -> Result<(), TarError> {
        let mut reader = self.store.reader(content)?;
        let mut read = 0;
        loop {
            let count = match reader.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(StoreError::from(e).into()),
            };
            let offset = read;
            read += count as u64;
            if read > size {
                break;
            }
            self.out.content(content, offset, &self.buffer[..count]).map_err(TarError::Write)?;
        }
        if read != size {
            let reason = "its content has another size than its tree says";
            return Err(TarError::Refused { name: path.to_string(), reason });
        }
        self.pad(size)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), TarError> {
        self.out.frame(bytes).map_err(TarError::Write)
    }

    fn pad(&mut self, size: u64) -> Result<(), TarError> {
        self.put(&[0; BLOCK][..header::padding(size)])
    }
}

/// What unpackers make by themselves where an archive has no entry for the root.
fn is_default_root(entry: &Entry) -> bool {
    entry.mode == 0o755 && (entry.uid, entry.gid) == (0, 0) && entry.xattrs.is_empty()
}

/// A header before it is bytes.
struct Head {
    kind: u8,
    name: Vec<u8>,
    link: Vec<u8>,
    mode: u16,
    uid: u32,
    gid: u32,
    size: u64,
    mtime: i64,
    device: (u32, u32),
    records: BTreeMap<Vec<u8>, Vec<u8>>,
}

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

impl Head {
    fn empty(mtime: i64) -> Self {
        Head {
            kind: b'0',
            name: Vec::new(),
            link: Vec::new(),
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            mtime,
            device: (0, 0),
            records: Records::new(),
        }
    }

    fn new(path: &TreePath, entry: &Entry, epoch: i64) -> Self {
        let mtime = entry.mtime_within(epoch);
        // Hard links carry them too: some unpackers change the owner once more, which clears capabilities.
        let records = entry.xattrs.iter().map(|(k, v)| ([pax::XATTR, k].concat(), v.to_vec())).collect();
        Head {
            name: path.as_bytes().to_vec(),
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            records,
            ..Head::empty(mtime)
        }
    }

    /// The block, and the records that say what does not fit into it.
    fn encode(mut self) -> Result<(Block, Records), &'static str> {
        if self.records.keys().any(|key| key.contains(&b'=')) {
            return Err("an extended attribute has `=` in its name, which archives cannot hold");
        }
        let mut block = [0; BLOCK];
        block[header::TYPE] = self.kind;
        header::MAGIC.put(&mut block, header::USTAR);
        match split(&self.name) {
            Some((prefix, name)) => {
                header::PREFIX.put(&mut block, prefix);
                header::NAME.put(&mut block, name);
            }
            None => {
                header::NAME.put(&mut block, &self.name[..header::NAME.width()]);
                self.records.insert(b"path".to_vec(), self.name.clone());
            }
        }
        let short = self.link.len().min(header::LINK.width());
        header::LINK.put(&mut block, &self.link[..short]);
        if short < self.link.len() {
            self.records.insert(b"linkpath".to_vec(), self.link.clone());
        }
        let fits = header::MODE.put_octal(&mut block, u64::from(self.mode))
            && header::MAJOR.put_octal(&mut block, u64::from(self.device.0))
            && header::MINOR.put_octal(&mut block, u64::from(self.device.1));
        if !fits {
            return Err("its device numbers are larger than archives can hold");
        }
        self.number(&mut block, header::UID, "uid", u64::from(self.uid));
        self.number(&mut block, header::GID, "gid", u64::from(self.gid));
        self.number(&mut block, header::SIZE, "size", self.size);
        self.number(&mut block, header::MTIME, "mtime", self.mtime.unsigned_abs());
        let names = [self.records.get(&b"path"[..]), self.records.get(&b"linkpath"[..])];
        if names.into_iter().flatten().any(|name| std::str::from_utf8(name).is_err()) {
            self.records.insert(b"hdrcharset".to_vec(), b"BINARY".to_vec());
        }
        header::seal(&mut block);
        Ok((block, self.records))
    }

    fn number(&mut self, block: &mut Block, field: Field, key: &str, number: u64) {
        if !field.put_octal(block, number) {
            field.put_octal(block, 0);
            self.records.insert(key.into(), number.to_string().into_bytes());
        }
    }
}

/// The name in a header's two fields; none where it does not fit.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= header::NAME.width() {
        return Some((b"", name));
    }
    let last = name.len() - 1;
    // The shortest prefix that leaves a rest that fits; a slash at the very end belongs to the rest.
    let first = name.len() - header::NAME.width() - 1;
    let at = (first..last).find(|at| name[*at] == b'/')?;
    (at > 0 && at <= header::PREFIX.width()).then(|| (&name[..at], &name[at + 1..]))
}

//! An archive as a change of a tree; contents go into the store.

use super::{Header, Kind, Limits, Member, Reader, TarError};
use crate::oci::Digest;
use crate::store::{Store, StoreError};
use crate::tree::{Change, Entry, LinkId, Node, Tree, TreeError, TreePath, Xattrs};
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read, Write};

/// As many links as Linux follows before it gives up.
const MAX_LINKS: usize = 40;

/// The only attribute that changes what a file may do; others are kept on demand.
const CAPABILITY: &[u8] = b"security.capability";

/// Files up to this size are read whole, so that those that are stored already are not written again.
const SMALL: u64 = 256 << 10;

/// Where an entry goes; none leaves it out. The root stays where it is.
pub type Map<'a> = dyn Fn(&TreePath) -> Option<TreePath> + 'a;

/// How an archive is read.
pub struct Options<'a> {
    /// What it may have at most.
    pub limits: Limits,
    /// Names the archive, so that its hard links are told from those of others: its digest, for example.
    pub origin: &'a [u8],
    /// Names that begin with `.wh.` take away, as in layers of images.
    pub whiteouts: bool,
    /// Device nodes are read; otherwise they are refused.
    pub devices: bool,
    /// All extended attributes are kept; otherwise `security.capability` alone.
    pub xattrs: bool,
    /// What the archive is laid over: links and folders that it relies on are found there.
    ///
    /// Without it, folders that the archive does not mention are made as `root`'s with mode 0755.
    pub lower: Option<&'a Tree>,
    /// Renames entries and leaves some out; asked for the targets of hard links too.
    pub map: Option<&'a Map<'a>>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            limits: Limits::default(),
            origin: b"",
            whiteouts: false,
            devices: false,
            xattrs: false,
            lower: None,
            map: None,
        }
    }
}

/// Reads a plain tar archive.
///
/// An entry replaces an earlier one of the same path; directories become one,
/// with the later one's metadata. Where the folder of an entry is a symbolic
/// link, the entry goes where the link leads inside the root, as containerd
/// does. A hard link has the metadata of the file it leads to.
///
/// # Errors
/// For archives that are damaged or refused, and where the store fails. Files
/// that were stored before that remain in the store, named by their digests.
pub fn read(input: impl Read, store: &Store, options: &Options<'_>) -> Result<Change, TarError> {
    Ok(unpack(input, store, options)?.change)
}

/// What an archive came to.
#[derive(Debug)]
pub struct Unpacked {
    /// The change that it is.
    pub change: Change,
    /// Whether the archive itself says all of the change: no folder was taken from elsewhere, and no time was rounded. What
    /// others make of it is the same then.
    pub is_explicit: bool,
}

/// The same as [`read`], with what is to be known of the archive.
///
/// # Errors
/// As [`read`].
pub fn unpack(input: impl Read, store: &Store, options: &Options<'_>) -> Result<Unpacked, TarError> {
    let mut reader = Reader::new(input, options.limits.clone());
    if options.whiteouts {
        reader = reader.with_whiteouts();
    }
    let mut unpacking = Unpacking {
        store,
        options,
        change: Change::default(),
        implied: BTreeSet::new(),
        has_fractions: false,
        buffer: Vec::new(),
    };
    while let Some(member) = reader.next_member()? {
        unpacking.has_fractions |= member.header().has_fraction;
        unpacking.take(member)?;
    }
    let is_explicit = unpacking.implied.is_empty() && !unpacking.has_fractions;
    Ok(Unpacked { change: unpacking.change, is_explicit })
}

impl<R: Read> Member<'_, R> {
    /// Stores the content of the entry; returns its digest.
    pub fn store(&mut self, store: &Store) -> Result<Digest, TarError> {
        let mut buffer = Vec::new();
        self.store_through(store, &mut buffer)
    }

    fn store_through(&mut self, store: &Store, buffer: &mut Vec<u8>) -> Result<Digest, TarError> {
        let size = self.header().size;
        if size <= SMALL {
            buffer.clear();
            self.read_to_end(buffer).map_err(TarError::reading)?;
            return Ok(store.put(buffer)?);
        }
        let mut writer = store.writer()?;
        buffer.resize(SMALL as usize, 0);
        loop {
            match self.read(buffer) {
                Ok(0) => break,
                Ok(count) => writer.write_all(&buffer[..count]).map_err(StoreError::from)?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(TarError::reading(e)),
            }
        }
        Ok(writer.commit()?.0)
    }
}

struct Unpacking<'a> {
    store: &'a Store,
    options: &'a Options<'a>,
    change: Change,
    /// The folders in it that the archive has not mentioned.
    implied: BTreeSet<TreePath>,
    /// A time was rounded.
    has_fractions: bool,
    buffer: Vec<u8>,
}

impl Unpacking<'_> {
    fn take<R: Read>(&mut self, mut member: Member<'_, R>) -> Result<(), TarError> {
        let Some(path) = self.mapped(&member.header().path) else { return Ok(()) };
        match &member.header().kind {
            Kind::Removed => {
                let path = self.place(&path)?;
                self.change.removed.insert(path);
            }
            Kind::Opaque => {
                let path = self.folder(&path)?;
                self.change.opaque.insert(path);
            }
            Kind::HardLink { target } => {
                let target = target.clone();
                self.take_hard_link(&path, &target)?;
            }
            Kind::File => {
                let content = member.store_through(self.store, &mut self.buffer)?;
                let node = Node::File { content, size: member.header().size, link: None };
                self.put(&path, node, member.header())?;
            }
            _ => {
                let node = self.node(member.header())?;
                self.put(&path, node, member.header())?;
            }
        }
        Ok(())
    }

    fn mapped(&self, path: &TreePath) -> Option<TreePath> {
        match self.options.map {
            Some(map) if !path.is_root() => map(path),
            _ => Some(path.clone()),
        }
    }

    /// The node of an entry without content.
    fn node(&self, header: &Header) -> Result<Node, TarError> {
        let refuse = |reason| Err(TarError::Refused { name: header.path.to_string(), reason });
        match &header.kind {
            Kind::Dir => Ok(Node::Dir),
            Kind::Symlink { target } => Ok(Node::Symlink { target: target.clone() }),
            Kind::Fifo => Ok(Node::Fifo),
            Kind::CharDevice { .. } | Kind::BlockDevice { .. } if !self.options.devices => {
                refuse("device nodes are not allowed here")
            }
            // To overlayfs it is a removal.
            Kind::CharDevice { major: 0, minor: 0 } => refuse("a device with the numbers 0 and 0 hides files"),
            Kind::CharDevice { major, minor } => Ok(Node::CharDevice { major: *major, minor: *minor }),
            Kind::BlockDevice { major, minor } => Ok(Node::BlockDevice { major: *major, minor: *minor }),
            Kind::File | Kind::HardLink { .. } | Kind::Removed | Kind::Opaque => {
                unreachable!("handled where the content is at hand")
            }
        }
    }

    fn put(&mut self, path: &TreePath, node: Node, header: &Header) -> Result<(), TarError> {
        let wanted = |name: &[u8]| self.options.xattrs || name == CAPABILITY;
        let xattrs: Xattrs =
            header.xattrs.iter().filter(|(name, _)| wanted(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
        let entry =
            Entry { node, mode: header.mode, uid: header.uid, gid: header.gid, mtime: Some(header.mtime), xattrs };
        // A directory that comes where a link to one stands replaces the link, as with GNU tar.
        let path = self.place(path)?;
        self.implied.remove(&path);
        self.insert(path, entry)
    }

    fn insert(&mut self, path: TreePath, entry: Entry) -> Result<(), TarError> {
        let replaces_other = entry.is_dir() && self.change.entries.get(&path).is_some_and(|e| !e.is_dir());
        if replaces_other {
            // What stood below in the lower tree went with the entry that is replaced now.
            self.change.removed.insert(path.clone());
        }
        self.change.entries.insert(path, entry)?;
        Ok(())
    }

    /// The path with its folder resolved and made.
    fn place(&mut self, path: &TreePath) -> Result<TreePath, TarError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(path.clone()) };
        let parent = self.folder(&parent)?;
        Ok(parent.join(name).map_err(TreeError::from)?)
    }

    /// Where a folder is when links are followed; it and those above are in the change afterwards.
    fn folder(&mut self, path: &TreePath) -> Result<TreePath, TarError> {
        if path.is_root() || self.change.entries.get(path).is_some_and(Entry::is_dir) {
            return Ok(path.clone());
        }
        let mut todo = parts(path.as_bytes());
        let mut here = TreePath::root();
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            if part == b".." {
                here = here.parent().unwrap_or_else(TreePath::root);
                continue;
            }
            let next = here.join(&part).map_err(TreeError::from)?;
            match self.visible(&next).cloned() {
                Some(Entry { node: Node::Symlink { target }, .. }) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(TreeError::Links { path: path.to_string() }.into());
                    }
                    if target.starts_with(b"/") {
                        here = TreePath::root();
                    }
                    let mut target = parts(&target);
                    target.append(&mut todo);
                    todo = target;
                    continue;
                }
                Some(entry) if entry.is_dir() => {
                    if self.change.entries.get(&next).is_none() {
                        self.implied.insert(next.clone());
                        self.change.entries.insert(next.clone(), entry)?;
                    }
                }
                Some(entry) => {
                    let kind = entry.kind();
                    return Err(TreeError::NotADirectory { path: path.clone(), parent: next, kind }.into());
                }
                None => {
                    self.implied.insert(next.clone());
                    self.change.entries.insert(next.clone(), Entry::dir(0o755))?;
                }
            }
            here = next;
        }
        Ok(here)
    }

    /// What stands at a path whose folder is resolved: in the archive so far, or below it.
    fn visible(&self, path: &TreePath) -> Option<&Entry> {
        if let Some(entry) = self.change.entries.get(path) {
            return Some(entry);
        }
        let change = &self.change;
        let is_cleared = |folder: &TreePath| {
            change.opaque.contains(folder) || change.entries.get(folder).is_some_and(|e| !e.is_dir())
        };
        let is_hidden = is_cleared(&TreePath::root())
            || path.ancestors().any(|a| change.removed.contains(&a) || (a != *path && is_cleared(&a)));
        if is_hidden { None } else { self.options.lower?.get(path) }
    }

    fn take_hard_link(&mut self, path: &TreePath, target: &TreePath) -> Result<(), TarError> {
        let refuse = |reason| TarError::HardLink { name: path.to_string(), target: target.to_string(), reason };
        let target = self.mapped(target).ok_or_else(|| refuse("which is left out here"))?;
        let target = self.place(&target)?;
        let place = self.place(path)?;
        if place == target {
            return Err(refuse("which is itself"));
        }
        let mut entry = self.visible(&target).cloned().ok_or_else(|| refuse("which did not come before it"))?;
        match &mut entry.node {
            Node::Dir => return Err(refuse("which is a directory")),
            Node::File { link, .. } if link.is_none() => {
                // The file gets its id, and with it a place in this change if it stood below.
                *link = Some(LinkId::new(self.options.origin, &target));
                self.change.entries.insert(target, entry.clone())?;
            }
            _ => {}
        }
        self.insert(place, entry)
    }
}

/// The parts of a path that count.
fn parts(path: &[u8]) -> VecDeque<Vec<u8>> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec).collect()
}

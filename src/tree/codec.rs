//! The canonical bytes of a tree: equal trees have equal bytes, so a tree has a digest.
//!
//! After the magic come the entries in order. Numbers are little-endian, byte
//! strings carry their length in front. Reading accepts canonical bytes only.

use super::{Entry, LinkId, Node, Tree, TreeError, TreePath, Xattrs, check_folder};
use crate::oci::Digest;
use crate::store::Store;

const MAGIC: &[u8] = b"kiln tree 1\n";

/// The most that a stored tree may have: some four million entries.
const MAX_SIZE: u64 = 512 << 20;

impl Tree {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAGIC.len() + 96 * self.len());
        out.extend_from_slice(MAGIC);
        for (path, entry) in self.iter() {
            put_bytes(&mut out, path.as_bytes());
            put_entry(&mut out, entry);
        }
        out
    }

    /// Reads canonical bytes; none where they are not what [`encode`](Self::encode) writes.
    pub fn decode(bytes: &[u8]) -> Result<Tree, TreeError> {
        let malformed = |reason| TreeError::Malformed { digest: Digest::of(bytes), reason };
        let mut input = bytes.strip_prefix(MAGIC).ok_or_else(|| malformed("it is of another kind or version"))?;
        let mut entries: Vec<(TreePath, Entry)> = Vec::new();
        // The folder of the entry before, which is mostly that of the next.
        let mut here: &[u8] = &[];
        while !input.is_empty() {
            let path = take_bytes(&mut input).ok_or_else(|| malformed("it ends early"))?;
            let folder = &path[..path.iter().rposition(|b| *b == b'/').unwrap_or(0)];
            let path = TreePath::new(path)?;
            let entry = take_entry(&mut input).ok_or_else(|| malformed("an entry is cut short or of no known kind"))?;
            if entries.last().is_some_and(|(last, _)| *last >= path) {
                return Err(malformed("its paths are out of order"));
            }
            if !folder.is_empty() && folder != here {
                let found = entries.binary_search_by(|(known, _)| known.as_bytes().cmp(folder));
                check_folder(&path, found.ok().map(|i| &entries[i].1))?;
                here = folder;
            }
            entries.push((path, entry));
        }
        Ok(Tree { entries: entries.into_iter().collect() })
    }

    /// The digest of the canonical bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(self.encode())
    }

    /// Stores the tree; returns its digest. The contents of its files are stored apart.
    pub fn save(&self, store: &Store) -> Result<Digest, TreeError> {
        Ok(store.put(&self.encode())?)
    }

    /// Reads a stored tree.
    pub fn load(store: &Store, digest: &Digest) -> Result<Tree, TreeError> {
        Tree::decode(&store.read(digest, MAX_SIZE)?)
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("paths, targets and attributes are far below 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    out.extend_from_slice(&entry.mode.to_le_bytes());
    out.extend_from_slice(&entry.uid.to_le_bytes());
    out.extend_from_slice(&entry.gid.to_le_bytes());
    match entry.mtime {
        None => out.push(0),
        Some(mtime) => {
            out.push(1);
            out.extend_from_slice(&mtime.to_le_bytes());
        }
    }
    let count = u32::try_from(entry.xattrs.len()).expect("far fewer than 2^32 attributes");
    out.extend_from_slice(&count.to_le_bytes());
    for (name, value) in &entry.xattrs {
        put_bytes(out, name);
        put_bytes(out, value);
    }
    match &entry.node {
        Node::File { content, size, link } => {
            out.push(if link.is_some() { b'h' } else { b'f' });
            out.extend_from_slice(content.as_bytes());
            out.extend_from_slice(&size.to_le_bytes());
            if let Some(LinkId(id)) = link {
                out.extend_from_slice(id);
            }
        }
        Node::Dir => out.push(b'd'),
        Node::Symlink { target } => {
            out.push(b'l');
            put_bytes(out, target);
        }
        Node::CharDevice { major, minor } => put_device(out, b'c', *major, *minor),
        Node::BlockDevice { major, minor } => put_device(out, b'b', *major, *minor),
        Node::Fifo => out.push(b'p'),
    }
}

fn put_device(out: &mut Vec<u8>, kind: u8, major: u32, minor: u32) {
    out.push(kind);
    out.extend_from_slice(&major.to_le_bytes());
    out.extend_from_slice(&minor.to_le_bytes());
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*head)
}

fn take_u32(input: &mut &[u8]) -> Option<u32> {
    take(input).map(u32::from_le_bytes)
}

fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_u32(input)? as usize;
    let (head, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(head)
}

fn take_entry(input: &mut &[u8]) -> Option<Entry> {
    let mode = u16::from_le_bytes(take(input)?);
    let uid = take_u32(input)?;
    let gid = take_u32(input)?;
    let mtime = match take::<1>(input)? {
        [0] => None,
        [1] => Some(i64::from_le_bytes(take(input)?)),
        _ => return None,
    };
    let mut xattrs = Xattrs::new();
    for _ in 0..take_u32(input)? {
        let name = take_bytes(input)?;
        if xattrs.last_key_value().is_some_and(|(last, _)| **last >= *name) {
            return None;
        }
        xattrs.insert(name.into(), take_bytes(input)?.into());
    }
    let node = match take::<1>(input)? {
        [kind @ (b'f' | b'h')] => {
            let content = Digest::from_bytes(take(input)?);
            let size = u64::from_le_bytes(take(input)?);
            let link = if kind == b'h' { Some(LinkId(take(input)?)) } else { None };
            Node::File { content, size, link }
        }
        [b'd'] => Node::Dir,
        [b'l'] => Node::Symlink { target: take_bytes(input)?.into() },
        [b'c'] => Node::CharDevice { major: take_u32(input)?, minor: take_u32(input)? },
        [b'b'] => Node::BlockDevice { major: take_u32(input)?, minor: take_u32(input)? },
        [b'p'] => Node::Fifo,
        _ => return None,
    };
    (mode <= 0o7777).then_some(Entry { node, mode, uid, gid, mtime, xattrs })
}

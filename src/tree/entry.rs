//! What stands at a path.

use crate::oci::Digest;
use std::collections::BTreeMap;

/// Extended attributes, sorted by name.
pub type Xattrs = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// Names a file that has several paths.
///
/// Entries of one tree with equal ids, contents and metadata are one file. The
/// id is chosen by whoever made the tree, so that files of different origin
/// never share one: it is a digest of the origin and the file's first path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub [u8; 16]);

impl LinkId {
    /// The id of the file that `origin` (a digest, a name) first has under `path`.
    pub fn new(origin: impl AsRef<[u8]>, path: &super::TreePath) -> Self {
        let digest = Digest::of([origin.as_ref(), b"\0", path.as_bytes()].concat());
        let mut id = [0; 16];
        id.copy_from_slice(&digest.as_bytes()[..16]);
        LinkId(id)
    }
}

/// The kinds of things that stand in a filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File {
        /// Its bytes, in the store.
        content: Digest,
        /// How many they are.
        size: u64,
        /// Which file it is, where it has several paths.
        link: Option<LinkId>,
    },
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink {
        /// Where it leads, as it is written.
        target: Box<[u8]>,
    },
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// A thing in a filesystem with its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub node: Node,
    /// Permissions with setuid, setgid and sticky bits: at most `0o7777`.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of modification in seconds since 1970; none for the build's epoch.
    pub mtime: Option<i64>,
    /// Extended attributes.
    pub xattrs: Xattrs,
}

impl Entry {
    /// Something of root's with the epoch's time.
    pub fn new(node: Node, mode: u16) -> Self {
        Entry { node, mode, uid: 0, gid: 0, mtime: None, xattrs: Xattrs::new() }
    }

    /// A directory of root's.
    pub fn dir(mode: u16) -> Self {
        Self::new(Node::Dir, mode)
    }

    /// A file of root's whose bytes are in the store.
    pub fn file(content: Digest, size: u64, mode: u16) -> Self {
        Self::new(Node::File { content, size, link: None }, mode)
    }

    /// A symbolic link of root's.
    pub fn symlink(target: impl AsRef<[u8]>) -> Self {
        Self::new(Node::Symlink { target: target.as_ref().into() }, 0o777)
    }

    /// The same with another owner.
    #[must_use]
    pub fn owned_by(mut self, uid: u32, gid: u32) -> Self {
        (self.uid, self.gid) = (uid, gid);
        self
    }

    /// The same with a time of modification.
    #[must_use]
    pub fn modified_at(mut self, mtime: Option<i64>) -> Self {
        self.mtime = mtime;
        self
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        matches!(self.node, Node::Dir)
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        matches!(self.node, Node::File { .. })
    }

    /// Where it leads, if it is a symbolic link.
    pub fn link_target(&self) -> Option<&[u8]> {
        match &self.node {
            Node::Symlink { target } => Some(target),
            _ => None,
        }
    }

    /// The digest of its bytes, if it is a regular file.
    pub fn content(&self) -> Option<&Digest> {
        match &self.node {
            Node::File { content, .. } => Some(content),
            _ => None,
        }
    }

    /// The length of its bytes; 0 for all that is no regular file.
    pub fn size(&self) -> u64 {
        match self.node {
            Node::File { size, .. } => size,
            _ => 0,
        }
    }

    /// The time of modification that it gets in an image: at most the epoch, and not before 1970.
    pub fn mtime_within(&self, epoch: i64) -> i64 {
        self.mtime.unwrap_or(epoch).min(epoch).max(0)
    }

    /// Whether it is as it was `before`. Of two paths of one file, an overlay makes two files when it copies one up: that is
    /// no change.
    pub(crate) fn is_as(&self, before: &Entry) -> bool {
        match (&before.node, &self.node) {
            (Node::File { content, size, .. }, Node::File { content: own, size: owns, link: None }) => {
                (content, size) == (own, owns)
                    && (before.mode, before.uid, before.gid, before.mtime)
                        == (self.mode, self.uid, self.gid, self.mtime)
                    && before.xattrs == self.xattrs
            }
            _ => before == self,
        }
    }

    /// What it is, in a word for messages.
    pub fn kind(&self) -> &'static str {
        match self.node {
            Node::File { .. } => "file",
            Node::Dir => "directory",
            Node::Symlink { .. } => "symbolic link",
            Node::CharDevice { .. } => "character device",
            Node::BlockDevice { .. } => "block device",
            Node::Fifo => "named pipe",
        }
    }
}

//! What became of a tree on disk.
//!
//! The changes stand in the upper folder of an overlay that was mounted with `userxattr`. They come from hostile hands:
//! nothing is followed, nothing but regular files is opened, and what a tree cannot hold is refused or left out.
//!
//! An entry that the overlay copied up and that is as it was before is no change. Times at or after the beginning of the work say only when that was, and become none, the build's own; what
//! was set to an earlier time keeps it.

use super::materialise::beneath::{self, Beneath};
use super::{Entry, LinkId, Node, Tree, TreeError, TreePath, Xattrs};
use crate::oci::Digest;
use crate::store::{Store, StoreError};
use rayon::prelude::*;
use rustix::fs::{self, AtFlags, Dir, FileType, Stat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The most entries that one change may have.
const MOST_ENTRIES: usize = 4 << 20;

/// So few files are read by one thread: to start others takes longer.
const FEW: usize = 64;

/// Copies a content to where it is kept, and says whether it may be: false ends the capture.
pub type Keep<'a> = &'a (dyn Fn(&mut dyn Read, &mut dyn Write) -> io::Result<bool> + Sync);

/// How changes are read.
#[derive(Clone, Copy)]
pub struct CaptureOptions<'a> {
    /// How contents are kept.
    pub keep: Keep<'a>,
    /// When the work began: seconds since 1970, and nanoseconds.
    pub since: (i64, u32),
    /// The time that entries without one have on disk.
    pub epoch: i64,
    /// Whose entries are.
    pub ownership: Captured,
    /// Give the entries on disk the times that the change says, so that the folder looks as if it were made anew.
    pub settle: bool,
}

/// What owners on disk mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Captured {
    /// What they say.
    Mapped,
    /// Nothing: there was one user, and what was there before keeps its owner.
    Single {
        /// The user's number.
        uid: u32,
        /// The group's number.
        gid: u32,
    },
}

/// Why changes cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that no tree can hold.
    #[error("{path} is left behind, which no image can hold: {reason}", path = path.display())]
    Impossible {
        /// Where it is, relative to the root.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A content that may not be kept; nothing of it is in the store.
    #[error("the content of {path} may not be kept", path = path.display())]
    Refused {
        /// Where it is, relative to the root.
        path: PathBuf,
    },
    /// More entries than are accepted.
    #[error("more than {MOST_ENTRIES} files and folders were left behind")]
    TooMany,
    /// A tree cannot hold it.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of `lower`, by the upper folder of the overlay in which it was changed.
///
/// # Errors
/// [`CaptureError::Impossible`] for names that no tree can hold and devices.
pub fn upper(lower: &Tree, upper: &Path, store: &Store, options: &CaptureOptions<'_>) -> Result<Tree, CaptureError> {
    let capture = Capture::open(lower, upper, store, options)?;
    let found = capture.walk()?;
    let contents = capture.contents(&found)?;
    let after = capture.after(lower.clone(), &found, &contents)?;
    if options.settle {
        capture.settle(&found, &after)?;
    }
    Ok(after)
}

/// What became of `lower`, by the folder that held all of it when the work began.
///
/// # Errors
/// [`CaptureError::Impossible`] for names that no tree can hold and devices.
pub fn whole(lower: &Tree, root: &Path, store: &Store, options: &CaptureOptions<'_>) -> Result<Tree, CaptureError> {
    let capture = Capture::open(lower, root, store, options)?;
    let found = capture.walk()?;
    let contents = capture.contents(&found)?;
    capture.after(Tree::new(), &found, &contents)
}

/// The contents of files, by device and number, with their lengths.
type Contents = BTreeMap<(u64, u64), (Digest, u64)>;

struct Capture<'a> {
    lower: &'a Tree,
    place: &'a Path,
    root: OwnedFd,
    store: &'a Store,
    options: &'a CaptureOptions<'a>,
}

/// Something that stands in the upper folder.
struct Found {
    path: TreePath,
    kind: Kind,
    about: Stat,
    xattrs: Xattrs,
}

enum Kind {
    /// What was below is gone.
    Whiteout,
    Dir {
        /// What was in it below is gone.
        opaque: bool,
    },
    File,
    Symlink(Box<[u8]>),
    Fifo,
}

impl<'a> Capture<'a> {
    fn open(
        lower: &'a Tree,
        place: &'a Path,
        store: &'a Store,
        options: &'a CaptureOptions<'a>,
    ) -> Result<Self, CaptureError> {
        let root = std::fs::File::open(place)
            .map_err(|source| CaptureError::Io { action: "open", path: place.to_owned(), source })?
            .into();
        Ok(Self { lower, place, root, store, options })
    }

    fn fail(&self, action: &'static str, path: &TreePath) -> impl FnOnce(Errno) -> CaptureError + use<> {
        let path = self.place.join(path.as_path());
        move |source| CaptureError::Io { action, path, source: source.into() }
    }

    /// All that is there, folders before what is in them, each by its path.
    fn walk(&self) -> Result<Vec<Found>, CaptureError> {
        let mut found = Vec::new();
        let mut todo = vec![TreePath::root()];
        let mut at = Beneath::new(self.root.as_fd());
        while let Some(folder) = todo.pop() {
            let open = at.folder_to_change(&folder).map_err(self.fail("open the folder", &folder))?;
            if folder.is_root() {
                let about = fs::fstat(&open).map_err(self.fail("look at", &folder))?;
                found.push(self.dir(folder.clone(), about, &open)?);
            }
            for entry in Dir::read_from(&open).map_err(self.fail("list", &folder))? {
                let entry = entry.map_err(self.fail("list", &folder))?;
                let name = entry.file_name().to_bytes();
                if matches!(name, b"." | b"..") {
                    continue;
                }
                if found.len() >= MOST_ENTRIES {
                    return Err(CaptureError::TooMany);
                }
                let path = folder.join(name).map_err(|_| self.impossible(&folder, name, "its path is too long"))?;
                let Some(entry) = self.look(&open, name, path)? else { continue };
                if matches!(entry.kind, Kind::Dir { .. }) {
                    todo.push(entry.path.clone());
                }
                found.push(entry);
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn impossible(&self, folder: &TreePath, name: &[u8], reason: &'static str) -> CaptureError {
        CaptureError::Impossible { path: folder.as_path().join(OsStr::from_bytes(name)), reason }
    }

    /// One entry of a folder; none for what is left out.
    fn look(&self, folder: &OwnedFd, name: &[u8], path: TreePath) -> Result<Option<Found>, CaptureError> {
        let name = OsStr::from_bytes(name);
        let about = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(self.fail("look at", &path))?;
        let kind = match FileType::from_raw_mode(about.st_mode) {
            FileType::Directory => {
                let open = beneath::open_dir(folder.as_fd(), name).map_err(self.fail("open the folder", &path))?;
                return self.dir(path, about, &open).map(Some);
            }
            FileType::RegularFile => {
                let file = beneath::open_file(folder.as_fd(), name).map_err(self.fail("open", &path))?;
                let xattrs = beneath::xattrs(file.as_fd()).map_err(self.fail("read the attributes of", &path))?;
                let kind = if xattrs.contains_key(&b"user.overlay.whiteout"[..]) { Kind::Whiteout } else { Kind::File };
                return Ok(Some(Found { path, kind, about, xattrs: kept(xattrs) }));
            }
            FileType::Symlink => {
                let target = fs::readlinkat(folder, name, Vec::new()).map_err(self.fail("read the link", &path))?;
                Kind::Symlink(target.into_bytes().into())
            }
            FileType::Fifo => Kind::Fifo,
            // Nobody listens any more.
            FileType::Socket => return Ok(None),
            FileType::CharacterDevice if about.st_rdev == 0 => Kind::Whiteout,
            _ => {
                let reason = "it is a device";
                return Err(CaptureError::Impossible { path: path.as_path().to_owned(), reason });
            }
        };
        Ok(Some(Found { path, kind, about, xattrs: Xattrs::new() }))
    }

    fn dir(&self, path: TreePath, about: Stat, open: &OwnedFd) -> Result<Found, CaptureError> {
        let xattrs = beneath::xattrs(open.as_fd()).map_err(self.fail("read the attributes of", &path))?;
        let opaque = xattrs.get(&b"user.overlay.opaque"[..]).is_some_and(|value| &**value == b"y");
        if [&b"user.overlay.redirect"[..], b"user.overlay.metacopy"].iter().any(|name| xattrs.contains_key(*name)) {
            let reason = "the overlay keeps its content elsewhere";
            return Err(CaptureError::Impossible { path: path.as_path().to_owned(), reason });
        }
        Ok(Found { path, kind: Kind::Dir { opaque }, about, xattrs: kept(xattrs) })
    }

    /// The contents of all regular files, in the store; files with several names are read once.
    fn contents(&self, found: &[Found]) -> Result<Contents, CaptureError> {
        let mut files: BTreeMap<(u64, u64), &TreePath> = BTreeMap::new();
        for entry in found.iter().filter(|entry| matches!(entry.kind, Kind::File)) {
            files.entry(inode(&entry.about)).or_insert(&entry.path);
        }
        let files: Vec<_> = files.into_iter().collect();
        let keep = |(inode, path): &((u64, u64), &TreePath)| {
            let mut at = Beneath::new(self.root.as_fd());
            let (folder, name) = at.parent(path).map_err(self.fail("open the folder of", path))?;
            let file = beneath::open_file(folder, name).map_err(self.fail("open", path))?;
            let mut writer = self.store.writer()?;
            let kept = (self.options.keep)(&mut std::fs::File::from(file), &mut writer);
            let kept = kept.map_err(|source| CaptureError::Io {
                action: "keep the content of",
                path: self.place.join(path.as_path()),
                source,
            })?;
            if !kept {
                return Err(CaptureError::Refused { path: path.as_path().to_owned() });
            }
            Ok((*inode, writer.commit()?))
        };
        if files.len() < FEW { files.iter().map(keep).collect() } else { files.par_iter().map(keep).collect() }
    }

    /// The tree that begins as `after`, with all that was found in it.
    fn after(&self, mut after: Tree, found: &[Found], contents: &Contents) -> Result<Tree, CaptureError> {
        let mut links: BTreeMap<(u64, u64), LinkId> = BTreeMap::new();
        for entry in found {
            let before = self.lower.get(&entry.path);
            let node = match &entry.kind {
                Kind::Whiteout => {
                    after.remove(&entry.path);
                    continue;
                }
                Kind::Dir { opaque } => {
                    if *opaque {
                        after.clear(&entry.path);
                    }
                    Node::Dir
                }
                Kind::Symlink(target) => Node::Symlink { target: target.clone() },
                Kind::Fifo => Node::Fifo,
                Kind::File => {
                    let inode = inode(&entry.about);
                    let (content, size) = contents[&inode];
                    let link = (entry.about.st_nlink > 1)
                        .then(|| *links.entry(inode).or_insert_with(|| LinkId::new(content.as_bytes(), &entry.path)));
                    Node::File { content, size, link }
                }
            };
            if entry.path.is_root() && before.is_none() {
                continue;
            }
            let now = self.entry(entry, node, before);
            let now = match before {
                Some(before) if now.is_as(before) => before.clone(),
                _ => now,
            };
            // A folder that becomes something else takes along what was in it; the other way there is nothing below.
            after.insert(entry.path.clone(), now)?;
        }
        Ok(after)
    }

    fn entry(&self, found: &Found, node: Node, before: Option<&Entry>) -> Entry {
        let like_before = before.filter(|before| before.kind() == Entry::new(node.clone(), 0).kind());
        let (uid, gid) = match (self.options.ownership, like_before) {
            (Captured::Mapped, _) => (found.about.st_uid, found.about.st_gid),
            (Captured::Single { .. }, Some(before)) => (before.uid, before.gid),
            (Captured::Single { uid, gid }, None) => (uid, gid),
        };
        let mode = match &node {
            Node::Symlink { .. } => 0o777,
            _ => u16::try_from(found.about.st_mode & 0o7777).unwrap_or(0),
        };
        // What is made in a folder changes its time; that says nothing of the folder.
        let before_time = like_before.filter(|before| before.is_dir()).map(|before| before.mtime);
        let mtime = match self.time(&found.about) {
            // One that lies in the future, and always did.
            None if like_before.is_some_and(|before| before.mtime == Some(found.about.st_mtime)) => {
                Some(found.about.st_mtime)
            }
            None => before_time.flatten(),
            // The time that stands for none on disk.
            Some(seconds) if seconds == self.options.epoch => like_before.and_then(|before| before.mtime),
            set => set,
        };
        let xattrs = found.xattrs.clone();
        Entry { node, mode, uid, gid, mtime, xattrs }
    }

    /// A time that was set on purpose.
    fn time(&self, about: &Stat) -> Option<i64> {
        let nanoseconds = u32::try_from(about.st_mtime_nsec).unwrap_or(0);
        (((about.st_mtime), nanoseconds) < self.options.since).then_some(about.st_mtime)
    }

    /// Gives what is on disk the times of the tree, from the deepest up.
    fn settle(&self, found: &[Found], after: &Tree) -> Result<(), CaptureError> {
        let mut at = Beneath::new(self.root.as_fd());
        for entry in found.iter().rev() {
            let Some(now) = after.get(&entry.path) else { continue };
            if matches!(entry.kind, Kind::Whiteout) {
                continue;
            }
            let seconds = now.mtime.unwrap_or(self.options.epoch);
            let set = match at.parent(&entry.path) {
                Ok((folder, name)) => beneath::set_time_at(folder, name, seconds),
                Err(_) => beneath::set_time(self.root.as_fd(), seconds),
            };
            set.map_err(self.fail("set the time of", &entry.path))?;
        }
        Ok(())
    }
}

fn inode(about: &Stat) -> (u64, u64) {
    (about.st_dev, about.st_ino)
}

/// The attributes that a tree keeps.
fn kept(mut xattrs: Xattrs) -> Xattrs {
    xattrs.retain(|name, _| &**name == b"security.capability");
    xattrs
}

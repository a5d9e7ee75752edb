//! Files below a folder, reached without following links.

use crate::tree::{Node, TreePath, Xattrs};
use rustix::fs::{self, AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

type Result<T> = std::result::Result<T, Errno>;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens folders below a root part by part; keeps the last one open.
pub(in crate::tree) struct Beneath<'a> {
    root: BorrowedFd<'a>,
    here: TreePath,
    /// None while `here` is the root.
    folder: Option<OwnedFd>,
}

impl<'a> Beneath<'a> {
    pub(in crate::tree) fn new(root: BorrowedFd<'a>) -> Self {
        Beneath { root, here: TreePath::root(), folder: None }
    }

    /// The folder that holds `path`, and the path's last part.
    pub(in crate::tree) fn parent<'p>(&mut self, path: &'p TreePath) -> Result<(BorrowedFd<'_>, &'p OsStr)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(Errno::INVAL) };
        Ok((self.enter(&parent)?, OsStr::from_bytes(name)))
    }

    fn enter(&mut self, path: &TreePath) -> Result<BorrowedFd<'_>> {
        if self.here != *path {
            let (from, rest) = match (path.relative_to(&self.here), &self.folder) {
                (Some(rest), Some(folder)) => (folder.as_fd(), rest),
                _ => (self.root, path.clone()),
            };
            self.folder = descend(from, &rest)?;
            self.here = path.clone();
        }
        Ok(self.folder.as_ref().map_or(self.root, AsFd::as_fd))
    }

    /// What an overlay has below a folder is hidden by this one; nothing for what is no folder.
    pub(in crate::tree) fn hide_below(&mut self, path: &TreePath) -> Result<()> {
        match self.folder_to_change(path) {
            Ok(folder) => fs::fsetxattr(&folder, "user.overlay.opaque", b"y", XattrFlags::empty()),
            Err(Errno::NOTDIR | Errno::LOOP) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// The folder `path` itself, opened anew.
    pub(in crate::tree) fn folder_to_change(&mut self, path: &TreePath) -> Result<OwnedFd> {
        match path.file_name() {
            None => fs::openat(self.root, ".", FOLDER, Mode::empty()),
            Some(_) => {
                let (parent, name) = self.parent(path)?;
                fs::openat(parent, name, FOLDER, Mode::empty())
            }
        }
    }
}

/// None where there is nowhere to go.
fn descend(from: BorrowedFd<'_>, path: &TreePath) -> Result<Option<OwnedFd>> {
    let mut folder: Option<OwnedFd> = None;
    for part in path.parts() {
        let at = folder.as_ref().map_or(from, AsFd::as_fd);
        folder = Some(fs::openat(at, OsStr::from_bytes(part), FOLDER, Mode::empty())?);
    }
    Ok(folder)
}

pub(in crate::tree) fn mode(mode: u16) -> Mode {
    Mode::from_raw_mode(mode.into())
}

/// A folder in another; fails where that is a link.
pub(in crate::tree) fn open_dir(parent: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd> {
    fs::openat(parent, name, FOLDER, Mode::empty())
}

/// A regular file; fails where that is a link, and never waits for what is none.
pub(in crate::tree) fn open_file(parent: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fs::openat(parent, name, flags, Mode::empty())
}

/// A folder that only its maker may enter; its mode is set when it is full.
pub(in crate::tree) fn make_dir(parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    fs::mkdirat(parent, name, mode(0o700))
}

/// A new file; fails where anything stands there.
pub(in crate::tree) fn create(parent: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(parent, name, flags, mode(0o600))
}

pub(in crate::tree) fn link(from: BorrowedFd<'_>, first: &OsStr, parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    fs::linkat(from, first, parent, name, AtFlags::empty())
}

pub(in crate::tree) fn symlink(target: &[u8], parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    fs::symlinkat(OsStr::from_bytes(target), parent, name)
}

/// A device or a pipe.
pub(in crate::tree) fn special(parent: BorrowedFd<'_>, name: &OsStr, node: &Node) -> Result<()> {
    let (kind, device) = match node {
        Node::CharDevice { major, minor } => (FileType::CharacterDevice, fs::makedev(*major, *minor)),
        Node::BlockDevice { major, minor } => (FileType::BlockDevice, fs::makedev(*major, *minor)),
        _ => (FileType::Fifo, 0),
    };
    fs::mknodat(parent, name, kind, mode(0o600), device)
}

pub(in crate::tree) fn unlink(parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    fs::unlinkat(parent, name, AtFlags::empty())
}

pub(in crate::tree) fn own_at(parent: BorrowedFd<'_>, name: &OsStr, uid: Option<Uid>, gid: Option<Gid>) -> Result<()> {
    fs::chownat(parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
}

/// Sets the mode of a device or a pipe that was just made: no link, and not opened, as that could block.
pub(in crate::tree) fn chmod_special(parent: BorrowedFd<'_>, name: &OsStr, bits: u16) -> Result<()> {
    fs::chmodat(parent, name, mode(bits), AtFlags::empty())
}

pub(in crate::tree) fn set_time_at(parent: BorrowedFd<'_>, name: &OsStr, seconds: i64) -> Result<()> {
    fs::utimensat(parent, name, &times(seconds), AtFlags::SYMLINK_NOFOLLOW)
}

pub(in crate::tree) fn set_time(file: BorrowedFd<'_>, seconds: i64) -> Result<()> {
    fs::futimens(file, &times(seconds))
}

fn times(seconds: i64) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}

/// False where the system or the filesystem does not allow one.
pub(in crate::tree) fn set_xattrs(file: BorrowedFd<'_>, xattrs: &Xattrs) -> Result<bool> {
    let mut is_complete = true;
    for (name, value) in xattrs {
        match fs::fsetxattr(file, OsStr::from_bytes(name), value, XattrFlags::empty()) {
            Ok(()) => {}
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::ACCESS) => is_complete = false,
            Err(e) => return Err(e),
        }
    }
    Ok(is_complete)
}

/// The attributes of an open file or folder; none where the filesystem has none.
pub(in crate::tree) fn xattrs(file: BorrowedFd<'_>) -> Result<Xattrs> {
    let names = match grown(|buffer| fs::flistxattr(file, buffer)) {
        Err(Errno::OPNOTSUPP) => return Ok(Xattrs::new()),
        names => names?,
    };
    let mut xattrs = Xattrs::new();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let value = grown(|buffer| fs::fgetxattr(file, OsStr::from_bytes(name), buffer));
        match value {
            Ok(value) => drop(xattrs.insert(name.into(), value.into())),
            // It is not for us to see.
            Err(Errno::NODATA | Errno::PERM | Errno::OPNOTSUPP) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(xattrs)
}

/// Reads into a buffer that is large enough: attributes have 64 KiB at most.
fn grown(read: impl Fn(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut buffer = vec![0; 256];
    loop {
        match read(&mut buffer) {
            Ok(count) => {
                buffer.truncate(count);
                return Ok(buffer);
            }
            Err(Errno::RANGE) if buffer.len() < 1 << 17 => buffer.resize(1 << 17, 0),
            Err(e) => return Err(e),
        }
    }
}

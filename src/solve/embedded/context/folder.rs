//! A folder on disk that nobody can lead us out of.
//!
//! Everything is opened by its path below the folder with `openat2`, which refuses a
//! symbolic link in any place: so a directory that is exchanged for a link between
//! two looks is an error and never a way out. Where the kernel or a sandbox does not
//! have that call, each part of a path is opened by itself, with the same effect.

use super::ContextError;
use crate::tree::TreePath;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// How often a path is tried again where something was renamed meanwhile.
const ATTEMPTS: usize = 16;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
    step_by_step: bool,
}

/// One name in a directory.
pub(super) struct Name {
    pub(super) name: Vec<u8>,
    pub(super) kind: FileType,
}

impl Folder {
    /// Opens a folder; the path to it may lead through links.
    pub(super) fn open(path: &Path) -> Result<Self, ContextError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT => ContextError::NoFolder(path.to_owned()),
            Errno::NOTDIR => ContextError::NotAFolder(path.to_owned()),
            other => ContextError::io("cannot open", path, other),
        })?;
        let probe = rustix::fs::openat2(&fd, ".", flags, Mode::empty(), ResolveFlags::BENEATH);
        let step_by_step = matches!(probe, Err(Errno::NOSYS | Errno::PERM | Errno::INVAL));
        Ok(Folder { fd, path: path.to_owned(), step_by_step })
    }

    /// The folder itself.
    pub(super) fn fd(&self) -> impl AsFd + '_ {
        &self.fd
    }

    /// The name of something below for people.
    pub(super) fn shown(&self, path: &TreePath) -> PathBuf {
        if path.is_root() { self.path.clone() } else { self.path.join(path.as_path()) }
    }

    /// Opens a directory below.
    pub(super) fn directory(&self, path: &TreePath) -> Result<OwnedFd, ContextError> {
        self.open_below(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens a file below; whatever it has become meanwhile, opening does not block.
    pub(super) fn file(&self, path: &TreePath) -> Result<OwnedFd, ContextError> {
        self.open_below(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// The names in a directory that is open, in the order of the disk.
    pub(super) fn names(&self, path: &TreePath, directory: &OwnedFd) -> Result<Vec<Name>, ContextError> {
        let fail = |errno| ContextError::io("cannot list", &self.shown(path), errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(directory).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(Name { name: name.to_vec(), kind: entry.file_type() });
            }
        }
        Ok(names)
    }

    /// What stands under a name in an open directory, without following it.
    pub(super) fn stat(&self, path: &TreePath, directory: &OwnedFd, name: &[u8]) -> Result<Stat, ContextError> {
        rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| ContextError::io("cannot read", &self.shown(path), errno))
    }

    /// Where a link in an open directory leads.
    pub(super) fn link(&self, path: &TreePath, directory: &OwnedFd, name: &[u8]) -> Result<Vec<u8>, ContextError> {
        rustix::fs::readlinkat(directory, name, Vec::new())
            .map(std::ffi::CString::into_bytes)
            .map_err(|errno| ContextError::io("cannot read the link", &self.shown(path), errno))
    }

    fn open_below(&self, path: &TreePath, flags: OFlags) -> Result<OwnedFd, ContextError> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = if self.step_by_step { self.step(path, flags) } else { self.leap(path, flags) };
        opened.map_err(|errno| match errno {
            // Something that was a directory or a file a moment ago is a link now.
            Errno::LOOP | Errno::NOTDIR => ContextError::Changing(self.shown(path)),
            other => ContextError::io("cannot open", &self.shown(path), other),
        })
    }

    fn leap(&self, path: &TreePath, flags: OFlags) -> Result<OwnedFd, Errno> {
        let name = if path.is_root() { b"." } else { path.as_bytes() };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let mut result = Err(Errno::AGAIN);
        for _ in 0..ATTEMPTS {
            result = rustix::fs::openat2(&self.fd, name, flags, Mode::empty(), resolve);
            if !matches!(result, Err(Errno::AGAIN | Errno::INTR)) {
                break;
            }
        }
        result
    }

    fn step(&self, path: &TreePath, flags: OFlags) -> Result<OwnedFd, Errno> {
        let on_the_way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let parts: Vec<&[u8]> = path.parts().collect();
        let Some((last, folders)) = parts.split_last() else {
            return rustix::fs::openat(&self.fd, ".", flags, Mode::empty());
        };
        let mut here: Option<OwnedFd> = None;
        for part in folders {
            let from = here.as_ref().map_or(self.fd.as_fd(), AsFd::as_fd);
            here = Some(rustix::fs::openat(from, *part, on_the_way, Mode::empty())?);
        }
        rustix::fs::openat(here.as_ref().map_or(self.fd.as_fd(), AsFd::as_fd), *last, flags, Mode::empty())
    }

    /// Takes the way for kernels without `openat2`.
    #[cfg(test)]
    pub(super) fn stepping(mut self) -> Self {
        self.step_by_step = true;
        self
    }
}

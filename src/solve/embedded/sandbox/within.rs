//! Paths in a file system whose links must not lead out of it.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::{Errno, Result};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// As many links as Linux follows before it gives up.
const MAX_LINKS: usize = 40;

/// A folder that is the whole world to the paths in it.
#[derive(Debug)]
pub(super) struct Within {
    root: OwnedFd,
}

impl Within {
    pub(super) fn new(root: impl AsRef<Path>) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Within { root: rustix::fs::open(root.as_ref(), flags, Mode::empty())? })
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Opens what stands at a path in which there are no links; it is not opened for reading.
    pub(super) fn open(&self, path: &Path) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat2(&self.root, inside(path), flags, Mode::empty(), ResolveFlags::IN_ROOT)
    }

    /// Follows all links in `path`, as if the root were `/`; calls `missing` for each part that is not there, which makes it
    /// or fails. The result is absolute and has no links.
    pub(super) fn resolve(&self, path: &Path, mut missing: impl FnMut(&Path, IsLast) -> Result<()>) -> Result<PathBuf> {
        let mut todo: VecDeque<OsString> = parts(path).collect();
        let mut here = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                here.pop();
                continue;
            }
            let next = here.join(&part);
            match self.stat(&next) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::LOOP);
                    }
                    let target = rustix::fs::readlinkat(&self.root, inside(&next), Vec::new())?;
                    let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                    if target.is_absolute() {
                        here = PathBuf::from("/");
                    }
                    for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
                        todo.push_front(part);
                    }
                    continue;
                }
                Ok(_) => {}
                Err(Errno::NOENT) => missing(&next, IsLast(todo.is_empty()))?,
                Err(e) => return Err(e),
            }
            here = next;
        }
        Ok(here)
    }

    /// What stands at a path in which there are no links, but for its end.
    pub(super) fn stat(&self, path: &Path) -> Result<Stat> {
        rustix::fs::statat(self.open(path)?, "", AtFlags::EMPTY_PATH)
    }
}

/// Whether a part is the last of a path.
pub(super) struct IsLast(pub(super) bool);

/// A path that means this open file, also to system calls that take paths only.
pub(super) fn by_number(file: BorrowedFd<'_>) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// An absolute path as one from the root.
pub(super) fn inside(path: &Path) -> &Path {
    match path.strip_prefix("/") {
        Ok(rest) if rest.as_os_str().is_empty() => Path::new("."),
        Ok(rest) => rest,
        Err(_) => path,
    }
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some(OsStr::from_bytes(b"..").to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;

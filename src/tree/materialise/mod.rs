//! A tree as files on disk.
//!
//! Root gets the tree as it is. An ordinary user gets what the system lets him
//! make, and a list of what could not be kept: owners, devices, capabilities.
//! Nothing is ever written through a link: each folder on the way is opened by
//! itself, and nothing that exists is opened for writing.

pub(super) mod beneath;

use super::links::HardLinks;
use super::{Change, Entry, Node, Tree, TreePath};
use crate::store::{Store, StoreError};
use beneath::Beneath;
use rayon::prelude::*;
use rustix::fs::{Gid, Uid};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// As many files as one worker takes at a time.
const BATCH: usize = 32;

/// How a tree is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The time of entries without one.
    pub epoch: i64,
    /// Entries keep times that are later than that.
    pub later_times: bool,
    /// Lay the tree over what is in the folder; otherwise it must be empty or missing.
    pub over_existing: bool,
}

impl Options {
    fn time(&self, entry: &Entry) -> i64 {
        if self.later_times { entry.mtime.unwrap_or(self.epoch) } else { entry.mtime_within(self.epoch) }
    }
}

/// Something of a tree that could not be kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// The owner is the user who ran kiln; setuid and setgid bits went with the right one.
    Owner,
    /// The device node is missing.
    Device,
    /// An extended attribute is missing.
    Xattr,
}

/// Why a tree could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MaterialiseError {
    /// There is something in the folder already.
    #[error("{} is not empty; remove it or choose another place", .0.display())]
    NotEmpty(PathBuf),
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
    /// A file's content is missing or damaged.
    #[error("cannot write {path}: {source}")]
    Content {
        /// The file.
        path: TreePath,
        /// What is wrong.
        source: StoreError,
    },
    /// A file's content has another size than the tree says.
    #[error("cannot write {0}: its content has another size than its tree says")]
    WrongSize(TreePath),
}

/// Makes `tree` in the folder `target`.
///
/// Modes are exactly those of the tree, whatever the umask; hard links are
/// kept. Returns what could not be kept, by path. Where it fails, what was made
/// so far remains.
///
/// # Errors
/// [`MaterialiseError::NotEmpty`] where the folder holds something already,
/// [`MaterialiseError::Content`] where the store has not the contents.
pub fn materialise(
    tree: &Tree,
    store: &Store,
    target: &Path,
    options: Options,
) -> Result<Vec<(TreePath, Loss)>, MaterialiseError> {
    let root = open_target(target, options)?;
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let making = Making { store, target, root, options, user, group };
    let mut links = HardLinks::default();
    let (mut folders, mut files, mut again, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (path, entry) in tree.iter() {
        match (&entry.node, links.first_path(path, entry)) {
            (Node::Dir, _) => folders.push((path, entry)),
            (Node::File { .. }, None) => files.push((path, entry)),
            (_, Some(first)) => again.push((path, first)),
            _ => others.push((path, entry)),
        }
    }
    let mut at = making.beneath();
    for (path, _) in folders.iter().filter(|(path, _)| !path.is_root()) {
        making.folder(&mut at, path)?;
    }
    let batches: Result<Vec<_>, _> = files.par_chunks(BATCH).map(|batch| making.files(batch)).collect();
    let mut losses: Vec<(TreePath, Loss)> = batches?.into_iter().flatten().collect();
    for (path, first) in again {
        making.hard_link(&mut at, path, first)?;
    }
    for (path, entry) in others {
        losses.extend(making.other(&mut at, path, entry)?.into_iter().map(|loss| (path.clone(), loss)));
    }
    // From the deepest up: what is made in a folder changes its time, and its mode may forbid to enter it.
    for (path, entry) in folders.into_iter().rev() {
        losses.extend(making.finish_folder(&mut at, path, entry)?.into_iter().map(|loss| (path.clone(), loss)));
    }
    if tree.get(&TreePath::root()).is_none() {
        making.finish_folder(&mut at, &TreePath::root(), &Entry::dir(0o755))?;
    }
    losses.sort();
    Ok(losses)
}

/// Makes a change in the new folder `target`, in the form in which overlays have their layers: what it takes away are
/// character devices 0:0, and folders whose old content goes have the attribute `user.overlay.opaque`.
///
/// What the machine does not let us make, as [`Loss`] lists it, is missing.
///
/// # Errors
/// As [`materialise`].
pub fn layer(change: &Change, store: &Store, target: &Path, epoch: i64) -> Result<(), MaterialiseError> {
    let options = Options { epoch, later_times: true, over_existing: false };
    materialise(&change.entries, store, target, options)?;
    let root = File::open(target).map_err(|source| MaterialiseError::Io {
        action: "open",
        path: target.to_owned(),
        source,
    })?;
    let fail = |action, path: &TreePath| {
        let path = target.join(path.as_path());
        move |source: Errno| MaterialiseError::Io { action, path, source: source.into() }
    };
    let mut at = Beneath::new(root.as_fd());
    for path in &change.removed {
        let (parent, name) = at.parent(path).map_err(fail("open the folder of", path))?;
        match beneath::special(parent, name, &Node::CharDevice { major: 0, minor: 0 }) {
            // What stands in its place hides it as well, but for a folder's content.
            Err(Errno::EXIST) => at.hide_below(path).map_err(fail("hide what is below", path))?,
            other => other.map_err(fail("take away", path))?,
        }
    }
    for path in &change.opaque {
        at.hide_below(path).map_err(fail("hide what is below", path))?;
    }
    // What was made in them changed their times.
    for path in change.removed.iter().filter_map(TreePath::parent).chain(change.opaque.iter().cloned()) {
        if let Some(entry) = change.entries.get(&path) {
            let folder = at.folder_to_change(&path).map_err(fail("open the folder", &path))?;
            beneath::set_time(folder.as_fd(), options.time(entry)).map_err(fail("set the time of", &path))?;
        }
    }
    Ok(())
}

fn open_target(target: &Path, options: Options) -> Result<OwnedFd, MaterialiseError> {
    let fail = |action| move |source| MaterialiseError::Io { action, path: target.to_owned(), source };
    std::fs::create_dir_all(target).map_err(fail("make the folder"))?;
    let mut present = std::fs::read_dir(target).map_err(fail("list"))?;
    if !options.over_existing && present.next().is_some() {
        return Err(MaterialiseError::NotEmpty(target.to_owned()));
    }
    Ok(File::open(target).map_err(fail("open"))?.into())
}

struct Making<'a> {
    store: &'a Store,
    target: &'a Path,
    root: OwnedFd,
    options: Options,
    user: Uid,
    group: Gid,
}

impl Making<'_> {
    fn beneath(&self) -> Beneath<'_> {
        Beneath::new(self.root.as_fd())
    }

    fn fail(&self, action: &'static str, path: &TreePath) -> impl FnOnce(Errno) -> MaterialiseError {
        let path = self.target.join(path.as_path());
        move |source| MaterialiseError::Io { action, path, source: source.into() }
    }

    fn folder(&self, at: &mut Beneath<'_>, path: &TreePath) -> Result<(), MaterialiseError> {
        let (parent, name) = at.parent(path).map_err(self.fail("open the folder of", path))?;
        match beneath::make_dir(parent, name) {
            Err(Errno::EXIST) if self.options.over_existing => Ok(()),
            other => other.map_err(self.fail("make the folder", path)),
        }
    }

    fn files(&self, batch: &[(&TreePath, &Entry)]) -> Result<Vec<(TreePath, Loss)>, MaterialiseError> {
        let mut at = self.beneath();
        let mut buffer = vec![0; 64 << 10];
        let mut losses = Vec::new();
        for (path, entry) in batch {
            self.make_room(&mut at, path)?;
            let (parent, name) = at.parent(path).map_err(self.fail("open the folder of", path))?;
            let file = beneath::create(parent, name).map_err(self.fail("create", path))?;
            let mut file = File::from(file);
            self.content(path, entry, &mut file, &mut buffer)?;
            let lost = self.metadata(&file, entry).map_err(self.fail("set the owner, mode and time of", path))?;
            losses.extend(lost.into_iter().map(|loss| ((*path).clone(), loss)));
        }
        Ok(losses)
    }

    fn content(
        &self,
        path: &TreePath,
        entry: &Entry,
        file: &mut File,
        buffer: &mut [u8],
    ) -> Result<(), MaterialiseError> {
        let Node::File { content, size, .. } = &entry.node else { return Ok(()) };
        let lost = |source: StoreError| MaterialiseError::Content { path: path.clone(), source };
        let unwritable =
            |source| MaterialiseError::Io { action: "write", path: self.target.join(path.as_path()), source };
        let mut reader = self.store.reader(content).map_err(lost)?;
        let mut written = 0;
        if let Some(mut stored) = reader.checked_file() {
            written = io::copy(&mut stored, file).map_err(unwritable)?;
        } else {
            loop {
                match reader.read(buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        written += count as u64;
                        file.write_all(&buffer[..count]).map_err(unwritable)?;
                    }
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(lost(e.into())),
                }
            }
        }
        if written == *size { Ok(()) } else { Err(MaterialiseError::WrongSize(path.clone())) }
    }

    fn hard_link(&self, at: &mut Beneath<'_>, path: &TreePath, first: &TreePath) -> Result<(), MaterialiseError> {
        self.make_room(at, path)?;
        let mut from = self.beneath();
        let (first_parent, first_name) = from.parent(first).map_err(self.fail("open the folder of", first))?;
        let (parent, name) = at.parent(path).map_err(self.fail("open the folder of", path))?;
        beneath::link(first_parent, first_name, parent, name).map_err(self.fail("make the hard link", path))
    }

    /// Makes what has no content: links, devices, pipes.
    fn other(&self, at: &mut Beneath<'_>, path: &TreePath, entry: &Entry) -> Result<Vec<Loss>, MaterialiseError> {
        self.make_room(at, path)?;
        let (parent, name) = at.parent(path).map_err(self.fail("open the folder of", path))?;
        let made = match &entry.node {
            Node::Symlink { target } => beneath::symlink(target, parent, name),
            node => beneath::special(parent, name, node),
        };
        match made {
            Err(Errno::PERM | Errno::ACCESS)
                if matches!(entry.node, Node::CharDevice { .. } | Node::BlockDevice { .. }) =>
            {
                return Ok(vec![Loss::Device]);
            }
            other => other.map_err(self.fail("make", path))?,
        }
        let fail = self.fail("set the owner, mode and time of", path);
        let set = || -> Result<Vec<Loss>, Errno> {
            let mut losses = Vec::new();
            if !self.owner(entry, |uid, gid| beneath::own_at(parent, name, uid, gid))? {
                losses.push(Loss::Owner);
            }
            if !entry.xattrs.is_empty() {
                losses.push(Loss::Xattr);
            }
            if entry.link_target().is_none() {
                beneath::chmod_special(parent, name, self.mode(entry, !losses.contains(&Loss::Owner)))?;
            }
            beneath::set_time_at(parent, name, self.options.time(entry))?;
            Ok(losses)
        };
        set().map_err(fail)
    }

    fn finish_folder(
        &self,
        at: &mut Beneath<'_>,
        path: &TreePath,
        entry: &Entry,
    ) -> Result<Vec<Loss>, MaterialiseError> {
        let folder = at.folder_to_change(path).map_err(self.fail("open the folder", path))?;
        self.metadata(&folder, entry).map_err(self.fail("set the owner, mode and time of", path))
    }

    /// Sets all that an open file or folder has beside its content.
    fn metadata(&self, file: impl AsFd, entry: &Entry) -> Result<Vec<Loss>, Errno> {
        let file = file.as_fd();
        let mut losses = Vec::new();
        let is_owned = self.owner(entry, |uid, gid| rustix::fs::fchown(file, uid, gid))?;
        if !is_owned {
            losses.push(Loss::Owner);
        }
        // In this order: a change of owner clears setuid bits and capabilities.
        rustix::fs::fchmod(file, beneath::mode(self.mode(entry, is_owned)))?;
        if !beneath::set_xattrs(file, &entry.xattrs)? {
            losses.push(Loss::Xattr);
        }
        beneath::set_time(file, self.options.time(entry))?;
        Ok(losses)
    }

    /// Sets the owner; false where the system does not allow it.
    fn owner(
        &self,
        entry: &Entry,
        chown: impl FnOnce(Option<Uid>, Option<Gid>) -> Result<(), Errno>,
    ) -> Result<bool, Errno> {
        if !self.user.is_root() {
            return Ok((entry.uid, entry.gid) == (self.user.as_raw(), self.group.as_raw()));
        }
        match chown(Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid))) {
            Ok(()) => Ok(true),
            // In a user namespace: an id that is not mapped.
            Err(Errno::PERM | Errno::INVAL) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Without its owner, a setuid program would run as the user who made it.
    fn mode(&self, entry: &Entry, is_owned: bool) -> u16 {
        if is_owned || entry.is_dir() { entry.mode } else { entry.mode & 0o1777 }
    }

    /// Clears the way for something that is no folder.
    fn make_room(&self, at: &mut Beneath<'_>, path: &TreePath) -> Result<(), MaterialiseError> {
        if !self.options.over_existing {
            return Ok(());
        }
        let (parent, name) = at.parent(path).map_err(self.fail("open the folder of", path))?;
        match beneath::unlink(parent, name) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(self.fail("replace", path)(e)),
        }
    }
}

#[cfg(test)]
mod tests;
